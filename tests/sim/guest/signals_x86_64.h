/* What the handler of an x86-64 program sees, and faults of 64-bit code. */
static volatile gregset_t seen;
static volatile uint64_t xmm15[2];
static volatile uint32_t fp_mxcsr;

static void look(ucontext_t *uc)
{
    struct _libc_fpstate *fp = uc->uc_mcontext.fpregs;
    memcpy((void *)seen, uc->uc_mcontext.gregs, sizeof seen);
    have_fp = fp != NULL;
    if (fp) {
        fp_cw = fp->cwd;
        fp_mxcsr = fp->mxcsr;
        memcpy((void *)&st0, fp->_st[0].significand, 8);
        st0_exp = fp->_st[0].exponent;
        memcpy((void *)xmm15, &fp->_xmm[15], 16);
        memset(&fp->_xmm[14], 0xa5, 16); /* what the interrupted code finds in XMM14 */
    }
}

static void change(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_RIP] += (greg_t)skip;
    uc->uc_mcontext.gregs[REG_RDX] = 0x600d600d600d;
    uc->uc_mcontext.gregs[REG_R14] = 0x1414;
}

static void show(const char *what, uint64_t label)
{
    static const int regs[] = {REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R15};
    printf("%s: signal %u code %d rip%+d trap %lld err %llx", what, seen_sig, seen_info.si_code, (int)(seen[REG_RIP] - label),
           seen[REG_TRAPNO], seen[REG_ERR]);
    for (unsigned i = 0; i < sizeof regs / sizeof *regs; i++)
        printf(" %llx", seen[regs[i]]);
    printf(" efl=%08llx cs=%llx ss=%llx addr=%p", seen[REG_EFL] & 0x244cd5, seen[REG_CSGSFS] & 0xffff, seen[REG_CSGSFS] >> 48,
           seen_info.si_code > 0 && seen_info.si_code < 128 && seen_sig == SIGSEGV ? seen_info.si_addr : NULL);
    printf(" handler: df %llx sp%%16 %d fp %u cw %x mxcsr %x st0 %04x:%016llx xmm15 %llx:%llx\n",
           (unsigned long long)handler_flags & 0x400, (int)(handler_sp % 16), have_fp, fp_cw & 0xffff, fp_mxcsr,
           st0_exp & 0xffff, (unsigned long long)st0, (unsigned long long)xmm15[1], (unsigned long long)xmm15[0]);
}

/* Runs one faulting instruction with known registers; the handler skips its bytes. The word below the stack pointer lies in the
 * red zone, which the frame leaves alone. */
#define FAULT(name, bytes, instruction, rcx_value)                                                            \
    do {                                                                                                      \
        extern char label_##name[];                                                                           \
        static uint64_t out[6];                                                                               \
        static const uint64_t fifteen[2] = {0x0123456789abcdef, 0xfedcba9876543210};                          \
        skip = bytes;                                                                                         \
        __asm__ volatile("fninit; fld1; movq %%rsp, %0; movups %6, %%xmm15; movq %7, %%r12\n\t"               \
                         "movq $0x77, -8(%%rsp); movq $0x99, -128(%%rsp); xorl %%eax, %%eax\n\t"              \
                         "movabs $0x1111111111, %%rax; movl $0x22222222, %%ebx; movl $0x44444444, %%edx\n\t"  \
                         "movl $0x55555555, %%esi; movq $-6, %%rdi; movl $8, %%r8d; movl $9, %%r9d\n\t"       \
                         "movl $10, %%r10d; movl $11, %%r11d; movl $15, %%r15d; movq %%r12, %%rcx\n\t"        \
                         "stc; std\n"                                                                         \
                         "label_" #name ": " instruction "\n\t"                                               \
                         "cld; movq %%rsp, %1; movq %%rdx, %2; movq %%r14, %3; movq %%xmm14, %4\n\t"          \
                         "movq -8(%%rsp), %%rax; addq -128(%%rsp), %%rax; movq %%rax, %5; fstp %%st(0)"       \
                         : "=m"(out[0]), "=m"(out[1]), "=m"(out[2]), "=m"(out[3]), "=m"(out[4]), "=m"(out[5]) \
                         : "m"(fifteen), "r"((uint64_t)(rcx_value))                                           \
                         : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r14",  \
                           "r15", "xmm14", "xmm15", "cc", "memory");                                          \
        show(#name, (uint64_t)(uintptr_t)label_##name);                                                       \
        printf("  back: rdx=%llx r14=%llx xmm14=%llx red zone %llx rsp %s\n", (unsigned long long)out[2],     \
               (unsigned long long)out[3], (unsigned long long)out[4], (unsigned long long)out[5],            \
               out[0] == out[1] ? "kept" : "changed");                                                        \
    } while (0)

static void faults(void)
{
    page = mmap((void *)0x7e0000000000, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    page[4096] = 0; /* present, so that the error code does not depend on how the kernel populates pages */
    mprotect(page + 4096, 4096, PROT_READ);
    uint64_t wp = (uint64_t)(uintptr_t)page + 4096;
    FAULT(load_unmapped, 2, "movl (%%rcx), %%eax", 0x1234);
    FAULT(store_unmapped, 3, "movq %%rax, (%%rcx)", 0x6fff12345ffc);
    FAULT(store_readonly, 3, "movq %%rax, (%%rcx)", wp + 8);
    FAULT(store_straddle, 3, "movq %%rax, (%%rcx)", wp - 2);
    printf("  bytes %02x %02x\n", page[4094], page[4095]);
    FAULT(rmw_readonly, 3, "addq %%rax, (%%rcx)", wp);
    FAULT(load_noncanonical, 3, "movq (%%rcx), %%rax", UINT64_C(1) << 47);
    FAULT(store_noncanonical, 3, "movq %%rax, (%%rcx)", UINT64_C(0xabcd) << 48);
    FAULT(load_high, 3, "movq (%%rcx), %%rax", ~UINT64_C(0) << 47);
    FAULT(load_alias, 3, "movq (%%rcx), %%rax", (uint64_t)(uintptr_t)page | UINT64_C(1) << 48);
}

static void others(void)
{
    FAULT(ud2, 2, "ud2", 0);
    FAULT(hlt, 1, "hlt", 0);
    FAULT(int3, 0, "int3", 0);
    FAULT(no_into, 1, ".byte 0xce", 0);
    FAULT(cli, 1, "cli", 0);
    FAULT(div_zero, 3, "divq %%rcx", 0);
    FAULT(div_overflow, 3, "divq %%rcx", 1);
    FAULT(idiv_overflow, 2, "idivl %%ecx", 2);
    FAULT(sse_unaligned, 3, "movaps (%%rcx), %%xmm0", (uint64_t)(uintptr_t)page + 8);
}

static void only_here(void) {}
