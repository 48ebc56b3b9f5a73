/* Times of files by the guest's clock: see file_times.h. */
#include "file_times.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "linux.h"

#define NS INT64_C(1000000000)

/* The curve ---------------------------------------------------------------------------------------------------------- */

/* The last point not after `value` in one of the two times, or n if that is before the first. */
static size_t find(const struct curve *c, int64_t value, bool by_guest)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if ((by_guest ? c->at[mid].guest : c->at[mid].host) <= value)
            low = mid + 1;
        else
            high = mid;
    }
    return low ? low - 1 : c->n;
}

/* Every other point goes, but for the first; from now on there are half as many. */
static void thin(struct curve *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i += 2)
        c->at[n++] = c->at[i];
    c->n = n;
    c->step *= 2;
}

bool curve_note(struct curve *c, int64_t host, int64_t guest)
{
    if (c->n && host < c->at[0].host)
        return true; /* set back to before the run */
    while (c->n > 1 && c->at[c->n - 1].host >= host)
        c->n--;
    if (host > c->longest)
        c->longest = host;
    if (c->n && (host - c->at[c->n - 1].host < c->step || guest <= c->at[c->n - 1].guest))
        return true;
    if (c->n >= c->most)
        thin(c);
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 64;
        struct curve_point *at = realloc(c->at, cap * sizeof *at);
        if (!at)
            return false;
        c->at = at;
        c->cap = cap;
    }
    c->at[c->n++] = (struct curve_point){host, guest};
    return true;
}

bool curve_guest(const struct curve *c, int64_t host, int64_t now, int64_t *guest)
{
    size_t i = find(c, host, false);
    if (i == c->n || host > (now > c->longest ? now : c->longest))
        return false;
    *guest = c->at[i].guest;
    return true;
}

int64_t curve_host(const struct curve *c, int64_t guest, int64_t now)
{
    size_t i = find(c, guest, true);
    if (i == c->n)
        return c->at[0].host;
    int64_t end = i + 1 < c->n ? c->at[i + 1].host - 1 : now, into = guest - c->at[i].guest;
    int64_t room = end > c->at[i].host ? end - c->at[i].host : 0;
    return c->at[i].host + (into < room ? into : room);
}

/* What the guest has changed itself --------------------------------------------------------------------------------- */

enum { KINDS = 4, BUCKETS = 1 << 12, MOST_POINTS = 1 << 19, STEP = 4000000, MOST_FILES = 1 << 15 };

struct stamp {
    struct stamp *next;
    dev_t dev;
    ino_t ino;
    unsigned have; /* of the times below */
    struct {
        struct timespec host, guest;
    } time[KINDS];
};

struct linux_times {
    struct curve curve;
    struct stamp *bucket[BUCKETS];
    unsigned n;
};

static int64_t nanoseconds(struct timespec t)
{
    const int64_t most = INT64_MAX / NS - 1;
    return (t.tv_sec > most ? most : t.tv_sec < -most ? -most : t.tv_sec) * NS + t.tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
    int64_t sec = ns / NS - (ns % NS < 0);
    return (struct timespec){sec, ns - sec * NS};
}

static int64_t host_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return nanoseconds(t);
}

static int64_t guest_now(const struct linux_kernel *k) { return (int64_t)k->icount(k->arg) + k->time_skipped; }

/* Files that the guest changes after that many others are not known exactly any more, but by the curve. */
static void forget(struct linux_times *t)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (t->bucket[i]) {
            struct stamp *s = t->bucket[i];
            t->bucket[i] = s->next;
            free(s);
        }
    }
    t->n = 0;
}

static struct stamp *stamp_of(struct linux_times *t, dev_t dev, ino_t ino, bool make)
{
    struct stamp **at = &t->bucket[(ino * UINT64_C(0x9e3779b97f4a7c15)) >> 52];
    for (struct stamp *s = *at; s; s = s->next)
        if (s->ino == ino && s->dev == dev)
            return s;
    if (!make)
        return NULL;
    if (t->n == MOST_FILES)
        forget(t);
    struct stamp *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    *s = (struct stamp){.next = *at, .dev = dev, .ino = ino};
    *at = s;
    t->n++;
    return s;
}

void times_note(struct linux_kernel *k)
{
    if (!k->times) {
        k->times = calloc(1, sizeof *k->times);
        if (!k->times)
            return;
        k->times->curve.most = MOST_POINTS;
        k->times->curve.step = STEP;
    }
    struct curve *c = &k->times->curve;
    int64_t now = host_now();
    if (!c->n || now < c->longest || now - c->at[c->n - 1].host >= c->step)
        curve_note(c, now, guest_now(k));
}

void times_free(struct linux_kernel *k)
{
    if (!k->times)
        return;
    forget(k->times);
    free(k->times->curve.at);
    free(k->times);
    k->times = NULL;
}

