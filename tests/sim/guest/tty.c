/* Pseudo-terminals: both ends in one process, which types and looks. Prints what it sees. */
#define _GNU_SOURCE
#include "tty.h"

static void set(unsigned iflag, unsigned oflag, unsigned lflag, int min, int time)
{
    struct termios t = usual;
    t.c_iflag = iflag;
    t.c_oflag = oflag;
    t.c_lflag = lflag;
    t.c_cc[VMIN] = (unsigned char)min;
    t.c_cc[VTIME] = (unsigned char)time;
    printf("set %o %o %o %d %d\n", iflag, oflag, lflag, min, time);
    SHOW(tcsetattr(slave, TCSANOW, &t));
}

static void lines(void)
{
    TYPE("");
    TYPE("hello\n");
    TYPE("par");
    TYPE("tial\r");
    TYPE("two\nlines\n");
    TYPE("wrong\x7f\x7fight\n");
    TYPE("\x7fx\x01\x02\x7f\x7f\x7fy\n");
    TYPE("a\tb\x7f\x7f\x7f"
         "c\n");
    TYPE("one two  \x17three\n");
    TYPE("some words\x15"
         "others\n");
    TYPE("a\x16\x03"
         "b\x16\x7f\n");
    TYPE("re\x12print\n");
    TYPE("end\x04");
    TYPE("\x04");
    TYPE("x\x04\x04");
    TYPE("\xc3\xa4\x7f\n");
    char big[5000];
    memset(big, 'L', sizeof big);
    SHOW(write(master, big, sizeof big));
    settle();
    drain("too long, unfinished", slave);
    SHOW(tcflush(slave, TCIFLUSH));
    for (int i = 0; i < 5; i++, settle())
        while (read(master, big, sizeof big) > 0)
            ;
    TYPE("after\n");
    char few[3];
    SHOW(write(master, "abcdef\n", 7));
    settle();
    int n = -1;
    SHOW(ioctl(slave, FIONREAD, &n));
    SHOW(n);
    SHOW(read(slave, few, 3));
    SHOW(read(slave, few, 3));
    SHOW(read(slave, few, 3));
    SHOW(read(slave, few, 3));
    SHOW(write(master, "abc\x04z\n", 6));
    settle();
    SHOW(read(slave, few, 3));
    SHOW(read(slave, few, 3));
    echoed();
}

static void modes(void)
{
    unsigned i = usual.c_iflag, o = usual.c_oflag, l = usual.c_lflag;
    set(i | IUTF8, o, l, 1, 0);
    TYPE("\xc3\xa4\xc3\xb6\x7fz\n");
    set(i, o, l & ~ECHO, 1, 0);
    TYPE("secret\x7f\n");
    set(i, o, (l & ~ECHO) | ECHONL, 1, 0);
    TYPE("secret\n");
    set(i, o, l & ~(ECHOE | ECHOKE), 1, 0);
    TYPE("abc\x7f\x7f"
         "d\x15"
         "e\n");
    set(i, o, l & ~ECHOCTL, 1, 0);
    TYPE("\x01 \x02\x7f\n");
    set(i, o, l & ~IEXTEN, 1, 0);
    TYPE("a b\x17\x16\x12\n");
    set(i | INLCR, o, l, 1, 0);
    TYPE("a\nb\r");
    set((i & ~ICRNL) | IGNCR | ISTRIP, o, l, 1, 0);
    TYPE("a\r\xe1\n");
    TYPE("held");
    set(i, o, l & ~ICANON, 1, 0);
    TYPE("raw");
    TYPE("\x04\x7f\n");
    set(0, 0, 0, 1, 0);
    TYPE("\r\n\x03\x11\x13");
    SHOW(write(master, "kept", 4));
    settle();
    set(i, o, l, 1, 0);
    drain("a line now", slave);
    const unsigned out[] = {0,
                            OPOST,
                            OPOST | ONLCR,
                            OPOST | OCRNL,
                            OPOST | ONOCR,
                            OPOST | ONLRET,
                            OPOST | OLCUC,
                            OPOST | XTABS,
                            OPOST | ONLCR | OCRNL | ONLRET};
    for (unsigned k = 0; k < sizeof out / sizeof *out; k++) {
        set(i, out[k], l, 1, 0);
        SHOW(write(slave, "\rab\tc\n\r\n\b\td\r", 13));
        settle();
        echoed();
    }
    set(i, o, l, 1, 0);
    SHOW(write(slave, "\n", 1));
    settle();
    echoed();
    /* ^S and ^Q. */
    TYPE("\x13");
    SHOW(write(slave, "held back", 9));
    echoed();
    TYPE("\x11");
    SHOW(write(slave, "not held", 8));
    settle();
    echoed();
    SHOW(tcflow(slave, TCOOFF));
    SHOW(write(slave, "held", 4));
    SHOW(tcflow(slave, TCOON));
    SHOW(tcdrain(slave));
    SHOW(tcflow(slave, 9));
    SHOW(tcflush(slave, 9));
    int n;
    SHOW(write(master, "flushed\n", 8));
    settle();
    struct termios t = usual;
    SHOW(tcsetattr(slave, TCSAFLUSH, &t));
    drain("flushed", slave);
    echoed();
    SHOW(ioctl(slave, TIOCOUTQ, &n));
}

