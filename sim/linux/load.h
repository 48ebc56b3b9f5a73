/* Between exec.c, load.c and stack.c. */
#pragma once
#include "linux.h"

struct program {
    uint64_t phdr, phnum, entry;
    uint64_t interpreter_base; /* 0: none */
    bool exec_stack;
};

/* Strings of argv or envp. */
struct list {
    char **item; /* ends with NULL */
    size_t n, bytes;
};

enum { LINUX_SCRIPTS = 4 }; /* interpreters that are scripts themselves */

void list_free(struct list *l);
/* Puts a copy in front of item `at`. */
bool list_insert(struct list *l, size_t at, const char *text);
/* If the file is "#! interpreter argument": 1, the interpreter and its argument, which may be missing, come before the script in
 * argv, and path becomes the interpreter's. 0 if it is none, or a negative error number. */
int64_t script_interpreter(int fd, struct list *argv, char path[LINUX_PATH]);
/* Loads into p->space, which is empty, and sets p->cpu; fd stays the caller's. 0 or a negative error number. */
int load_program(struct linux_process *p, int fd, const char *path, char *const argv[], char *const envp[], char *err,
                 size_t err_size);
/* The first stack, with what it says about the program. */
bool load_stack(struct linux_process *p, const struct program *g, const char *name, char *const argv[], char *const envp[],
                char *err, size_t err_size);
