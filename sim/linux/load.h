/* Between load.c and stack.c: what the first stack says about a program. */
#pragma once
#include "linux.h"

struct program {
    uint32_t phdr, phnum, entry;
    uint32_t interpreter_base; /* 0: none */
    bool exec_stack;
};

bool load_stack(struct linux_process *p, const struct program *g, const char *name, char *const argv[], char *const envp[],
                char *err, size_t err_size);