static long took(struct timespec *since)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long ms = (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
    *since = now;
    return (ms + 50) / 100; /* tenths of a second */
}

/* VMIN and VTIME. */
static void times(void)
{
    char buf[16];
    struct timespec t;
    nonblock(slave, 0);
    clock_gettime(CLOCK_MONOTONIC, &t);
    set(0, 0, 0, 0, 0);
    SHOW(read(slave, buf, 8));
    set(0, 0, 0, 0, 3);
    SHOW(read(slave, buf, 8));
    SHOW(took(&t));
    SHOW(write(master, "abc", 3));
    settle();
    SHOW(read(slave, buf, 2));
    SHOW(read(slave, buf, 2));
    took(&t);
    set(0, 0, 0, 5, 2);
    SHOW(write(master, "abc", 3));
    settle();
    SHOW(read(slave, buf, 8));
    SHOW(took(&t) >= 2);
    SHOW(write(master, "abcdefg", 7));
    settle();
    SHOW(read(slave, buf, 8));
    set(0, 0, 0, 3, 0);
    SHOW(write(master, "ab", 2));
    settle();
    struct pollfd p = {.fd = slave, .events = POLLIN};
    SHOW(poll(&p, 1, 0));
    SHOW(read(slave, buf, 2));
    if (!fork()) {
        for (int i = 0; i < 3; i++, usleep(50000))
            write(master, "wxyz" + i, 1);
        _exit(0);
    }
    SHOW(read(slave, buf, 8));
    SHOW(poll(&p, 1, 0));
    wait(NULL);
    SHOW(tcsetattr(slave, TCSANOW, &usual));
}

static void polls(void)
{
    char buf[16];
    int e = epoll_create1(0);
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = master};
    polled("quiet");
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, master, &ev));
    ev.data.fd = slave;
    SHOW(epoll_ctl(e, EPOLL_CTL_ADD, slave, &ev));
    SHOW(epoll_wait(e, &ev, 1, 0));
    SHOW(write(master, "x", 1));
    polled("no line");
    SHOW(epoll_wait(e, &ev, 1, 0));
    SHOW(ev.data.fd == master);
    SHOW(read(master, buf, 16));
    SHOW(write(master, "\n", 1));
    polled("a line");
    SHOW(read(master, buf, 16));
    SHOW(read(slave, buf, 16));
    polled("quiet");
    close(e);
    if (!fork()) {
        usleep(50000);
        write(slave, "news", 4);
        _exit(0);
    }
    struct pollfd p = {.fd = master, .events = POLLIN};
    SHOW(poll(&p, 1, 10000));
    wait(NULL);
    echoed();
}

