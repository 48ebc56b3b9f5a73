/* Futexes. A waiting thread is found by the word it waits on: by address in its address space, or by page frame where
 * processes may share the page. Those that have waited longest are woken first. */
#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#include "syscalls.h"

struct key {
    const void *space;
    uint64_t at;
};

static bool key_of(struct linux_process *p, uint64_t addr, bool private, struct key *key)
{
    uint32_t word, paddr;
    if (!user_get(p, &word, addr, 4)) /* also brings the page in */
        return false;
    *key = (struct key){p->mm, addr};
    if (!private && mm_translate(p->mm, addr, &paddr))
        *key = (struct key){NULL, paddr};
    return true;
}

static bool waits_on(const struct linux_process *t, const struct key *key, uint32_t bits)
{
    const struct linux_wait *w = &t->wait;
    return w->on && w->bits && !w->woken && w->space == key->space && w->key == key->at && (w->bits & bits);
}

static struct linux_process *longest(struct linux_kernel *k, const struct key *key, uint32_t bits)
{
    struct linux_process *found = NULL;
    for (struct linux_process *t = k->tasks; t; t = t->next)
        if (waits_on(t, key, bits) && (!found || t->wait.turn - found->wait.turn > UINT32_MAX / 2))
            found = t;
    return found;
}

static uint32_t wake(struct linux_kernel *k, const struct key *key, uint32_t count, uint32_t bits)
{
    uint32_t n = 0;
    struct linux_process *t;
    while (n < count && (t = longest(k, key, bits))) {
        t->wait.woken = true;
        n++;
    }
    return n;
}

static uint32_t requeue(struct linux_kernel *k, const struct key *from, const struct key *to, uint32_t count)
{
    uint32_t n = 0;
    struct linux_process *t;
    while (n < count && (t = longest(k, from, UINT32_MAX))) {
        t->wait.space = to->space;
        t->wait.key = to->at;
        t->wait.turn = k->next_turn++;
        n++;
    }
    return n;
}

/* The time at which a wait is over, in virtual nanoseconds; -1: never. */
static int64_t deadline(struct linux_process *p, uint32_t op, uint64_t at, bool wide, int64_t *when)
{
    struct abi_timespec64 t;
    struct abi_timespec narrow;
    *when = -1;
    if (!at)
        return 0;
    if (wide ? !user_get(p, &t, at, sizeof t) : !user_get(p, &narrow, at, sizeof narrow))
        return -EFAULT;
    if (!wide)
        t = (struct abi_timespec64){narrow.sec, narrow.nsec};
    if (!p->wide)
        t.nsec = (int32_t)t.nsec;
    if (t.sec < 0 || t.nsec < 0 || t.nsec > 999999999)
        return -EINVAL;
    int64_t ns = t.sec > INT32_MAX * INT64_C(2) ? INT64_MAX / 4 : t.sec * 1000000000 + t.nsec, now = time_now(p);
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
        *when = now + ns;
    else if (op & FUTEX_CLOCK_REALTIME)
        *when = ns - p->k->epoch * 1000000000;
    else
        *when = ns;
    if (*when < 0)
        *when = 0;
    return 0;
}

static int64_t wait_on(struct linux_process *p, const uint64_t a[6], const struct key *key, uint32_t bits, bool wide)
{
    struct linux_wait *w = &p->wait;
    if (w->again) {
        if (w->woken)
            return 0;
        return w->deadline >= 0 && time_now(p) >= w->deadline ? -ETIMEDOUT : LINUX_WAIT;
    }
    uint32_t value;
    int64_t when;
    int64_t r = deadline(p, a[1], a[3], wide, &when);
    if (r < 0)
        return r;
    if (!user_get(p, &value, a[0], 4))
        return -EFAULT;
    if (value != (uint32_t)a[2])
        return -EAGAIN;
    w->space = key->space;
    w->key = key->at;
    w->bits = bits;
    w->turn = p->k->next_turn++;
    snprintf(w->text, sizeof w->text, "futex at %#llx waits for another thread, and there is none", (unsigned long long)a[0]);
    return wait_for(p, w->text, when, when < 0);
}

/* FUTEX_WAKE_OP: changes the second word, wakes waiters of the first, and of the second if its old value compares. */
static int64_t wake_op(struct linux_process *p, const uint64_t a[6], const struct key *first, bool private)
{
    struct key second;
    uint32_t old, new, code = a[5], op = code >> 28 & 7, cmp = code >> 24 & 15;
    int32_t oparg = (int32_t)(code << 8) >> 20, cmparg = (int32_t)(code << 20) >> 20;
    if (code >> 31)
        oparg = (int32_t)(1u << (oparg & 31));
    if (!key_of(p, a[4], private, &second) || !user_get(p, &old, a[4], 4))
        return -EFAULT;
    switch (op) {
    case FUTEX_OP_SET: new = (uint32_t)oparg; break;
    case FUTEX_OP_ADD: new = old + (uint32_t)oparg; break;
    case FUTEX_OP_OR: new = old | (uint32_t)oparg; break;
    case FUTEX_OP_ANDN: new = old & ~(uint32_t)oparg; break;
    case FUTEX_OP_XOR: new = old ^ (uint32_t)oparg; break;
    default: return -ENOSYS;
    }
    if (!user_put(p, a[4], &new, 4))
        return -EFAULT;
    int32_t was = (int32_t)old;
    const bool results[] = {was == cmparg, was != cmparg, was<cmparg, was <= cmparg, was> cmparg, was >= cmparg};
    if (cmp >= sizeof results / sizeof *results)
        return -ENOSYS;
    uint32_t n = wake(p->k, first, a[2], UINT32_MAX);
    return results[cmp] ? n + wake(p->k, &second, a[3], UINT32_MAX) : n;
}

