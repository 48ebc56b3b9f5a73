/* execve: a new program in a process. The new address space is made whole before the old one goes, so that a program that
 * cannot be executed leaves its caller as it was. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "load.h"
#include "syscalls.h"

enum { MOST_STRINGS = 65536, MOST_BYTES = LINUX_STACK_SIZE / 4, STRING_BYTES = 128 << 10, SCRIPT_LINE = 256 };

void list_free(struct list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->item[i]);
    free(l->item);
    *l = (struct list){0};
}

bool list_insert(struct list *l, size_t at, const char *text)
{
    char **item = realloc(l->item, (l->n + 2) * sizeof *item), *copy = strdup(text);
    if (item)
        l->item = item;
    if (!item || !copy) {
        free(copy);
        return false;
    }
    memmove(&item[at + 1], &item[at], (l->n - at) * sizeof *item);
    item[at] = copy;
    item[++l->n] = NULL;
    return true;
}

static int64_t copy_string(struct linux_process *p, uint64_t addr, char *text)
{
    size_t n = 0;
    for (;;) {
        size_t chunk = MM_PAGE - (addr + n) % MM_PAGE;
        if (n + chunk > STRING_BYTES)
            chunk = STRING_BYTES - n;
        if (!chunk)
            return -E2BIG;
        if (!user_get(p, text + n, addr + n, chunk))
            return -EFAULT;
        if (memchr(text + n, 0, chunk))
            return (int64_t)strlen(text);
        n += chunk;
    }
}

static int64_t copy_list(struct linux_process *p, uint64_t at, struct list *l)
{
    char *text = malloc(STRING_BYTES);
    int64_t r = text && (l->item = calloc(1, sizeof *l->item)) ? 0 : -ENOMEM;
    for (uint64_t addr; r >= 0 && at; at += user_word(p)) { /* Linux takes a null pointer for an empty list */
        if (!user_get_word(p, at, &addr))
            r = -EFAULT;
        else if (!addr)
            break;
        else if (l->n == MOST_STRINGS)
            r = -E2BIG;
        else if ((r = copy_string(p, addr, text)) >= 0)
            r = (l->bytes += (size_t)r + 9) > MOST_BYTES ? -E2BIG : list_insert(l, l->n, text) ? 0 : -ENOMEM;
    }
    free(text);
    return r;
}

/* An executable file, open for reading. */
static int open_program(struct linux_process *p, int dirfd, const char *path)
{
    struct stat st;
    int node = path_node(p, dirfd, path, true, false), fd;
    if (node < 0)
        return node;
    if (fstat(node, &st))
        fd = -errno;
    else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111) || faccessat(AT_FDCWD, path_link(node).text, X_OK, AT_EACCESS))
        fd = -EACCES;
    else if ((fd = open(path_link(node).text, O_RDONLY | O_CLOEXEC)) < 0)
        fd = -errno;
    close(node);
    return fd;
}

int64_t script_interpreter(int fd, struct list *argv, char path[LINUX_PATH])
{
    char line[SCRIPT_LINE + 1];
    ssize_t n = pread(fd, line, SCRIPT_LINE, 0);
    if (n < 2 || memcmp(line, "#!", 2) != 0)
        return 0;
    line[n] = 0;
    char *end = strchr(line, '\n');
    if (!end && n == SCRIPT_LINE)
        return -ENOEXEC;
    if (end)
        *end = 0;
    char *name = line + 2 + strspn(line + 2, " \t"), *argument = name + strcspn(name, " \t");
    if (!*name)
        return -ENOEXEC;
    if (*argument) {
        *argument++ = 0;
        argument += strspn(argument, " \t");
        for (char *last = argument + strlen(argument); last > argument && strchr(" \t", last[-1]);)
            *--last = 0;
    }
    if (argv->n) {
        free(argv->item[0]);
        memmove(argv->item, argv->item + 1, argv->n-- * sizeof *argv->item);
    }
    bool ok = list_insert(argv, 0, path) && (!*argument || list_insert(argv, 0, argument)) && list_insert(argv, 0, name);
    snprintf(path, LINUX_PATH, "%s", name);
    return ok ? 1 : -ENOMEM;
}

