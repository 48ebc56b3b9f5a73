/* The line discipline of terminals, as Linux's n_tty has it: what is typed is echoed, edited and cut into lines, what is written is
 * given the line ends that a terminal wants. */
#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "tty.h"

static void push(struct tty_queue *q, uint16_t v)
{
    if (q->count < TTY_QUEUE)
        q->at[(q->first + q->count++) % TTY_QUEUE] = v;
}

static uint16_t *peek(struct tty_queue *q, uint32_t i) { return &q->at[(q->first + i) % TTY_QUEUE]; }

static uint16_t pop(struct tty_queue *q)
{
    uint16_t v = *peek(q, 0);
    q->first = (q->first + 1) % TTY_QUEUE;
    q->count--;
    return v;
}

static bool is_control(uint8_t c) { return c < ' ' || c == 0x7f; }

static bool lflag(const struct linux_tty *t, uint32_t flags) { return (t->termios.lflag & flags) == flags; }

/* A byte inside a character of several. */
static bool continues(const struct linux_tty *t, uint8_t c) { return (t->termios.iflag & IUTF8) && (c & 0xc0) == 0x80; }

void line_tell(struct linux_tty *t, uint8_t what, uint8_t instead)
{
    if (t->packet)
        t->news = (uint8_t)((t->news & ~instead) | what);
}

void line_stop(struct linux_tty *t, bool on)
{
    if (t->stopped != on)
        line_tell(t, on ? TIOCPKT_STOP : TIOCPKT_START, on ? TIOCPKT_START : TIOCPKT_STOP);
    t->stopped = on;
}

/* Output ------------------------------------------------------------------------------------------------------------- */

enum { WIDEST = 8 /* bytes that one becomes */ };

static void put_processed(struct linux_tty *t, uint8_t c)
{
    uint32_t flags = t->termios.oflag, blanks = 8 - t->column % 8;
    switch (c) {
    case '\n':
        if (flags & (ONLRET | ONLCR))
            t->column = t->line_column = 0;
        if (flags & ONLCR)
            push(&t->out, '\r');
        break;
    case '\r':
        if ((flags & ONOCR) && !t->column)
            return;
        if (flags & OCRNL) {
            c = '\n';
            if (!(flags & ONLRET))
                break;
        }
        t->column = t->line_column = 0;
        break;
    case '\t':
        t->column += blanks;
        if ((flags & TABDLY) != XTABS)
            break;
        while (blanks--)
            push(&t->out, ' ');
        return;
    case '\b': t->column -= t->column > 0; break;
    default:
        if (is_control(c))
            break;
        if (flags & OLCUC)
            c = (uint8_t)toupper(c);
        t->column += !continues(t, c);
    }
    push(&t->out, c);
}

bool line_put(struct linux_tty *t, uint8_t c)
{
    if (t->stopped || queue_room(&t->out) < WIDEST)
        return false;
    if (t->termios.oflag & OPOST)
        put_processed(t, c);
    else
        push(&t->out, c);
    return true;
}

/* Echo --------------------------------------------------------------------------------------------------------------- */

static void echo_raw(struct linux_tty *t, uint8_t c)
{
    if (queue_room(&t->out) < WIDEST)
        return;
    if (t->termios.oflag & OPOST)
        put_processed(t, c);
    else
        push(&t->out, c);
}

static void echo(struct linux_tty *t, uint8_t c)
{
    if (!lflag(t, ECHOCTL) || !is_control(c) || c == '\t') {
        echo_raw(t, c);
    } else if (queue_room(&t->out) >= WIDEST) {
        push(&t->out, '^');
        push(&t->out, c ^ 0x40);
        t->column += 2;
    }
}

static void rub_out(struct linux_tty *t)
{
    for (const char *c = "\b \b"; *c; c++)
        echo_raw(t, (uint8_t)*c);
}

/* Input -------------------------------------------------------------------------------------------------------------- */

