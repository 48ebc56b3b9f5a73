/* /proc: its texts (proc_text.c) and its names (proc.c). */
#pragma once
#include "linux.h"

struct proc_entry {
    const char *name; /* below /proc; a process's own begin with self/; NULL ends the list */
    void (*print)(struct linux_process *p, FILE *out);
    const char *text; /* where print is NULL */
};

extern const struct proc_entry proc_entries[];