/* What the old program leaves to the new one in the same process. */
static void change_over(struct linux_process *p, struct linux_space *new)
{
    linux_exit_others(p);
    futex_thread_exit(p);
    timer_drop_group(p->k, p->group);
    linux_vfork_done(p);
    if (p->tid != p->group->pid)
        p->tid = p->group->pid; /* the leader's number goes to the thread that is left */
    space_drop(p->space);
    p->space = new;
    files_unshare(p);
    fd_close_on_exec(p);
    for (int i = 0; i < LINUX_SIGNALS; i++)
        p->group->action[i] = (struct linux_action){.handler = p->group->action[i].handler == 1};
    p->altstack = (struct abi64_stack){.flags = 2 /* SS_DISABLE */};
    p->rseq = 0;
    p->keep_caps = false;
    memset(p->tls_used, 0, sizeof p->tls_used);
}

/* A program that this machine cannot run is no news to the guest alone. */
static int64_t refuse(struct linux_process *p, const char *path, const char *why)
{
    if (!p->k->exec_refused++)
        snprintf(p->k->exec_text, sizeof p->k->exec_text, "%.200s: %.300s", path, why);
    return -ENOEXEC;
}

static int64_t exec_file(struct linux_process *p, int fd, const char *path, const char *name, const struct list *argv,
                         const struct list *envp)
{
    char why[512];
    struct linux_space *old = p->space, *new = space_new(mm_new(p->mm));
    struct guest_cpu before = *p->cpu;
    if (!new)
        return close(fd), -ENOMEM;
    new->exe_fd = fd;
    p->space = new;
    p->mm = new->mm;
    int r = load_program(p, fd, path, argv->item, envp->item, why, sizeof why);
    p->space = old;
    p->mm = old->mm;
    if (r < 0) {
        *p->cpu = before;
        space_drop(new);
        return r == -ENOEXEC ? refuse(p, path, why) : r;
    }
    change_over(p, new);
    p->mm = new->mm;
    p->cpu->cr3 = mm_root(p->mm);
    snprintf(p->comm, sizeof p->comm, "%.15s", strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
    if (p->k->set_mm)
        p->k->set_mm(p->k->arg, p->mm);
    return LINUX_NO_RESULT;
}

/* `hidden`: an interpreter would not find the script by its name. */
static int64_t exec(struct linux_process *p, int dirfd, char path[LINUX_PATH], struct list *argv, struct list *envp,
                    bool hidden)
{
    char name[LINUX_PATH];
    snprintf(name, sizeof name, "%s", path);
    for (int depth = 0; depth <= LINUX_SCRIPTS; depth++) {
        int fd = open_program(p, depth ? AT_FDCWD : dirfd, path);
        if (fd < 0)
            return fd;
        if (!argv->n && !list_insert(argv, 0, ""))
            return close(fd), -ENOMEM;
        int64_t r = script_interpreter(fd, argv, path);
        if (!r)
            return exec_file(p, fd, path, name, argv, envp);
        close(fd);
        if (r < 0)
            return r;
        if (hidden)
            return -ENOENT;
    }
    return -ELOOP;
}

/* What the descriptor itself has open is called as Linux calls it, by which name a script is opened again: 1 if that is closed then. */
static int64_t name_descriptor(struct linux_process *p, int fd, char path[LINUX_PATH])
{
    int host = fd < 0 ? -EBADF : fd_host(p, (uint32_t)fd);
    snprintf(path, LINUX_PATH, "/dev/fd/%d", fd);
    return host < 0 ? host : p->files->fd[fd].cloexec;
}

static int64_t execute(struct linux_process *p, int dirfd, const uint64_t a[3], int flags)
{
    char path[LINUX_PATH];
    struct list argv = {0}, envp = {0};
    bool hidden = false;
    int64_t r = path_copy(p, path, a[0]);
    if (r >= 0 && !path[0]) {
        r = flags & AT_EMPTY_PATH ? name_descriptor(p, dirfd, path) : -ENOENT;
        hidden = r > 0;
    }
    if (r >= 0 && flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        r = -EINVAL;
    if (r >= 0)
        r = copy_list(p, a[1], &argv);
    if (r >= 0)
        r = copy_list(p, a[2], &envp);
    if (r >= 0)
        r = exec(p, dirfd, path, &argv, &envp, hidden);
    list_free(&argv);
    list_free(&envp);
    return r;
}

int64_t sys_execve(struct linux_process *p, const uint64_t a[6]) { return execute(p, AT_FDCWD, a, 0); }

int64_t sys_execveat(struct linux_process *p, const uint64_t a[6]) { return execute(p, (int)a[0], a + 1, (int)a[4]); }