/* Bytes of the line that is being typed. */
static uint32_t unfinished(const struct linux_tty *t) { return t->open < t->in.count ? t->open : t->in.count; }

static void take_back(struct linux_tty *t, uint32_t bytes)
{
    t->open = unfinished(t) - bytes;
    t->in.count -= bytes;
}

static uint8_t typed(struct linux_tty *t, uint32_t back) { return (uint8_t)*peek(&t->in, t->in.count - 1 - back); }

/* The columns that a tab at the end of what is typed took. */
static void rub_out_tab(struct linux_tty *t, uint32_t left)
{
    uint32_t columns = 0, i = 0;
    bool after_tab = false;
    if (queue_room(&t->out) < WIDEST)
        return;
    for (; i < left && !after_tab; i++) {
        uint8_t c = typed(t, i);
        after_tab = c == '\t';
        columns += after_tab || continues(t, c) ? 0 : !is_control(c) ? 1 : lflag(t, ECHOCTL) ? 2 : 0;
    }
    columns += after_tab ? 0 : t->line_column;
    for (uint32_t n = 8 - columns % 8; n; n--)
        echo_raw(t, '\b');
}

static void stop_erasing(struct linux_tty *t)
{
    if (t->erasing)
        echo_raw(t, '/');
    t->erasing = false;
}

/* ECHOPRT: what goes away is printed between a backslash and a slash, as on paper. */
static void print_erased(struct linux_tty *t, uint8_t c, uint32_t bytes)
{
    if (!t->erasing)
        echo_raw(t, '\\');
    t->erasing = true;
    echo(t, c);
    for (uint32_t i = 1; i < bytes; i++) { /* the rest of a character of several: still in the queue, behind its end */
        echo_raw(t, (uint8_t)*peek(&t->in, t->in.count + i));
        t->column -= t->column > 0;
    }
}

static void rub_out_character(struct linux_tty *t, uint8_t c, bool one, uint32_t left)
{
    if (!lflag(t, ECHO))
        return;
    if (one && !lflag(t, ECHOE)) {
        echo(t, t->termios.cc[VERASE]);
    } else if (c == '\t') {
        rub_out_tab(t, left);
    } else {
        if (is_control(c) && lflag(t, ECHOCTL))
            rub_out(t);
        if (!is_control(c) || lflag(t, ECHOCTL))
            rub_out(t);
    }
}

/* VERASE takes a character away, VWERASE a word, VKILL the line. */
static void erase(struct linux_tty *t, int what)
{
    uint32_t left = unfinished(t);
    const bool had = left;
    bool word = false;
    if (left && what == VKILL && !(lflag(t, ECHO | ECHOK | ECHOKE | ECHOE))) {
        take_back(t, left);
        if (lflag(t, ECHO)) {
            stop_erasing(t);
            echo(t, t->termios.cc[VKILL]);
            if (lflag(t, ECHOK))
                echo_raw(t, '\n');
        }
        return;
    }
    while (left) {
        uint32_t bytes = 1;
        while (bytes < left && continues(t, typed(t, bytes - 1)))
            bytes++;
        uint8_t c = typed(t, bytes - 1);
        if (continues(t, c))
            break;
        bool letter = isalnum(c) || c == '_';
        if (what == VWERASE && word && !letter)
            break;
        word |= letter;
        take_back(t, bytes);
        left -= bytes;
        if (lflag(t, ECHO | ECHOPRT))
            print_erased(t, c, bytes);
        else
            rub_out_character(t, c, what == VERASE, left);
        if (what == VERASE)
            break;
    }
    if (had && !left && lflag(t, ECHO))
        stop_erasing(t);
}

/* At the limit the last character of a line gives way, so that the line can be ended. */
static void store(struct linux_tty *t, uint16_t c)
{
    if (lflag(t, ICANON) && unfinished(t) >= TTY_LINE)
        take_back(t, 1);
    t->open = c & TTY_END ? 0 : unfinished(t) + 1;
    push(&t->in, c);
    t->lines += (c & TTY_END) != 0;
}

