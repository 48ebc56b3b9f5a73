/* What programs ask and tell terminals of the guest's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "syscalls.h"
#include "tty.h"

static int64_t put_int(struct linux_process *p, uint64_t at, int32_t value)
{
    return user_put(p, at, &value, sizeof value) ? 0 : -EFAULT;
}

/* Settings ----------------------------------------------------------------------------------------------------------- */

/* TCGETS2 and its like: speeds in full, which no libc's header has beside its own structure. */
enum { GETS2 = 0x802c542a, SETS2 = 0x402c542b, SETSW2, SETSF2, GPKT = 0x80045438, OTHER_SPEED = 010000, INPUT_SHIFT = 16 };

/* The speed that flags say; `other`: where they say that it is another one. */
static uint32_t speed_of(uint32_t flags, uint32_t other)
{
    static const uint32_t speeds[] = {0,       50,      75,      110,     134,     150,     200,    300,
                                      600,     1200,    1800,    2400,    4800,    9600,    19200,  38400,
                                      57600,   115200,  230400,  460800,  500000,  576000,  921600, 1000000,
                                      1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000};
    flags &= CBAUD;
    if (flags == OTHER_SPEED)
        return other;
    return speeds[flags & OTHER_SPEED ? (flags & 017) + 15 : flags];
}

static int64_t get_termios2(struct linux_process *p, const struct linux_tty *t, uint64_t at)
{
    bool ok = user_put(p, at, &t->termios, sizeof t->termios);
    return ok && user_put(p, at + sizeof t->termios, t->speed, sizeof t->speed) ? 0 : -EFAULT;
}

static int64_t set_termios(struct linux_process *p, struct linux_tty *t, uint32_t request, uint64_t at)
{
    const bool two = request >= SETS2;
    uint32_t speed[2] = {t->speed[0], t->speed[1]};
    struct tty_termios new;
    int64_t r = tty_in_front(p, t, SIGTTOU);
    if (r)
        return r;
    if (!user_get(p, &new, at, sizeof new))
        return -EFAULT;
    if (two && !user_get(p, speed, at + sizeof new, sizeof speed))
        return -EFAULT;
    if (request == TCSETSF || request == SETSF2) {
        line_flush(t);
        line_tell(t, TIOCPKT_FLUSHREAD, 0);
    }
    t->speed[1] = speed_of(new.cflag, speed[1]);
    const uint32_t input = new.cflag >> INPUT_SHIFT &CBAUD;
    t->speed[0] = input ? speed_of(input, speed[0]) : t->speed[1];
    line_set(t, &new);
    return 0;
}

static int64_t set_size(struct linux_process *p, struct linux_tty *t, uint64_t at)
{
    struct tty_winsize new;
    if (!user_get(p, &new, at, sizeof new))
        return -EFAULT;
    if (!memcmp(&new, &t->size, sizeof new))
        return 0;
    t->size = new;
    tty_signal(t, SIGWINCH);
    return 0;
}

/* Sessions ----------------------------------------------------------------------------------------------------------- */

static int64_t take_terminal(struct linux_process *p, struct linux_tty *t)
{
    const struct linux_group *g = p->group;
    if (t->sid && t->sid == g->sid && g->pid == g->sid)
        return 0;
    if (g->pid != g->sid || g->sid == p->k->first->sid) /* the first session has the host's */
        return -EPERM;
    for (const struct linux_tty *other = p->k->ttys; other; other = other->next)
        if (other->sid == g->sid)
            return -EPERM;
    if (t->sid)
        return -EPERM;
    t->sid = g->sid;
    t->pgrp = g->pgid;
    return 0;
}

/* Only its leader's giving it up is anything to the session here. */
static int64_t give_up(struct linux_process *p, struct linux_tty *t)
{
    if (!t->sid || t->sid != p->group->sid)
        return -ENOTTY;
    if (p->group->pid != p->group->sid)
        return 0;
    tty_signal(t, SIGHUP);
    tty_signal(t, SIGCONT);
    t->sid = t->pgrp = 0;
    return 0;
}

static int64_t set_front(struct linux_process *p, struct linux_tty *t, uint64_t at)
{
    int32_t pgrp;
    int64_t r = tty_in_front(p, t, SIGTTOU);
    if (r)
        return r == -EIO ? -ENOTTY : r;
    if (!t->sid || t->sid != p->group->sid)
        return -ENOTTY;
    if (!user_get(p, &pgrp, at, sizeof pgrp))
        return -EFAULT;
    if (pgrp < 0)
        return -EINVAL;
    const struct linux_group *g = p->k->groups;
    while (g && g->pgid != pgrp)
        g = g->next;
    if (!g)
        return -ESRCH;
    if (g->sid != t->sid)
        return -EPERM;
    t->pgrp = pgrp;
    return 0;
}

static int64_t whose(struct linux_process *p, const struct tty_end *end, uint32_t request, uint64_t at)
{
    const struct linux_tty *t = end->tty;
    if (!end->master && (!t->sid || t->sid != p->group->sid))
        return -ENOTTY;
    if (request == TIOCGSID && !t->sid)
        return -ENOTTY;
    return put_int(p, at, request == TIOCGSID ? t->sid : t->pgrp);
}

