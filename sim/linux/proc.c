/* The names in /proc that programs look at. An entry is made when it is looked up, as a file in memory that holds what the entry
 * says at that moment; so stat, open and read need to know nothing of it. A folder stands for the root's as far as open sees it,
 * and is listed here. Names have one form, "/proc/PID/...", in which the personality keeps what is open and the current folder;
 * a link that leads out of /proc is a path of the guest's again, and goes the way of all paths.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc.h"

static int make_file(struct linux_process *p, const struct proc_entry *e)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    if (e->print)
        e->print(p, out);
    else
        fputs(e->text, out);
    int fd = fclose(out) ? -1 : memfd_create("proc", MFD_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET) && !fchmod(fd, 0444);
    free(text);
    if (ok)
        return fd;
    if (fd >= 0)
        close(fd);
    return -ENOMEM;
}

/* Links and folders that each process has. */
static const char *const links[] = {"cwd", "exe", "root"}, *const folders[] = {"fd", "task"};

/* A thread by its number, or any of the process whose first thread has gone. */
static struct linux_process *numbered(struct linux_kernel *k, int number)
{
    struct linux_process *found = NULL;
    for (struct linux_process *t = k->tasks; t; t = t->next)
        if (!t->dead && (t->tid == number || (t->group->pid == number && !found)))
            found = t;
    return found;
}

/* The thread that a path below /proc is about, and in *rest what follows its folder, "" for that itself. NULL: it is about none. */
static struct linux_process *owner(struct linux_process *p, const char *path, const char **rest)
{
    size_t n = strcspn(path, "/");
    struct linux_process *of = NULL;
    *rest = path[n] ? path + n + 1 : path + n;
    if ((n == 4 && !strncmp(path, "self", n)) || (n == 11 && !strncmp(path, "thread-self", n)))
        of = p;
    else if (n && n < 9 && strspn(path, "0123456789") == n && path[0] != '0')
        of = numbered(p->k, atoi(path));
    if (!of || strncmp(*rest, "task/", 5) != 0)
        return of;
    /* One of its threads: /proc/PID/task/TID. */
    const char *thread = *rest + 5;
    n = strcspn(thread, "/");
    if (!n || n > 8 || strspn(thread, "0123456789") != n)
        return NULL;
    for (struct linux_process *t = p->k->tasks; t; t = t->next) {
        if (!t->dead && t->group == of->group && t->tid == atoi(thread)) {
            *rest = thread[n] ? thread + n + 1 : thread + n;
            return t;
        }
    }
    return NULL;
}

static bool is_own(struct linux_process *p, const char *path)
{
    const char *rest;
    const struct linux_process *of = owner(p, path, &rest);
    return of && of->space == p->space && !strcmp(rest, "exe");
}

bool proc_is_exe(struct linux_process *p, const char *path)
{
    return !strncmp(path, "/proc/", 6) && !strcmp(strrchr(path, '/'), "/exe") && is_own(p, path + 6);
}

/* Of its descriptors, as the link in its folder fd says. */
static int fd_text(struct linux_process *p, const char *number, char out[LINUX_PATH])
{
    const struct linux_file *f = *number && strspn(number, "0123456789") == strlen(number) && strlen(number) < 6
                                     ? fd_file(p, (uint32_t)atoi(number))
                                     : NULL;
    if (!f)
        return -ENOENT;
    if (tty_is(f))
        return tty_name(f, out);
    if (f->kind == FD_EPOLL)
        return sprintf(out, "anon_inode:[eventpoll]");
    if (f->socket)
        return sprintf(out, "socket:[%llu]", (unsigned long long)f->id);
    if (f->proc)
        return snprintf(out, LINUX_PATH, "%s", f->proc);
    if (f->pipe)
        return sprintf(out, "pipe:[%llu]", (unsigned long long)f->pipe);
    int r = path_of(p, f->host, out);
    return r < 0 ? r : (int)strlen(out);
}

