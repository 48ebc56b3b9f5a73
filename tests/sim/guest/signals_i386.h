/* What the handler of an i386 program sees, and faults of i386 code. */
static volatile greg_t seen[NGREG];

static void look(ucontext_t *uc)
{
    memcpy((void *)seen, uc->uc_mcontext.gregs, sizeof seen);
    have_fp = uc->uc_mcontext.fpregs != NULL;
    if (have_fp) {
        fp_cw = uc->uc_mcontext.fpregs->cw;
        memcpy((void *)&st0, uc->uc_mcontext.fpregs->_st[0].significand, 8);
        st0_exp = uc->uc_mcontext.fpregs->_st[0].exponent;
    }
}

static void change(ucontext_t *uc)
{
    uc->uc_mcontext.gregs[REG_EIP] += (greg_t)skip;
    uc->uc_mcontext.gregs[REG_EDX] = 0x600d;
}

static void show(const char *what, uint32_t label)
{
    static const struct {
        const char *name;
        int reg;
    } regs[] = {
        {"eax", REG_EAX}, {"ebx", REG_EBX}, {"ecx", REG_ECX}, {"edx", REG_EDX}, {"esi", REG_ESI}, {"edi", REG_EDI},
    };
    printf("%s: signal %u code %d eip%+d trap %d err %x", what, seen_sig, seen_info.si_code, (int)(seen[REG_EIP] - (int)label),
           seen[REG_TRAPNO], seen[REG_ERR]);
    for (unsigned i = 0; i < sizeof regs / sizeof *regs; i++)
        printf(" %s=%08x", regs[i].name, seen[regs[i].reg]);
    printf(" efl=%08x cs=%x ss=%x ds=%x es=%x", seen[REG_EFL] & 0x244cd5, seen[REG_CS], seen[REG_SS], seen[REG_DS],
           seen[REG_ES]);
    printf(" usp=%d handler efl=%x fp=%u cw=%x st0=%04x:%016llx\n", seen[REG_ESP] == seen[REG_UESP],
           (unsigned)handler_flags & 0x400, have_fp, fp_cw & 0xffff, st0_exp & 0xffff, (unsigned long long)st0);
}

/* Runs one faulting instruction with known registers; the handler skips its bytes. */
#define FAULT(name, bytes, instruction, ecx_value)                                                       \
    do {                                                                                                 \
        extern char label_##name[];                                                                      \
        uint32_t edx_out, esp_before, esp_after;                                                         \
        skip = bytes;                                                                                    \
        __asm__ volatile("fninit; fld1; movl %%esp, %1; xorl %%eax, %%eax\n\t"                           \
                         "movl $0x11111111, %%eax; movl $0x22222222, %%ebx; movl $0x44444444, %%edx\n\t" \
                         "movl $0x55555555, %%esi; movl $0x66666666, %%edi; stc; std\n"                  \
                         "label_" #name ": " instruction "\n\t"                                          \
                         "cld; movl %%esp, %2; fstp %%st(0)"                                             \
                         : "=&d"(edx_out), "=m"(esp_before), "=m"(esp_after)                             \
                         : "c"(ecx_value)                                                                \
                         : "eax", "ebx", "esi", "edi", "cc", "memory");                                  \
        show(#name, (uint32_t)(uintptr_t)label_##name);                                                  \
        printf("  back: edx=%x esp %s\n", edx_out, esp_before == esp_after ? "kept" : "changed");        \
    } while (0)

static void faults(void)
{
    page = mmap((void *)0x50000000, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    page[4096] = 0; /* present, so that the error code does not depend on how the kernel populates pages */
    mprotect(page + 4096, 4096, PROT_READ);
    uint32_t wp = (uint32_t)(uintptr_t)page + 4096;
    FAULT(load_unmapped, 2, "movl (%%ecx), %%eax", 0x1234);
    printf("  addr %p\n", seen_info.si_addr);
    FAULT(store_unmapped, 2, "movl %%eax, (%%ecx)", 0x60000ffc);
    printf("  addr %p\n", seen_info.si_addr);
    FAULT(store_readonly, 2, "movl %%eax, (%%ecx)", wp + 8);
    printf("  addr %p\n", seen_info.si_addr);
    FAULT(store_straddle, 2, "movl %%eax, (%%ecx)", wp - 2);
    printf("  addr %p bytes %02x %02x\n", seen_info.si_addr, page[4094], page[4095]);
    FAULT(rmw_readonly, 2, "addl %%eax, (%%ecx)", wp);
    printf("  addr %p\n", seen_info.si_addr);
}

static void others(void)
{
    FAULT(ud2, 2, "ud2", 0);
    FAULT(hlt, 1, "hlt", 0);
    FAULT(int3, 0, "int3", 0);
    FAULT(into, 0, "movl $0x7fffffff, %%eax; addl $1, %%eax; into", 0);
    FAULT(bound, 2, "boundl %%eax, (%%ecx)", (uint32_t)(uintptr_t)page);
    FAULT(int5, 2, "int $5", 0);
    FAULT(cli, 1, "cli", 0);
    FAULT(mov_ss, 2, "movw %%cx, %%ss", 0x1000);
    FAULT(div_zero, 2, "divl %%ecx", 0);
    printf("  addr%+d\n", (int)((uint32_t)(uintptr_t)seen_info.si_addr - (uint32_t)seen[REG_EIP]));
    FAULT(div_overflow, 2, "divl %%ecx", 1);
    FAULT(idiv_overflow, 2, "idivl %%ecx", 2);
    FAULT(aam_zero, 2, "aam $0", 0);
}

static void only_here(void)
{
    /* No restorer: the kernel's trampoline. The kernel's own structure, as libc would fill in a restorer. */
    struct {
        uint32_t handler, flags, restorer;
        uint64_t mask;
    } __attribute__((packed)) a = {(uint32_t)(uintptr_t)plain, 0, 0, 0};
    plain_sig = 0;
    syscall(SYS_rt_sigaction, SIGUSR2, &a, NULL, 8);
    raise(SIGUSR2);
    printf("plain frame, no restorer: %d\n", plain_sig);
    a.flags = SA_SIGINFO;
    a.handler = (uint32_t)(uintptr_t)handler;
    syscall(SYS_rt_sigaction, SIGUSR2, &a, NULL, 8);
    seen_sig = 0;
    raise(SIGUSR2);
    printf("rt frame, no restorer: %u\n", seen_sig);
}
