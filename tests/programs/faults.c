/* Faults at every position of a block: for each kind of fault and each position the block of fillers first runs often enough
 * to be translated, with operands that are fine, then once with operands that fault. The signal handler notes all registers,
 * flags, trap number, error code and address, which are printed afterwards: the host and Selkirk must print the same. Built for
 * i386 and for x86-64, where the addresses lie above what 32 bits hold.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef __x86_64__
#define ABOVE 0x7a0000000000
#else
#define ABOVE 0
#endif
#define CODE      (ABOVE + 0x20000000)
#define DATA      (ABOVE + 0x20010000)
#define BARE      (ABOVE + 0x20011000) /* never mapped */
#define READ_ONLY (ABOVE + 0x20020000)
#define STACK     (ABOVE + 0x20030000)
enum { PAGE = 4096, WARM = 30, EFLAGS = 0x8d5, WORDS = 64 /* of data and stack that are used */ };

struct insn {
    uint8_t length;
    uint8_t bytes[8];
};

#ifdef __x86_64__
static const struct insn fillers[] = {
    {6, {0x48, 0x05, 0x11, 0x11, 0x11, 0x71}}, /* add rax, 0x71111111 */
    {3, {0x48, 0x29, 0xc3}},                   /* sub rbx, rax */
    {5, {0x48, 0x8d, 0x4c, 0x83, 0x07}},       /* lea rcx, [rbx + rax * 4 + 7] */
    {6, {0x81, 0xd2, 0x67, 0x45, 0x23, 0x81}}, /* adc edx, 0x81234567 */
    {4, {0x48, 0x89, 0x4e, 0x08}},             /* mov [rsi + 8], rcx */
    {4, {0x4c, 0x03, 0x4e, 0x04}},             /* add r9, [rsi + 4] */
    {3, {0x48, 0xff, 0xc5}},                   /* inc rbp */
    {3, {0x4c, 0x39, 0xd0}},                   /* cmp rax, r10 */
    {4, {0x0f, 0xb7, 0x5e, 0x09}},             /* movzx ebx, word [rsi + 9] */
    {1, {0x51}},                               /* push rcx */
    {4, {0x66, 0x41, 0x01, 0xc3}},             /* add r11w, ax */
    {1, {0x5a}},                               /* pop rdx */
    {2, {0x1a, 0xe1}},                         /* sbb ah, cl */
    {3, {0x41, 0xff, 0xca}},                   /* dec r10d */
};
#else
static const struct insn fillers[] = {
    {5, {0x05, 0x11, 0x11, 0x11, 0x11}},       /* add eax, 0x11111111 */
    {2, {0x29, 0xc3}},                         /* sub ebx, eax */
    {4, {0x8d, 0x4c, 0x83, 0x07}},             /* lea ecx, [ebx + eax * 4 + 7] */
    {6, {0x81, 0xd2, 0x67, 0x45, 0x23, 0x81}}, /* adc edx, 0x81234567 */
    {3, {0x89, 0x4e, 0x08}},                   /* mov [esi + 8], ecx */
    {3, {0x03, 0x4e, 0x04}},                   /* add ecx, [esi + 4] */
    {1, {0x45}},                               /* inc ebp */
    {2, {0x39, 0xd8}},                         /* cmp eax, ebx */
    {4, {0x0f, 0xb7, 0x5e, 0x09}},             /* movzx ebx, word [esi + 9] */
    {1, {0x51}},                               /* push ecx */
    {3, {0x66, 0x01, 0xc3}},                   /* add bx, ax */
    {1, {0x5a}},                               /* pop edx */
    {2, {0x1a, 0xe1}},                         /* sbb ah, cl */
    {1, {0x4a}},                               /* dec edx */
};
#endif
enum { FILLERS = sizeof fillers / sizeof *fillers };

/* edi points to something that is fine while warming up, and to `bad` then; if bad is 0 the instruction always traps. */
struct fault {
    const char *name;
    struct insn insn;
    uintptr_t bad;
};