int proc_link(struct linux_process *p, const char *path, char out[LINUX_PATH])
{
    const char *rest;
    if (strncmp(path, "/proc/", 6) != 0)
        return -ENOENT;
    path += 6;
    if (!strcmp(path, "self"))
        return sprintf(out, "%d", p->group->pid);
    if (!strcmp(path, "thread-self"))
        return sprintf(out, "%d/task/%d", p->group->pid, p->tid);
    struct linux_process *of = owner(p, path, &rest);
    if (!of)
        return -ENOENT;
    if (!strcmp(rest, "exe"))
        return snprintf(out, LINUX_PATH, "%s", of->space->exe_path);
    if (!strcmp(rest, "root"))
        return sprintf(out, "/");
    if (!strcmp(rest, "cwd")) {
        if (of->files->cwd_proc)
            return snprintf(out, LINUX_PATH, "%s", of->files->cwd_proc);
        int r = path_of(p, of->files->cwd_fd, out);
        return r < 0 ? r : (int)strlen(out);
    }
    return strncmp(rest, "fd/", 3) ? -ENOENT : fd_text(of, rest + 3, out);
}

int proc_node(struct linux_process *p, const char *path)
{
    const char *own;
    if (strncmp(path, "/proc/", 6) != 0)
        return -ENOENT;
    struct linux_process *of = owner(p, path + 6, &own);
    for (const struct proc_entry *e = proc_entries; e->name; e++) {
        bool per_process = !strncmp(e->name, "self/", 5);
        if (per_process ? of && !strcmp(own, e->name + 5) : !strcmp(path + 6, e->name))
            return make_file(per_process ? of : p, e);
    }
    return -ENOENT;
}

/* Folders ------------------------------------------------------------------------------------------------------------ */

static void add(FILE *out, char kind, const char *name) { fprintf(out, "%c%s%c", kind, name, 0); }

static void add_number(FILE *out, char kind, int number) { fprintf(out, "%c%d%c", kind, number, 0); }

/* The next component of every entry's name that begins with `prefix`; names with the same one follow each other. */
static bool list_entries(FILE *out, const char *prefix)
{
    char last[64] = "";
    size_t n = strlen(prefix);
    bool any = false;
    for (const struct proc_entry *e = proc_entries; e->name; e++) {
        const char *name = e->name + n;
        if (strncmp(e->name, prefix, n) != 0 || (!n && !strncmp(e->name, "self/", 5)))
            continue;
        size_t size = strcspn(name, "/");
        any = true;
        if (size >= sizeof last || (strlen(last) == size && !strncmp(last, name, size)))
            continue;
        snprintf(last, sizeof last, "%.*s", (int)size, name);
        add(out, name[size] ? DT_DIR : DT_REG, last);
    }
    return any;
}

/* `thread`: it is one of a process's, and has none of its own. */
static bool list_process(FILE *out, const struct linux_process *of, const char *rest, bool thread)
{
    if (!*rest) {
        for (int i = 0; i < 3; i++)
            add(out, DT_LNK, links[i]);
        for (int i = 0; i < (thread ? 1 : 2); i++)
            add(out, DT_DIR, folders[i]);
        return list_entries(out, "self/");
    }
    if (!strcmp(rest, "fd")) {
        for (int fd = 0; fd < LINUX_FDS; fd++)
            if (of->files->fd[fd].file)
                add_number(out, DT_LNK, fd);
        return true;
    }
    if (thread || strcmp(rest, "task") != 0)
        return false;
    for (const struct linux_process *t = of->k->tasks; t; t = t->next)
        if (!t->dead && t->group == of->group)
            add_number(out, DT_DIR, t->tid);
    return true;
}

static bool list(struct linux_process *p, FILE *out, const char *path)
{
    char prefix[LINUX_PATH + 1];
    const char *rest;
    size_t n = strlen(path);
    while (n && path[n - 1] == '/')
        n--;
    add(out, DT_DIR, ".");
    add(out, DT_DIR, "..");
    if (strncmp(path, "/proc", 5) != 0 || (n > 5 && path[5] != '/'))
        return false;
    if (n <= 5) {
        for (const struct linux_process *t = p->k->tasks; t; t = t->next)
            if (!t->dead && t->tid == t->group->pid)
                add_number(out, DT_DIR, t->tid);
        add(out, DT_LNK, "self");
        add(out, DT_LNK, "thread-self");
        return list_entries(out, "");
    }
    snprintf(prefix, sizeof prefix, "%.*s", (int)(n - 6), path + 6);
    const struct linux_process *of = owner(p, prefix, &rest);
    if (of)
        return list_process(out, of, rest, strstr(prefix, "/task/") || !strncmp(prefix, "thread-self", 11));
    strcat(prefix, "/");
    return strncmp(prefix, "self/", 5) != 0 && list_entries(out, prefix);
}

