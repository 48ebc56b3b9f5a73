/* Far transfers, far pointers and segment registers as user code may use them, and what they raise when it may not. */
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef __x86_64__
#define WIDE 1
#else
#define WIDE 0
#endif

static sigjmp_buf back;
static volatile int caught;

static void on_signal(int number)
{
    caught = number;
    siglongjmp(back, 1);
}

/* Prints the value of an expression, or the signal that it ends in. */
#define SHOW(text, expression)                                       \
    do {                                                             \
        caught = 0;                                                  \
        if (sigsetjmp(back, 1) == 0)                                 \
            printf("%s: %llx\n", text, (unsigned long long)(expression)); \
        else                                                         \
            printf("%s: signal %d\n", text, caught);                 \
    } while (0)

static unsigned code_selector(void)
{
    unsigned v;
    __asm__ volatile("mov %%cs, %0" : "=r"(v));
    return v;
}

static unsigned data_selector(void)
{
    unsigned v;
    __asm__ volatile("mov %%ss, %0" : "=r"(v));
    return v;
}

/* Pushes a frame for IRET with these flags and returns by it; gives the arithmetic flags then. */
static uintptr_t iret(uintptr_t flags, uintptr_t code, uintptr_t stack)
{
    uintptr_t out;
#if WIDE
    __asm__ volatile("mov %%rsp, %%rax\n\t"
                     "pushq %3\n\tpushq %%rax\n\tpushq %1\n\tpushq %2\n\t"
                     "leaq 1f(%%rip), %%rax\n\tpushq %%rax\n\t"
                     "iretq\n1:\tpushfq\n\tpopq %0"
                     : "=&r"(out)
                     : "r"(flags), "r"(code), "r"(stack)
                     : "rax", "memory", "cc");
#else
    (void)stack;
    __asm__ volatile("pushl %1\n\tpushl %2\n\tpushl $1f\n\tiret\n1:\tpushfl\n\tpopl %0"
                     : "=&r"(out)
                     : "r"(flags), "r"(code)
                     : "memory", "cc");
#endif
    return out & 0xcd5;
}

/* A far return to the next instruction, and a far call through memory to a far return. */
static uintptr_t far_return(uintptr_t code)
{
    uintptr_t out;
#if WIDE
    __asm__ volatile("movl $5, %k0\n\tpushq %1\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n\tmovl $6, %k0\n1:"
                     : "=&r"(out)
                     : "r"(code)
                     : "rax", "memory");
#else
    __asm__ volatile("movl $5, %0\n\tpushl %1\n\tpushl $1f\n\tlret\n\tmovl $6, %0\n1:" : "=&r"(out) : "r"(code) : "memory");
#endif
    return out;
}

static uintptr_t far_call(uintptr_t code)
{
    struct __attribute__((packed)) {
        uint32_t offset;
        uint16_t selector;
    } to = {0, (uint16_t)code};
    uintptr_t out;
#if WIDE
    __asm__ volatile("movl $1f, %1\n\txorl %k0, %k0\n\tlcall *%1\n\taddl $1, %k0\n\tjmp 2f\n1:\taddl $4, %k0\n\tlretl\n2:"
                     : "=&r"(out), "+m"(to)
                     :
                     : "memory", "cc");
#else
    __asm__ volatile("movl $1f, %1\n\txorl %0, %0\n\tlcall *%1\n\taddl $1, %0\n\tjmp 2f\n1:\taddl $4, %0\n\tlret\n2:"
                     : "=&r"(out), "+m"(to)
                     :
                     : "memory", "cc");
#endif
    return out;
}

/* Loads a far pointer into a segment register and a general one; gives both. */
#define FAR_POINTER(op, seg)                                                                        \
    static uintptr_t op(unsigned selector)                                                          \
    {                                                                                               \
        struct __attribute__((packed)) {                                                            \
            uint32_t offset;                                                                        \
            uint16_t selector;                                                                      \
        } far = {0x12345, (uint16_t)selector};                                                      \
        unsigned offset, now, old;                                                                  \
        __asm__ volatile("mov %%" seg ", %2\n\t" #op "l %3, %0\n\tmov %%" seg ", %1\n\tmov %2, %%" seg \
                         : "=&r"(offset), "=&r"(now), "=&r"(old)                                    \
                         : "m"(far)                                                                 \
                         : "memory");                                                               \
        return (uintptr_t)offset << 8 | now;                                                        \
    }
FAR_POINTER(lss, "ss")
#if !WIDE
FAR_POINTER(les, "es")
FAR_POINTER(lds, "ds")
FAR_POINTER(lfs, "fs")
#endif

static uintptr_t moved(unsigned selector)
{
    unsigned now;
    __asm__ volatile("mov %%es, %%ecx\n\tmov %1, %%es\n\tmov %%es, %0\n\tmov %%ecx, %%es" : "=&r"(now) : "r"(selector) : "ecx");
    return now;
}

int main(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
    const unsigned cs = code_selector(), ss = data_selector();
    printf("%x %x\n", cs, ss);
    for (int i = 0; i < 2; i++) {
        SHOW("iret", iret(0x202, cs, ss));
        SHOW("iret with flags", iret(0xad7, cs, ss));
        SHOW("iret to the null selector", iret(0x202, 0, ss));
        SHOW("iret to kernel code", iret(0x202, 0x10, ss));
        SHOW("iret to data", iret(0x202, ss, ss));
#if WIDE
        SHOW("iret to a null stack", iret(0x202, cs, 3));
        SHOW("iret to code as stack", iret(0x202, cs, cs));
#endif
        SHOW("far return", far_return(cs));
        SHOW("far return to kernel code", far_return(0x10));
        SHOW("far return to nothing", far_return(0xf8));
        SHOW("far call", far_call(cs));
        SHOW("far call to data", far_call(ss));
        SHOW("lss", lss(ss));
        SHOW("lss null", lss(0));
        SHOW("lss code", lss(cs));
#if !WIDE
        SHOW("les", les(ss));
        SHOW("lds", lds(ss));
        SHOW("lds of the kernel", lds(0x18));
        SHOW("lfs null", lfs(0));
#endif
        SHOW("mov es", moved(ss));
        SHOW("mov es of the kernel", moved(0x18));
        SHOW("mov es beyond the table", moved(0xfff8));
    }
    return 0;
}
