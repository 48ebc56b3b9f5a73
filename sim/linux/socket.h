/* Sockets between processes of the guest: sys_net.c sys_unix.c sys_msg.c, and what messages carry: parcel.c. */
#pragma once
#include "syscalls.h"

enum { SOCKET_NAME = 108, SOCKET_FILES = 253 /* that one message carries */ };

/* A path, or bytes that begin with 0: a name in no folder. */
struct socket_name {
    uint32_t size; /* 0: none */
    char text[SOCKET_NAME];
};

struct socket_cred {
    int32_t pid;
    uint32_t uid, gid;
};

enum socket_state { SOCKET_NEW, SOCKET_LISTENS, SOCKET_CONNECTED };

struct linux_socket {
    struct linux_socket *next; /* of the kernel's */
    struct linux_kernel *k;
    uint64_t id, other; /* other: of the socket at the other end, 0 or that of one that is gone */
    int type;
    enum socket_state state;
    struct socket_name name, peer;
    int node;          /* O_PATH descriptor of the file that is its name, which keeps the inode's number its own; or -1 */
    uint64_t dev, ino; /* of node */
    struct socket_cred peer_cred;
    bool pass_cred;                      /* SO_PASSCRED */
    int inlet;                           /* datagrams: where the host takes in what is sent to it; -1: an end of a pair */
    struct linux_socket *queue, *queued; /* connections that nobody has accepted yet; the next one of them */
    int host;                            /* ... its descriptor of the host, or -1 */
    unsigned waiting, backlog;
};

/* What travels with a message besides bytes. The host carries a descriptor of a pipe in its place. */
struct linux_parcel {
    struct linux_parcel *next;
    int end;      /* the pipe's other end: at its end of file nobody can receive the parcel any more */
    uint64_t ino; /* of the pipe */
    unsigned nfiles;
    struct linux_file *file[SOCKET_FILES];
    struct socket_cred cred;
    struct socket_name from;
};

/* sys_unix.c */
struct linux_socket *socket_new(struct linux_kernel *k, int type); /* NULL: no memory */
struct linux_socket *socket_find(struct linux_kernel *k, uint64_t id);
struct socket_cred socket_cred_of(const struct linux_process *p);
int64_t socket_put_name(struct linux_process *p, uint64_t to, uint64_t size_at, const struct socket_name *name, bool always);
/* Where datagrams for the socket of that name go; NULL and why. */
struct linux_socket *socket_named(struct linux_process *p, uint64_t at, uint64_t size, int type, int64_t *error);
bool socket_may_send(const struct linux_socket *from, const struct linux_socket *to);

/* sys_net.c: an open socket, or NULL and why not. */
struct linux_file *socket_file(struct linux_process *p, uint64_t fd, int64_t *error);

/* parcel.c */
struct linux_parcel *parcel_new(struct linux_process *p, const struct socket_name *from);
void parcel_free(struct linux_parcel *q);
int64_t parcel_fill(struct linux_process *p, struct linux_parcel *q, uint64_t control, uint64_t size, bool *explicit);
int parcel_wrap(struct linux_kernel *k, struct linux_parcel *q);  /* the descriptor that travels, or an error */
void parcel_sent(struct linux_kernel *k, struct linux_parcel *q); /* the kernel has it now */
struct linux_parcel *parcel_find(struct linux_kernel *k, int host);
void parcel_taken(struct linux_kernel *k, struct linux_parcel *q);
/* Tells the guest in its control buffer: the bytes used. *flags may get MSG_CTRUNC. */
int64_t parcel_tell(struct linux_process *p, const struct linux_parcel *q, bool cred, uint64_t control, uint64_t size,
                    uint64_t receive_flags, uint32_t *flags);
