/* Reading folders. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
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
    char path[LINUX_PATH];
    if (f && !f->folder && is_folder(f->host)) {
        f->folder = calloc(1, sizeof *f->folder);
        if (f->folder)
            f->folder->terminals = !f->proc && path_of(p, f->host, path) >= 0 && !strcmp(path, "/dev/pts");
    }
    return f ? f->folder : NULL;
}

bool folder_seek(struct linux_process *p, uint32_t fd, int64_t offset, int whence, int64_t *result)
{
    struct linux_folder *d = folder_of(p, fd);
    if (!d)
        return false;
    bool listed = fd_file(p, fd)->proc || d->terminals;
    if (whence == SEEK_CUR)
        offset += d->at;
    *result = -EINVAL;
    if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0 || (!listed && offset > d->known) || offset > INT32_MAX)
        return true;
    if (!listed && lseek(fd_host(p, fd), offset ? d->host[offset - 1] : 0, SEEK_SET) < 0) {
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

/* From the personality's own list, as many as there is room for. */
static int64_t list_own(struct linux_process *p, const struct linux_file *f, uint64_t to, uint32_t room)
{
    size_t size = 0, at = 0, used = 0;
    char *text = f->folder->terminals ? tty_list(p->k, &size) : proc_list(p, f->proc, &size);
    int64_t r = text ? 0 : -ENOENT;
    for (uint32_t i = 0; text && i < f->folder->at && at < size; i++)
        at += strlen(text + at) + 1;
    while (r == 0 && at < size) {
        _Alignas(8) uint8_t buf[sizeof(struct entry) + 256] = {0};
        struct entry *e = (struct entry *)buf;
        size_t n = strlen(text + at); /* with the kind, without the end */
        e->ino = f->folder->at + 1;
        e->off = f->folder->at + 1;
        e->type = (uint8_t)text[at];
        e->size = (uint16_t)((offsetof(struct entry, name) + n + 7) & ~(size_t)7);
        memcpy(e->name, text + at + 1, n);
        if (used + e->size > room)
            break;
        if (!user_put(p, to + used, buf, e->size))
            r = -EFAULT;
        used += e->size;
        f->folder->at++;
        at += n + 1;
    }
    if (r == 0 && !used && at < size)
        r = -EINVAL;
    free(text);
    return r < 0 ? r : (int64_t)used;
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
    if (fd_file(p, (uint32_t)a[0])->proc || d->terminals)
        return list_own(p, fd_file(p, (uint32_t)a[0]), a[1], (uint32_t)a[2]);
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