static int64_t requeue_op(struct linux_process *p, const uint64_t a[6], const struct key *from, bool private, bool compare)
{
    struct key to;
    uint32_t value;
    if ((int32_t)a[2] < 0 || (int32_t)a[3] < 0)
        return -EINVAL;
    if (!key_of(p, a[4], private, &to) || !user_get(p, &value, a[0], 4))
        return -EFAULT;
    if (compare && value != (uint32_t)a[5])
        return -EAGAIN;
    uint32_t n = wake(p->k, from, a[2], UINT32_MAX);
    return n + requeue(p->k, from, &to, a[3]);
}

static int64_t futex(struct linux_process *p, const uint64_t a[6], bool wide)
{
    bool private = a[1] & FUTEX_PRIVATE_FLAG;
    uint32_t op = a[1] & FUTEX_CMD_MASK;
    struct key key;
    if (a[0] % 4)
        return -EINVAL;
    if (!key_of(p, a[0], private, &key))
        return -EFAULT;
    switch (op) {
    case FUTEX_WAIT: return wait_on(p, a, &key, UINT32_MAX, wide);
    case FUTEX_WAIT_BITSET: return a[5] ? wait_on(p, a, &key, (uint32_t)a[5], wide) : -EINVAL;
    case FUTEX_WAKE: return wake(p->k, &key, a[2], UINT32_MAX);
    case FUTEX_WAKE_BITSET: return a[5] ? (int64_t)wake(p->k, &key, a[2], a[5]) : -EINVAL;
    case FUTEX_REQUEUE: return requeue_op(p, a, &key, private, false);
    case FUTEX_CMP_REQUEUE: return requeue_op(p, a, &key, private, true);
    case FUTEX_WAKE_OP: return wake_op(p, a, &key, private);
    default: return -ENOSYS;
    }
}

int64_t sys_futex(struct linux_process *p, const uint64_t a[6]) { return futex(p, a, false); }

int64_t sys_futex64(struct linux_process *p, const uint64_t a[6]) { return futex(p, a, true); }

/* The end of a thread ------------------------------------------------------------------------------------------------ */

static void wake_both(struct linux_process *p, uint64_t addr)
{
    struct key key;
    for (int private = 0; private < 2; private ++)
        if (key_of(p, addr, private, &key))
            wake(p->k, &key, 1, UINT32_MAX);
}

static void owner_died(struct linux_process *p, uint64_t addr)
{
    uint32_t word;
    if (addr % 4 || !user_get(p, &word, addr, 4) || (word & FUTEX_TID_MASK) != (uint32_t)p->tid)
        return;
    uint32_t new = (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
    if (user_put(p, addr, &new, 4) && (word & FUTEX_WAITERS))
        wake_both(p, addr);
}

/* Locks that it still holds: the list is the guest's, so it may be anything. */
static void robust_locks(struct linux_process *p)
{
    enum { MOST = 2048 };
    const uint64_t PI = 1;
    uint64_t head[3], entry;  /* first entry, distance of the lock word, entry being worked on */
    p->wide = p->space->wide; /* no system call need have brought it here */
    for (int i = 0; i < 3; i++)
        if (!p->robust_list || !user_get_word(p, p->robust_list + i * user_word(p), &head[i]))
            return;
    if (!p->wide)
        head[1] = (uint64_t)(int32_t)head[1]; /* it is signed */
    entry = head[0];
    for (int n = 0; n < MOST && (entry & ~PI) != p->robust_list; n++) {
        uint64_t next;
        bool more = user_get_word(p, entry & ~PI, &next);
        if (entry != head[2])
            owner_died(p, (entry & ~PI) + head[1]);
        if (!more)
            return;
        entry = next;
    }
    if (head[2])
        owner_died(p, (head[2] & ~PI) + head[1]);
}

void futex_thread_exit(struct linux_process *p)
{
    static const uint32_t zero;
    robust_locks(p);
    if (p->clear_tid && p->space->refs > 1 && user_put(p, p->clear_tid, &zero, 4))
        wake_both(p, p->clear_tid);
    p->clear_tid = p->robust_list = 0;
}

int64_t sys_set_robust_list(struct linux_process *p, const uint64_t a[6])
{
    if (a[1] != 3 * user_word(p))
        return -EINVAL;
    p->robust_list = a[0];
    return 0;
}

int64_t sys_get_robust_list(struct linux_process *p, const uint64_t a[6])
{
    if (a[0] && (int)a[0] != p->tid)
        return -ESRCH;
    return user_put_word(p, a[1], p->robust_list) && user_put_word(p, a[2], 3 * user_word(p)) ? 0 : -EFAULT;
}