static void set(struct stamp *s, unsigned which, const struct stat *st, struct timespec guest)
{
    const struct timespec host[KINDS] = {st->st_atim, st->st_mtim, st->st_ctim, st->st_ctim}; /* a new file's are all one */
    for (unsigned i = 0; i < KINDS; i++) {
        if (which >> i & 1) {
            s->time[i].host = host[i];
            s->time[i].guest = guest;
        }
    }
    s->have |= which;
}

static void changed(struct linux_kernel *k, const struct stat *st, unsigned which)
{
    struct stamp *s = k->times ? stamp_of(k->times, st->st_dev, st->st_ino, true) : NULL;
    if (s && (which & TIME_BIRTH))
        s->have = 0;
    if (s)
        set(s, which, st, timespec_of(k->epoch * NS + guest_now(k)));
}

void times_changed(struct linux_kernel *k, int host, unsigned which)
{
    struct stat st;
    if (!fstat(host, &st))
        changed(k, &st, which);
}

void times_changed_at(struct linux_kernel *k, int folder, const char *name, unsigned which)
{
    struct stat st;
    if (!fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
        changed(k, &st, which);
}

/* A time that the guest gives, as the host is to have it: one within the run is moved into the host's run. */
static struct timespec to_host(const struct linux_kernel *k, struct timespec t)
{
    if (!k->times || !k->times->curve.n || t.tv_nsec < 0 || t.tv_nsec >= NS)
        return t;
    int64_t into = nanoseconds(t) - k->epoch * NS;
    return t.tv_sec < k->epoch || into > guest_now(k) ? t : timespec_of(curve_host(&k->times->curve, into, host_now()));
}

int64_t times_set(struct linux_kernel *k, int host, const struct timespec times[2])
{
    struct timespec to[2];
    struct stat st;
    unsigned now = TIME_STATE;
    for (unsigned i = 0; i < 2; i++) {
        if (!times || times[i].tv_nsec == UTIME_NOW)
            now |= 1u << i;
        if (times)
            to[i] = times[i].tv_nsec == UTIME_NOW || times[i].tv_nsec == UTIME_OMIT ? times[i] : to_host(k, times[i]);
    }
    if (utimensat(host, "", times ? to : NULL, AT_EMPTY_PATH))
        return -errno;
    if (times && times[0].tv_nsec == UTIME_OMIT && times[1].tv_nsec == UTIME_OMIT)
        return 0;
    if (fstat(host, &st))
        return 0;
    changed(k, &st, now);
    struct stamp *s = k->times ? stamp_of(k->times, st.st_dev, st.st_ino, false) : NULL;
    for (unsigned i = 0; s && times && i < 2; i++) {
        if ((now >> i & 1) || times[i].tv_nsec == UTIME_OMIT)
            continue;
        /* One that is not moved means what the host has made of it, even if that looks like a moment of the host's run. */
        bool moved = to[i].tv_sec != times[i].tv_sec || to[i].tv_nsec != times[i].tv_nsec;
        set(s, 1u << i, &st, moved ? times[i] : i ? st.st_mtim : st.st_atim);
    }
    return 0;
}

static struct timespec shown(const struct linux_kernel *k, const struct stamp *s, unsigned kind, struct timespec host,
                             int64_t now)
{
    int64_t guest;
    if (s && (s->have >> kind & 1) && s->time[kind].host.tv_sec == host.tv_sec && s->time[kind].host.tv_nsec == host.tv_nsec)
        return s->time[kind].guest;
    return curve_guest(&k->times->curve, nanoseconds(host), now, &guest) ? timespec_of(k->epoch * NS + guest) : host;
}

void times_show(struct linux_kernel *k, struct stat *st)
{
    if (!k->times)
        return;
    const struct stamp *s = stamp_of(k->times, st->st_dev, st->st_ino, false);
    int64_t now = host_now();
    st->st_atim = shown(k, s, 0, st->st_atim, now);
    st->st_mtim = shown(k, s, 1, st->st_mtim, now);
    st->st_ctim = shown(k, s, 2, st->st_ctim, now);
}

void times_show_birth(struct linux_kernel *k, struct statx *sx)
{
    if (!k->times || !(sx->stx_mask & STATX_BTIME))
        return;
    const struct stamp *s = stamp_of(k->times, makedev(sx->stx_dev_major, sx->stx_dev_minor), sx->stx_ino, false);
    struct timespec t = shown(k, s, 3, (struct timespec){sx->stx_btime.tv_sec, sx->stx_btime.tv_nsec}, host_now());
    sx->stx_btime = (struct statx_timestamp){.tv_sec = t.tv_sec, .tv_nsec = (uint32_t)t.tv_nsec};
}
