/* The host CPU, by single steps of a 32-bit child. */
#define _GNU_SOURCE
#include "oracle.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sem/sem.h"

struct host_cpu {
    pid_t pid;
    struct oracle_memory *mem;
    struct user_regs_struct template;
};

static bool wait_stop(struct host_cpu *h, int *sig)
{
    int status;
    if (waitpid(h->pid, &status, 0) != h->pid || !WIFSTOPPED(status)) {
        fprintf(stderr, "guest-oracle: the child is gone (status %#x)\n", status);
        return false;
    }
    *sig = WSTOPSIG(status);
    return true;
}

struct host_cpu *host_open(const char *child_path)
{
    struct host_cpu *h = calloc(1, sizeof *h);
    int fd = memfd_create("oracle", 0), sig;
    if (!h || fd < 0 || ftruncate(fd, sizeof *h->mem))
        goto failed;
    h->mem = mmap(NULL, sizeof *h->mem, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (h->mem == MAP_FAILED)
        goto failed;
    h->pid = fork();
    if (!h->pid) {
        if (fd != 3 && dup2(fd, 3) < 0)
            _exit(4);
        execl(child_path, child_path, (char *)NULL);
        _exit(5);
    }
    close(fd);
    if (h->pid < 0 || !wait_stop(h, &sig) || sig != SIGSTOP)
        goto failed;
    ptrace(PTRACE_SETOPTIONS, h->pid, NULL, (void *)(long)PTRACE_O_EXITKILL);
    if (ptrace(PTRACE_CONT, h->pid, NULL, NULL) || !wait_stop(h, &sig) || sig != SIGTRAP)
        goto failed;
    if (ptrace(PTRACE_GETREGS, h->pid, NULL, &h->template))
        goto failed;
    h->template.orig_rax = (unsigned long long)-1;
    return h;
failed:
    fprintf(stderr, "guest-oracle: cannot run %s under ptrace on this host: %s\n", child_path, strerror(errno));
    free(h);
    return NULL;
}

void host_close(struct host_cpu *h)
{
    kill(h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    munmap(h->mem, sizeof *h->mem);
    free(h);
}

struct oracle_memory *host_memory(struct host_cpu *h) { return h->mem; }

void host_set(struct host_cpu *h, const struct oracle_state *s)
{
    struct user_regs_struct r = h->template;
    r.rax = s->gpr[GUEST_RAX];
    r.rcx = s->gpr[GUEST_RCX];
    r.rdx = s->gpr[GUEST_RDX];
    r.rbx = s->gpr[GUEST_RBX];
    r.rsp = s->gpr[GUEST_RSP];
    r.rbp = s->gpr[GUEST_RBP];
    r.rsi = s->gpr[GUEST_RSI];
    r.rdi = s->gpr[GUEST_RDI];
    r.rip = s->rip;
    r.eflags = s->eflags;
    r.es = s->seg[GUEST_ES];
    r.cs = s->seg[GUEST_CS];
    r.ss = s->seg[GUEST_SS];
    r.ds = s->seg[GUEST_DS];
    r.fs = s->seg[GUEST_FS];
    r.gs = s->seg[GUEST_GS];
    r.fs_base = s->seg[GUEST_FS] == 0x63 ? ORACLE_TLS : 0; /* not looked up by the kernel */
    r.gs_base = s->seg[GUEST_GS] == 0x63 ? ORACLE_TLS : 0;
    if (ptrace(PTRACE_SETREGS, h->pid, NULL, &r)) {
        perror("guest-oracle: PTRACE_SETREGS");
        exit(3);
    }
}

/* The vector behind a signal. */
static int vector_of(int sig, const siginfo_t *info)
{
    switch (sig) {
    case SIGFPE: return GUEST_DE;
    case SIGILL: return GUEST_UD;
    case SIGBUS: return info->si_code == SI_KERNEL ? GUEST_SS_FAULT : GUEST_AC;
    case SIGTRAP: return info->si_code == SI_KERNEL ? GUEST_BP : info->si_code == TRAP_TRACE ? -1 : GUEST_DB;
    case SIGSEGV: return info->si_code == SI_KERNEL ? GUEST_GP : GUEST_PF;
    default: return 255;
    }
}

static void get_state(struct host_cpu *h, struct oracle_state *s)
{
    struct user_regs_struct r;
    if (ptrace(PTRACE_GETREGS, h->pid, NULL, &r)) {
        perror("guest-oracle: PTRACE_GETREGS");
        exit(3);
    }
    *s = (struct oracle_state){
        .gpr = {(uint32_t)r.rax, (uint32_t)r.rcx, (uint32_t)r.rdx, (uint32_t)r.rbx, (uint32_t)r.rsp, (uint32_t)r.rbp,
                (uint32_t)r.rsi, (uint32_t)r.rdi},
        .rip = (uint32_t)r.rip,
        .eflags = (uint32_t)r.eflags,
        .seg = {(uint16_t)r.es, (uint16_t)r.cs, (uint16_t)r.ss, (uint16_t)r.ds, (uint16_t)r.fs, (uint16_t)r.gs},
        .vector = -1,
    };
}

bool host_step(struct host_cpu *h, struct oracle_state *out)
{
    struct oracle_state before;
    get_state(h, &before);
    for (unsigned steps = 0; steps < ORACLE_STEPS; steps++) {
        int sig;
        siginfo_t info;
        if (ptrace(PTRACE_SINGLESTEP, h->pid, NULL, NULL) || !wait_stop(h, &sig) ||
            ptrace(PTRACE_GETSIGINFO, h->pid, NULL, &info)) {
            perror("guest-oracle: step");
            exit(3);
        }
        get_state(h, out);
        out->vector = vector_of(sig, &info);
        if (out->vector == GUEST_PF)
            out->addr = (uint32_t)(uintptr_t)info.si_addr;
        if (out->vector >= 0 || out->rip != before.rip) /* else: REP goes on */
            return true;
        if (!(before.gpr[GUEST_RCX] != out->gpr[GUEST_RCX])) /* a jump to itself */
            return true;
    }
    return false;
}
