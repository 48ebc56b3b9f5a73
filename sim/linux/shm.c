/* /dev/shm, where shm_open and sem_open have their files: names that this guest alone sees, of files without a name in the
 * guest's own folder. So they work where /dev is read-only or missing, and nothing of them is left behind. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file_times.h"
#include "linux.h"

enum { SHM_NAMES = 256 };

struct linux_shm {
    struct linux_shm *next;
    int host;
    char name[256];
};

/* The name in /dev/shm that a path means, or NULL. */
static const char *name_of(const char *path)
{
    static const char folder[] = "/dev/shm/";
    size_t n = strlen(folder);
    if (strncmp(path, folder, n) != 0)
        return NULL;
    path += n + strspn(path + n, "/");
    return *path && !strchr(path, '/') && strcmp(path, ".") != 0 && strcmp(path, "..") != 0 ? path : NULL;
}

bool shm_is(const char *path) { return name_of(path) != NULL; }

/* Where the list points to the entry of that name; the list's end if there is none. */
static struct linux_shm **find(struct linux_kernel *k, const char *name, unsigned *count)
{
    struct linux_shm **at = &k->shm;
    for (*count = 0; *at && strcmp((*at)->name, name) != 0; at = &(*at)->next)
        ++*count;
    return at;
}

/* Adds a name at the list's end; takes `host` over. */
static int add(struct linux_kernel *k, struct linux_shm **end, unsigned count, const char *name, int host)
{
    struct linux_shm *s = count < SHM_NAMES && host < k->host_fds ? calloc(1, sizeof *s) : NULL;
    if (!s) {
        close(host);
        return count < SHM_NAMES ? -ENFILE : -ENOSPC;
    }
    s->host = host;
    strcpy(s->name, name);
    *end = s;
    return 0;
}

int shm_open_file(struct linux_process *p, const char *path, int flags, unsigned mode)
{
    const char *name = name_of(path);
    unsigned count;
    if (strlen(name) > 255)
        return -ENAMETOOLONG;
    struct linux_shm **s = find(p->k, name, &count);
    if (*s && (flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (!*s) {
        if (!(flags & O_CREAT))
            return -ENOENT;
        int made = openat(p->k->root_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode & 0777);
        if (made >= 0)
            times_changed(p->k, made, TIME_ALL);
        int r = made < 0 ? -errno : add(p->k, s, count, name, made);
        if (r < 0)
            return r;
    }
    const struct linux_shm *file = *s;
    if (!file)
        return -ENOENT;
    int fd = open(path_link(file->host).text, (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && (flags & O_TRUNC))
        times_changed(p->k, fd, TIME_WRITTEN);
    return fd < 0 ? -errno : fd;
}

int shm_node(struct linux_process *p, const char *path)
{
    unsigned count;
    struct linux_shm **s = find(p->k, name_of(path), &count);
    return *s ? fd_copy((*s)->host) : -ENOENT;
}

int shm_unlink_name(struct linux_process *p, const char *path)
{
    unsigned count;
    struct linux_shm **at = find(p->k, name_of(path), &count), *s = *at;
    if (!s)
        return -ENOENT;
    *at = s->next;
    close(s->host);
    free(s);
    return 0;
}

int shm_link(struct linux_process *p, const char *from, const char *to, bool move)
{
    unsigned count;
    if (!shm_is(from) || !shm_is(to))
        return -EXDEV;
    if (strlen(name_of(to)) > 255)
        return -ENAMETOOLONG;
    int host = shm_node(p, from);
    if (host < 0)
        return host;
    if (move && !strcmp(name_of(from), name_of(to))) {
        close(host);
        return 0;
    }
    if (move)
        shm_unlink_name(p, to);
    struct linux_shm **s = find(p->k, name_of(to), &count);
    if (*s) {
        close(host);
        return -EEXIST;
    }
    int r = add(p->k, s, count, name_of(to), host);
    return r < 0 || !move ? r : shm_unlink_name(p, from);
}

void shm_free(struct linux_kernel *k)
{
    while (k->shm) {
        struct linux_shm *s = k->shm;
        k->shm = s->next;
        close(s->host);
        free(s);
    }
}
