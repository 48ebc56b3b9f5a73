/* Pseudo-terminals between processes of the guest: opening, reading and writing them, whose terminal one is, and its end. The host
 * knows nothing of them, but for a file in memory each end that stands for its name: its mode and owner are the terminal's.
 * The terminal that the simulator itself runs in is the host's, and the first session's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "syscalls.h"
#include "tty.h"

enum { GROUP_TTY = 5, MODE = 0620, PTMX_MAJOR = 5, PTMX_MINOR = 2, FIRST_INODE = 3, DEVICE = 0x18 };

/* Signals ------------------------------------------------------------------------------------------------------------ */

static void raise_all(struct linux_kernel *k, int pgrp, int signal)
{
    enum { CODE_KERNEL = 0x80 };
    for (struct linux_group *g = k->groups; g && pgrp; g = g->next)
        if (g->pgid == pgrp)
            linux_raise_group(k, g, signal, CODE_KERNEL, NULL);
}

void tty_signal(struct linux_tty *t, int signal) { raise_all(t->k, t->pgrp, signal); }

/* Nobody of the same session, outside the process group, could make it go on. */
static bool is_orphan(const struct linux_kernel *k, int pgid)
{
    for (const struct linux_group *g = k->groups; g; g = g->next)
        if (g->pgid == pgid && !g->zombie && g->parent && g->parent->pgid != pgid && g->parent->sid == g->sid)
            return false;
    return true;
}

int64_t tty_in_front(struct linux_process *p, const struct linux_tty *t, int signal)
{
    const struct linux_group *g = p->group;
    if (!t->sid || t->sid != g->sid || !t->pgrp || t->pgrp == g->pgid)
        return 0;
    if (g->action[signal].handler == 1 || (p->blocked >> (signal - 1) & 1))
        return signal == SIGTTIN ? -EIO : 0;
    if (is_orphan(p->k, g->pgid))
        return -EIO;
    raise_all(p->k, g->pgid, signal);
    return wait_for(p, "is in the background of its terminal", -1, true);
}

/* The end of a terminal ---------------------------------------------------------------------------------------------- */

static void free_unused(struct linux_tty *t)
{
    struct linux_tty **at = &t->k->ttys;
    if (t->ends)
        return;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    for (int i = 0; i < 2; i++)
        close(t->node[i]);
    free(t);
}

static bool has_slave(const struct linux_tty *t)
{
    const struct tty_end *e = t->ends;
    while (e && (e->master || e->hung))
        e = e->next;
    return e != NULL;
}

/* Who has it open as a slave reads nothing any more. */
static void hang_up(struct linux_tty *t)
{
    for (struct tty_end *e = t->ends; e; e = e->next)
        e->hung |= !e->master;
    t->slave_gone = true;
    t->sid = t->pgrp = 0;
    line_flush(t);
}

static void tell_leader(struct linux_tty *t)
{
    struct linux_group *g = t->sid ? group_find(t->k, t->sid) : NULL;
    for (int i = 0; g && i < 2; i++)
        linux_raise_group(t->k, g, i ? SIGCONT : SIGHUP, SI_KERNEL, NULL);
}

static void end_closes(struct linux_file *f)
{
    struct tty_end *end = f->of, **at = &end->tty->ends;
    struct linux_tty *t = end->tty;
    while (*at != end)
        at = &(*at)->next;
    *at = end->next;
    if (end->master) {
        tell_leader(t);
        hang_up(t);
        t->no_master = true;
    } else if (!end->hung && !has_slave(t)) {
        t->slave_gone = true;
        t->sid = t->pgrp = 0;
    }
    free(end);
    free_unused(t);
}

void tty_session_ends(struct linux_kernel *k, const struct linux_group *g)
{
    for (struct linux_tty *t = k->ttys; t; t = t->next) {
        if (g->pid != g->sid || t->sid != g->sid)
            continue;
        tty_signal(t, SIGHUP);
        t->sid = t->pgrp = 0;
    }
}

/* Readiness ---------------------------------------------------------------------------------------------------------- */

