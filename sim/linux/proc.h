/* /proc: its texts (proc_text.c) and its names (proc.c). */
#pragma once
#include "linux.h"

struct proc_entry {
    const char *name; /* below /proc; a process's own begin with self/; NULL ends the list */
    void (*print)(struct linux_process *p, FILE *out);
    const char *text; /* where print is NULL */
};

/* ipc_shm.c, ipc_sem.c, ipc_msg.c */
void proc_sysvipc_shm(struct linux_process *p, FILE *out);
void proc_sysvipc_sem(struct linux_process *p, FILE *out);
void proc_sysvipc_msg(struct linux_process *p, FILE *out);

extern const struct proc_entry proc_entries[];
