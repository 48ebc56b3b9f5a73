/* Flags register, interrupts, system calls, identification, and what user code may not do. */
#include "helper.h"

#include "x87.h"

enum { EFL_USER = EFL_ARITH | EFL_TF | EFL_DF | GUEST_EFL_NT | EFL_AC | EFL_ID };

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

/* Numbers from the instruction count, so that every run gets the same; carry says that there is one. */
HELPER_FN(rdrand)
{
    sem_ctx c = helper_ctx(cpu, m, g);
    uint64_t z = (port_icount() + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    set_reg(&c, g->opnd[0].reg, z ^ z >> 31, g->opnd[0].size);
    set_flags(&c, EFL_CF);
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
