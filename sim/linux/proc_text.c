/* What the entries of /proc say. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "guest_ops.h"
#include "proc.h"

enum { SMALL = 1 << 30 /* bytes of an area whose pages are looked at one by one */ };

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

/* Bytes of an area that have a page. */
static unsigned long long resident(const struct mm *mm, const struct mm_area *a)
{
    unsigned long long n = 0;
    uint32_t paddr;
    for (uint64_t at = a->start; at < a->end && a->end - a->start <= SMALL; at += MM_PAGE)
        n += mm_translate(mm, at, &paddr) ? MM_PAGE : 0;
    return n;
}

static void smaps(struct linux_process *p, FILE *out)
{
    for (size_t i = 0; i < p->mm->nareas; i++) {
        const struct mm_area *a = &p->mm->areas[i];
        unsigned long long here = resident(p->mm, a) >> 10;
        print_area(p, a, out);
        fprintf(out,
                "Size:           %8llu kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\nRss:            %8llu kB\n"
                "Pss:            %8llu kB\nPrivate_Dirty:  %8llu kB\nSwap:                  0 kB\nTHPeligible:    0\n",
                (unsigned long long)(a->end - a->start) >> 10, here, here, here);
    }
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

static void auxiliary(struct linux_process *p, FILE *out) { memory(p, p->space->auxv_start, p->space->auxv_end, out); }

/* Masks of the signals that are ignored, or have a handler. */
static unsigned long long handled(const struct linux_process *p, bool ignored)
{
    unsigned long long set = 0;
    for (int s = 1; s < LINUX_SIGNALS; s++)
        if (ignored ? p->group->action[s].handler == 1 : p->group->action[s].handler > 1)
            set |= 1ull << (s - 1);
    return set;
}

static int parent_pid(const struct linux_process *p) { return p->group->parent ? p->group->parent->pid : 1; }

static char state(const struct linux_process *p) { return p->group->stopped ? 'T' : p->wait.on ? 'S' : 'R'; }

static void status(struct linux_process *p, FILE *out)
{
    char c = state(p);
    unsigned long long size = mapped_bytes(p) >> 10, used = p->mm->pool->frames_used * (MM_PAGE >> 10);
    fprintf(out, "Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p->comm,
            p->files->umask, c,
            c == 'R'   ? "running"
            : c == 'S' ? "sleeping"
                       : "stopped",
            p->group->pid, p->tid, parent_pid(p));
    fprintf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%d\nGroups:\t \n", getuid(), geteuid(), geteuid(),
            geteuid(), getgid(), getegid(), getegid(), getegid(), LINUX_FDS);
    fprintf(out,
            "NStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\nVmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t       0 kB\n"
            "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nVmData:\t%8llu kB\nVmStk:\t%8u kB\nVmSwap:\t       0 kB\nThreads:\t%u\n",
            p->group->pid, p->tid, p->group->pgid, p->group->sid, size, size, used, used, size, LINUX_STACK_SIZE >> 10,
            p->group->threads);
    fprintf(out, "SigQ:\t0/%u\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
            p->k->max_tasks, (unsigned long long)p->pending.set, (unsigned long long)p->group->pending.set,
            (unsigned long long)p->blocked, handled(p, true), handled(p, false));
    fputs("CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\n"
          "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t0\nCpus_allowed:\t1\nCpus_allowed_list:\t0\n"
          "Mems_allowed:\t1\nMems_allowed_list:\t0\nvoluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n",
          out);
}

static void stat_line(struct linux_process *p, FILE *out)
{
    const struct linux_space *s = p->space;
    int tty, front;
    tty_of_session(p->k, p->group->sid, &tty, &front);
    fprintf(out, "%d (%s) %c %d %d %d %d %d 4194304 0 0 0 0 %llu 0 %llu 0 %d %d %u 0 %lld %llu %llu 18446744073709551615",
            p->tid, p->comm, state(p), parent_pid(p), p->group->pgid, p->group->sid, tty, front,
            (unsigned long long)(linux_cpu_time(p) / 10000000), (unsigned long long)(p->group->child_ns / 10000000),
            20 + p->group->nice, p->group->nice, p->group->threads, (long long)p->group->start / 10000000,
            (unsigned long long)mapped_bytes(p), (unsigned long long)p->mm->pool->frames_used);
    for (int i = 26; i <= 44; i++) /* addresses, which only the owner is told, and what is not counted here */
        fputs(i == 38 ? " 17" : " 0", out);
    fprintf(out, " 0 0 %llu %llu %llu %llu %llu 0\n", (unsigned long long)s->brk_start, (unsigned long long)s->arg_start,
            (unsigned long long)s->arg_end, (unsigned long long)s->arg_end, (unsigned long long)s->env_end);
}