static bool is(const struct linux_tty *t, int which, uint8_t c) { return c && t->termios.cc[which] == c; }

/* Characters that send signals. */
static bool signals(struct linux_tty *t, uint8_t c)
{
    int signal = is(t, VINTR, c) ? SIGINT : is(t, VQUIT, c) ? SIGQUIT : is(t, VSUSP, c) ? SIGTSTP : 0;
    if (!signal || !lflag(t, ISIG))
        return false;
    tty_signal(t, signal);
    if (!lflag(t, NOFLSH)) { /* nor is the echo seen of what came with it */
        line_flush(t);
        line_tell(t, TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE, 0);
        t->out.count = t->echo_start;
        t->column = t->echo_column;
    }
    if (t->termios.iflag & IXON)
        line_stop(t, false);
    if (lflag(t, ECHO))
        echo(t, c);
    return true;
}

/* Characters that edit a line. */
static bool edits(struct linux_tty *t, uint8_t c)
{
    bool more = lflag(t, IEXTEN);
    if (is(t, VERASE, c) || is(t, VKILL, c) || (more && is(t, VWERASE, c))) {
        erase(t, is(t, VERASE, c) ? VERASE : is(t, VKILL, c) ? VKILL : VWERASE);
        return true;
    }
    if (more && is(t, VLNEXT, c)) {
        t->literal = true;
        if (lflag(t, ECHO))
            stop_erasing(t);
        if (lflag(t, ECHO | ECHOCTL)) {
            echo_raw(t, '^');
            echo_raw(t, '\b');
        }
        return true;
    }
    if (more && is(t, VREPRINT, c) && lflag(t, ECHO)) {
        stop_erasing(t);
        echo(t, c);
        echo_raw(t, '\n');
        for (uint32_t n = unfinished(t); n && queue_room(&t->out) >= WIDEST; n--)
            echo(t, typed(t, n - 1));
        return true;
    }
    return false;
}

/* PARMRK: a byte that would begin a mark for a broken one is there twice. */
static void mark(struct linux_tty *t, uint8_t c)
{
    if (c == 0xff && (t->termios.iflag & PARMRK))
        store(t, c);
}

/* Characters that end a line. */
static bool ends(struct linux_tty *t, uint8_t c)
{
    if (c == '\n') {
        if (lflag(t, ECHO) || lflag(t, ECHONL))
            echo_raw(t, '\n');
        store(t, '\n' | TTY_END);
        return true;
    }
    if (is(t, VEOF, c)) {
        store(t, TTY_EOF | TTY_END);
        return true;
    }
    if (!is(t, VEOL, c) && !(is(t, VEOL2, c) && lflag(t, IEXTEN)))
        return false;
    if (lflag(t, ECHO))
        echo(t, c);
    mark(t, c);
    store(t, c | TTY_END);
    return true;
}

static void plain(struct linux_tty *t, uint8_t c)
{
    if (lflag(t, ECHO)) {
        stop_erasing(t);
        if (lflag(t, ICANON) && !unfinished(t))
            t->line_column = t->column;
        echo(t, c);
    }
    mark(t, c);
    store(t, c);
}

void line_begin(struct linux_tty *t)
{
    t->echo_start = t->out.count;
    t->echo_column = t->column;
}

