/* Program files that must be refused, one broken field at a time, and what is said about each. */
#include "elf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gtest_shim.h"

enum { SIZE = 0x1100 };
#define DRAM (UINT64_C(16) << 20)

struct image {
    Elf32_Ehdr h;
    Elf32_Phdr p[2];
    char rest[SIZE];
};

static struct image good(void)
{
    struct image f = {
        .h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
              .e_type = ET_EXEC,
              .e_machine = EM_386,
              .e_version = 1,
              .e_entry = 0x8048100,
              .e_phoff = sizeof(Elf32_Ehdr),
              .e_ehsize = sizeof(Elf32_Ehdr),
              .e_phentsize = sizeof(Elf32_Phdr),
              .e_phnum = 2},
        .p = {{.p_type = PT_LOAD, .p_vaddr = 0x8048000, .p_filesz = SIZE, .p_memsz = 0x2000, .p_flags = PF_R | PF_X},
              {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W}},
    };
    return f;
}

static struct elf result;
static char err[512];

static const char *check(const void *bytes, size_t size)
{
    int fd = memfd_create("elf", 0);
    EXPECT(write(fd, bytes, size) == (ssize_t)size);
    err[0] = 0;
    bool ok = elf_read(&result, fd, DRAM, err, sizeof err);
    EXPECT(ok == (err[0] == 0));
    EXPECT(!strchr(err, '\n'));
    close(fd);
    return err;
}

static void expect(const struct image *f, const char *wanted)
{
    const char *said = check(f, sizeof *f);
    EXPECT_MSG(strstr(said, wanted) && (wanted[0] || !said[0]), "\"%s\" instead of \"%s\"", said, wanted);
}

#define BROKEN(wanted, ...)      \
    do {                         \
        struct image f = good(); \
        __VA_ARGS__;             \
        expect(&f, wanted);      \
    } while (0)

TEST_CASE(sim_elf, good_one)
{
    struct image f = good();
    expect(&f, "");
    EXPECT_EQ_U64(result.start, 0x8048000);
    EXPECT_EQ_U64(result.end, 0x804a000);
    EXPECT_EQ_U64(result.phdr_addr, 0x8048000 + sizeof(Elf32_Ehdr));
    EXPECT(result.has_stack_note && !result.exec_stack);
}

TEST_CASE(sim_elf, wrong_kind)
{
    BROKEN("not an ELF file (starts with 23 21 2f 62); an i386 or x86-64 Linux program", memcpy(&f, "#!/bin/sh", 9));
    BROKEN("an ELF file for AArch64 (machine 183)", f.h.e_ident[EI_CLASS] = ELFCLASS64; f.h.e_machine = EM_AARCH64);
    BROKEN("an ELF file of the wrong class for x86-64 (machine 62)", f.h.e_machine = EM_X86_64);
    BROKEN("an ELF file of the wrong class for i386 (machine 3)", f.h.e_ident[EI_CLASS] = ELFCLASS64);
    BROKEN("big-endian", f.h.e_ident[EI_DATA] = ELFDATA2MSB);
    BROKEN("an ELF file for ARM (machine 40)", f.h.e_machine = EM_ARM);
    BROKEN("an ELF file for another machine (machine 4711)", f.h.e_machine = 4711);
    BROKEN("another system (OS/ABI 9)", f.h.e_ident[EI_OSABI] = ELFOSABI_FREEBSD);
    BROKEN("an object file; link it", f.h.e_type = ET_REL);
    BROKEN("a core dump", f.h.e_type = ET_CORE);
}

static void give_interpreter(struct image *f, const char *name, unsigned size)
{
    f->p[1] = (Elf32_Phdr){.p_type = PT_INTERP, .p_offset = sizeof *f - SIZE, .p_filesz = size};
    memcpy(f->rest, name, size);
}

