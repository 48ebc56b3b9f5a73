/* Waiting for descriptors. What is ready is asked of the host; time that passes while waiting is virtual. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "syscalls.h"

enum { POLL_MAX = LINUX_FDS };

int64_t poll_wait(struct linux_process *p, struct pollfd *fds, uint32_t n, int64_t timeout, bool outside)
{
    int64_t deadline = p->wait.again ? p->wait.deadline : timeout < 0 ? -1 : time_now(p) + timeout;
    int r = poll(fds, n, 0);
    if (r)
        return r < 0 ? -errno : r;
    if (deadline >= 0 && time_now(p) >= deadline)
        return 0;
    if (outside)
        outside_note(p, fds, n);
    return wait_for(p, n ? "waits for descriptors" : "poll or select without descriptors and time limit waits for ever",
                    deadline, false);
}

static bool is_outside(struct linux_process *p, uint32_t fd)
{
    const struct linux_file *f = fd_file(p, fd);
    return f && f->outside;
}

int64_t poll_mask_begin(struct linux_process *p, uint64_t at, uint64_t size)
{
    uint64_t mask;
    if (!at || p->wait.again)
        return 0;
    if (size != sizeof mask)
        return -EINVAL;
    if (!user_get(p, &mask, at, sizeof mask))
        return -EFAULT;
    p->saved_mask = p->blocked;
    p->restore_mask = true;
    p->blocked = mask & ~(UINT64_C(1) << 8 | UINT64_C(1) << 18); /* SIGKILL, SIGSTOP */
    return 0;
}

int64_t poll_mask_end(struct linux_process *p, int64_t r)
{
    if (r != LINUX_WAIT && p->restore_mask) {
        p->blocked = p->saved_mask;
        p->restore_mask = false;
    }
    return r;
}

static int64_t do_poll(struct linux_process *p, uint64_t at, uint32_t n, int64_t timeout)
{
    struct abi_pollfd guest[POLL_MAX];
    struct pollfd fds[POLL_MAX];
    if (n > POLL_MAX)
        return -EINVAL;
    if (!user_get(p, guest, at, n * sizeof *guest))
        return -EFAULT;
    int64_t bad = 0;
    bool outside = false;
    for (uint32_t i = 0; i < n; i++) {
        int host = guest[i].fd < 0 ? -1 : fd_host(p, (uint32_t)guest[i].fd);
        fds[i] = (struct pollfd){.fd = host < 0 ? -1 : host, .events = guest[i].events};
        if (host >= 0)
            source_look(p, fd_file(p, (uint32_t)guest[i].fd), &fds[i].events);
        guest[i].revents = guest[i].fd >= 0 && host < 0 ? POLLNVAL : 0;
        bad += guest[i].revents != 0;
        outside |= host >= 0 && is_outside(p, (uint32_t)guest[i].fd);
    }
    int64_t r = poll_wait(p, fds, n, bad ? 0 : timeout, outside);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < n; i++)
        guest[i].revents |= fds[i].fd < 0 ? 0
                                          : source_seen(p, fd_file(p, (uint32_t)guest[i].fd), guest[i].events, fds[i].revents);
    return user_put(p, at, guest, n * sizeof *guest) ? r + bad : -EFAULT;
}

/* -1 for a null pointer or more than can pass, -2 for one that faults, -3 for a bad value. */
static int64_t get_time(struct linux_process *p, uint64_t at, bool wide)
{
    struct abi_timespec64 t;
    struct abi_timespec t32;
    if (!at)
        return -1;
    if (wide ? !user_get(p, &t, at, sizeof t) : !user_get(p, &t32, at, sizeof t32))
        return -2;
    if (!wide)
        t = (struct abi_timespec64){t32.sec, t32.nsec};
    if (!p->wide)
        t.nsec = (int32_t)t.nsec;
    if (t.sec < 0 || t.nsec < 0 || t.nsec > 999999999)
        return -3;
    return t.sec > INT32_MAX ? -1 : t.sec * 1000000000 + t.nsec;
}

int64_t sys_poll(struct linux_process *p, const uint64_t a[6])
{
    return do_poll(p, a[0], a[1], (int32_t)a[2] < 0 ? -1 : (int64_t)(int32_t)a[2] * 1000000);
}

