/* The entries of /proc that programs read. Each is made when it is looked up, as a file in memory that holds what the entry
 * says at that moment; so stat, open and read need to know nothing of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest_ops.h"
#include "linux.h"

static void print_area(struct linux_process *p, const struct mm_area *a, FILE *out)
{
    char path[LINUX_PATH] = "";
    struct stat st = {0};
    if (a->file && (fstat(a->file->fd, &st) || path_of(p, a->file->fd, path) < 0))
        strcpy(path, "//deleted");
    else if (a->grows_down)
        strcpy(path, "[stack]");
    else if (a->start >= p->space->brk_start && a->start < p->space->brk)
        strcpy(path, "[heap]");
    int n = fprintf(out, "%08llx-%08llx %c%c%cp %08llx %02x:%02x %llu ", (unsigned long long)a->start,
                    (unsigned long long)a->end, a->prot & MM_READ ? 'r' : '-', a->prot & MM_WRITE ? 'w' : '-',
                    a->prot & MM_EXEC ? 'x' : '-', (unsigned long long)(a->file ? a->offset : 0), major(st.st_dev),
                    minor(st.st_dev), (unsigned long long)st.st_ino);
    enum { NAME_AT = 73 };
    fprintf(out, "%*s%s\n", path[0] && n < NAME_AT ? NAME_AT - n : 0, "", path);
}

static void maps(struct linux_process *p, FILE *out)
{
    for (size_t i = 0; i < p->mm->nareas; i++)
        print_area(p, &p->mm->areas[i], out);
}

static void memory(struct linux_process *p, uint64_t from, uint64_t to, FILE *out)
{
    char c;
    for (; from < to && user_get(p, &c, from, 1); from++)
        fputc(c, out);
}

static void cmdline(struct linux_process *p, FILE *out) { memory(p, p->space->arg_start, p->space->arg_end, out); }

static void environment(struct linux_process *p, FILE *out) { memory(p, p->space->arg_end, p->space->env_end, out); }

static void comm(struct linux_process *p, FILE *out) { fprintf(out, "%s\n", p->comm); }

static uint64_t mapped_bytes(const struct linux_process *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < p->mm->nareas; i++)
        n += p->mm->areas[i].end - p->mm->areas[i].start;
    return n;
}

static void status(struct linux_process *p, FILE *out)
{
    fprintf(out, "Name:\t%s\nUmask:\t0022\nState:\tR (running)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
            p->comm, p->group->pid, p->tid, p->group->parent ? p->group->parent->pid : 1);
    fprintf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%d\n", getuid(), geteuid(), geteuid(), geteuid(),
            getgid(), getegid(), getegid(), getegid(), LINUX_FDS);
    fprintf(out, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\nThreads:\t%u\nSigPnd:\t%016llx\nSigBlk:\t%016llx\n",
            (unsigned long long)mapped_bytes(p) >> 10, (unsigned long long)p->mm->pool->frames_used * (MM_PAGE >> 10),
            p->group->threads, (unsigned long long)(p->pending.set | p->group->pending.set), (unsigned long long)p->blocked);
}

static void stat_line(struct linux_process *p, FILE *out)
{
    fprintf(out, "%d (%s) R %d %d %d 0 -1 4194304 0 0 0 0 %llu 0 0 0 20 0 1 0 0 %llu %llu", p->group->pid, p->comm,
            p->group->parent ? p->group->parent->pid : 1, p->group->pgid, p->group->sid,
            (unsigned long long)(linux_cpu_time(p) / 10000000), (unsigned long long)mapped_bytes(p),
            (unsigned long long)p->mm->pool->frames_used);
    for (int i = 25; i <= 52; i++)
        fputs(" 0", out);
    fputc('\n', out);
}

static void meminfo(struct linux_process *p, FILE *out)
{
    unsigned long long total = p->mm->mem.size >> 10, left = total - p->mm->pool->frames_used * (MM_PAGE >> 10);
    fprintf(out,
            "MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\nBuffers:               0 kB\n"
            "Cached:                0 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n",
            total, left, left);
}

static void cpuinfo(struct linux_process *p, FILE *out)
{
    static const struct {
        const char *name;
        int model;
    } flags[] = {
#define X(name, flag, leaf, reg, bit, model) {flag, model},
        GFEAT_TABLE(X)
#undef X
    };
    fputs(
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 8\nmodel name\t: Selkirk Duke\nstepping\t: 3\n"
        "fpu\t\t: yes\nflags\t\t:",
        out);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if ((int)linux_model(p) >= flags[i].model)
            fprintf(out, " %s", flags[i].name);
    fputs("\n\n", out);
}

static void uptime(struct linux_process *p, FILE *out)
{
    long long ms = time_now(p) / 1000000;
    fprintf(out, "%lld.%02lld 0.00\n", ms / 1000, ms / 10 % 100);
}

static const struct entry {
    const char *name; /* below /proc; a process's own begin with self/ */
    void (*print)(struct linux_process *p, FILE *out);
    const char *text; /* where print is NULL */
} entries[] = {
    {"self/maps", maps, NULL},
    {"self/cmdline", cmdline, NULL},
    {"self/environ", environment, NULL},
    {"self/comm", comm, NULL},
    {"self/status", status, NULL},
    {"self/stat", stat_line, NULL},
    {"self/mounts", NULL, "none / none rw 0 0\n"},
    {"mounts", NULL, "none / none rw 0 0\n"},
    {"filesystems", NULL, "nodev\tproc\nnodev\ttmpfs\n"},
    {"meminfo", meminfo, NULL},
    {"cpuinfo", cpuinfo, NULL},
    {"uptime", uptime, NULL},
    {"loadavg", NULL, "0.00 0.00 0.00 1/1 1000\n"},
    {"version", NULL, "Linux version 6.1.0-selkirk (selkirk) #1 SMP\n"},
    {"sys/kernel/ostype", NULL, "Linux\n"},
    {"sys/kernel/osrelease", NULL, "6.1.0-selkirk\n"},
    {"sys/kernel/hostname", NULL, "selkirk\n"},
    {"sys/kernel/pid_max", NULL, "32768\n"},
    {"sys/kernel/ngroups_max", NULL, "65536\n"},
    {"sys/kernel/random/boot_id", NULL, "53454c4b-4952-4b00-8000-000000000001\n"},
    {"sys/vm/overcommit_memory", NULL, "0\n"},
    {"sys/fs/pipe-max-size", NULL, "1048576\n"},
};