void line_receive(struct linux_tty *t, uint8_t c)
{
    uint32_t flags = t->termios.iflag;
    if (t->literal) {
        t->literal = false;
        plain(t, c);
        return;
    }
    if (flags & ISTRIP)
        c &= 0x7f;
    if ((flags & IUCLC) && lflag(t, IEXTEN))
        c = (uint8_t)tolower(c);
    if ((flags & IXON) && (is(t, VSTART, c) || is(t, VSTOP, c))) {
        line_stop(t, !is(t, VSTART, c));
        return;
    }
    if (signals(t, c))
        return;
    if ((flags & (IXON | IXANY)) == (IXON | IXANY))
        line_stop(t, false);
    if (c == '\r' && (flags & IGNCR))
        return;
    if (c == '\r' && (flags & ICRNL))
        c = '\n';
    else if (c == '\n' && (flags & INLCR))
        c = '\r';
    if (lflag(t, ICANON) && (edits(t, c) || ends(t, c)))
        return;
    plain(t, c);
}

uint32_t line_room(const struct linux_tty *t)
{
    return t->in.count < TTY_QUEUE - WIDEST ? TTY_QUEUE - WIDEST - t->in.count : 0;
}

/* Reading ------------------------------------------------------------------------------------------------------------ */

bool line_waits(const struct linux_tty *t) { return lflag(t, ICANON) ? !t->lines : !line_ready(t, true); }

uint32_t line_ready(const struct linux_tty *t, bool enough)
{
    uint32_t n = t->in.count, least = t->termios.cc[VTIME] ? 1 : t->termios.cc[VMIN];
    if (!lflag(t, ICANON))
        return enough && n < (least ? least : 1) ? 0 : n;
    uint32_t marks = 0, lines = 0, i = 0;
    for (; i < n && lines < t->lines; i++) {
        uint16_t c = t->in.at[(t->in.first + i) % TTY_QUEUE];
        lines += (c & TTY_END) != 0;
        marks += (c & TTY_EOF) != 0;
    }
    return i - marks;
}

uint32_t line_take(struct linux_tty *t, uint8_t *to, uint32_t most)
{
    bool by_line = lflag(t, ICANON);
    uint32_t n = 0;
    while (n < most && t->in.count && !(by_line && !t->lines)) {
        uint16_t c = pop(&t->in);
        t->lines -= (c & TTY_END) != 0;
        if (!(c & TTY_EOF))
            to[n++] = (uint8_t)c;
        if (by_line && (c & TTY_END))
            return n;
    }
    /* Of a file's end behind the last byte that was wanted nobody hears. */
    if (by_line && n && t->in.count && (*peek(&t->in, 0) & TTY_EOF)) {
        pop(&t->in);
        t->lines--;
    }
    return n;
}

void line_flush(struct linux_tty *t)
{
    t->in.count = t->lines = t->open = 0;
    t->erasing = false;
}

/* The characters that stop and start are heeded, and are the usual ones. */
static bool usual_flow(const struct tty_termios *s) { return (s->iflag & IXON) && s->cc[VSTOP] == 023 && s->cc[VSTART] == 021; }

void line_set(struct linux_tty *t, const struct tty_termios *new)
{
    bool was = lflag(t, ICANON), flow = usual_flow(&t->termios), ext = lflag(t, EXTPROC);
    t->termios = *new;
    t->termios.cflag = (new->cflag & ~(uint32_t)(CSIZE | PARENB)) | CS8 | CREAD; /* there is no line that could be otherwise */
    if (flow != usual_flow(new))
        line_tell(t, flow ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP, TIOCPKT_NOSTOP | TIOCPKT_DOSTOP);
    if (ext || lflag(t, EXTPROC))
        line_tell(t, TIOCPKT_IOCTL, 0);
    if (!(t->termios.iflag & IXON))
        line_stop(t, false);
    if (was == lflag(t, ICANON))
        return;
    t->literal = t->erasing = false;
    t->lines = 0;
    t->open = t->in.count;
    for (uint32_t i = 0; i < t->in.count; i++)
        *peek(&t->in, i) &= 0xff;
    if (!was && t->in.count) { /* what is there is a line */
        *peek(&t->in, t->in.count - 1) |= TTY_END;
        t->lines = 1;
        t->open = 0;
    }
}