/* Queues ------------------------------------------------------------------------------------------------------------- */

static int64_t flush(struct linux_process *p, const struct tty_end *end, uint64_t which)
{
    struct linux_tty *t = end->tty;
    int64_t r = end->master ? 0 : tty_in_front(p, t, SIGTTOU);
    if (r)
        return r;
    if (which > TCIOFLUSH)
        return -EINVAL;
    bool typed = which != (end->master ? TCIFLUSH : TCOFLUSH), written = which != (end->master ? TCOFLUSH : TCIFLUSH);
    if (typed)
        line_flush(t);
    if (written)
        t->out.count = 0;
    if (!end->master)
        line_tell(t, (uint8_t)((typed ? TIOCPKT_FLUSHREAD : 0) | (written ? TIOCPKT_FLUSHWRITE : 0)), 0);
    return 0;
}

static int64_t flow(struct linux_process *p, const struct tty_end *end, uint64_t what)
{
    struct linux_tty *t = end->tty;
    int64_t r = end->master ? 0 : tty_in_front(p, t, SIGTTOU);
    if (r)
        return r;
    switch ((uint32_t)what) {
    case TCOOFF:
    case TCOON: line_stop(t, what == TCOOFF); return 0;
    case TCIOFF:
    case TCION: return 0; /* the other end would have to heed it */
    default: return -EINVAL;
    }
}

static int64_t count(struct linux_process *p, const struct tty_end *end, uint64_t at)
{
    return put_int(p, at, (int32_t)(end->master ? end->tty->out.count : line_ready(end->tty, false)));
}

/* Types for the user: what a process does to its own terminal alone. */
static int64_t type(struct linux_process *p, const struct tty_end *end, uint64_t at)
{
    uint8_t c;
    if (end->tty->sid != p->group->sid)
        return -EPERM;
    if (!user_get(p, &c, at, 1))
        return -EFAULT;
    line_begin(end->tty);
    if (line_room(end->tty))
        line_receive(end->tty, c);
    return 0;
}

/* The master's own --------------------------------------------------------------------------------------------------- */

static int64_t set_lock(struct linux_process *p, struct linux_tty *t, uint64_t at)
{
    int32_t lock;
    if (!user_get(p, &lock, at, sizeof lock))
        return -EFAULT;
    t->locked = lock;
    return 0;
}

/* Packet mode: each piece that is read begins with a byte that says whether it is bytes or news. */
static int64_t set_packet(struct linux_process *p, struct linux_tty *t, uint64_t at)
{
    int32_t on;
    if (!user_get(p, &on, at, sizeof on))
        return -EFAULT;
    if (!on || !t->packet)
        t->news = 0;
    t->packet = on;
    return 0;
}

static int64_t send_signal(struct linux_tty *t, uint64_t signal)
{
    if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP)
        return -EINVAL;
    tty_signal(t, (int)signal);
    return 0;
}

static int64_t of_master(struct linux_process *p, struct linux_tty *t, uint32_t request, uint64_t at)
{
    switch (request) {
    case TIOCGPTN: return put_int(p, at, (int32_t)t->index);
    case TIOCSPTLCK: return set_lock(p, t, at);
    case TIOCGPTLCK: return put_int(p, at, t->locked);
    case TIOCGPTPEER: return tty_open_slave(p, t, (uint32_t)at & (O_ACCMODE | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    case TIOCPKT: return set_packet(p, t, at);
    case GPKT: return put_int(p, at, t->packet);
    case TIOCSIG: return send_signal(t, at);
    default: return -ENOTTY;
    }
}

int64_t tty_ioctl(struct linux_process *p, struct linux_file *f, uint32_t request, uint64_t at)
{
    const struct tty_end *end = tty_end(f);
    struct linux_tty *t = end->tty;
    if (end->hung)
        return request == TIOCSPGRP ? -ENOTTY : -EIO;
    switch (request) {
    case TCGETS: return user_put(p, at, &t->termios, sizeof t->termios) ? 0 : -EFAULT;
    case GETS2: return get_termios2(p, t, at);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case SETS2:
    case SETSW2:
    case SETSF2: return set_termios(p, t, request, at);
    case TIOCGWINSZ: return user_put(p, at, &t->size, sizeof t->size) ? 0 : -EFAULT;
    case TIOCSWINSZ: return set_size(p, t, at);
    case TIOCSCTTY: return take_terminal(p, t);
    case TIOCNOTTY: return give_up(p, t);
    case TIOCSPGRP: return set_front(p, t, at);
    case TIOCGPGRP:
    case TIOCGSID: return whose(p, end, request, at);
    case TCFLSH: return flush(p, end, at);
    case TCXONC: return flow(p, end, at);
    case TCSBRK:
    case TCSBRKP: return tty_in_front(p, t, SIGTTOU); /* what is written is out at once */
    case FIONREAD: return count(p, end, at);
    case TIOCOUTQ: return put_int(p, at, 0);
    case TIOCSTI: return type(p, end, at);
    default: return end->master ? of_master(p, t, request, at) : -ENOTTY;
    }
}
