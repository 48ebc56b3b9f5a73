/* Finds the firmware image and puts it into hidden memory. */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "duke_isa.h"
#include "machine.h"

void firmware_path(const struct selkirk_config *cfg, char *path, size_t size)
{
    const char *env = getenv("SELKIRK_FIRMWARE");
    if (cfg->firmware[0]) {
        snprintf(path, size, "%s", cfg->firmware);
        return;
    }
    if (env && env[0]) {
        snprintf(path, size, "%s", env);
        return;
    }
    char exe[2048];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = 0;
    /* bin/selkirk and firmware/morph.elf lie side by side in the build folder. */
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');
        if (slash)
            *slash = 0;
    }
    snprintf(path, size, "%s/firmware/morph.elf", exe);
}

static bool fail(char *err, size_t err_size, const char *path, const char *why)
{
    snprintf(err, err_size, "firmware %s: %s", path, why);
    return false;
}

enum { PART = 4096 }; /* bytes moved at once */

bool firmware_fits(const struct selkirk_config *cfg, char *err, size_t err_size)
{
    const char *env = getenv("SELKIRK_FIRMWARE");
    bool own = !cfg->firmware[0] && !(env && env[0]);
    if (!own || !duke_machine_find(cfg->machine) || !strcmp(cfg->machine, DUKE_MACHINE.name))
        return true;
    snprintf(err, err_size,
             "machine \"%s\": the firmware built here is for machine \"%s\"; configure with -DSELKIRK_MACHINE=%s", cfg->machine,
             DUKE_MACHINE.name, cfg->machine);
    return false;
}

static bool load_segments(struct selkirk *m, FILE *f, const char *path, const Elf64_Ehdr *eh, char *err, size_t err_size)
{
    static const char truncated[] = "truncated; build it again (target firmware)";
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        Elf64_Phdr ph;
        if (fseeko(f, (off_t)(eh->e_phoff + (uint64_t)i * sizeof ph), SEEK_SET) || fread(&ph, sizeof ph, 1, f) != 1)
            return fail(err, err_size, path, truncated);
        if (ph.p_type != PT_LOAD || !ph.p_memsz)
            continue;
        uint64_t end = ENGINE_HIDDEN_BASE + m->cfg.hidden_mib * 0x100000;
        if (ph.p_paddr < ENGINE_RESET_PC || ph.p_memsz > end - ENGINE_RESET_PC || ph.p_paddr > end - ph.p_memsz)
            return fail(err, err_size, path, "a segment lies outside hidden memory; raise memory.hidden_mib");
        if (ph.p_filesz > ph.p_memsz)
            return fail(err, err_size, path, "a segment's file size is larger than its memory size");
        if (ph.p_paddr + ph.p_memsz > m->firmware_end)
            m->firmware_end = (uint32_t)(ph.p_paddr + ph.p_memsz);
        if (fseeko(f, (off_t)ph.p_offset, SEEK_SET))
            return fail(err, err_size, path, truncated);
        for (uint64_t at = 0; at < ph.p_memsz; at += PART) { /* beyond the file's bytes lie zeros */
            uint8_t bytes[PART] = {0};
            uint64_t in_file = at < ph.p_filesz ? ph.p_filesz - at : 0;
            size_t from_file = in_file < PART ? in_file : PART, size = ph.p_memsz - at < PART ? ph.p_memsz - at : PART;
            if (fread(bytes, 1, from_file, f) != from_file)
                return fail(err, err_size, path, truncated);
            if (!m->engine->ops->dma_write(m->engine, (uint32_t)(ph.p_paddr + at), bytes, size))
                return fail(err, err_size, path, "the engine refuses the segment's addresses");
        }
    }
    return true;
}

bool firmware_load(struct selkirk *m, const char *path, char *err, size_t err_size)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        snprintf(err, err_size, "firmware %s: %s; build it (target firmware) or name one with --firmware", path,
                 strerror(errno));
        return false;
    }
    Elf64_Ehdr eh;
    bool ok = false;
    if (fread(&eh, sizeof eh, 1, f) != 1 || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
        fail(err, err_size, path, "no ELF file; an ELF64 image for Duke is wanted");
    else if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != ELFDATA2LSB || eh.e_type != ET_EXEC)
        fail(err, err_size, path, "not a little-endian ELF64 executable; an image for Duke is wanted");
    else if (eh.e_entry != ENGINE_RESET_PC)
        fail(err, err_size, path, "its entry is not 0x40010000; link it with firmware/morph.ld");
    else if (eh.e_phentsize != sizeof(Elf64_Phdr))
        fail(err, err_size, path, "corrupt program headers");
    else
        ok = load_segments(m, f, path, &eh, err, err_size);
    fclose(f);
    return ok;
}