static short events(struct linux_process *p, const struct linux_file *f)
{
    const struct tty_end *end = f->of;
    const struct linux_tty *t = end->tty;
    enum { IN = POLLIN | POLLRDNORM, OUT = POLLOUT | POLLWRNORM };
    (void)p;
    if (end->hung)
        return IN | OUT | POLLERR | POLLHUP;
    if (end->master)
        return (short)((t->out.count && !t->stopped ? IN : 0) | (t->news ? IN | POLLPRI : 0) | (line_room(t) ? OUT : 0) |
                       (t->slave_gone ? POLLHUP : 0));
    return (short)((line_waits(t) ? 0 : IN) | (queue_room(&t->out) >= 8 && !t->stopped ? OUT : 0));
}

static bool ready(struct linux_process *p, const struct linux_file *f) { return events(p, f) & (POLLIN | POLLHUP); }

static const struct linux_source tty_source = {.ready = ready, .drop = end_closes, .events = events};

struct tty_end *tty_end(const struct linux_file *f) { return f && f->source == &tty_source ? f->of : NULL; }

bool tty_is(const struct linux_file *f) { return tty_end(f) != NULL; }

/* Moving bytes ------------------------------------------------------------------------------------------------------- */

static int64_t read_master(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size)
{
    struct linux_tty *t = tty_end(f)->tty;
    uint8_t buf[TTY_LINE];
    uint32_t n = 0;
    if (t->news) {
        const uint8_t news = t->news;
        t->news = 0;
        return user_put(p, to, &news, 1) ? 1 : -EFAULT;
    }
    if (!t->out.count || t->stopped)
        return t->slave_gone ? -EIO : pipe_wait(p, f, POLLIN, 0);
    if (t->packet)
        buf[n++] = TIOCPKT_DATA;
    for (; n < sizeof buf && n < size && t->out.count; n++, t->out.count--) {
        buf[n] = (uint8_t)t->out.at[t->out.first];
        t->out.first = (t->out.first + 1) % TTY_QUEUE;
    }
    return user_put(p, to, buf, n) ? (int64_t)n : -EFAULT;
}

/* With a time limit, that of the first byte, or between two of them. `key` is how many there were when it began. */
static int64_t wait_typed(struct linux_process *p, struct linux_file *f)
{
    const struct linux_tty *t = tty_end(f)->tty;
    const int64_t limit = t->termios.cc[VTIME] * INT64_C(100000000);
    uint32_t n = line_ready(t, false);
    bool by_line = t->termios.lflag & ICANON, starts = !p->wait.again || p->wait.key != n;
    if (by_line || !limit || f->nonblock || (!n && t->termios.cc[VMIN]))
        return pipe_wait(p, f, POLLIN, 0);
    int64_t deadline = starts ? time_now(p) + limit : p->wait.deadline;
    p->wait.key = n;
    return time_now(p) >= deadline ? 0 : wait_for(p, "waits for a terminal", deadline, true);
}

static int64_t read_slave(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size)
{
    struct linux_tty *t = tty_end(f)->tty;
    uint8_t buf[TTY_LINE];
    const uint8_t *cc = t->termios.cc;
    bool by_line = t->termios.lflag & ICANON;
    int64_t r = tty_in_front(p, t, SIGTTIN);
    if (r)
        return r;
    /* Without lines: VMIN bytes are enough, and what was asked for is. */
    uint32_t n = line_ready(t, false), least = cc[VMIN] < size ? cc[VMIN] : (uint32_t)size;
    bool enough = by_line ? !line_waits(t) : n && n >= least;
    if (!enough && (by_line || cc[VMIN] || cc[VTIME])) {
        r = wait_typed(p, f);
        if (r)
            return r;
    }
    n = line_take(t, buf, size < sizeof buf ? (uint32_t)size : sizeof buf);
    return user_put(p, to, buf, n) ? (int64_t)n : -EFAULT;
}

int64_t tty_read(struct linux_process *p, struct linux_file *f, uint64_t to, uint64_t size)
{
    const struct tty_end *end = tty_end(f);
    if (end->mode == O_WRONLY)
        return -EBADF;
    if (end->hung || !size)
        return 0;
    return end->master ? read_master(p, f, to, size) : read_slave(p, f, to, size);
}

static bool has_room(const struct tty_end *end)
{
    const struct linux_tty *t = end->tty;
    return end->master ? line_room(t) > 0 : !t->stopped && queue_room(&t->out) >= 8;
}

