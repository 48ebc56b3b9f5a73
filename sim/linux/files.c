/* Open files and the tables of descriptors that name them. */
#include <fcntl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux.h"

int fd_copy(int host)
{
    int copy = fcntl(host, F_DUPFD_CLOEXEC, 3);
    return copy < 0 ? -errno : copy;
}

void file_drop(struct linux_file *f)
{
    if (!f || --f->refs)
        return;
    if (f->locked)
        lock_drop(f->locked, f, -1);
    if (f->source)
        f->source->drop(f);
    close(f->host);
    socket_drop(f->sock);
    seals_drop(f->seals);
    free(f->proc);
    folder_drop(f->folder);
    epoll_drop(f->epoll);
    free(f);
}

struct linux_file *fd_file(struct linux_process *p, uint32_t fd) { return fd < LINUX_FDS ? p->files->fd[fd].file : NULL; }

int fd_host(struct linux_process *p, uint32_t fd)
{
    const struct linux_file *f = fd_file(p, fd);
    return f ? f->host : -EBADF;
}

int fd_put(struct linux_process *p, struct linux_file *f, unsigned lowest, bool cloexec)
{
    for (unsigned fd = lowest, end = limit_fds(p); fd < end; fd++) {
        if (!p->files->fd[fd].file) {
            p->files->fd[fd] = (struct linux_fd){f, cloexec};
            return (int)fd;
        }
    }
    file_drop(f);
    return -EMFILE;
}

int fd_add(struct linux_process *p, int host, enum linux_fd_kind kind, unsigned lowest, bool cloexec)
{
    if (host < 0)
        return host;
    struct linux_file *f = host < p->k->host_fds ? calloc(1, sizeof *f) : NULL;
    if (!f) {
        close(host);
        return host < p->k->host_fds ? -ENOMEM : -ENFILE;
    }
    f->refs = 1;
    f->kind = kind;
    f->host = host;
    f->outside = kind == FD_HOST && outside_is(host);
    f->id = ++p->k->next_file;
    return fd_put(p, f, lowest, cloexec);
}

void fd_close(struct linux_process *p, uint32_t fd)
{
    if (p->files->fd[fd].file)
        lock_drop(p->k, p->group, p->files->fd[fd].file->host);
    file_drop(p->files->fd[fd].file);
    p->files->fd[fd] = (struct linux_fd){NULL, false};
}

void fd_close_on_exec(struct linux_process *p)
{
    for (uint32_t fd = 0; fd < LINUX_FDS; fd++)
        if (p->files->fd[fd].cloexec)
            fd_close(p, fd);
}

struct linux_files *files_copy(const struct linux_files *f)
{
    struct linux_files *n = malloc(sizeof *n);
    if (!n)
        return NULL;
    *n = *f;
    n->refs = 1;
    n->cwd_fd = f->cwd_fd < 0 ? -1 : fd_copy(f->cwd_fd);
    n->cwd_proc = f->cwd_proc ? strdup(f->cwd_proc) : NULL;
    for (uint32_t fd = 0; fd < LINUX_FDS; fd++)
        if (n->fd[fd].file)
            n->fd[fd].file->refs++;
    return n;
}

void files_drop(struct linux_files *f)
{
    if (!f || --f->refs)
        return;
    for (uint32_t fd = 0; fd < LINUX_FDS; fd++)
        file_drop(f->fd[fd].file);
    if (f->cwd_fd >= 0)
        close(f->cwd_fd);
    free(f->cwd_proc);
    free(f);
}

bool files_unshare(struct linux_process *p)
{
    if (p->files->refs == 1)
        return true;
    struct linux_files *own = files_copy(p->files);
    if (!own)
        return false;
    files_drop(p->files);
    p->files = own;
    return true;
}
