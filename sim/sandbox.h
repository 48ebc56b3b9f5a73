/* What the simulator may still do on its host once it runs a guest.
 *
 * linux/path.c and linux/files.c keep the guest in. Should the guest find a mistake in them, or in a decoder or a loader, it
 * meets this second wall: seccomp lets only those system calls through that the personality makes, Landlock only the files
 * that the guest may use anyway. Both hold until the process ends. What the host does not have is left out.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum sandbox_mode {
    SANDBOX_AUTO,    /* what the host has */
    SANDBOX_OFF,     /* for debuggers */
    SANDBOX_REQUIRE, /* all of it, or no run */
};

struct sandbox_plan {
    enum sandbox_mode mode;
    int root_fd;                /* the folder where the guest may write, or O_PATH of it */
    bool confined;              /* and there is nothing else that it may read */
    const char *const *outputs; /* NULL-terminated: files that the simulator itself will write, or folders */
};

/* Puts this process into the sandbox; `report` is one line about what holds. False, with the reason there: a part is missing
 * and the plan requires it. */
bool sandbox_enter(const struct sandbox_plan *plan, char *report, size_t size);