static int64_t ppoll_with(struct linux_process *p, const uint64_t a[6], bool wide)
{
    int64_t t = get_time(p, a[2], wide);
    if (t < -1)
        return t == -2 ? -EFAULT : -EINVAL;
    int64_t r = poll_mask_begin(p, a[3], a[4]);
    return r < 0 ? r : poll_mask_end(p, do_poll(p, a[0], a[1], t));
}

int64_t sys_ppoll(struct linux_process *p, const uint64_t a[6]) { return ppoll_with(p, a, false); }

int64_t sys_ppoll64(struct linux_process *p, const uint64_t a[6]) { return ppoll_with(p, a, true); }

static int64_t do_select(struct linux_process *p, const uint64_t a[6], int64_t timeout)
{
    static const short events[3] = {POLLIN | POLLHUP | POLLERR, POLLOUT | POLLERR, POLLPRI};
    uint32_t set[3][LINUX_FDS / 32] = {{0}}, n = (uint32_t)a[0];
    struct pollfd fds[LINUX_FDS];
    uint32_t number[LINUX_FDS], used = 0;
    bool outside = false;
    if (n > LINUX_FDS)
        n = LINUX_FDS;
    size_t word = user_word(p), bytes = (n + 8 * word - 1) / (8 * word) * word;
    for (int k = 0; k < 3; k++)
        if (a[1 + k] && !user_get(p, set[k], a[1 + k], bytes))
            return -EFAULT;
    for (uint32_t fd = 0; fd < n; fd++) {
        struct pollfd f = {.fd = -1};
        for (int k = 0; k < 3; k++)
            if (set[k][fd / 32] >> (fd % 32) & 1)
                f.events |= events[k];
        if (!f.events)
            continue;
        f.fd = fd_host(p, fd);
        if (f.fd < 0)
            return -EBADF;
        source_look(p, fd_file(p, fd), &f.events);
        outside |= is_outside(p, fd);
        number[used] = fd;
        fds[used++] = f;
    }
    int64_t r = poll_wait(p, fds, used, timeout, outside), ready = 0;
    if (r < 0)
        return r;
    uint32_t out[3][LINUX_FDS / 32] = {{0}};
    for (uint32_t i = 0; i < used; i++) {
        fds[i].revents = source_seen(p, fd_file(p, number[i]), POLLIN | POLLOUT | POLLPRI, fds[i].revents);
        for (int k = 0; k < 3; k++) {
            uint32_t word = number[i] / 32, bit = 1u << (number[i] % 32);
            if ((set[k][word] & bit) && (fds[i].revents & events[k])) {
                out[k][word] |= bit;
                ready++;
            }
        }
    }
    for (int k = 0; k < 3; k++)
        if (a[1 + k] && !user_put(p, a[1 + k], out[k], bytes))
            return -EFAULT;
    return ready;
}

int64_t sys_select(struct linux_process *p, const uint64_t a[6])
{
    struct abi64_timeval t;
    int64_t timeout = -1;
    if (a[4]) {
        if (!user_get_timeval(p, a[4], &t))
            return -EFAULT;
        if (t.sec < 0 || t.usec < 0)
            return -EINVAL;
        timeout = t.sec > INT32_MAX ? -1 : t.sec * 1000000000 + t.usec % 1000000000 * 1000;
    }
    return do_select(p, a, timeout);
}

static int64_t pselect_with(struct linux_process *p, const uint64_t a[6], bool wide)
{
    uint64_t mask[2] = {0, 0}; /* address and size */
    int64_t t = get_time(p, a[4], wide);
    if (t < -1)
        return t == -2 ? -EFAULT : -EINVAL;
    if (a[5] && (!user_get_word(p, a[5], &mask[0]) || !user_get_word(p, a[5] + user_word(p), &mask[1])))
        return -EFAULT;
    int64_t r = poll_mask_begin(p, mask[0], mask[1]);
    return r < 0 ? r : poll_mask_end(p, do_select(p, a, t));
}

int64_t sys_pselect6(struct linux_process *p, const uint64_t a[6]) { return pselect_with(p, a, false); }

int64_t sys_pselect64(struct linux_process *p, const uint64_t a[6]) { return pselect_with(p, a, true); }
