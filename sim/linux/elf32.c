/* Checks of a guest program's ELF headers. Nothing of them is trusted: each field is checked before it is used. */
#include "elf32.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, LOWEST = 0x10000 };

struct reader {
    int fd;
    uint64_t size;
    char *err;
    size_t err_size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->err, r->err_size, format, args);
    va_end(args);
    return false;
}

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned number;
        const char *name;
    } names[] = {
        {EM_SPARC, "SPARC"}, {EM_68K, "68000"}, {EM_MIPS, "MIPS"},     {EM_PPC, "PowerPC"},     {EM_PPC64, "PowerPC 64"},
        {EM_S390, "S/390"},  {EM_ARM, "ARM"},   {EM_X86_64, "x86-64"}, {EM_AARCH64, "AArch64"}, {EM_RISCV, "RISC-V"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == machine)
            return names[i].name;
    return "another machine";
}

static bool check_ident(struct reader *r, const Elf32_Ehdr *h)
{
    const unsigned char *id = h->e_ident;
    if (memcmp(id, ELFMAG, SELFMAG))
        return refuse(r, "not an ELF file (starts with %02x %02x %02x %02x); an i386 Linux program is wanted", id[0], id[1],
                      id[2], id[3]);
    /* e_machine lies at the same place in both classes. */
    if (id[EI_CLASS] == ELFCLASS64)
        return refuse(r, "a 64-bit ELF file for %s; an i386 Linux program is wanted (gcc -m32)",
                      id[EI_DATA] == ELFDATA2LSB ? machine_name(h->e_machine) : "a big-endian machine");
    if (id[EI_CLASS] != ELFCLASS32 || id[EI_VERSION] != EV_CURRENT)
        return refuse(r, "a corrupt ELF header (class %u, version %u)", id[EI_CLASS], id[EI_VERSION]);
    if (id[EI_DATA] != ELFDATA2LSB)
        return refuse(r, "an ELF file for a big-endian machine; an i386 Linux program is wanted");
    if (h->e_machine != EM_386)
        return refuse(r, "an ELF file for %s (machine %u); an i386 Linux program is wanted", machine_name(h->e_machine),
                      h->e_machine);
    if (id[EI_OSABI] != ELFOSABI_NONE && id[EI_OSABI] != ELFOSABI_GNU)
        return refuse(r, "an ELF file for another system (OS/ABI %u); an i386 Linux program is wanted", id[EI_OSABI]);
    return true;
}

static bool check_type(struct reader *r, const Elf32_Ehdr *h)
{
    switch (h->e_type) {
    case ET_EXEC:
    case ET_DYN: return true;
    case ET_REL: return refuse(r, "an object file; link it with gcc -m32");
    case ET_CORE: return refuse(r, "a core dump; an i386 Linux program is wanted");
    default: return refuse(r, "a corrupt ELF header (type %u)", h->e_type);
    }
}

/* Position-independent images begin at 0 and are moved to where there is room. */
static bool check_load(struct reader *r, unsigned i, const Elf32_Phdr *p, uint32_t lowest, uint32_t limit)
{
    uint64_t end = (uint64_t)p->p_vaddr + p->p_memsz;
    if (p->p_filesz > p->p_memsz)
        return refuse(r, "corrupt: segment %u has %u bytes in the file but %u in memory", i, p->p_filesz, p->p_memsz);
    if ((uint64_t)p->p_offset + p->p_filesz > r->size)
        return refuse(r, "truncated: segment %u needs %llu bytes of file, which has %llu", i,
                      (unsigned long long)p->p_offset + p->p_filesz, (unsigned long long)r->size);
    if (p->p_vaddr % PAGE != p->p_offset % PAGE)
        return refuse(r, "corrupt: segment %u at %#x and file offset %#x differ within a page", i, p->p_vaddr, p->p_offset);
    if (p->p_vaddr < lowest)
        return refuse(r, "segment %u lies at %#x; Linux maps nothing below %#x", i, p->p_vaddr, lowest);
    if (end > limit)
        return refuse(r, "does not fit: segment %u ends at %#llx, programs must end below %#x", i, (unsigned long long)end,
                      limit);
    return true;
}

