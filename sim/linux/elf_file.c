/* Checks of a guest program's ELF headers. Nothing of them is trusted: each field is checked before it is used. */
#include "elf_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux.h"

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
        {EM_SPARC, "SPARC"},      {EM_68K, "68000"},    {EM_MIPS, "MIPS"}, {EM_PPC, "PowerPC"},
        {EM_PPC64, "PowerPC 64"}, {EM_S390, "S/390"},   {EM_ARM, "ARM"},   {EM_X86_64, "x86-64"},
        {EM_AARCH64, "AArch64"},  {EM_RISCV, "RISC-V"}, {EM_386, "i386"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == machine)
            return names[i].name;
    return "another machine";
}

static bool check_ident(struct reader *r, const unsigned char *id, unsigned machine)
{
    if (memcmp(id, ELFMAG, SELFMAG) != 0)
        return refuse(r, "not an ELF file (starts with %02x %02x %02x %02x); an i386 or x86-64 Linux program is wanted", id[0],
                      id[1], id[2], id[3]);
    if ((id[EI_CLASS] != ELFCLASS32 && id[EI_CLASS] != ELFCLASS64) || id[EI_VERSION] != EV_CURRENT)
        return refuse(r, "a corrupt ELF header (class %u, version %u)", id[EI_CLASS], id[EI_VERSION]);
    if (id[EI_DATA] != ELFDATA2LSB)
        return refuse(r, "an ELF file for a big-endian machine; an i386 or x86-64 Linux program is wanted");
    if (machine != (id[EI_CLASS] == ELFCLASS64 ? EM_X86_64 : EM_386)) {
        const char *bits = machine == EM_386 || machine == EM_X86_64 ? "of the wrong class " : "";
        return refuse(r, "an ELF file %sfor %s (machine %u); an i386 or x86-64 Linux program is wanted", bits,
                      machine_name(machine), machine);
    }
    if (id[EI_OSABI] != ELFOSABI_NONE && id[EI_OSABI] != ELFOSABI_GNU)
        return refuse(r, "an ELF file for another system (OS/ABI %u); an i386 or x86-64 Linux program is wanted", id[EI_OSABI]);
    return true;
}

static bool check_type(struct reader *r, const Elf64_Ehdr *h)
{
    switch (h->e_type) {
    case ET_EXEC:
    case ET_DYN: return true;
    case ET_REL: return refuse(r, "an object file; link it with gcc");
    case ET_CORE: return refuse(r, "a core dump; an i386 or x86-64 Linux program is wanted");
    default: return refuse(r, "a corrupt ELF header (type %u)", h->e_type);
    }
}

#define LL(x) ((unsigned long long)(x))

/* Position-independent images begin at 0 and are moved to where there is room. */
static bool check_load(struct reader *r, unsigned i, const Elf64_Phdr *p, uint64_t lowest, uint64_t limit)
{
    if (p->p_filesz > p->p_memsz)
        return refuse(r, "corrupt: segment %u has %llu bytes in the file but %llu in memory", i, LL(p->p_filesz),
                      LL(p->p_memsz));
    if (p->p_offset > r->size || p->p_filesz > r->size - p->p_offset)
        return refuse(r, "truncated: segment %u needs %llu bytes of file from byte %llu on, which has %llu", i, LL(p->p_filesz),
                      LL(p->p_offset), LL(r->size));
    if (p->p_vaddr % PAGE != p->p_offset % PAGE)
        return refuse(r, "corrupt: segment %u at %#llx and file offset %#llx differ within a page", i, LL(p->p_vaddr),
                      LL(p->p_offset));
    if (p->p_vaddr < lowest)
        return refuse(r, "segment %u lies at %#llx; Linux maps nothing below %#llx", i, LL(p->p_vaddr), LL(lowest));
    if (p->p_vaddr > limit || p->p_memsz > limit - p->p_vaddr)
        return refuse(r, "does not fit: segment %u begins at %#llx and has %#llx bytes, programs must end below %#llx", i,
                      LL(p->p_vaddr), LL(p->p_memsz), LL(limit));
    return true;
}

static bool read_interpreter(struct reader *r, struct elf *e, const Elf64_Phdr *p)
{
    char *name = e->interpreter;
    if (p->p_filesz < 2 || p->p_filesz > sizeof e->interpreter || p->p_offset > r->size ||
        pread(r->fd, name, p->p_filesz, (off_t)p->p_offset) != (ssize_t)p->p_filesz || name[p->p_filesz - 1])
        return refuse(r, "corrupt: the name of its interpreter is no text of 1 to %zu bytes", sizeof e->interpreter - 1);
    if (!name[0])
        return refuse(r, "corrupt: the name of its interpreter is empty");
    return true;
}