/* Until the master has what ends so, as the host does it in the background; one reading of each piece. */
static void until(const char *end)
{
    struct pollfd p = {.fd = master, .events = POLLIN};
    char buf[200];
    size_t n = 0, size = strlen(end);
    while ((n < size || memcmp(buf + n - size, end, size) != 0) && poll(&p, 1, 20000) == 1) {
        ssize_t r = read(master, buf + n, sizeof buf - n);
        n += r > 0 ? (size_t)r : 0;
    }
    printf("  echo:");
    print(buf, (ssize_t)n);
    printf("\n");
}

static void line_of(const char *text)
{
    char buf[64];
    print(text, (ssize_t)strlen(text));
    write(master, text, strlen(text));
    until("\r\n");
    ssize_t n = read(slave, buf, sizeof buf);
    print(buf, n);
    printf("\n");
}

/* Terminals that print what goes away; bytes that look like marks. */
static void paper(void)
{
    unsigned i = usual.c_iflag, o = usual.c_oflag, l = usual.c_lflag;
    set(i, o, l | ECHOPRT, 1, 0);
    line_of("abc\x7f\x7fx\n");
    line_of("abc\x7f\x7f\x7fx\n");
    line_of("ab cd\x17\x7f\x7fz\n");
    line_of("some words\x15others\n");
    line_of("a\x01\x7f\x16\x7f\n");
    line_of("ab\x7f\x12\n");
    line_of("ab\x7f\n");
    set(i | IUTF8, o, l | ECHOPRT, 1, 0);
    line_of("\xc3\xa4\xc3\xb6\x7fz\t\x7f\n");
    set(i, o, (l | ECHOPRT) & ~ECHOKE, 1, 0);
    line_of("ab\x7f\x15z\n");
    set(i | PARMRK, o, l, 1, 0);
    line_of("a\xff"
            "b\x16\xff\n");
    set(i | PARMRK | ISTRIP, o, l, 1, 0);
    line_of("a\xff"
            "b\n");
    set(i, o, l, 1, 0);
}

static void packet(int events)
{
    struct pollfd p = {.fd = master, .events = (short)events};
    char buf[64];
    int r = poll(&p, 1, events ? 20000 : 0);
    printf("  %d %x", r, p.revents & (POLLIN | POLLPRI));
    print(buf, read(master, buf, sizeof buf));
    printf("\n");
}

/* TIOCPKT: what the master hears of besides bytes. */
static void packets(void)
{
    enum { GET = 0x80045438 };
    struct termios t = usual;
    int on = 1;
    SHOW(ioctl(slave, TIOCPKT, &on));
    SHOW(ioctl(master, TIOCPKT, BAD_ADDRESS));
    SHOW(ioctl(master, GET, &on));
    SHOW(on);
    on = 1;
    SHOW(ioctl(master, TIOCPKT, &on));
    on = 7;
    SHOW(ioctl(master, GET, &on));
    SHOW(on);
    SHOW(write(slave, "text", 4));
    packet(POLLIN);
    SHOW(tcflush(slave, TCIFLUSH));
    packet(POLLPRI);
    SHOW(tcflush(slave, TCIOFLUSH));
    packet(POLLIN | POLLPRI);
    SHOW(tcflow(slave, TCOOFF));
    packet(POLLPRI);
    SHOW(tcflow(slave, TCOOFF));
    SHOW(tcflow(slave, TCOON));
    packet(POLLPRI);
    t.c_iflag &= ~IXON;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    packet(POLLPRI);
    SHOW(tcsetattr(slave, TCSAFLUSH, &usual));
    packet(POLLPRI);
    t = usual;
    t.c_cc[VSTOP] = 1;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    t.c_lflag |= EXTPROC;
    SHOW(tcsetattr(slave, TCSANOW, &t));
    packet(POLLPRI);
    SHOW(tcsetattr(slave, TCSANOW, &usual));
    packet(POLLPRI);
    SHOW(write(master, "\x13", 1));
    packet(POLLPRI);
    SHOW(write(master, "\x11", 1));
    packet(POLLPRI);
    SHOW(write(master, "\x03", 1));
    packet(POLLPRI);
    packet(POLLIN);
    SHOW(tcflow(slave, TCOOFF));
    on = 0;
    SHOW(ioctl(master, TIOCPKT, &on));
    SHOW(tcflow(slave, TCOON));
    SHOW(write(slave, "end", 3));
    packet(POLLIN);
}

