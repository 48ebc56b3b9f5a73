/* The host CPU at full speed: see native.h. */
#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct native {
    const char *path;
    struct native_shared *shared;
    int memory, socket;
    unsigned patience;
    pid_t pid;
};

static bool start_child(struct native *n)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return false;
    n->pid = fork();
    if (!n->pid) {
        int memory = dup(n->memory), end = dup(ends[1]);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* it may be in a loop of the guest's */
        if (memory < 0 || end < 0 || dup2(memory, 3) < 0 || dup2(end, NATIVE_SOCKET) < 0)
            _exit(4);
        close_range(NATIVE_SOCKET + 1, ~0u, 0);
        execl(n->path, n->path, (char *)NULL);
        _exit(5);
    }
    close(ends[1]);
    n->socket = ends[0];
    return n->pid > 0;
}

/* Its exit status if it went by itself, else -1. */
static int end_child(struct native *n)
{
    int status = -1;
    kill(n->pid, SIGKILL);
    waitpid(n->pid, &status, 0);
    close(n->socket);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

struct native *native_open(const char *child_path, const struct oracle_kind *kind, unsigned patience)
{
    struct native *n = calloc(1, sizeof *n);
    n->patience = patience;
    n->path = child_path;
    n->memory = memfd_create("oracle", MFD_CLOEXEC);
    if (n->memory < 0 || ftruncate(n->memory, sizeof *n->shared))
        goto failed;
    n->shared = mmap(NULL, sizeof *n->shared, PROT_READ | PROT_WRITE, MAP_SHARED, n->memory, 0);
    if (n->shared == MAP_FAILED)
        goto failed;
    n->shared->sse = kind->sse;
    signal(SIGPIPE, SIG_IGN);
    if (start_child(n))
        return n;
failed:
    fprintf(stderr, "guest-oracle: cannot run %s on this host: %s\n", child_path, strerror(errno));
    free(n);
    return NULL;
}

void native_close(struct native *n)
{
    end_child(n);
    munmap(n->shared, sizeof *n->shared);
    close(n->memory);
    free(n);
}

struct native_case *native_case(struct native *n, unsigned i) { return &n->shared->cases[i]; }

/* True: the batch is done. False: the child hangs or is gone, *why says which. */
static bool await(const struct native *n, int *why)
{
    const volatile uint32_t *at = &n->shared->at;
    struct pollfd p = {.fd = n->socket, .events = POLLIN};
    char byte;
    *why = NATIVE_HUNG;
    for (unsigned idle = 0; idle < n->patience; idle++) {
        uint32_t was = *at;
        if (poll(&p, 1, 1000) == 1) {
            *why = NATIVE_DIED;
            return read(n->socket, &byte, 1) == 1;
        }
        if (*at != was)
            idle = 0;
    }
    return false;
}

bool native_run(struct native *n, unsigned count)
{
    struct native_shared *sh = n->shared;
    sh->count = count;
    sh->at = 0;
    while (sh->at < count) {
        char byte = 0;
        int why = NATIVE_DIED, status;
        if (write(n->socket, &byte, 1) == 1 && await(n, &why))
            break;
        status = end_child(n);
        if (status >= 0) { /* a guest cannot do that */
            fprintf(stderr, "guest-oracle: %s gives up with status %d\n", n->path, status);
            return false;
        }
        if (sh->at < count)
            sh->cases[sh->at++].after.vector = why;
        if (!start_child(n))
            return false;
    }
    return true;
}
