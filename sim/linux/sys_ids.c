/* System calls on users, groups and capabilities. They are the host's, as what files the guest may open and whom they belong to
 * depends on them; so a program may take on no other than the real and the effective one that it has, which change nothing. */
#include <errno.h>
#include <unistd.h>

#include "syscalls.h"

int64_t sys_getuid(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return getuid();
}

int64_t sys_geteuid(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return geteuid();
}

int64_t sys_getgid(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return getgid();
}

int64_t sys_getegid(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return getegid();
}

static int64_t put_ids(struct linux_process *p, const uint64_t a[6], uint32_t real, uint32_t effective)
{
    const uint32_t id[3] = {real, effective, effective};
    for (int i = 0; i < 3; i++)
        if (!user_put(p, a[i], &id[i], 4))
            return -EFAULT;
    return 0;
}

int64_t sys_getresuid(struct linux_process *p, const uint64_t a[6]) { return put_ids(p, a, getuid(), geteuid()); }

int64_t sys_getresgid(struct linux_process *p, const uint64_t a[6]) { return put_ids(p, a, getgid(), getegid()); }

int64_t sys_getgroups(struct linux_process *p, const uint64_t a[6])
{
    gid_t groups[1024];
    int n = getgroups((int)(sizeof groups / sizeof *groups), groups);
    if (n < 0)
        return -errno;
    if (!a[0])
        return n;
    if (a[0] < (uint32_t)n)
        return -EINVAL;
    return user_put(p, a[1], groups, (size_t)n * 4) ? n : -EFAULT;
}

/* Some programs set all of their identities to what these are: unchanged (-1), the real or the effective one. */
static int64_t set_ids(const uint64_t *ids, int n, uint32_t real, uint32_t effective)
{
    for (int i = 0; i < n; i++)
        if ((uint32_t)ids[i] != UINT32_MAX && (uint32_t)ids[i] != real && (uint32_t)ids[i] != effective)
            return -EPERM;
    return 0;
}

int64_t sys_setuid(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return (uint32_t)a[0] == UINT32_MAX ? -EINVAL : set_ids(a, 1, getuid(), geteuid());
}

int64_t sys_setgid(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return (uint32_t)a[0] == UINT32_MAX ? -EINVAL : set_ids(a, 1, getgid(), getegid());
}

int64_t sys_setreuid(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return set_ids(a, 2, getuid(), geteuid());
}

int64_t sys_setregid(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return set_ids(a, 2, getgid(), getegid());
}

int64_t sys_setresuid(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return set_ids(a, 3, getuid(), geteuid());
}

int64_t sys_setresgid(struct linux_process *p, const uint64_t a[6])
{
    (void)p;
    return set_ids(a, 3, getgid(), getegid());
}

/* These give what there was before, whether it was changed or not. */
int64_t sys_setfsuid(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return geteuid();
}

int64_t sys_setfsgid(struct linux_process *p, const uint64_t a[6])
{
    (void)p, (void)a;
    return getegid();
}

/* Capabilities: none, whoever the user is. */
enum { CAP_SETS = 3 }; /* effective, permitted, inheritable */

/* Words of a capability set in the version that the call asks for; 0, and the newest, for one that does not exist. */
static int capability_words(struct linux_process *p, uint64_t header)
{
    static const uint32_t versions[] = {0x19980330, 0x20071026, 0x20080522};
    uint32_t version;
    if (!user_get(p, &version, header, 4))
        return -EFAULT;
    for (int i = 0; i < 3; i++)
        if (version == versions[i])
            return i ? 2 : 1;
    return user_put(p, header, &versions[2], 4) ? 0 : -EFAULT;
}

int64_t sys_capget(struct linux_process *p, const uint64_t a[6])
{
    static const uint32_t none[2 * CAP_SETS];
    int words = capability_words(p, a[0]);
    uint32_t pid;
    if (words <= 0)
        return words || !a[1] ? words : -EINVAL;
    if (!user_get(p, &pid, a[0] + 4, 4))
        return -EFAULT;
    if ((int32_t)pid < 0)
        return -EINVAL;
    if (pid && !group_find(p->k, (int)pid))
        return -ESRCH;
    return !a[1] || user_put(p, a[1], none, (size_t)words * CAP_SETS * 4) ? 0 : -EFAULT;
}

int64_t sys_capset(struct linux_process *p, const uint64_t a[6])
{
    uint32_t wanted[2 * CAP_SETS];
    int words = capability_words(p, a[0]);
    if (words <= 0)
        return words ? words : -EINVAL;
    if (!user_get(p, wanted, a[1], (size_t)words * CAP_SETS * 4))
        return -EFAULT;
    for (int i = 0; i < words * CAP_SETS; i++)
        if (wanted[i])
            return -EPERM;
    return 0;
}
