/* Gear 1: runs decoded blocks, one handler an instruction.
 *
 * Nothing is kept in registers across instructions but the pointers of the loop: a guest fault comes back through port_guard, and
 * then m->interp.insn says which instruction it was. An instruction reads and may fault first and writes last, stores are gated
 * until port_commit, so at a fault the CPU is as it was before the instruction. cpu.rip is set to the end of the run
 * beforehand, so that only control transfers and exits write it.
 */
#include "interp.h"

#include "block.h"
#include "decode.h"
#include "duke_isa.h"
#include "interp_table.h"
#include "mmu.h"
#include "morph.h"
#include "port.h"

enum interp_result interp_raise(struct morph *m, unsigned vector, unsigned error)
{
    m->interp.vector = vector;
    m->interp.error = error;
    return INTERP_EXCEPTION;
}

static uint64_t wrap(const struct morph *m, uint64_t rip) { return m->sh->cpu.mode == GUEST_IA32 ? (uint32_t)rip : rip; }

static uint64_t insn_rip(const struct morph *m, const struct ginsn *g) { return wrap(m, m->interp.rip + g->offset); }

/* A specialised handler fits if sizes and kinds do and its promise about the memory operand holds. */
static bool fits(const struct sem_form *f, const struct ginsn *g, enum guest_mode mode)
{
    if (f->size != g->opsize || (f->asize == 4 && mode != GUEST_IA32))
        return false;
    bool mem = false;
    for (unsigned i = 0; i < 3; i++) {
        unsigned kind = g->opnd[i].kind, size = g->opnd[i].size;
        if (kind == GO_REGH)
            kind = GO_REG;
        if (f->kind[i] != kind)
            return false;
        if (kind == GO_MEM) {
            mem = true;
            size = f->osize[i] ? size : 0; /* lea */
        }
        if (kind != GO_IMM && kind != GO_NONE && f->osize[i] != size)
            return false;
    }
    if (!mem)
        return true;
    bool far_seg = g->seg >= GUEST_FS;
    if (g->seg == GUEST_CS && mode == GUEST_IA32)
        return false;
    if (g->base == GREG_RIP || g->addrsize != (mode == GUEST_IA32 ? 4 : 8) || (far_seg && mode != GUEST_IA32))
        return false;
    return f->amode != SEM_BASE || (g->base < 16 && g->index == GREG_NONE && !far_seg);
}

/* Helpers that store to their memory operand. */
static bool helper_stores(unsigned op)
{
    switch (op) {
    case G_MOV_FROM_SEG:
    case G_FST:
    case G_FSTP:
    case G_FIST:
    case G_FISTP:
    case G_FISTTP:
    case G_FBSTP:
    case G_FNSTCW:
    case G_FNSTSW:
    case G_FNSTENV:
    case G_FNSAVE:
    case G_CMPXCHG16B: return true;
    default: return false;
    }
}

static bool is_x87(unsigned op) { return op >= G_FADD && op <= G_FCOMIP; } /* the first and the last of x87.toml */

unsigned interp_handler(const struct ginsn *g, enum guest_mode mode)
{
    unsigned attr = gop_infos[g->op].attr;
    if (attr & GOPA_UNDEF)
        return HANDLER_UNDEFINED;
    if (attr & GOPA_PRIV)
        return HANDLER_PRIVILEGED;
    if (attr & GOPA_IOPL)
        return HANDLER_IOPL;
    if (g->opsize == 8 && g->op == G_DIV)
        return HANDLER_DIV128;
    if (g->opsize == 8 && g->op == G_IDIV)
        return HANDLER_IDIV128;
    if (hot_first[g->op])
        for (unsigned i = hot_first[g->op] - 1u; i < hot_count && hot_rows[i].op == g->op; i++)
            if (fits(&hot_rows[i].form, g, mode))
                return HANDLER_HOT + i;
    if (mode == GUEST_IA32 && !sem_liftable(g) && (g->seg >= GUEST_FS || (g->seg == GUEST_CS && helper_stores(g->op))))
        return HANDLER_ODD_SEGMENT;
    if (interp_handlers[g->op])
        return g->op;
    unsigned row = mode == GUEST_IA32 && is_x87(g->op) ? interp_x87_row(g) : 0;
    return row ? HANDLER_X87 + row - 1 : HANDLER_OTHER;
}

