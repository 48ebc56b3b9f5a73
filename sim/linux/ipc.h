/* IPC of System V: what ipc.c, ipc_shm.c, ipc_sem.c and ipc_msg.c have in common. All of it is private to the guest. */
#pragma once
#include "linux.h"

enum ipc_kind { IPC_SHM, IPC_SEM, IPC_MSG, IPC_KINDS };

enum { IPC_MOST = 256 /* objects of a kind */, IPC_SEQUENCE = 32768 /* what numbers of one place differ by */ };

/* The commands of all kinds; those of one kind follow in its file. */
enum { CTL_RMID, CTL_SET, CTL_STAT, CTL_INFO };

struct ipc_object {
    int32_t id, key;
    uint32_t uid, gid, cuid, cgid, mode;
    bool doomed; /* shared memory that goes with its last mapping: it is found by its number alone */
};

/* Objects and the sequence of each place in the table. */
struct ipc_table {
    struct ipc_object *at[IPC_MOST];
    uint16_t sequence[IPC_MOST];
};

struct ipc {
    struct ipc_table table[IPC_KINDS];
    uint64_t semaphores;    /* of all sets */
    struct ipc_undo *undos; /* what ends of processes undo */
    bool old;               /* the call that is being made has the old structures */
};

/* The object of that number, NULL if there is none. */
struct ipc_object *ipc_find(struct linux_process *p, enum ipc_kind kind, int32_t id);
/* The same for a call, with a negative error in *error: EIDRM if it has gone while the call waited. `access`: bits of a mode as
 * others have them. */
struct ipc_object *ipc_get(struct linux_process *p, enum ipc_kind kind, int32_t id, uint32_t access, int64_t *error);
/* What a control command is about: of ..._STAT by its place in the table. */
struct ipc_object *ipc_at(struct linux_process *p, enum ipc_kind kind, int32_t index, uint32_t access, int64_t *error);
/* shmget and the like: a number, or a negative error. 1 is added to what is to be made anew, for which `make` gives an object
 * of `size`; `fits` says whether one that is there does. */
typedef struct ipc_object *ipc_make_fn(struct linux_process *p, uint64_t size, int64_t *error);
typedef bool ipc_fits_fn(const struct ipc_object *o, uint64_t size);
int64_t ipc_open(struct linux_process *p, enum ipc_kind kind, int32_t key, uint32_t flags, uint64_t size, ipc_make_fn *make,
                 ipc_fits_fn *fits);
void ipc_remove(struct linux_kernel *k, enum ipc_kind kind, struct ipc_object *o); /* from the table, and frees it */
bool ipc_may_own(const struct ipc_object *o);
int64_t ipc_time(struct linux_process *p);
int32_t ipc_highest(struct linux_process *p, enum ipc_kind kind, int32_t *used); /* place in use; 0 if there is none */

/* A structure of either word size, put together. */
struct ipc_out {
    struct linux_process *p;
    uint8_t bytes[160];
    size_t n;
};

void out_int(struct ipc_out *o, uint32_t v);
void out_word(struct ipc_out *o, uint64_t v);
void out_time(struct ipc_out *o, int64_t v, bool padded); /* of i386 two words; padded: of x86-64 too */
void out_object(struct ipc_out *o, const struct ipc_object *obj);
/* The old structures of i386, with numbers of 16 bits, which its one call gives and takes where a bit does not ask for the others. */
bool ipc_is_old(const struct linux_process *p);
void out_short(struct ipc_out *o, uint64_t v);
void out_old_object(struct ipc_out *o, const struct ipc_object *obj);
int64_t out_put(const struct ipc_out *o, uint64_t to, int64_t result);
/* Control commands. What a kind tells of one object, as the result of the call, and of all of them or their limits; `stat` is its
 * ..._STAT, behind which ..._INFO and ..._STAT_ANY come. */
struct ipc_teller {
    enum ipc_kind kind;
    uint32_t stat;
    int64_t (*one)(struct linux_process *p, struct ipc_object *o, uint64_t to, int64_t result);
    int64_t (*all)(struct linux_process *p, uint64_t to, bool limits);
};

/* The command of a call: i386 says with a bit which form of the structures it means. */
uint32_t ipc_command(const struct linux_process *p, uint64_t command);
/* Commands that only tell, and numbers that none can have. False: another command. */
bool ipc_tell(struct linux_process *p, const struct ipc_teller *t, int32_t id, uint32_t command, uint64_t to, int64_t *result);
/* The object of that number for who may change it; NULL: *error. */
struct ipc_object *ipc_own(struct linux_process *p, enum ipc_kind kind, int32_t id, int64_t *error);
/* IPC_SET: what all kinds take from a structure. */
int64_t ipc_set(struct linux_process *p, struct ipc_object *o, uint64_t from);

/* ipc_shm.c, ipc_sem.c, ipc_msg.c */
void shm_sweep(struct linux_kernel *k);
void shm_release(struct linux_kernel *k, struct ipc_object *o);
void sem_release(struct linux_kernel *k, struct ipc_object *o);
void msg_release(struct ipc_object *o);