static void persona(struct linux_process *p, FILE *out) { fprintf(out, "%08x\n", p->group->personality | 0x40000); }

static void statm(struct linux_process *p, FILE *out)
{
    unsigned long long size = mapped_bytes(p) / MM_PAGE;
    fprintf(out, "%llu %llu 0 0 0 %llu 0\n", size, (unsigned long long)p->mm->pool->frames_used, size);
}

static void print_limit(FILE *out, const char *name, uint64_t soft, uint64_t hard, const char *unit)
{
    char text[2][24];
    for (int i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], (i ? hard : soft) == UINT64_MAX ? "unlimited" : "%llu",
                 (unsigned long long)(i ? hard : soft));
    fprintf(out, "%-25s %-20s %-20s %-10s\n", name, text[0], text[1], unit);
}

static void limits(struct linux_process *p, FILE *out)
{
    static const struct {
        const char *name, *unit;
    } of[] = {
        {"Max cpu time", "seconds"},    {"Max file size", "bytes"},      {"Max data size", "bytes"},
        {"Max stack size", "bytes"},    {"Max core file size", "bytes"}, {"Max resident set", "bytes"},
        {"Max processes", "processes"}, {"Max open files", "files"},     {"Max locked memory", "bytes"},
        {"Max address space", "bytes"}, {"Max file locks", "locks"},     {"Max pending signals", "signals"},
        {"Max msgqueue size", "bytes"}, {"Max nice priority", ""},       {"Max realtime priority", ""},
        {"Max realtime timeout", "us"},
    };
    fprintf(out, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
    for (uint32_t i = 0; i < sizeof of / sizeof *of; i++) {
        uint64_t soft, hard;
        limit_get(p, i, &soft, &hard);
        print_limit(out, of[i].name, soft, hard, of[i].unit);
    }
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
        "cpu MHz\t\t: 1000.000\nphysical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
        "fpu\t\t: yes\nflags\t\t:",
        out);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if ((int)linux_model(p) >= flags[i].model)
            fprintf(out, " %s", flags[i].name);
    fputs("\nbogomips\t: 2000.00\n\n", out);
}

/* The whole machine's: what all processes have spent, and the rest of the time since the start. */
static void machine_stat(struct linux_process *p, FILE *out)
{
    int64_t spent = 0, now = time_now(p);
    unsigned running = 0;
    for (const struct linux_group *g = p->k->groups; g; g = g->next)
        spent += group_cpu_time(p->k, g);
    for (const struct linux_process *t = p->k->tasks; t; t = t->next)
        running += !t->dead && !t->wait.on;
    long long user = spent / 10000000, idle = now > spent ? (now - spent) / 10000000 : 0;
    for (int i = 0; i < 2; i++)
        fprintf(out, "%s %lld 0 0 %lld 0 0 0 0 0 0\n", i ? "cpu0" : "cpu ", user, idle);
    fprintf(out, "intr 0\nctxt 0\nbtime %lld\nprocesses %d\nprocs_running %u\nprocs_blocked 0\nsoftirq 0\n",
            (long long)p->k->epoch, p->k->next_pid - LINUX_PID, running);
}

static void load(struct linux_process *p, FILE *out)
{
    fprintf(out, "0.00 0.00 0.00 1/%u %d\n", p->k->ntasks, p->k->next_pid - 1);
}

/* Another one each time, from the guest's own source of random numbers. */
static void uuid(struct linux_process *p, FILE *out)
{
    uint64_t a = linux_random(p), b = linux_random(p);
    fprintf(out, "%08x-%04x-4%03x-%04x-%012llx\n", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff),
            (unsigned)(b >> 48 & 0x3fff) | 0x8000, (unsigned long long)(b & 0xffffffffffff));
}

static void uptime(struct linux_process *p, FILE *out)
{
    long long ms = time_now(p) / 1000000;
    fprintf(out, "%lld.%02lld 0.00\n", ms / 1000, ms / 10 % 100);
}

