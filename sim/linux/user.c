/* Values in user memory that have another form in each word size. */
#include <signal.h>
#include <string.h>

#include "linux.h"

size_t user_word(const struct linux_process *p) { return p->wide ? 8 : 4; }

bool user_get_word(struct linux_process *p, uint64_t from, uint64_t *value)
{
    *value = 0;
    return user_get(p, value, from, user_word(p));
}

bool user_put_word(struct linux_process *p, uint64_t to, uint64_t value) { return user_put(p, to, &value, user_word(p)); }

bool user_get_timeval(struct linux_process *p, uint64_t from, struct abi64_timeval *t)
{
    struct abi_timeval narrow;
    if (p->wide)
        return user_get(p, t, from, sizeof *t);
    if (!user_get(p, &narrow, from, sizeof narrow))
        return false;
    *t = (struct abi64_timeval){narrow.sec, narrow.usec};
    return true;
}

bool user_put_timeval(struct linux_process *p, uint64_t to, struct abi64_timeval t)
{
    struct abi_timeval narrow = {(int32_t)t.sec, (int32_t)t.usec};
    return p->wide ? user_put(p, to, &t, sizeof t) : user_put(p, to, &narrow, sizeof narrow);
}

/* Signals of the kernel's that tell about an address. */
static bool is_fault(const struct abi64_siginfo *info)
{
    int s = info->signo;
    return info->code > 0 && info->code < SI_KERNEL &&
           (s == SIGSEGV || s == SIGBUS || s == SIGILL || s == SIGFPE || s == SIGTRAP);
}

struct abi_siginfo siginfo_narrow(const struct abi64_siginfo *info)
{
    struct abi_siginfo n = {.signo = info->signo, .error = info->error, .code = info->code};
    if (is_fault(info)) {
        n.addr = (uint32_t)info->addr;
        return n;
    }
    n.kill.pid = info->kill.pid;
    n.kill.uid = info->kill.uid;
    n.kill.value = (int32_t)info->kill.value;
    memcpy(&n.pad[3], &info->words[4], sizeof info->words - 4 * sizeof *info->words);
    return n;
}

bool user_get_siginfo(struct linux_process *p, uint64_t from, struct abi64_siginfo *info)
{
    struct abi_siginfo n;
    if (p->wide)
        return user_get(p, info, from, sizeof *info);
    if (!user_get(p, &n, from, sizeof n))
        return false;
    *info = (struct abi64_siginfo){.signo = n.signo, .error = n.error, .code = n.code};
    info->kill.pid = n.kill.pid;
    info->kill.uid = n.kill.uid;
    info->kill.value = n.kill.value;
    memcpy(&info->words[4], &n.pad[3], sizeof info->words - 4 * sizeof *info->words);
    return true;
}

bool user_put_siginfo(struct linux_process *p, uint64_t to, const struct abi64_siginfo *info)
{
    struct abi_siginfo n = siginfo_narrow(info);
    return p->wide ? user_put(p, to, info, sizeof *info) : user_put(p, to, &n, sizeof n);
}
