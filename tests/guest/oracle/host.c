/* The host CPU, by single steps of a child. */
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
    struct oracle_kind kind;
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

struct host_cpu *host_open(const char *child_path, const struct oracle_kind *kind)
{
    struct host_cpu *h = calloc(1, sizeof *h);
    int fd = memfd_create("oracle", 0), sig;
    if (!h || fd < 0 || ftruncate(fd, sizeof *h->mem))
        goto failed;
    h->kind = *kind;
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
    if (h->kind.mode == GUEST_X86_64) {
        r.r8 = s->gpr[8];
        r.r9 = s->gpr[9];
        r.r10 = s->gpr[10];
        r.r11 = s->gpr[11];
        r.r12 = s->gpr[12];
        r.r13 = s->gpr[13];
        r.r14 = s->gpr[14];
        r.r15 = s->gpr[15];
    }
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
    if (h->kind.mode == GUEST_X86_64) {
        r.fs_base = ORACLE_FS;
        r.gs_base = ORACLE_TLS;
    }
    if (ptrace(PTRACE_SETREGS, h->pid, NULL, &r)) {
        perror("guest-oracle: PTRACE_SETREGS");
        exit(3);
    }
    if (!h->kind.sse)
        return;
    struct user_fpregs_struct fp = {.cwd = s->fcw, .swd = s->fsw, .ftw = s->st_used, .mxcsr = s->mxcsr, .mxcr_mask = 0xffff};
    memcpy(fp.xmm_space, s->xmm, sizeof s->xmm);
    for (unsigned i = 0; i < 8; i++) { /* relative to TOP there */
        unsigned phys = ((s->fsw >> 11) + i) & 7;
        memcpy(&fp.st_space[4 * i], &s->st[phys], 8);
        memcpy(&fp.st_space[4 * i + 2], &s->se[phys], 2);
    }
    if (ptrace(PTRACE_SETFPREGS, h->pid, NULL, &fp)) {
        perror("guest-oracle: PTRACE_SETFPREGS");
        exit(3);
    }
}

static void get_sse(struct host_cpu *h, struct oracle_state *s)
{
    struct user_fpregs_struct fp;
    if (ptrace(PTRACE_GETFPREGS, h->pid, NULL, &fp)) {
        perror("guest-oracle: PTRACE_GETFPREGS");
        exit(3);
    }
    memcpy(s->xmm, fp.xmm_space, sizeof s->xmm);
    if (h->kind.mode != GUEST_X86_64)
        memset(s->xmm[8], 0, 8 * sizeof *s->xmm);
    for (unsigned i = 0; i < 8; i++) {
        unsigned phys = ((fp.swd >> 11) + i) & 7;
        memcpy(&s->st[phys], &fp.st_space[4 * i], 8);
        memcpy(&s->se[phys], &fp.st_space[4 * i + 2], 2);
    }
    s->mxcsr = fp.mxcsr;
    s->fcw = fp.cwd;
    s->fsw = fp.swd;
    s->st_used = (uint8_t)fp.ftw;
}

/* The vector behind a signal. */
static int vector_of(int sig, const siginfo_t *info)
{
    switch (sig) {
    case SIGFPE: return info->si_code == FPE_INTDIV ? GUEST_DE : GUEST_XM;
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
        .gpr = {r.rax, r.rcx, r.rdx, r.rbx, r.rsp, r.rbp, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15},
        .rip = r.rip,
        .eflags = (uint32_t)r.eflags,
        .seg = {(uint16_t)r.es, (uint16_t)r.cs, (uint16_t)r.ss, (uint16_t)r.ds, (uint16_t)r.fs, (uint16_t)r.gs},
        .vector = -1,
        .error = -1,
    };
    if (h->kind.mode == GUEST_IA32) {
        for (unsigned i = 0; i < 16; i++)
            s->gpr[i] = i < 8 ? (uint32_t)s->gpr[i] : 0;
        s->rip = (uint32_t)s->rip;
    }
    if (h->kind.sse)
        get_sse(h, s);
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
            out->addr = h->kind.mode == GUEST_IA32 ? (uint32_t)(uintptr_t)info.si_addr : (uintptr_t)info.si_addr;
        if (out->vector >= 0 || out->rip != before.rip) /* else: REP goes on */
            return true;
        if (!(before.gpr[GUEST_RCX] != out->gpr[GUEST_RCX])) /* a jump to itself */
            return true;
    }
    return false;
}
