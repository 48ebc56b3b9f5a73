/* Pseudo-terminals: what tty.c, tty_line.c and tty_ioctl.c have in common. */
#pragma once
#include "linux.h"

enum {
    TTY_MOST = 64,       /* pairs at a time */
    TTY_QUEUE = 1 << 15, /* bytes that wait in each direction */
    TTY_LINE = 4096,     /* a line that is being typed */
    TTY_END = 0x100,     /* in the input: the line ends here */
    TTY_EOF = 0x200,     /* ... by the character that ends the file, which nobody reads */
    TTY_MAJOR = 136,     /* of the slaves' numbers */
};

/* The kernel's, in both word sizes. */
struct tty_termios {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
};

struct tty_winsize {
    uint16_t row, col, xpixel, ypixel;
};

struct tty_queue {
    uint32_t first, count;
    uint16_t at[TTY_QUEUE];
};

/* An end that is open: of one open file. */
struct tty_end {
    struct tty_end *next;
    struct linux_tty *tty;
    bool master, hung; /* a slave's whose terminal is gone */
    uint8_t mode;      /* O_RDONLY, O_WRONLY or O_RDWR */
};

struct linux_tty {
    struct linux_tty *next;
    struct linux_kernel *k;
    unsigned index;
    struct tty_end *ends;
    bool no_master, locked, slave_gone; /* slave_gone: there was one, and there is none */
    int node[2];                        /* [master]: files of the host's that stand for the names */
    uint64_t dev[2], ino[2];
    int sid, pgrp; /* the session whose terminal it is, and the process group in front; or 0 */
    struct tty_termios termios;
    struct tty_winsize size;
    struct tty_queue in, out; /* typed, for the slave; written, for the master */
    uint32_t lines;           /* that end in `in` */
    uint32_t open;            /* bytes behind the last of them, some of which may have been read */
    uint32_t column, line_column;
    uint32_t echo_start, echo_column; /* of the echo of what is being typed: bytes of `out` before it, and where it began */
    bool stopped, literal;            /* by the character that stops; the next character is no special one */
    bool erasing;                     /* what goes away is being printed: ECHOPRT */
    bool packet;                      /* TIOCPKT: the master hears of what happens besides bytes */
    uint8_t news;                     /* ... and has not heard of that yet */
    uint32_t speed[2];                /* of input and output, where the flags do not say it */
};

/* tty.c */
struct tty_end *tty_end(const struct linux_file *f); /* NULL: it is no terminal of the guest's */
void tty_signal(struct linux_tty *t, int signal);    /* to the process group in front */
/* 0: the process may do that, else a result of the call's: it is in the background of its terminal. */
int64_t tty_in_front(struct linux_process *p, const struct linux_tty *t, int signal);
int64_t tty_open_slave(struct linux_process *p, struct linux_tty *t, uint32_t flags);

/* tty_line.c: the line discipline. */
static inline uint32_t queue_room(const struct tty_queue *q) { return TTY_QUEUE - q->count; }
void line_begin(struct linux_tty *t);                        /* before bytes that are typed at once */
void line_receive(struct linux_tty *t, uint8_t c);           /* one byte that the master writes; there is room */
uint32_t line_room(const struct linux_tty *t);               /* bytes that the master may write */
bool line_put(struct linux_tty *t, uint8_t c);               /* one that the slave writes; false: there is no room */
uint32_t line_ready(const struct linux_tty *t, bool enough); /* bytes to be read; enough: 0 while there are too few */
bool line_waits(const struct linux_tty *t);                  /* nothing to be read, be it the end of a file */
uint32_t line_take(struct linux_tty *t, uint8_t *to, uint32_t most);
void line_set(struct linux_tty *t, const struct tty_termios *new);
void line_flush(struct linux_tty *t); /* what is typed is forgotten */
void line_stop(struct linux_tty *t, bool on);
void line_tell(struct linux_tty *t, uint8_t what,
               uint8_t instead); /* news for a master in packet mode; bits that they replace */

/* tty_ioctl.c */
int64_t tty_ioctl(struct linux_process *p, struct linux_file *f, uint32_t request, uint64_t at);