TEST_CASE(sim_elf, dynamic)
{
    BROKEN("", f.h.e_type = ET_DYN; f.p[0].p_vaddr = 0; f.h.e_entry = 0x100);
    BROKEN("begins at 0 and has 0xb0000000 bytes, programs must end below", f.h.e_type = ET_DYN; f.p[0].p_vaddr = 0;
           f.p[0].p_memsz = 0xb0000000);
    BROKEN("", give_interpreter(&f, "/lib/ld-linux.so.2", 19));
    EXPECT_STR(result.interpreter, "/lib/ld-linux.so.2");
    BROKEN("name of its interpreter is no text", give_interpreter(&f, "/lib/ld-linux.so.2", 18));
    BROKEN("name of its interpreter is no text", give_interpreter(&f, "", 1));
    BROKEN("name of its interpreter is empty", give_interpreter(&f, "\0", 2));
    BROKEN("name of its interpreter is no text", give_interpreter(&f, "/lib", 5); f.p[1].p_filesz = 257);
    BROKEN("name of its interpreter is no text", give_interpreter(&f, "/lib", 5); f.p[1].p_offset = 0xfffffff0);
}

TEST_CASE(sim_elf, corrupt)
{
    BROKEN("corrupt ELF header (class 7", f.h.e_ident[EI_CLASS] = 7);
    BROKEN("corrupt ELF header (type 77)", f.h.e_type = 77);
    BROKEN("corrupt: 0 program headers", f.h.e_phnum = 0);
    BROKEN("corrupt: 2 program headers of 31 bytes", f.h.e_phentsize = 31);
    BROKEN("corrupt: 65535 program headers", f.h.e_phnum = 65535);
    BROKEN("truncated: 64 bytes of program headers at byte 4294967", f.h.e_phoff = 0xfffffff0);
    BROKEN("corrupt: segment 0 has 4352 bytes in the file but 4351", f.p[0].p_memsz = SIZE - 1);
    BROKEN("truncated: segment 0 needs", f.p[0].p_filesz = f.p[0].p_memsz = 0x20000000);
    BROKEN("differ within a page", f.p[0].p_vaddr += 4);
    BROKEN("Linux maps nothing below 0x10000", f.p[0].p_vaddr = 0x1000);
    BROKEN("does not fit: segment 0 begins at", f.p[0].p_vaddr = 0xfffff000);
    BROKEN("does not fit: segment 0 begins at", f.p[0].p_memsz = 0xfff00000);
    BROKEN("does not fit: the image needs 33 MiB, guest memory has 16; raise memory.dram_mib", f.p[0].p_memsz = 32 << 20);
    BROKEN("the entry point 0 lies outside", f.h.e_entry = 0);
    BROKEN("no segment is loaded", f.p[0].p_type = PT_NOTE);
}

TEST_CASE(sim_elf, every_length)
{
    struct image f = good();
    f.p[0].p_memsz = f.p[0].p_filesz = sizeof f;
    for (size_t n = 0; n < sizeof f; n += n < 200 ? 1 : 97) {
        const char *said = check(&f, n);
        const char *wanted = n == 0 ? "empty" : n < SELFMAG ? "" : "truncated";
        EXPECT_MSG(said[0] && strstr(said, wanted), "%zu bytes: \"%s\"", n, said);
    }
    EXPECT_STR(check(&f, sizeof f), "");
}

/* No field may be trusted: whatever the bytes are, there is an answer. */
TEST_CASE(sim_elf, random_damage)
{
    unsigned taken = 0;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        struct image f = good();
        for (int k = 0; k < 1 + i % 4; k++)
            ((uint8_t *)&f)[(unsigned)rand() % (sizeof f - SIZE)] = (uint8_t)rand();
        int fd = memfd_create("elf", 0);
        EXPECT(write(fd, &f, sizeof f) == (ssize_t)sizeof f);
        taken += elf_read(&result, fd, DRAM, err, sizeof err);
        close(fd);
    }
    EXPECT(taken > 100 && taken < 19900);
}