static bool check_segments(struct reader *r, struct elf *e, uint64_t dram)
{
    const struct linux_layout *l = &linux_layouts[e->wide];
    uint64_t memory = 0, limit = l->stack_top - LINUX_STACK_SIZE;
    bool moves = e->header.e_type == ET_DYN;
    e->start = UINT64_MAX;
    for (unsigned i = 0; i < e->header.e_phnum; i++) {
        const Elf64_Phdr *p = &e->segment[i];
        if (p->p_type == PT_GNU_STACK) {
            e->has_stack_note = true;
            e->exec_stack = p->p_flags & PF_X;
        }
        if (p->p_type == PT_INTERP && !e->interpreter[0] && !read_interpreter(r, e, p))
            return false;
        if (p->p_type != PT_LOAD || !p->p_memsz)
            continue;
        if (!check_load(r, i, p, moves ? 0 : LOWEST, moves ? limit - l->pie_base : limit))
            return false;
        memory += p->p_memsz; /* cannot overflow: each is below 2^47 */
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
                      LL(memory >> 20) + 1, LL(dram >> 20));
    if (e->header.e_entry < e->start || e->header.e_entry >= e->end)
        return refuse(r, "corrupt: the entry point %#llx lies outside the image", LL(e->header.e_entry));
    return true;
}

static Elf64_Ehdr widen_header(const Elf32_Ehdr *h)
{
    Elf64_Ehdr w = {.e_type = h->e_type,
                    .e_machine = h->e_machine,
                    .e_version = h->e_version,
                    .e_entry = h->e_entry,
                    .e_phoff = h->e_phoff,
                    .e_flags = h->e_flags,
                    .e_phentsize = h->e_phentsize,
                    .e_phnum = h->e_phnum};
    memcpy(w.e_ident, h->e_ident, sizeof w.e_ident);
    return w;
}

static Elf64_Phdr widen_segment(const Elf32_Phdr *p)
{
    return (Elf64_Phdr){.p_type = p->p_type,
                        .p_flags = p->p_flags,
                        .p_offset = p->p_offset,
                        .p_vaddr = p->p_vaddr,
                        .p_paddr = p->p_paddr,
                        .p_filesz = p->p_filesz,
                        .p_memsz = p->p_memsz,
                        .p_align = p->p_align};
}

static bool read_segments(struct reader *r, struct elf *e)
{
    const Elf64_Ehdr *h = &e->header;
    Elf32_Phdr narrow[ELF_SEGMENTS];
    size_t entry = e->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
    if (h->e_phentsize != entry || !h->e_phnum || h->e_phnum > ELF_SEGMENTS)
        return refuse(r, "corrupt: %u program headers of %u bytes; 1 to %d of %zu are possible", h->e_phnum, h->e_phentsize,
                      ELF_SEGMENTS, entry);
    size_t bytes = h->e_phnum * entry;
    if (h->e_phoff > r->size || bytes > r->size - h->e_phoff ||
        pread(r->fd, e->wide ? (void *)e->segment : narrow, bytes, (off_t)h->e_phoff) != (ssize_t)bytes)
        return refuse(r, "truncated: %zu bytes of program headers at byte %llu of %llu", bytes, LL(h->e_phoff), LL(r->size));
    for (unsigned i = 0; !e->wide && i < h->e_phnum; i++)
        e->segment[i] = widen_segment(&narrow[i]);
    return true;
}

/* The header, in either class. */
static bool read_header(struct reader *r, struct elf *e)
{
    union {
        Elf32_Ehdr narrow;
        Elf64_Ehdr wide;
    } h;
    memset(&h, 0, sizeof h);
    ssize_t got = pread(r->fd, &h, sizeof h, 0);
    if (got < 0)
        return refuse(r, "%s", strerror(errno));
    const unsigned char *id = h.narrow.e_ident;
    e->wide = got > EI_CLASS && id[EI_CLASS] == ELFCLASS64;
    size_t size = e->wide ? sizeof h.wide : sizeof h.narrow;
    if (got < (ssize_t)size && (got < SELFMAG || !memcmp(id, ELFMAG, SELFMAG)))
        return refuse(r, "truncated: %zd bytes are less than an ELF header", got);
    /* e_machine lies at the same place in both classes. */
    if (!check_ident(r, id, h.narrow.e_machine))
        return false;
    e->header = e->wide ? h.wide : widen_header(&h.narrow);
    return true;
}

bool elf_read(struct elf *e, int fd, uint64_t dram, char *err, size_t err_size)
{
    struct reader r = {fd, 0, err, err_size};
    struct stat st;
    memset(e, 0, sizeof *e);
    if (fstat(fd, &st))
        return refuse(&r, "%s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return refuse(&r, "a directory; an i386 or x86-64 Linux program is wanted");
    if (!S_ISREG(st.st_mode))
        return refuse(&r, "no regular file; an i386 or x86-64 Linux program is wanted");
    r.size = (uint64_t)st.st_size;
    if (!r.size)
        return refuse(&r, "empty; an i386 or x86-64 Linux program is wanted");
    return read_header(&r, e) && check_type(&r, &e->header) && read_segments(&r, e) && check_segments(&r, e, dram);
}
