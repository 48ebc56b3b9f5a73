/* Between exec.c, load.c and stack.c. */
#pragma once
#include "linux.h"

struct program {
    uint64_t phdr, phnum, entry;
    uint64_t interpreter_base; /* 0: none */
    bool exec_stack;
};

/* Loads into p->space, which is empty, and sets p->cpu; fd stays the caller's. 0 or a negative error number. */
int load_program(struct linux_process *p, int fd, const char *path, char *const argv[], char *const envp[], char *err,
                 size_t err_size);
/* The first stack, with what it says about the program. */
bool load_stack(struct linux_process *p, const struct program *g, const char *name, char *const argv[], char *const envp[],
                char *err, size_t err_size);
