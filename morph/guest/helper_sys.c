/* Flags register, interrupts, system calls, identification, and what user code may not do. */
#include "helper.h"

#include "x87.h"

enum { EFL_NT = 1 << 14, EFL_USER = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT | EFL_AC | EFL_ID };

HELPER_FN(pushf)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    push_value(&c, (cpu->flags | cpu->sysflags) & ~(uint64_t)EFL_RF, g->opsize);
    return INTERP_OK;
}

void helper_set_eflags(struct morph *m, uint64_t value, unsigned size)
{
    struct guest_cpu *cpu = &m->sh->cpu;
    uint64_t mask = sem_trunc(EFL_USER, size), keep = cpu->sysflags & ~mask & ~(uint64_t)EFL_RF;
    cpu->sysflags = keep | (value & mask & ~(uint64_t)EFL_ARITH);
    cpu->flags = value & EFL_ARITH;
    if (cpu->sysflags & EFL_TF) /* the next instruction is single-stepped */
        m->sh->follow_key = 0;
}

HELPER_FN(popf)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t sp = cpu->gpr[GUEST_RSP];
    uint64_t value = mem_ld(&c, stack_lin(&c, sp), g->opsize);
    set_reg(&c, GUEST_RSP, sp + g->opsize, stack_size(&c));
    helper_set_eflags(m, value, g->opsize);
    return INTERP_OK;
}

HELPER_FN(cld)
{
    (void)m, (void)g;
    cpu->sysflags &= ~(uint64_t)EFL_DF;
    return INTERP_OK;
}

HELPER_FN(std)
{
    (void)m, (void)g;
    cpu->sysflags |= EFL_DF;
    return INTERP_OK;
}

/* Exceptions that are reported after the instruction. */
static enum interp_result trap_after(struct morph *m, unsigned vector)
{
    interp_raise(m, vector, 0);
    return INTERP_TRAP_AFTER;
}

static enum interp_result system_call(struct morph *m, unsigned how)
{
    m->interp.vector = how;
    return INTERP_SYSCALL;
}

HELPER_FN(int)
{
    unsigned vector = g->imm & 0xff;
    (void)cpu;
    switch (vector) {
    case 0x80: return system_call(m, 0x80);
    case GUEST_BP:
    case GUEST_OF: return trap_after(m, vector);
    default: return interp_raise(m, GUEST_GP, vector * 8 + 2); /* the gate's privilege level is 0 */
    }
}

HELPER_FN(int3)
{
    (void)cpu, (void)g;
    return trap_after(m, GUEST_BP);
}

HELPER_FN(int1)
{
    (void)cpu, (void)g;
    return trap_after(m, GUEST_DB);
}

HELPER_FN(into)
{
    (void)g;
    return cpu->flags & EFL_OF ? trap_after(m, GUEST_OF) : INTERP_OK;
}

HELPER_FN(syscall)
{
    (void)cpu, (void)g;
    return system_call(m, 1);
}

HELPER_FN(sysenter)
{
    (void)cpu, (void)g;
    return system_call(m, 2);
}

/* Time is the number of instructions: the same on every engine and in every gear. */
HELPER_FN(rdtsc)
{
    uint64_t t = port_icount();
    (void)m, (void)g;
    cpu->gpr[GUEST_RAX] = (uint32_t)t;
    cpu->gpr[GUEST_RDX] = t >> 32;
    return INTERP_OK;
}

HELPER_FN(rdtscp)
{
    cpu->gpr[GUEST_RCX] = 0;
    return helper_rdtsc(cpu, m, g);
}

struct cpuid_row {
    uint8_t cpu; /* least params.guest_cpu */
    uint32_t leaf, eax, ebx, ecx, edx;
};

/* feature bits of leaf 1 and 0x80000001 */
enum {
    EDX_FPU = 1 << 0,
    EDX_TSC = 1 << 4,
    EDX_MSR = 1 << 5,
    EDX_PAE = 1 << 6,
    EDX_CX8 = 1 << 8,
    EDX_PGE = 1 << 13,
    EDX_CMOV = 1 << 15,
    EDX_MMX = 1 << 23,
    EDX_FXSR = 1 << 24,
    EDX_SSE = 1 << 25,
    EDX_SSE2 = 1 << 26,
    ECX_SSE3 = 1 << 0,
    ECX_SSSE3 = 1 << 9,
    ECX_CX16 = 1 << 13,
    ECX_SSE41 = 1 << 19,
    ECX_SSE42 = 1 << 20,
    ECX_POPCNT = 1 << 23,
    EDX_SYSCALL = 1 << 11,
    EDX_NX = 1 << 20,
    EDX_LM = 1 << 29,
    ECX_LAHF = 1 << 0,
    ECX_LZCNT = 1 << 5,
    EDX_I686 = EDX_FPU | EDX_TSC | EDX_MSR | EDX_PAE | EDX_CX8 | EDX_PGE | EDX_CMOV,
    EDX_V1 = EDX_I686 | EDX_MMX | EDX_FXSR | EDX_SSE | EDX_SSE2,
    ECX_V2 = ECX_SSE3 | ECX_SSSE3 | ECX_CX16 | ECX_SSE41 | ECX_SSE42 | ECX_POPCNT,
};