static int make_file(struct linux_process *p, const struct entry *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    if (e->print)
        e->print(p, out);
    else
        fputs(e->text, out);
    int fd = fclose(out) ? -1 : memfd_create("proc", MFD_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET) && !fchmod(fd, 0444);
    free(text);
    if (ok)
        return fd;
    if (fd >= 0)
        close(fd);
    return -ENOMEM;
}

/* The part of `path` behind the process's own folder, or NULL. */
static const char *own_entry(const struct linux_process *p, const char *path)
{
    char number[32];
    snprintf(number, sizeof number, "%d/", p->group->pid);
    const char *const names[] = {"self/", "thread-self/", number};
    for (int i = 0; i < 3; i++)
        if (!strncmp(path, names[i], strlen(names[i])))
            return path + strlen(names[i]);
    return NULL;
}

bool proc_is_exe(const struct linux_process *p, const char *path)
{
    const char *own = strncmp(path, "/proc/", 6) ? NULL : own_entry(p, path + 6);
    return own && !strcmp(own, "exe");
}

int proc_node(struct linux_process *p, const char *path)
{
    if (strncmp(path, "/proc/", 6) != 0)
        return -ENOENT;
    const char *own = own_entry(p, path + 6);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        const char *name = entries[i].name;
        bool per_process = !strncmp(name, "self/", 5);
        if (per_process ? own && !strcmp(own, name + 5) : !strcmp(path + 6, name))
            return make_file(p, &entries[i]);
    }
    return -ENOENT;
}
