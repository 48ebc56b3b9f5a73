/* Reads the headers of a guest program and refuses what cannot run, saying what would be right. */
#pragma once
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF32_SEGMENTS = 64, ELF32_PIE_BASE = 0x56555000 /* where Linux puts what has no place of its own */ };

struct elf32 {
    Elf32_Ehdr header;
    Elf32_Phdr segment[ELF32_SEGMENTS];
    uint32_t start, end; /* of all loaded segments; end not rounded */
    uint32_t phdr_addr;  /* where the guest finds the program headers, or 0 */
    bool has_stack_note, exec_stack;
    char interpreter[256]; /* empty: none */
};

/* `limit` is the first address that segments may not reach, dram the bytes of guest memory. */
bool elf32_read(struct elf32 *e, int fd, uint32_t limit, uint64_t dram, char *err, size_t err_size);