char *proc_list(struct linux_process *p, const char *path, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    bool ok = list(p, out, path);
    if (fclose(out) || !ok) {
        free(text);
        return NULL;
    }
    return text;
}

bool proc_is_folder(struct linux_process *p, const char *path)
{
    size_t size;
    char *text = strncmp(path, "/proc", 5) ? NULL : proc_list(p, path, &size);
    free(text);
    return text != NULL;
}

/* Where names lead ------------------------------------------------------------------------------------------------- */

/* An absolute path below or at /proc as it is spelled: what follows that name, or NULL. */
static const char *below(const char *path)
{
    if (path[0] != '/')
        return NULL;
    for (;;) {
        path += strspn(path, "/");
        size_t dots = strspn(path, ".");
        if (!dots || dots > 2 || (path[dots] && path[dots] != '/'))
            break;
        path += dots; /* the root's parent is the root */
    }
    return !strncmp(path, "proc", 4) && (!path[4] || path[4] == '/') ? path + 4 : NULL;
}

/* What is in /proc and is the current folder, or one that a descriptor has open; NULL: neither. */
static const char *base_of(struct linux_process *p, int dirfd)
{
    const struct linux_file *f = dirfd == AT_FDCWD ? NULL : fd_file(p, (uint32_t)dirfd);
    return dirfd == AT_FDCWD ? p->files->cwd_proc : f ? f->proc : NULL;
}

/* Where the link `out` leads when a path goes on behind it, or ends there and is followed: false if that is not to be said by a
 * name: the program itself, and what a descriptor has open. */
static bool leads(struct linux_process *p, const char *out, bool last, char target[LINUX_PATH])
{
    const char *rest;
    const struct linux_process *of = owner(p, out + 6, &rest);
    if (!of || proc_link(p, out, target) < 0 || target[0] != '/')
        return false;
    return !last || (strncmp(rest, "fd/", 3) != 0 && (strcmp(rest, "exe") != 0 || of->space != p->space));
}

/* Goes on from /proc with the names in `at`. True: `out` is the name in full; false: `out` is a path that leads elsewhere. */
static bool step(struct linux_process *p, const char *at, bool follow, char out[LINUX_PATH])
{
    char target[LINUX_PATH], rest[LINUX_PATH];
    size_t n = (size_t)sprintf(out, "/proc");
    for (;;) {
        at += strspn(at, "/");
        size_t size = strcspn(at, "/");
        const char *name = at;
        at += size;
        bool last = !at[strspn(at, "/")];
        if (!size)
            return true;
        if (size == 1 && name[0] == '.')
            continue;
        if (size == 2 && !strncmp(name, "..", 2) && proc_is_folder(p, out)) {
            if (n == 5) {
                snprintf(rest, sizeof rest, "/%s", at);
                strcpy(out, rest);
                return false;
            }
            n = (size_t)(strrchr(out, '/') - out);
            out[n] = 0;
            continue;
        }
        if (n + size + 32 > LINUX_PATH)
            return true; /* there is no such name */
        n += (size_t)snprintf(out + n, LINUX_PATH - n, "/%.*s", (int)size, name);
        bool through = !last || follow || *at;
        if (through && !strcmp(out, "/proc/self")) {
            n = (size_t)sprintf(out, "/proc/%d", p->group->pid);
        } else if (through && !strcmp(out, "/proc/thread-self")) {
            n = (size_t)sprintf(out, "/proc/%d/task/%d", p->group->pid, p->tid);
        } else if (through && leads(p, out, last && !*at, target)) {
            if (snprintf(rest, sizeof rest, "%s%s", target, at) < LINUX_PATH)
                strcpy(out, rest);
            return false;
        }
        if (last && *at && !proc_is_folder(p, out))
            strcpy(out + n, "/"); /* no folder, as the path wants one to be */
    }
}

