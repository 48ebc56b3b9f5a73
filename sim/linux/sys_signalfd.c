/* signalfd: pending signals as bytes. Whose signals it gives is up to who reads or polls it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

#include "syscalls.h"

static uint64_t wanted(const struct linux_file *f) { return *(const uint64_t *)f->of; }

static bool ready(struct linux_process *p, const struct linux_file *f)
{
    return ((p->pending.set | p->group->pending.set) & wanted(f)) != 0;
}

static struct signalfd_siginfo bytes_of(const struct abi64_siginfo *i)
{
    struct signalfd_siginfo s = {.ssi_signo = (uint32_t)i->signo, .ssi_errno = i->error, .ssi_code = i->code};
    if (i->code == SI_TIMER) {
        s.ssi_tid = (uint32_t)i->kill.pid;
        s.ssi_overrun = i->kill.uid;
    } else if (i->code > 0 && i->code < SI_KERNEL && i->signo != SIGCHLD) {
        s.ssi_addr = i->addr;
        return s;
    } else {
        s.ssi_pid = (uint32_t)i->kill.pid;
        s.ssi_uid = i->kill.uid;
    }
    if (i->signo == SIGCHLD && i->code > 0) {
        s.ssi_status = (int32_t)i->kill.value;
    } else if (i->code < 0 && i->code != SI_TKILL) {
        s.ssi_ptr = (uint64_t)i->kill.value;
        s.ssi_int = (int32_t)i->kill.value;
    }
    return s;
}

static int64_t read_signals(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size)
{
    struct abi64_siginfo info;
    uint64_t done = 0;
    if (size < sizeof(struct signalfd_siginfo))
        return -EINVAL;
    while (size - done >= sizeof(struct signalfd_siginfo) && linux_dequeue(p, wanted(f), &info)) {
        struct signalfd_siginfo s = bytes_of(&info);
        if (!user_put(p, to + done, &s, sizeof s))
            return done ? (int64_t)done : -EFAULT;
        done += sizeof s;
    }
    return done ? (int64_t)done : LINUX_WAIT;
}

static void drop(struct linux_file *f) { free(f->of); }

static const struct linux_source signalfd_source = {ready, read_signals, drop, NULL};

static int64_t make(struct linux_process *p, const uint64_t a[6], uint32_t flags)
{
    uint64_t set;
    if (a[2] != sizeof set || (flags & ~(uint32_t)(SFD_CLOEXEC | SFD_NONBLOCK)))
        return -EINVAL;
    if (!user_get(p, &set, a[1], sizeof set))
        return -EFAULT;
    set &= ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1));
    if ((int32_t)a[0] != -1) {
        const struct linux_file *f = fd_file(p, (uint32_t)a[0]);
        if (!f || f->source != &signalfd_source)
            return f ? -EINVAL : -EBADF;
        *(uint64_t *)f->of = set;
        return (int32_t)a[0];
    }
    uint64_t *of = malloc(sizeof *of);
    if (!of)
        return -ENOMEM;
    *of = set;
    return source_open(p, &signalfd_source, of, flags & SFD_NONBLOCK, flags & SFD_CLOEXEC);
}

int64_t sys_signalfd(struct linux_process *p, const uint64_t a[6]) { return make(p, a, 0); }

int64_t sys_signalfd4(struct linux_process *p, const uint64_t a[6]) { return make(p, a, (uint32_t)a[3]); }