void interp_bind(struct ginsn *g)
{
    for (unsigned i = 0; i < 2; i++)
        g->byte_reg[i] = (uint8_t)(g->opnd[i].reg * 8 + (g->opnd[i].kind == GO_REGH));
}

/* How many of the block's instructions may run before a stop condition holds; 0: m->interp.stop says which does now. */
static unsigned until_stop(struct morph *m, const struct gblock *b, unsigned n)
{
    const struct morph_params *params = &m->sh->params;
    if (params->max_insts) {
        uint64_t done = port_icount(), left = done < params->max_insts ? params->max_insts - done : 0;
        if (left < n) {
            n = (unsigned)left;
            m->interp.stop = STOP_COUNT;
        }
    }
    if (params->stop_rip_on) {
        const struct ginsn *g = block_insns(m->blocks, b);
        for (unsigned i = 0; i < n; i++)
            if (insn_rip(m, &g[i]) == params->stop_rip) {
                n = i;
                m->interp.stop = STOP_ADDRESS;
            }
    }
    return n;
}

/* Each handler jumps to the next where the compiler can (interp_next), and returns INTERP_OK where not. Not inlined: in a
 * function that port_guard returns to twice, LLVM does not coalesce registers. */
__attribute__((noinline)) static enum interp_result run(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g,
                                                        unsigned handler)
{
    for (;;) {
        enum interp_result r = interp_handlers[handler](cpu, m, g);
        g = m->interp.insn;
        if (r == INTERP_OK) {
            handler = g->next16;
            m->interp.insn = ++g;
            port_commit(1);
        } else if (r == INTERP_FOLLOW) {
            handler = m->interp.block->start;
        } else {
            return r;
        }
    }
}

/* A frame of its own, because a guest fault returns to it and may have lost whatever locals have changed. */
static enum interp_result run_guarded(struct guest_cpu *cpu, struct morph *m, const struct gblock *b)
{
    if (port_guard())
        return interp_fault(m);
    return run(cpu, m, b->first, b->start);
}

static inline __attribute__((always_inline)) enum interp_result begin_next(struct guest_cpu *cpu, struct morph *m,
                                                                           struct gblock *next)
{
    struct interp_state *st = &m->interp;
    const struct ginsn *first = next->first;
    st->block = next;
    st->rip = next->rip;
    st->insn = first;
    cpu->rip = next->end_rip;
    return PORT_TAIL_CALLS ? interp_handlers[next->start](cpu, m, first) : INTERP_FOLLOW;
}

/* Whether all of it is for the interpreter for ever. */
static bool is_all_odd(const struct gblock *b) { return block_span(b) == b->ninsns + 1u && !b->native; }

/* Whether the interpreter may begin the block without telling the dispatcher. */
static bool may_follow(const struct morph *m, const struct gblock *b)
{
    const struct morph_params *params = &m->sh->params;
    bool stops = params->stop_rip_on && params->stop_rip - b->rip < b->len;
    return (is_all_odd(b) || (b->count + 1 < m->interp.follow && !(b->translation | b->native))) && !stops;
}

/* The block behind st->block is none of the two that were there last: looks for it, or makes it. */
__attribute__((noinline)) static enum interp_result follow_other(struct guest_cpu *cpu, struct morph *m)
{
    struct shared *sh = m->sh;
    struct gblock *b = m->interp.block, *next;
    struct block_fault fault;
    if (!sh->follow_key || block_make(m, cpu->rip, &next, &fault) != BLOCK_OK)
        return INTERP_END;
    if (!may_follow(m, next)) {
        if (next->native && next != b->succ[1]) { /* found at once the next time */
            b->succ[0] = b->succ[1];
            b->succ[1] = next;
        }
        return INTERP_END;
    }
    next->follow_key = sh->follow_key;
    next->count = is_all_odd(next) ? m->interp.follow / 2
                                   : next->count + 1; /* so that interp_end need not ask here each time */
    b->succ[0] = b->succ[1];
    b->succ[1] = next;
    return begin_next(cpu, m, next);
}