static bool read_interpreter(struct reader *r, struct elf32 *e, const Elf32_Phdr *p)
{
    char *name = e->interpreter;
    if (p->p_filesz < 2 || p->p_filesz > sizeof e->interpreter ||
        pread(r->fd, name, p->p_filesz, p->p_offset) != (ssize_t)p->p_filesz || name[p->p_filesz - 1])
        return refuse(r, "corrupt: the name of its interpreter is no text of 1 to %zu bytes", sizeof e->interpreter - 1);
    if (!name[0])
        return refuse(r, "corrupt: the name of its interpreter is empty");
    return true;
}

static bool check_segments(struct reader *r, struct elf32 *e, uint32_t limit, uint64_t dram)
{
    uint64_t memory = 0;
    bool moves = e->header.e_type == ET_DYN;
    e->start = UINT32_MAX;
    for (unsigned i = 0; i < e->header.e_phnum; i++) {
        const Elf32_Phdr *p = &e->segment[i];
        if (p->p_type == PT_GNU_STACK) {
            e->has_stack_note = true;
            e->exec_stack = p->p_flags & PF_X;
        }
        if (p->p_type == PT_INTERP && !e->interpreter[0] && !read_interpreter(r, e, p))
            return false;
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        if (!check_load(r, i, p, moves ? 0 : LOWEST, moves ? limit - ELF32_PIE_BASE : limit))
            return false;
        memory += p->p_memsz;
        if (p->p_vaddr < e->start)
            e->start = p->p_vaddr;
        if (p->p_vaddr + p->p_memsz > e->end)
            e->end = p->p_vaddr + p->p_memsz;
        if (e->header.e_phoff >= p->p_offset && e->header.e_phoff - p->p_offset < p->p_filesz)
            e->phdr_addr = e->header.e_phoff - p->p_offset + p->p_vaddr;
    }
    if (!memory)
        return refuse(r, "corrupt: no segment is loaded into memory");
    if (memory > dram)
        return refuse(r, "does not fit: the image needs %llu MiB, guest memory has %llu; raise memory.dram_mib",
                      (unsigned long long)(memory >> 20) + 1, (unsigned long long)(dram >> 20));
    if (e->header.e_entry < e->start || e->header.e_entry >= e->end)
        return refuse(r, "corrupt: the entry point %#x lies outside the image", e->header.e_entry);
    return true;
}

bool elf32_read(struct elf32 *e, int fd, uint32_t limit, uint64_t dram, char *err, size_t err_size)
{
    struct reader r = {fd, 0, err, err_size};
    struct stat st;
    memset(e, 0, sizeof *e);
    if (fstat(fd, &st))
        return refuse(&r, "%s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return refuse(&r, "a directory; an i386 Linux program is wanted");
    if (!S_ISREG(st.st_mode))
        return refuse(&r, "no regular file; an i386 Linux program is wanted");
    r.size = (uint64_t)st.st_size;
    if (!r.size)
        return refuse(&r, "empty; an i386 Linux program is wanted");
    Elf32_Ehdr *h = &e->header;
    ssize_t got = pread(fd, h, sizeof *h, 0);
    if (got < 0)
        return refuse(&r, "%s", strerror(errno));
    if (got < (ssize_t)sizeof *h && (got < SELFMAG || !memcmp(h->e_ident, ELFMAG, SELFMAG)))
        return refuse(&r, "truncated: %zd bytes are less than an ELF header", got);
    if (!check_ident(&r, h) || !check_type(&r, h))
        return false;
    if (h->e_phentsize != sizeof(Elf32_Phdr) || !h->e_phnum || h->e_phnum > ELF32_SEGMENTS)
        return refuse(&r, "corrupt: %u program headers of %u bytes; 1 to %d of %zu are possible", h->e_phnum, h->e_phentsize,
                      ELF32_SEGMENTS, sizeof(Elf32_Phdr));
    size_t bytes = h->e_phnum * sizeof(Elf32_Phdr);
    if ((uint64_t)h->e_phoff + bytes > r.size || pread(fd, e->segment, bytes, h->e_phoff) != (ssize_t)bytes)
        return refuse(&r, "truncated: the program headers end at byte %llu of %llu", (unsigned long long)h->e_phoff + bytes,
                      (unsigned long long)r.size);
    return check_segments(&r, e, limit, dram);
}
