/* The kernel and its first process: creation, end, and what is reported about the run. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_times.h"
#include "linux.h"

/* The guest has written to a file through a mapping. */
static void wrote(void *arg, int host) { times_changed(arg, host, TIME_WRITTEN); }

static bool open_root(struct linux_kernel *k, const char *root)
{
    k->root_fd = open(root ? root : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (k->root_fd < 0)
        return false;
    ssize_t n = readlink(path_link(k->root_fd).text, k->root_path, sizeof k->root_path - 1);
    return n >= 0;
}

/* The folder that the first process is in: the host's current one where the guest sees it, else its root. */
static int first_folder(const struct linux_kernel *k)
{
    char path[LINUX_PATH];
    int fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : readlink(path_link(fd).text, path, sizeof path - 1);
    if (n >= 0) {
        path[n] = 0;
        if (path_inside(path, k->root_path))
            return fd;
    }
    if (fd >= 0)
        close(fd);
    return fcntl(k->root_fd, F_DUPFD_CLOEXEC, 3);
}

static struct linux_files *first_files(struct linux_kernel *k)
{
    struct linux_files *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->refs = 1;
    f->cwd_fd = first_folder(k);
    f->umask = umask(0);
    umask(f->umask);
    for (int fd = 0; fd < 3; fd++) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        struct linux_file *file = copy < 0 ? NULL : calloc(1, sizeof *file);
        if (!file)
            continue; /* a descriptor that the host has closed is closed in the guest too */
        *file = (struct linux_file){.refs = 1, .kind = FD_HOST, .host = copy, .outside = outside_is(copy)};
        f->fd[fd].file = file;
    }
    return f;
}

/* As many descriptors as the host grants, and some of them kept for the simulator's own needs. */
static int host_descriptors(void)
{
    enum { OWN = 64, ENOUGH = 1 << 20 };
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r))
        return INT32_MAX;
    r.rlim_cur = r.rlim_max < ENOUGH ? r.rlim_max : r.rlim_cur < ENOUGH ? ENOUGH : r.rlim_cur;
    if (setrlimit(RLIMIT_NOFILE, &r) && getrlimit(RLIMIT_NOFILE, &r))
        return INT32_MAX;
    return r.rlim_cur > INT32_MAX ? INT32_MAX : r.rlim_cur > OWN ? (int)r.rlim_cur - OWN : 1;
}

bool linux_init(struct linux_kernel *k, struct mm *mm, struct guest_cpu *cpu, const char *root, bool trusted, char *err,
                size_t err_size)
{
    memset(k, 0, sizeof *k);
    k->cpu = cpu;
    mm->pool->wrote = wrote;
    mm->pool->wrote_arg = k;
    k->random_state = 0x53454c4b49524bu; /* any fixed number: runs repeat */
    k->epoch = LINUX_EPOCH;
    k->confined = root != NULL;
    k->trusted = trusted && !root;
    k->slice_end = UINT64_MAX;
    k->next_pid = LINUX_PID;
    k->max_tasks = LINUX_TASKS;
    k->max_fds = LINUX_FDS;
    k->host_fds = host_descriptors();
    if (!open_root(k, root)) {
        snprintf(err, err_size, "%s: %s", root ? root : "current directory", strerror(errno));
        return false;
    }
    if (!path_works(k)) {
        snprintf(err, err_size,
                 "the host's kernel has no openat2 (Linux 5.6), by which the guest is kept in its folder; a guest"
                 " that is trusted runs with --sandbox=off and without --root");
        return false;
    }
    struct linux_process *p = task_make(k, NULL);
    struct linux_group *g = calloc(1, sizeof *g);
    struct linux_space *space = space_new(mm_ref(mm));
    struct linux_files *files = first_files(k);
    if (!p || !g || !space || !files) {
        snprintf(err, err_size, "out of memory");
        free(g);
        space_drop(space);
        files_drop(files);
        return false;
    }
    k->groups = k->first = g;
    g->pid = g->pgid = g->sid = p->tid;
    g->threads = 1;
    p->group = g;
    p->space = space;
    p->mm = space->mm;
    p->files = files;
    p->altstack.flags = 2; /* SS_DISABLE */
    k->current = p;
    return true;
}

void linux_free(struct linux_kernel *k)
{
    ipc_free(k);
    shm_free(k);
    times_free(k);
    while (k->tasks) {
        struct linux_process *p = k->tasks;
        k->tasks = p->next;
        linux_call_forget(p);
        linux_unqueue(&p->pending, UINT64_MAX);
        files_drop(p->files);
        space_drop(p->space);
        free(p);
    }
    while (k->groups) {
        struct linux_group *g = k->groups;
        k->groups = g->next;
        timer_drop_group(k, g);
        lock_drop(k, g, -1);
        linux_unqueue(&g->pending, UINT64_MAX);
        free(g);
    }
    parcel_drop_all(k);
    if (k->root_fd >= 0)
        close(k->root_fd);
    k->root_fd = -1;
    free(k->outside);
    k->outside = NULL;
}

void linux_report_missing(const struct linux_kernel *k, FILE *out)
{
    for (unsigned i = 0; i < sizeof k->missing / sizeof **k->missing; i++) {
        bool wide = i >= sizeof k->missing[0] / sizeof **k->missing;
        unsigned number = wide ? i - (unsigned)(sizeof k->missing[0] / sizeof **k->missing) : i, n = k->missing[wide][number];
        const char *name = linux_syscall_name(number, wide);
        if (n)
            fprintf(out, "selkirk: system call %u (%s) is not implemented; refused %u time%s\n", number,
                    name ? name : "unknown", n, n == 1 ? "" : "s");
    }
    if (k->exec_refused)
        fprintf(out, "selkirk: %u program%s could not be executed; the first is %s\n", k->exec_refused,
                k->exec_refused == 1 ? "" : "s", k->exec_text);
}

uint64_t linux_random(struct linux_process *p)
{
    /* splitmix64 */
    uint64_t z = p->k->random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