#ifdef __x86_64__
static const struct fault kinds[] = {
    {"load", {3, {0x48, 0x8b, 0x07}}, BARE + 0x123},                               /* mov rax, [rdi] */
    {"load over a page end", {3, {0x48, 0x03, 0x07}}, BARE - 2},                   /* add rax, [rdi] */
    {"load, not canonical", {3, {0x4c, 0x8b, 0x17}}, (uintptr_t)1 << 47 | DATA},   /* mov r10, [rdi] */
    {"load, bits above", {3, {0x48, 0x8b, 0x07}}, (uintptr_t)5 << 60 | DATA},      /* mov rax, [rdi] */
    {"load, not aligned", {3, {0x0f, 0x28, 0x07}}, DATA + 0x98},                   /* movaps xmm0, [rdi] */
    {"store", {3, {0x48, 0x89, 0x07}}, BARE + 0x124},                              /* mov [rdi], rax */
    {"store over a page end", {3, {0x4c, 0x89, 0x1f}}, BARE - 3},                  /* mov [rdi], r11 */
    {"store, not canonical", {2, {0x88, 0x07}}, ~(uintptr_t)0 << 48},              /* mov [rdi], al */
    {"store to read-only", {3, {0x66, 0x89, 0x07}}, READ_ONLY + 0x10},             /* mov [rdi], ax */
    {"read-modify-write of read-only", {3, {0x48, 0x01, 0x07}}, READ_ONLY + 0x20}, /* add [rdi], rax */
    {"exchange with read-only", {3, {0x48, 0x87, 0x07}}, READ_ONLY + 0x30},        /* xchg [rdi], rax */
    {"push", {5, {0xff, 0x37, 0x8f, 0x46, 0x20}}, BARE + 0x200},                   /* push qword [rdi]; pop qword [rsi + 32] */
    {"pop", {3, {0x51, 0x8f, 0x07}}, BARE + 0x204},                                /* push rcx; pop qword [rdi] */
    {"string store", {2, {0x48, 0xab}}, BARE + 0x300},                             /* stosq */
    {"divide", {3, {0x48, 0xf7, 0x37}}, DATA + 0x80},                              /* div qword [rdi]: there is a zero */
    {"divide signed", {5, {0x48, 0x99, 0x48, 0xf7, 0x3f}}, DATA + 0x80},           /* cqo; idiv qword [rdi] */
    {"breakpoint", {1, {0xcc}}, 0},                                                /* int3 */
    {"undefined", {2, {0x0f, 0x0b}}, 0},                                           /* ud2 */
    {"not in 64-bit code", {1, {0x27}}, 0},                                        /* daa */
    {"privileged", {1, {0xf4}}, 0},                                                /* hlt */
};
#else
static const struct fault kinds[] = {
    {"load", {2, {0x8b, 0x07}}, BARE + 0x123},                               /* mov eax, [edi] */
    {"load over a page end", {2, {0x03, 0x07}}, BARE - 2},                   /* add eax, [edi] */
    {"store", {2, {0x89, 0x07}}, BARE + 0x124},                              /* mov [edi], eax */
    {"store over a page end", {2, {0x89, 0x07}}, BARE - 3},                  /* mov [edi], eax */
    {"store to read-only", {3, {0x66, 0x89, 0x07}}, READ_ONLY + 0x10},       /* mov [edi], ax */
    {"read-modify-write of read-only", {2, {0x01, 0x07}}, READ_ONLY + 0x20}, /* add [edi], eax */
    {"exchange with read-only", {2, {0x87, 0x07}}, READ_ONLY + 0x30},        /* xchg [edi], eax */
    {"push", {5, {0xff, 0x37, 0x8f, 0x46, 0x20}}, BARE + 0x200},             /* push dword [edi]; pop dword [esi + 32] */
    {"pop", {3, {0x51, 0x8f, 0x07}}, BARE + 0x204},                          /* push ecx; pop dword [edi] */
    {"string store", {1, {0xab}}, BARE + 0x300},                             /* stosd */
    {"divide", {2, {0xf7, 0x37}}, DATA + 0x80},                              /* div dword [edi]: there is a zero */
    {"divide signed", {3, {0x99, 0xf7, 0x3f}}, DATA + 0x80},                 /* cdq; idiv dword [edi] */
    {"breakpoint", {1, {0xcc}}, 0},                                          /* int3 */
    {"undefined", {2, {0x0f, 0x0b}}, 0},                                     /* ud2 */
    {"privileged", {1, {0xf4}}, 0},                                          /* hlt */
};
#endif
enum { KINDS = sizeof kinds / sizeof *kinds };

struct seen {
    int count, signal, code;
    uintptr_t address;
    greg_t regs[NGREG];
};

static volatile struct seen seen;
uintptr_t fault_operand, saved_esp;
void run_block(void);
extern char resume_block[];

/* Calls the code with known registers. A handler leaves through resume_block. */
#ifdef __x86_64__
__asm__("run_block:\n"
        "  pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14; pushq %r15\n"
        "  movq %rsp, saved_esp\n"
        "  movabsq $0x7a0020030ff0, %rsp\n"
        "  movq fault_operand, %rdi\n"
        "  movabsq $0x7a0020010000, %rsi\n"
        "  movabsq $0x7fff80017fff8001, %rbx\n"
        "  movabsq $0x0123456789abcdef, %rcx\n"
        "  movl $0x00000003, %edx\n"
        "  movq $-2, %rbp\n"
        "  movl $9, %r9d\n"
        "  movl $10, %r10d\n"
        "  movq $-11, %r11\n"
        "  leaq resume_block(%rip), %rax\n"
        "  pushq %rax\n"
        "  movabsq $0x7a0020000000, %rax\n"
        "  pushq %rax\n"
        "  subl %eax, %eax\n"
        "  movl $0x01020304, %eax\n"
        "  ret\n"
        "resume_block:\n"
        "  movq saved_esp, %rsp\n"
        "  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n"
        "  ret\n");
