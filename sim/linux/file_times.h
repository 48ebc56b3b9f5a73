/* Times of files, which the host keeps by its clock, as the guest's clock has them.
 *
 * A curve, of points that are taken at system calls, says what the guest's clock showed at a moment of the host's: that of the
 * last point before, so never more than the guest's clock did. Moments before the run or still to come are no moments of the
 * run: times of such files mean themselves. What the guest changes itself is remembered to the nanosecond, file by file, with
 * the host's time that came of it: while the host's is the same, the guest's is exact, and the same in every run.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct linux_kernel;
struct stat;
struct statx;

/* Nanoseconds: the host's since 1970, the guest's since the start of the run. */
struct curve_point {
    int64_t host, guest;
};

struct curve {
    struct curve_point *at; /* rising in both; the first is the start */
    size_t n, cap;
    size_t most;     /* thinned beyond that many, at least 4 */
    int64_t step;    /* host's time between points, at least */
    int64_t longest; /* the host's last moment of the run: its clock may have been set back since */
};

/* Notes that it is now `host` and `guest`; what does not fit the host's clock being set back is forgotten. False: no memory. */
bool curve_note(struct curve *c, int64_t host, int64_t guest);
/* A moment of the host's in the guest's time. False: it is not of the run, which has come to `now` by the host's clock. */
bool curve_guest(const struct curve *c, int64_t host, int64_t now, int64_t *guest);
/* And back: a moment of the host's that curve_guest gives the time of the last point before `guest` for. Later times have later
 * moments. */
int64_t curve_host(const struct curve *c, int64_t guest, int64_t now);

/* Times of a file, as bits of `which` below. */
enum { TIME_ACCESS = 1, TIME_DATA = 2, TIME_STATE = 4, TIME_BIRTH = 8, TIME_ALL = 15, TIME_WRITTEN = TIME_DATA | TIME_STATE };

/* At every system call, before it is made. */
void times_note(struct linux_kernel *k);
void times_free(struct linux_kernel *k);
/* The guest has just changed these times of what a descriptor of the host's has open, or a name in its folder (not followed). */
void times_changed(struct linux_kernel *k, int host, unsigned which);
void times_changed_at(struct linux_kernel *k, int folder, const char *name, unsigned which);
/* Sets the times of access and of data as utimensat does, NULL: both to now. 0, or a negative error number. */
int64_t times_set(struct linux_kernel *k, int host, const struct timespec times[2]);
/* What the host says of a file, as the guest is to see it; of statx the time of birth alone. */
void times_show(struct linux_kernel *k, struct stat *s);
void times_show_birth(struct linux_kernel *k, struct statx *s);