/* clang-format off */
const struct proc_entry proc_entries[] = {
    {"self/auxv", auxiliary, NULL},
    {"self/cgroup", NULL, "0::/\n"},
    {"self/cmdline", cmdline, NULL},
    {"self/comm", comm, NULL},
    {"self/coredump_filter", NULL, "00000033\n"},
    {"self/environ", environment, NULL},
    {"self/gid_map", NULL, "         0          0 4294967295\n"},
    {"self/io", NULL, "rchar: 0\nwchar: 0\nsyscr: 0\nsyscw: 0\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n"},
    {"self/limits", limits, NULL},
    {"self/loginuid", NULL, "4294967295"},
    {"self/maps", maps, NULL},
    {"self/mountinfo", NULL, "1 0 0:1 / / rw - none none rw\n"},
    {"self/mounts", NULL, "none / none rw 0 0\n"},
    {"self/oom_score", NULL, "0\n"},
    {"self/oom_score_adj", NULL, "0\n"},
    {"self/personality", persona, NULL},
    {"self/sessionid", NULL, "4294967295"},
    {"self/smaps", smaps, NULL},
    {"self/stat", stat_line, NULL},
    {"self/statm", statm, NULL},
    {"self/status", status, NULL},
    {"self/uid_map", NULL, "         0          0 4294967295\n"},
    {"self/wchan", NULL, "0"},
    {"cmdline", NULL, "selkirk\n"},
    {"cpuinfo", cpuinfo, NULL},
    {"devices", NULL, "Character devices:\n  1 mem\n  5 /dev/tty\n\nBlock devices:\n"},
    {"diskstats", NULL, ""},
    {"filesystems", NULL, "nodev\tproc\nnodev\ttmpfs\n"},
    {"loadavg", load, NULL},
    {"meminfo", meminfo, NULL},
    {"modules", NULL, ""},
    {"mounts", NULL, "none / none rw 0 0\n"},
    {"partitions", NULL, "major minor  #blocks  name\n\n"},
    {"stat", machine_stat, NULL},
    {"swaps", NULL, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"},
    {"sys/fs/file-max", NULL, "1048576\n"},
    {"sys/fs/inotify/max_user_instances", NULL, "128\n"},
    {"sys/fs/inotify/max_user_watches", NULL, "8192\n"},
    {"sys/fs/nr_open", NULL, "1048576\n"},
    {"sys/fs/pipe-max-size", NULL, "1048576\n"},
    {"sys/kernel/cap_last_cap", NULL, "40\n"},
    {"sys/kernel/core_pattern", NULL, "core\n"},
    {"sys/kernel/domainname", NULL, "(none)\n"},
    {"sys/kernel/hostname", NULL, "selkirk\n"},
    {"sys/kernel/msgmax", NULL, "8192\n"},
    {"sys/kernel/msgmnb", NULL, "16384\n"},
    {"sys/kernel/msgmni", NULL, "32000\n"},
    {"sys/kernel/ngroups_max", NULL, "65536\n"},
    {"sys/kernel/osrelease", NULL, "6.1.0-selkirk\n"},
    {"sys/kernel/ostype", NULL, "Linux\n"},
    {"sys/kernel/overflowgid", NULL, "65534\n"},
    {"sys/kernel/overflowuid", NULL, "65534\n"},
    {"sys/kernel/pid_max", NULL, "32768\n"},
    {"sys/kernel/random/boot_id", NULL, "53454c4b-4952-4b00-8000-000000000001\n"},
    {"sys/kernel/random/entropy_avail", NULL, "256\n"},
    {"sys/kernel/random/poolsize", NULL, "256\n"},
    {"sys/kernel/random/uuid", uuid, NULL},
    {"sys/kernel/randomize_va_space", NULL, "0\n"},
    {"sys/kernel/sched_child_runs_first", NULL, "0\n"},
    {"sys/kernel/sem", NULL, "32000\t128000\t500\t32000\n"},
    {"sys/kernel/shmall", NULL, "1048576\n"},
    {"sys/kernel/shmmax", NULL, "4294967295\n"},
    {"sys/kernel/shmmni", NULL, "4096\n"},
    {"sys/kernel/threads-max", NULL, "256\n"},
    {"sys/kernel/version", NULL, "#1 SMP\n"},
    {"sys/net/core/somaxconn", NULL, "128\n"},
    {"sys/vm/max_map_count", NULL, "65530\n"},
    {"sys/vm/mmap_min_addr", NULL, "65536\n"},
    {"sys/vm/overcommit_memory", NULL, "0\n"},
    {"sys/vm/overcommit_ratio", NULL, "50\n"},
    {"sys/vm/swappiness", NULL, "60\n"},
    {"sysvipc/msg", proc_sysvipc_msg, NULL},
    {"sysvipc/sem", proc_sysvipc_sem, NULL},
    {"sysvipc/shm", proc_sysvipc_shm, NULL},
    {"uptime", uptime, NULL},
    {"version", NULL, "Linux version 6.1.0-selkirk (selkirk) #1 SMP\n"},
    {"vmstat", NULL, "nr_free_pages 0\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\npgfault 0\npgmajfault 0\n"},
    {NULL, NULL, NULL},
};
/* clang-format on */
