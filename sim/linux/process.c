/* Creation and end of the guest process, and what is reported about it. */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

bool linux_init(struct linux_process *p, struct mm *mm, struct guest_cpu *cpu, const char *root, char *err, size_t err_size)
{
    memset(p, 0, sizeof *p);
    p->mm = mm;
    p->cpu = cpu;
    p->random_state = 0x53454c4b49524bu; /* any fixed number: runs repeat */
    p->altstack.flags = 2;               /* SS_DISABLE */
    p->exe_fd = -1;
    p->epoch = LINUX_EPOCH;
    p->confined = root != NULL;
    p->root_fd = open(root ? root : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    p->cwd_fd = p->root_fd < 0 ? -1 : fcntl(p->root_fd, F_DUPFD_CLOEXEC, 0);
    char self[40];
    snprintf(self, sizeof self, "/proc/self/fd/%d", p->root_fd);
    ssize_t n = p->cwd_fd < 0 ? -1 : readlink(self, p->root_path, sizeof p->root_path - 1);
    if (n < 0) {
        snprintf(err, err_size, "%s: %s", root ? root : "current directory", strerror(errno));
        linux_free(p);
        return false;
    }
    for (int fd = 0; fd < 3; fd++) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy >= 0) /* a descriptor that the host has closed is closed in the guest too */
            p->fds[fd] = (struct linux_fd){FD_HOST, copy, false, NULL};
    }
    return true;
}

void linux_free(struct linux_process *p)
{
    fd_close_all(p);
    if (p->root_fd >= 0)
        close(p->root_fd);
    if (p->cwd_fd >= 0)
        close(p->cwd_fd);
    if (p->exe_fd >= 0)
        close(p->exe_fd);
    p->root_fd = p->cwd_fd = p->exe_fd = -1;
}

void linux_kill(struct linux_process *p, int signal)
{
    p->end = LINUX_KILLED;
    p->end_value = signal;
}

void linux_report_missing(const struct linux_process *p, FILE *out)
{
    for (unsigned i = 0; i < sizeof p->missing / sizeof *p->missing; i++) {
        const char *name = linux_syscall_name(i);
        if (p->missing[i])
            fprintf(out, "selkirk: system call %u (%s) is not implemented; refused %u time%s\n", i, name ? name : "unknown",
                    p->missing[i], p->missing[i] == 1 ? "" : "s");
    }
}

uint64_t linux_random(struct linux_process *p)
{
    /* splitmix64 */
    uint64_t z = p->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
