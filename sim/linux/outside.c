/* Waiting for the host's side: terminals, pipes and FIFOs whose other end may be somebody's outside, locks on files.
 *
 * A call that only the host can end has returned LINUX_WAIT with `wait.outside` set, like any other that waits. When no task can
 * go on, those calls are made once more with `asking` set, note the descriptors that they wait for, and one poll waits for all
 * of them: as long in the host's time as virtual time would take to the next thing that happens by itself, so that a limit on
 * input from outside means what it says.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "syscalls.h"

enum { MS = 1000000 /* nanoseconds */, RETRY_MS = 10 /* how often to try what no descriptor tells */ };

bool outside_is(int host)
{
    struct stat st;
    return fstat(host, &st) || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

bool outside_ready(int host, short events)
{
    struct pollfd f = {.fd = host, .events = events};
    struct termios t;
    if (poll(&f, 1, 0))
        return true;
    /* A terminal that gives what there is, be it nothing, is never waited for. */
    return (events & POLLIN) && !tcgetattr(host, &t) && !(t.c_lflag & ICANON) && !t.c_cc[VMIN];
}

void outside_note(struct linux_process *p, const struct pollfd *fds, size_t n)
{
    struct linux_kernel *k = p->k;
    p->wait.outside = true;
    if (!k->asking)
        return;
    if (k->noutside + n > k->outside_cap) {
        size_t cap = 2 * (k->noutside + n);
        struct pollfd *all = realloc(k->outside, cap * sizeof *all);
        if (!all) {
            k->retry = true;
            return;
        }
        k->outside = all;
        k->outside_cap = cap;
    }
    for (size_t i = 0; i < n; i++)
        k->outside[k->noutside++] = fds[i];
}

int64_t outside_wait_for(struct linux_process *p, const char *why, int host, short events)
{
    struct pollfd f = {.fd = host, .events = events};
    outside_note(p, &f, host >= 0);
    p->k->retry |= host < 0;
    return wait_for(p, why, -1, true);
}

/* Makes the calls that wait for the outside again. The last of them, or NULL: none; `done`: one waits no longer. */
static struct linux_process *ask(struct linux_kernel *k, bool *done)
{
    struct linux_process *last = NULL;
    k->noutside = 0;
    k->retry = false;
    k->asking = true;
    for (struct linux_process *t = k->tasks; t && !*done; t = t->next) {
        if (t->dead || t->group->stopped || !t->wait.on || !t->wait.outside)
            continue;
        *k->cpu = t->saved;
        k->current = last = t;
        linux_call_again(t);
        t->saved = *k->cpu;
        *done = !t->wait.on;
    }
    k->asking = false;
    return last;
}

bool outside_wait(struct linux_kernel *k, int64_t limit)
{
    bool done = false;
    struct linux_process *last = ask(k, &done);
    if (!last || done)
        return done;
    int64_t ms = limit < 0 || limit / MS >= INT32_MAX ? -1 : (limit + MS - 1) / MS;
    bool tries = k->retry && (ms < 0 || ms > RETRY_MS);
    int r = poll(k->outside, k->noutside, tries ? RETRY_MS : (int)ms);
    if (r < 0) {
        int error = errno;
        *k->cpu = last->saved; /* whose call ends, so that the run sees that the user wants something */
        linux_call_ends(last, -error);
        last->saved = *k->cpu;
        return true;
    }
    if (r == 0 && tries)
        time_skip(k, RETRY_MS * MS);
    return r > 0 || tries;
}
