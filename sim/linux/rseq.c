/* Restartable sequences: a thread that is taken off the core, or gets a signal, within a critical section goes on at the
 * section's abort handler. The area of a thread names the section it is in; all of it is the guest's, so it may be anything. */
#include <errno.h>
#include <signal.h>

#include "syscalls.h"

enum { AREA = 32, UNREGISTER = 1, AT_CPU = 0, AT_SECTION = 8 };

struct section {
    uint32_t version, flags;
    uint64_t start, length, abort;
};

int64_t sys_rseq(struct linux_process *p, const uint64_t a[6])
{
    uint32_t length = (uint32_t)a[1], flags = (uint32_t)a[2], signature = (uint32_t)a[3];
    if (flags & ~(uint32_t)UNREGISTER)
        return -EINVAL;
    if (p->rseq || (flags & UNREGISTER)) {
        if (!p->rseq || p->rseq != a[0] || length != AREA)
            return -EINVAL;
        if (p->rseq_signature != signature)
            return -EPERM;
        if (!(flags & UNREGISTER))
            return -EBUSY;
    } else if (a[0] % AREA || length != AREA) {
        return -EINVAL;
    }
    /* On the first processor, or on none. */
    const uint32_t cpu[2] = {0, flags & UNREGISTER ? UINT32_MAX : 0};
    const uint64_t no_section = 0;
    if (!user_put(p, a[0] + AT_CPU, cpu, sizeof cpu) || !user_put(p, a[0] + AT_SECTION, &no_section, sizeof no_section))
        return -EFAULT;
    p->rseq = flags & UNREGISTER ? 0 : a[0];
    p->rseq_signature = signature;
    return 0;
}

/* False: what the guest says about its section cannot be. */
static bool leave(struct linux_process *p)
{
    struct guest_cpu *c = p->cpu;
    const uint64_t no_section = 0;
    uint64_t at, end = p->space->layout->stack_top;
    uint32_t signature;
    struct section s;
    if (!user_get(p, &at, p->rseq + AT_SECTION, sizeof at))
        return false;
    if (!p->space->wide)
        at = (uint32_t)at;
    if (!at)
        return true;
    if (!user_get(p, &s, at, sizeof s) || s.version || s.start >= end || s.length > end - s.start || s.abort >= end ||
        s.abort - s.start < s.length || !user_get(p, &signature, s.abort - sizeof signature, sizeof signature) ||
        signature != p->rseq_signature || !user_put(p, p->rseq + AT_SECTION, &no_section, sizeof no_section))
        return false;
    if (c->rip - s.start < s.length)
        c->rip = s.abort;
    return true;
}

bool rseq_leave(struct linux_process *p) { return !p->rseq || leave(p); }