/* The last row that fits counts. Vendor "GenuineIntel" with the family of a Pentium III; brand "Selkirk Duke". */
static const struct cpuid_row cpuid_rows[] = {
    {0, 0x00000000, 1, 0x756e6547, 0x6c65746e, 0x49656e69},
    {0, 0x00000001, 0x683, 0, 0, EDX_I686},
    {1, 0x00000001, 0x683, 0, 0, EDX_V1},
    {2, 0x00000001, 0x683, 0, ECX_V2, EDX_V1},
    {0, 0x80000000, 0x80000004, 0, 0, 0},
    {0, 0x80000001, 0, 0, 0, 0},
    {1, 0x80000001, 0, 0, 0, EDX_SYSCALL | EDX_NX | EDX_LM},
    {2, 0x80000001, 0, 0, ECX_LAHF, EDX_SYSCALL | EDX_NX | EDX_LM},
    {3, 0x80000001, 0, 0, ECX_LAHF | ECX_LZCNT, EDX_SYSCALL | EDX_NX | EDX_LM},
    {0, 0x80000002, 0x6b6c6553, 0x206b7269, 0x656b7544, 0x00000000},
};

HELPER_FN(cpuid)
{
    uint32_t leaf = (uint32_t)cpu->gpr[GUEST_RAX];
    struct cpuid_row row = {0};
    (void)g;
    if (leaf < 0x80000000u && leaf > 1)
        leaf = 1; /* beyond the highest basic leaf: the highest one's */
    for (unsigned i = 0; i < sizeof cpuid_rows / sizeof *cpuid_rows; i++)
        if (cpuid_rows[i].leaf == leaf && cpuid_rows[i].cpu <= m->sh->params.guest_cpu)
            row = cpuid_rows[i];
    cpu->gpr[GUEST_RAX] = row.eax;
    cpu->gpr[GUEST_RBX] = row.ebx;
    cpu->gpr[GUEST_RCX] = row.ecx;
    cpu->gpr[GUEST_RDX] = row.edx;
    return INTERP_OK;
}

HELPER_FN(undefined)
{
    (void)cpu, (void)g;
    return interp_raise(m, GUEST_UD, 0);
}

/* What the kernel keeps from user code: CR4.UMIP for the tables' registers, CR4.PCE for rdpmc. */
HELPER_FN(gp_in_user)
{
    (void)g;
    return cpu->user ? interp_raise(m, GUEST_GP, 0) : INTERP_UNIMPLEMENTED;
}

HELPER_FN(privileged)
{
    (void)g;
    return cpu->user ? interp_raise(m, GUEST_GP, 0) : INTERP_UNIMPLEMENTED;
}

HELPER_FN(iopl)
{
    (void)g;
    return cpu->user && !(cpu->sysflags & 3 << 12) ? interp_raise(m, GUEST_GP, 0) : INTERP_UNIMPLEMENTED;
}

/* Ops of neither table: x87, or unimplemented. */
HELPER_FN(other)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t run_end = cpu->rip; /* x87_exec wants the instruction's own address, the interpreter what it put there */
    cpu->rip = c.rip;
    enum x87_result r = x87_exec(m, g, c.mem);
    cpu->rip = run_end;
    switch (r) {
    case X87_DONE: return INTERP_OK;
    case X87_MF: return interp_raise(m, GUEST_MF, 0);
    case X87_NM: return interp_raise(m, GUEST_NM, 0);
    default: return INTERP_UNIMPLEMENTED;
    }
}

/* Helpers whose memory operand is in FS or GS, where any access through a null selector raises #GP, or is stored to through CS. */
HELPER_FN(odd_segment)
{
    sem_ctx c = {.cpu = cpu, .g = g};
    struct sem_form f = sem_form_of(g, false);
    if (sem_has_mem(&f) && (g->seg == GUEST_CS || interp_null_segment(&c)))
        return interp_raise(m, GUEST_GP, 0);
    interp_fn *handler = interp_handlers[g->op] ? interp_handlers[g->op] : helper_other;
    return handler(cpu, m, g);
}