const char *proc_path(struct linux_process *p, int dirfd, const char *path, bool follow, char full[LINUX_PATH])
{
    char from[LINUX_PATH];
    const char *base = path[0] == '/' || !path[0] ? NULL : base_of(p, dirfd);
    if (!base && !below(path))
        return path;
    int n = snprintf(from, sizeof from, "%s%s%s", base ? base : "", base ? "/" : "", path);
    while (n < LINUX_PATH && below(from)) {
        if (step(p, below(from), follow, full))
            return full;
        strcpy(from, full); /* each step goes behind a name at least */
    }
    return strcpy(full, n < LINUX_PATH ? from : "/proc/ ");
}

bool proc_fd(struct linux_process *p, const char *path, struct linux_process **of, uint32_t *fd)
{
    const char *rest;
    if (strncmp(path, "/proc/", 6) != 0 || !(*of = owner(p, path + 6, &rest)) || strncmp(rest, "fd/", 3) != 0)
        return false;
    size_t n = strspn(rest + 3, "0123456789");
    *fd = n < 9 ? (uint32_t)atoi(rest + 3) : LINUX_FDS;
    return n && !rest[3 + n];
}

/* What stat says --------------------------------------------------------------------------------------------------- */

/* The same for all names of the same thing, and no other's. */
static uint64_t inode_of(const struct linux_process *p, const char *path)
{
    char own[64] = "";
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    if (!strncmp(path, "self", 4) && (!path[4] || path[4] == '/')) {
        snprintf(own, sizeof own, "%d", p->group->pid);
        path += 4;
    } else if (!strncmp(path, "thread-self", 11) && (!path[11] || path[11] == '/')) {
        snprintf(own, sizeof own, "%d/task/%d", p->group->pid, p->tid);
        path += 11;
    }
    for (const char *c = own; *c; c++)
        h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    for (; *path; path++)
        if (*path != '/' || path[1]) /* not the one at the end */
            h = (h ^ (uint8_t)*path) * UINT64_C(0x100000001b3);
    return h >> 33 | 1; /* programs of 32 bits may ask */
}

static bool is_entry(struct linux_process *p, const char *path)
{
    const char *own;
    bool of = owner(p, path, &own) != NULL;
    for (const struct proc_entry *e = proc_entries; e->name; e++)
        if (strncmp(e->name, "self/", 5) ? !strcmp(path, e->name) : of && !strcmp(own, e->name + 5))
            return true;
    return false;
}

bool proc_stat(struct linux_process *p, const char *path, bool follow, struct stat *st)
{
    enum { DEVICE = 4, BLOCK = 1024 };
    char target[LINUX_PATH];
    if (strncmp(path, "/proc", 5) != 0 || (path[5] && path[5] != '/'))
        return false;
    const char *below = path[5] ? path + 6 : "", *rest;
    bool link = proc_link(p, path, target) >= 0, folder = proc_is_folder(p, path);
    if (link && (!follow || !folder))
        folder = false;
    if ((link && follow && !folder) || (!link && !folder && !is_entry(p, below)))
        return false;
    link &= !folder;
    bool process = owner(p, below, &rest) != NULL;
    *st = (struct stat){
        .st_dev = DEVICE,
        .st_ino = inode_of(p, below),
        .st_mode = link     ? S_IFLNK | 0777
                   : folder ? S_IFDIR | 0555
                            : S_IFREG | 0444,
        .st_nlink = folder ? 2 : 1,
        .st_uid = process ? geteuid() : 0,
        .st_gid = process ? getegid() : 0,
        .st_blksize = BLOCK,
    };
    int64_t now = time_now(p);
    st->st_mtim.tv_sec = p->k->epoch + now / 1000000000;
    st->st_mtim.tv_nsec = now % 1000000000;
    st->st_atim = st->st_ctim = st->st_mtim;
    return true;
}
