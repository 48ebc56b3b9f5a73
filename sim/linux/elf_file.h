/* Reads the headers of a guest program and refuses what cannot run, saying what would be right. */
#pragma once
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ELF_SEGMENTS = 64 };

/* A program of either word size; the headers of 32-bit ones are widened. */
struct elf {
    bool wide; /* 64-bit */
    Elf64_Ehdr header;
    Elf64_Phdr segment[ELF_SEGMENTS];
    uint64_t start, end; /* of all loaded segments; end not rounded */
    uint64_t phdr_addr;  /* where the guest finds the program headers, or 0 */
    bool has_stack_note, exec_stack;
    char interpreter[256]; /* empty: none */
};

/* dram: the bytes of guest memory. */
bool elf_read(struct elf *e, int fd, uint64_t dram, char *err, size_t err_size);