/* Speeds. */
static void speeds(void)
{
    enum { GET = 0x802c542a, SET = 0x402c542b, SETW, SETF, OTHER = 010000 };
    struct {
        uint32_t flags[4];
        unsigned char line, cc[19];
        uint32_t speed[2];
    } t;
    SHOW(ioctl(slave, GET, BAD_ADDRESS));
    SHOW(ioctl(slave, SET, BAD_ADDRESS));
    SHOW(ioctl(slave, GET, &t));
    printf("%o %u %u\n", t.flags[2], t.speed[0], t.speed[1]);
    t.flags[2] = (t.flags[2] & ~0010017) | OTHER;
    t.speed[0] = t.speed[1] = 12345;
    SHOW(ioctl(slave, SET, &t));
    memset(&t, 0, sizeof t);
    SHOW(ioctl(master, GET, &t));
    printf("%o %u %u\n", t.flags[2], t.speed[0], t.speed[1]);
    for (unsigned i = 0; i < 31; i++) {
        t.flags[2] = (t.flags[2] & ~0010017) | (i < 16 ? i : OTHER | (i - 15));
        ioctl(slave, i % 2 ? SETW : SETF, &t);
        ioctl(slave, GET, &t);
        printf("%u %u,", t.speed[0], t.speed[1]);
    }
    t.flags[2] = (t.flags[2] & ~(0010017 | 0010017 << 16)) | 13 | (OTHER | 2) << 16;
    SHOW(ioctl(slave, SET, &t));
    SHOW(ioctl(slave, GET, &t));
    printf("%o %u %u\n", t.flags[2], t.speed[0], t.speed[1]);
    struct termios odd = usual;
    odd.c_cflag = (odd.c_cflag & ~(CSIZE | CREAD)) | CS7 | PARENB;
    SHOW(tcsetattr(slave, TCSANOW, &odd) < 0);
    SHOW(tcgetattr(slave, &odd));
    printf("%d\n", odd.c_cflag == usual.c_cflag);
    SHOW(tcsetattr(slave, TCSANOW, &usual));
}

static void listed(void)
{
    char name[32], own[16];
    struct dirent *e;
    struct stat st, by_name;
    DIR *d = opendir("/dev/pts");
    int found = 0, master_too = 0, number = -1;
    ioctl(master, TIOCGPTN, &number);
    sprintf(own, "%d", number);
    while (d && (e = readdir(d))) {
        found += !strcmp(e->d_name, own) && e->d_type == DT_CHR;
        master_too += !strcmp(e->d_name, "ptmx");
    }
    printf("listed %d %d", found, master_too);
    sprintf(name, "/dev/pts/%d", number);
    printf(", in the folder %d\n",
           d && !fstatat(dirfd(d), own, &st, 0) && !stat(name, &by_name) && st.st_rdev == by_name.st_rdev);
    if (d)
        closedir(d);
}

int main(void)
{
    opening();
    lines();
    modes();
    times();
    nonblock(slave, 1);
    polls();
    nonblock(slave, 0);
    paper();
    packets();
    speeds();
    listed();
    return 0;
}