/* The handler behind a block's last instruction: goes on with the next block, or leaves. */
enum interp_result interp_end(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g)
{
    struct interp_state *st = &m->interp;
    struct gblock *first = st->block->succ[0], *second = st->block->succ[1];
    uint64_t rip = cpu->rip;
    struct gblock *next = second->rip == rip ? second : first;
    uint32_t count = next->count + 1;

    (void)g;
    if (next->rip != rip || next->follow_key != m->sh->follow_key || count >= st->follow)
        return next->rip == rip && next->native ? INTERP_END : follow_other(cpu, m);
    next->count = count;
    return begin_next(cpu, m, next);
}

/* Runs from b on; what remains of the block after n instructions is left out. */
static enum interp_result begin_block(struct morph *m, struct gblock *b, unsigned n)
{
    struct guest_cpu *cpu = &m->sh->cpu;
    struct interp_state *st = &m->interp;
    struct ginsn *first = b->first, *last = &first[n - 1];
    uint64_t count = port_icount();

    m->sh->interp_from = 1 + count;
    uint16_t behind = last->next16;
    last->next16 = HANDLER_END;
    st->rip = b->rip;
    st->block = b;
    st->insn = first;
    cpu->rip = n < b->ninsns ? wrap(m, b->rip + last[1].offset) : b->end_rip;

    enum interp_result r = run_guarded(cpu, m, b);
    last->next16 = behind;
    if (r == INTERP_END) {
        r = INTERP_OK;
    } else {
        cpu->rip = insn_rip(m, st->insn);
        if (r == INTERP_SYSCALL || r == INTERP_TRAP_AFTER) {
            cpu->rip = wrap(m, cpu->rip + st->insn->len);
            port_commit(1);
        }
        r = r == INTERP_RETRY ? INTERP_OK : r == INTERP_TRAP_AFTER ? INTERP_EXCEPTION : r;
        st->block = NULL;
    }
    m->sh->stats.insns_interp += port_icount() - count;
    m->sh->interp_from = 0;
    return r;
}

enum interp_result interp_block(struct morph *m, struct gblock *b, unsigned max)
{
    struct interp_state *st = &m->interp;
    unsigned n = b->ninsns < max ? b->ninsns : max;
    bool trace = m->sh->cpu.sysflags & EFL_TF;

    m->sh->follow_key = 0;
    st->rip = b->rip;
    if (m->sh->params.max_insts | m->sh->params.stop_rip_on) {
        n = until_stop(m, b, n);
        if (!n)
            return INTERP_STOP;
    }
    if (trace)
        n = 1;
    enum interp_result r = begin_block(m, b, n);
    return !r && trace && st->block ? interp_raise(m, GUEST_DB, 0) : r;
}

/* Lets the interrupt come before max_insts can be passed: at a block's end there is room for one block more. False: there is
 * none now. */
static bool set_limit(const struct morph_params *params)
{
    if (!params->max_insts)
        return true;
    if (params->max_insts < BLOCK_MAX_INSNS || port_icount() >= params->max_insts - BLOCK_MAX_INSNS)
        return false;
    port_set_ilimit(params->max_insts - BLOCK_MAX_INSNS);
    return true;
}

enum interp_result interp_run(struct morph *m, struct gblock *b)
{
    const struct morph_params *params = &m->sh->params;
    struct interp_state *st = &m->interp;