int64_t tty_write(struct linux_process *p, struct linux_file *f, uint64_t from, uint64_t size)
{
    const struct tty_end *end = tty_end(f);
    struct linux_tty *t = end->tty;
    int64_t done = p->wait.done, r;
    uint8_t c;
    if (end->mode == O_RDONLY)
        return -EBADF;
    if (end->hung)
        return done ? done : -EIO;
    if (!end->master && (t->termios.lflag & TOSTOP) && (r = tty_in_front(p, t, SIGTTOU)))
        return r;
    if (end->master)
        line_begin(t);
    for (; (uint64_t)done < size; done++) {
        if (!has_room(end))
            return pipe_wait(p, f, POLLOUT, done);
        if (!user_get(p, &c, from + (uint64_t)done, 1))
            return done ? done : -EFAULT;
        if (end->master)
            line_receive(t, c);
        else
            line_put(t, c);
    }
    return done;
}

/* Opening ------------------------------------------------------------------------------------------------------------ */

static int64_t open_end(struct linux_process *p, struct linux_tty *t, uint32_t flags, bool master)
{
    struct tty_end *end = calloc(1, sizeof *end);
    if (!end) {
        free_unused(t);
        return -ENOMEM;
    }
    *end = (struct tty_end){.next = t->ends, .tty = t, .master = master, .mode = flags & O_ACCMODE};
    t->ends = end;
    return source_open(p, &tty_source, end, flags & O_NONBLOCK, flags & O_CLOEXEC);
}

/* A session without a terminal takes the first that its leader opens. The first session has the host's. */
static void take_over(struct linux_process *p, struct linux_tty *t)
{
    const struct linux_group *g = p->group;
    if (g->pid != g->sid || g->sid == p->k->first->sid || t->sid)
        return;
    for (const struct linux_tty *other = p->k->ttys; other; other = other->next)
        if (other->sid == g->sid)
            return;
    t->sid = g->sid;
    t->pgrp = g->pgid;
}

int64_t tty_open_slave(struct linux_process *p, struct linux_tty *t, uint32_t flags)
{
    if (t->locked || t->no_master)
        return -EIO;
    bool was_gone = t->slave_gone;
    int64_t fd = open_end(p, t, flags, false);
    if (fd < 0)
        return fd;
    t->slave_gone &= !was_gone;
    if (!(flags & O_NOCTTY))
        take_over(p, t);
    return fd;
}