#else
__asm__("run_block:\n"
        "  pusha\n"
        "  movl %esp, saved_esp\n"
        "  movl $0x20030ff0, %esp\n"
        "  movl fault_operand, %edi\n"
        "  movl $0x20010000, %esi\n"
        "  movl $0x01020304, %eax\n"
        "  movl $0x7fff8001, %ebx\n"
        "  movl $0x89abcdef, %ecx\n"
        "  movl $0x00000003, %edx\n"
        "  movl $0xfffffffe, %ebp\n"
        "  pushl $resume_block\n"
        "  subl %eax, %eax\n"
        "  movl $0x01020304, %eax\n"
        "  pushl $0x20000000\n"
        "  ret\n"
        "resume_block:\n"
        "  movl saved_esp, %esp\n"
        "  popa\n"
        "  ret\n");
#endif

#ifdef __x86_64__
enum { IP = REG_RIP };
static const int shown[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
                            REG_RBP, REG_RSP, REG_RIP, REG_R9,  REG_R10, REG_R11};
#else
enum { IP = REG_EIP };
static const int shown[] = {REG_EAX, REG_EBX, REG_ECX, REG_EDX, REG_ESI, REG_EDI, REG_EBP, REG_ESP, REG_EIP};
#endif
static const char *const names[] = {"ax", "bx", "cx", "dx", "si", "di", "bp", "sp", "ip", "r9", "r10", "r11"};

static void on_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    seen.count++;
    seen.signal = number;
    seen.code = info->si_code;
    seen.address = number == SIGSEGV ? (uintptr_t)info->si_addr : 0;
    for (int i = 0; i < NGREG; i++)
        seen.regs[i] = uc->uc_mcontext.gregs[i];
    uc->uc_mcontext.gregs[IP] = (greg_t)(uintptr_t)resume_block;
    uc->uc_mcontext.gregs[REG_EFL] &= ~0x400;
}

static void *map_at(uintptr_t address, size_t size, int protection)
{
    void *p = mmap((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE | (protection & PROT_EXEC),
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (p == MAP_FAILED) {
        printf("cannot map %lx\n", (unsigned long)address);
        exit(2);
    }
    return p;
}

static uint8_t *put(uint8_t *p, const struct insn *i)
{
    memcpy(p, i->bytes, i->length);
    return p + i->length;
}

static void build(const struct fault *f, int position)
{
    uint8_t *p = (uint8_t *)CODE;
    for (int i = 0; i <= FILLERS; i++) {
        if (i == position)
            p = put(p, &f->insn);
        if (i < FILLERS)
            p = put(p, &fillers[i]);
    }
    *p = 0xc3; /* ret */
}

static void reset_data(void)
{
    uint32_t *data = (uint32_t *)DATA;
    for (int i = 0; i < WORDS; i++)
        data[i] = 0x9e3779b9u * (uint32_t)(i + 1);
    data[0x80 / 4] = 0;
    data[0x84 / 4] = 0;
    data[0x90 / 4] = data[0x94 / 4] = 0xfffffff1; /* a divisor that no quotient of the fillers overflows with */
    memset((void *)(STACK + PAGE - 4 * WORDS), 0, 4 * WORDS);
}

static uint32_t data_digest(void)
{
    const uint32_t *data = (const uint32_t *)DATA, *stack = (const uint32_t *)(STACK + PAGE) - WORDS;
    uint32_t h = 0;
    for (int i = 0; i < WORDS; i++)
        h = h * 31 + data[i] + 7 * stack[i];
    return h;
}

static void report(const struct fault *f, int position)
{
    printf("%s at %d: %d times, signal %d code %d address %08lx trap %d error %d flags %03x data %08x\n ", f->name, position,
           seen.count, seen.signal, seen.code, (unsigned long)seen.address, (int)seen.regs[REG_TRAPNO], (int)seen.regs[REG_ERR],
           (unsigned)seen.regs[REG_EFL] & EFLAGS, data_digest());
    for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++)
        printf(" %s %08lx", names[i], (unsigned long)seen.regs[shown[i]]);
    printf("\n");
}

int main(void)
{
    static const int signals[] = {SIGSEGV, SIGFPE, SIGTRAP, SIGILL, SIGBUS};
    struct sigaction action;
    static char stack[65536];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaltstack(&alternative, NULL);
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
    map_at(CODE, PAGE, PROT_EXEC);
    map_at(DATA, PAGE, 0);
    map_at(STACK, PAGE, 0);
    memset(map_at(READ_ONLY, PAGE, 0), 0x5a, PAGE);
    if (mprotect((void *)READ_ONLY, PAGE, PROT_READ) != 0)
        return 2;

    for (int k = 0; k < KINDS; k++) {
        for (int position = 0; position <= FILLERS; position++) {
            build(&kinds[k], position);
            memset((void *)&seen, 0, sizeof seen);
            for (int i = 0; i < WARM; i++) {
                reset_data();
                fault_operand = DATA + 0x90;
                run_block();
            }
            if (kinds[k].bad) {
                reset_data();
                fault_operand = kinds[k].bad;
                run_block();
            }
            report(&kinds[k], position);
        }
    }
    return 0;
}