    st->follow = params->gear_max >= 2 ? (uint32_t)params->hot2 : UINT32_MAX;
    if (m->sh->cpu.sysflags & EFL_TF || (params->stop_rip_on && params->stop_rip - b->rip < b->len) || !set_limit(params))
        return interp_block(m, b, b->ninsns);
    m->sh->follow_key = block_key(m->blocks, &m->sh->cpu);
    return begin_block(m, b, b->ninsns);
}

/* Whether the access was a push or pop, not to the memory operand. */
static bool is_stack_access(const struct ginsn *g, const struct port_fault *fault)
{
    bool memory = g->opnd[0].kind == GO_MEM;
    switch (g->op) {
    case G_PUSH:
    case G_CALL_IND:
    case G_CALL_FAR: return !memory || fault->store;
    case G_POP: return !memory || !fault->store;
    case G_PUSHA:
    case G_POPA:
    case G_PUSHF:
    case G_POPF:
    case G_PUSH_SEG:
    case G_POP_SEG:
    case G_ENTER:
    case G_LEAVE:
    case G_CALL:
    case G_RET:
    case G_RET_FAR:
    case G_IRET: return true;
    default: return false;
    }
}

/* ENTER ends with a probe of the new top of the stack, which is a write. */
static bool is_probe(const struct morph *m, const struct port_fault *fault)
{
    const struct ginsn *g = m->interp.insn;
    uint64_t frame = g->opsize * ((g->imm2 & 31) + 1u) + ((uint64_t)g->imm & 0xffff);
    return g->op == G_ENTER && wrap(m, fault->addr - (m->sh->cpu.gpr[GUEST_RSP] - frame)) < g->opsize;
}

/* An instruction that reads and writes its memory operand reads with the intent to write: a fault of the read is one of a
 * store, and a read-only first page counts before a second page that is missing. */
static struct port_fault write_intent(struct morph *m, struct port_fault fault)
{
    const struct ginsn *g = m->interp.insn;
    if (is_probe(m, &fault))
        fault.store = 1;
    if (fault.store || !(sem_writes_memory(g) || helper_stores(g->op)) || g->op == G_ARPL || is_stack_access(g, &fault))
        return fault;
    fault.store = 1;
    uint64_t start = fault.addr & 4095 ? fault.addr : wrap(m, interp_operand_address(m, g));
    if (fault.addr - start < fault.size && !mmu_translate(m->sh, start, MMU_WRITE).ok)
        fault.addr = start;
    return fault;
}

enum interp_result interp_fault(struct morph *m)
{
    struct guest_cpu *cpu = &m->sh->cpu;
    struct port_fault fault = write_intent(m, port_fault());
    uint64_t lin = cpu->mode == GUEST_IA32 ? (uint32_t)fault.addr : fault.addr;

    m->interp.addr = lin;
    switch (fault.cause) {
    case DUKE_TRAP_TLB_MISS_LOAD:
    case DUKE_TRAP_TLB_MISS_STORE:
    case DUKE_TRAP_PROT_LOAD:
    case DUKE_TRAP_PROT_STORE: break;
    case DUKE_TRAP_TRANSLATED: return INTERP_SMC;
    default: return INTERP_TRAP;
    }
    if (!mmu_canonical(lin) || (cpu->mode == GUEST_IA32 ? lin + fault.size > UINT64_C(1) << 32 /* beyond the segment */
                                                        : !mmu_canonical(lin + fault.size - 1)))
        return interp_raise(
            m, m->interp.insn->seg == GUEST_SS || is_stack_access(m->interp.insn, &fault) ? GUEST_SS_FAULT : GUEST_GP, 0);
    struct mmu_result r = mmu_translate(m->sh, lin, fault.store ? MMU_WRITE : MMU_READ);
    if (r.ok && r.paddr >= m->sh->dram_size)
        port_panic("a guest page table names a page where no guest memory is");
    if (r.ok) { /* accessed or dirty bit set just now, or a stale TLB entry: the instruction is done again */
        port_tlb_inval(lin);
        return INTERP_RETRY;
    }
    return interp_raise(m, GUEST_PF, r.error);
}