static bool make_node(struct linux_tty *t, bool master)
{
    struct stat st;
    int fd = memfd_create("tty", MFD_CLOEXEC);
    if (fd < 0 || fd >= t->k->host_fds || fchmod(fd, master ? 0666 : MODE) || fstat(fd, &st)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    t->node[master] = fd;
    t->dev[master] = st.st_dev;
    t->ino[master] = st.st_ino;
    return true;
}

static struct linux_tty *by_index(const struct linux_kernel *k, unsigned index)
{
    struct linux_tty *t = k->ttys;
    while (t && t->index != index)
        t = t->next;
    return t;
}

static int64_t open_master(struct linux_process *p, uint32_t flags)
{
    /* As Linux makes them: lines, echo, carriage returns. */
    static const struct tty_termios usual = {
        .iflag = ICRNL | IXON,
        .oflag = OPOST | ONLCR,
        .cflag = B38400 | CS8 | CREAD,
        .lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        .cc = {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22},
    };
    unsigned index = 0;
    while (by_index(p->k, index))
        index++;
    struct linux_tty *t = index < TTY_MOST ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return index < TTY_MOST ? -ENOMEM : -ENOSPC;
    t->k = p->k;
    t->index = index;
    t->locked = true;
    t->termios = usual;
    t->speed[0] = t->speed[1] = 38400;
    if (!make_node(t, false)) {
        free(t);
        return -ENFILE;
    }
    if (!make_node(t, true)) {
        close(t->node[0]);
        free(t);
        return -ENFILE;
    }
    t->next = p->k->ttys;
    p->k->ttys = t;
    return open_end(p, t, flags, true);
}

/* Names -------------------------------------------------------------------------------------------------------------- */

enum name { NAME_NONE, NAME_MASTER, NAME_SLAVE, NAME_OWN };

/* What a path names, and for a slave in *t which: NULL if there is none. `given`: a file that stands for it, or NULL. */
static enum name name_of(const struct linux_process *p, const char *path, const struct linux_file *given, struct linux_tty **t)
{
    static const char folder[] = "/dev/pts/";
    const size_t n = sizeof folder - 1;
    const struct tty_end *end = tty_end(given);
    *t = end ? end->tty : NULL;
    if (end)
        return end->master ? NAME_MASTER : NAME_SLAVE;
    if (!strcmp(path, "/dev/ptmx") || !strcmp(path, "/dev/pts/ptmx"))
        return NAME_MASTER;
    if (!strcmp(path, "/dev/tty"))
        return NAME_OWN;
    if (strncmp(path, folder, n) != 0 || !path[n])
        return NAME_NONE;
    bool number = strlen(path + n) < 4 && strspn(path + n, "0123456789") == strlen(path + n);
    *t = number ? by_index(p->k, (unsigned)atoi(path + n)) : NULL;
    if (*t && (*t)->no_master)
        *t = NULL;
    return NAME_SLAVE;
}

bool tty_open(struct linux_process *p, const char *path, const struct linux_file *given, uint32_t flags, int64_t *result)
{
    struct linux_tty *t;
    enum name name = name_of(p, path, given, &t);
    if (name == NAME_NONE || (flags & O_PATH))
        return false;
    if (name == NAME_OWN) {
        for (t = p->k->ttys; t && t->sid != p->group->sid; t = t->next)
            ;
        if (!t && p->group->sid == p->k->first->sid)
            return false;
        *result = t ? tty_open_slave(p, t, flags) : -ENXIO;
        return true;
    }
    if ((flags & O_CREAT) && (flags & O_EXCL) && (t || name == NAME_MASTER))
        *result = -EEXIST;
    else if (flags & O_DIRECTORY)
        *result = t || name == NAME_MASTER ? -ENOTDIR : -ENOENT;
    else if (name == NAME_MASTER)
        *result = open_master(p, flags);
    else
        *result = t ? tty_open_slave(p, t, flags) : -ENOENT;
    return true;
}

int tty_node(const struct linux_process *p, const char *path)
{
    struct linux_tty *t;
    if (name_of(p, path, NULL, &t) != NAME_SLAVE)
        return -EINVAL;
    return t ? fd_copy(t->node[0]) : -ENOENT;
}

char *tty_list(const struct linux_kernel *k, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    fprintf(out, "%c.%c%c..%c%cptmx%c", DT_DIR, 0, DT_DIR, 0, DT_CHR, 0);
    for (const struct linux_tty *t = k->ttys; t; t = t->next)
        if (!t->no_master)
            fprintf(out, "%c%u%c", DT_CHR, t->index, 0);
    if (!fclose(out))
        return text;
    free(text);
    return NULL;
}

int tty_file_node(const struct linux_file *f)
{
    const struct tty_end *end = tty_end(f);
    return end ? fd_copy(end->tty->node[end->master]) : -EINVAL;
}

int tty_name(const struct linux_file *f, char out[LINUX_PATH])
{
    const struct tty_end *end = tty_end(f);
    if (!end)
        return -EINVAL;
    return end->master ? sprintf(out, "/dev/ptmx") : sprintf(out, "/dev/pts/%u", end->tty->index);
}

void tty_stat(const struct linux_kernel *k, struct stat *st)
{
    for (const struct linux_tty *t = k->ttys; t; t = t->next) {
        for (int master = 0; master < 2; master++) {
            if (st->st_dev != t->dev[master] || st->st_ino != t->ino[master])
                continue;
            st->st_dev = DEVICE;
            st->st_ino = master ? PTMX_MINOR : t->index + FIRST_INODE;
            st->st_rdev = master ? makedev(PTMX_MAJOR, PTMX_MINOR) : makedev(TTY_MAJOR, t->index);
            st->st_mode = S_IFCHR | (st->st_mode & 07777);
            st->st_nlink = 1;
            st->st_blksize = 1024;
            if (!master)
                st->st_gid = GROUP_TTY;
            return;
        }
    }
}

void tty_of_session(const struct linux_kernel *k, int sid, int *number, int *pgrp)
{
    const struct linux_tty *t = k->ttys;
    while (t && (!t->sid || t->sid != sid))
        t = t->next;
    *number = t ? (int)makedev(TTY_MAJOR, t->index) : 0;
    *pgrp = t ? t->pgrp : -1;
}
