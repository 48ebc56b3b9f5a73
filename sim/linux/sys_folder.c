/* Reading folders. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "syscalls.h"

enum { CHUNK = 1 << 15 };

/* What getdents64 writes; the same for both ABIs. */
struct entry {
    uint64_t ino;
    int64_t off;
    uint16_t size;
    uint8_t type;
    char name[];
};

void folder_drop(struct linux_folder *d)
{
    if (d)
        free(d->host);
    free(d);
}

static bool is_folder(int host)
{
    struct stat st;
    return !fstat(host, &st) && S_ISDIR(st.st_mode);
}

static struct linux_folder *folder_of(struct linux_process *p, uint32_t fd)
{
    struct linux_file *f = fd_file(p, fd);
    if (f && !f->folder && is_folder(f->host))
        f->folder = calloc(1, sizeof *f->folder);
    return f ? f->folder : NULL;
}

bool folder_seek(struct linux_process *p, uint32_t fd, int64_t offset, int whence, int64_t *result)
{
    struct linux_folder *d = folder_of(p, fd);
    if (!d)
        return false;
    if (whence == SEEK_CUR)
        offset += d->at;
    *result = -EINVAL;
    if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0 || offset > d->known)
        return true;
    if (lseek(fd_host(p, fd), offset ? d->host[offset - 1] : 0, SEEK_SET) < 0) {
        *result = -errno;
        return true;
    }
    d->at = (uint32_t)offset;
    *result = offset;
    return true;
}

static bool remember(struct linux_folder *d, int64_t host)
{
    if (d->at == d->known) {
        if ((d->known & (d->known - 1)) == 0) { /* full at every power of two */
            int64_t *list = realloc(d->host, (d->known ? 2 * (size_t)d->known : 1) * sizeof *list);
            if (!list)
                return false;
            d->host = list;
        }
        d->known++;
    }
    d->host[d->at++] = host;
    return true;
}

int64_t sys_getdents64(struct linux_process *p, const uint64_t a[6])
{
    _Alignas(8) uint8_t buf[CHUNK];
    int host = fd_host(p, a[0]);
    if (host < 0)
        return host;
    struct linux_folder *d = folder_of(p, a[0]);
    if (!d)
        return -ENOTDIR;
    long n = syscall(SYS_getdents64, host, buf, (uint32_t)a[2] < CHUNK ? (uint32_t)a[2] : CHUNK);
    if (n < 0)
        return -errno;
    for (long at = 0; at < n;) {
        struct entry *e = (struct entry *)(buf + at);
        if (!remember(d, e->off))
            return -ENOMEM;
        e->off = d->at;
        at += e->size;
    }
    return user_put(p, a[1], buf, (size_t)n) ? n : -EFAULT;
}
