/* Executor: morph's interpreter in the host build. */
#include "oracle.h"

#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "decode.h"
#include "interp.h"
#include "morph.h"
#include "port.h"
#include "sem/sem.h"

enum { RAM = 0x100000, CODE_AT = 0x80000, DATA_AT = CODE_AT + ORACLE_CODE_SIZE, ARENA = 8 << 20 };

struct interp_machine {
    struct shared sh;
    struct morph *m;
    struct port_host *port;
    void *arena;
    struct oracle_kind kind;
};

static void *x_open(unsigned block_insns)
{
    struct interp_machine *x = calloc(1, sizeof *x);
    x->arena = calloc(1, ARENA);
    x->port = port_host_make(&x->sh, RAM);
    port_host_map(ORACLE_CODE, CODE_AT, ORACLE_CODE_SIZE, PORT_HOST_READ | PORT_HOST_EXEC);
    port_host_map(ORACLE_DATA, DATA_AT, ORACLE_RW_SIZE, PORT_HOST_READ | PORT_HOST_WRITE);
    port_host_map(ORACLE_DATA + ORACLE_RW_SIZE, DATA_AT + ORACLE_RW_SIZE, ORACLE_RO_SIZE, PORT_HOST_READ);
    x->sh.params.block_insns = block_insns;
    x->sh.params.tcache_kib = 16;
    x->sh.params.guest_cpu = 3; /* max */
    x->m = morph_init(&x->sh, x->arena, ARENA);
    if (!x->m)
        port_panic("no room for the interpreter");
    x->port->tmask = x->m->tmask;
    return x;
}

static void x_close(void *p)
{
    struct interp_machine *x = p;
    port_host_free(x->port);
    free(x->arena);
    free(x);
}

static uint64_t segment_base(unsigned selector) { return (selector & 0xfffc) == 0x60 ? ORACLE_TLS : 0; }

static void x_begin(void *p, const struct oracle_kind *kind, const struct oracle_state *s, const struct oracle_memory *mem)
{
    struct interp_machine *x = p;
    struct guest_cpu *cpu = &x->sh.cpu;
    port_host = x->port;
    memcpy(x->port->ram + CODE_AT, mem->code, sizeof mem->code);
    memcpy(x->port->ram + DATA_AT, mem->data, sizeof mem->data);
    morph_drop_all(x->m);
    x->kind = *kind;
    cpu->mode = kind->mode;
    memcpy(cpu->gpr, s->gpr, sizeof cpu->gpr);
    memcpy(cpu->xmm, s->xmm, sizeof cpu->xmm);
    cpu->mxcsr = s->mxcsr;
    cpu->x87 = (struct guest_x87){.cw = s->fcw, .sw = s->fsw, .tw = oracle_tags(s)};
    for (unsigned i = 0; i < 8; i++) {
        cpu->x87.mant[i] = s->st[i];
        cpu->x87.se[i] = s->se[i];
    }
    cpu->rip = s->rip;
    cpu->flags = s->eflags & EFL_ARITH;
    cpu->sysflags = (s->eflags & ~(uint32_t)EFL_ARITH) | EFL_FIXED | EFL_IF;
    for (unsigned i = 0; i < GUEST_SEGS; i++) {
        cpu->seg_sel[i] = s->seg[i];
        cpu->seg_base[i] = segment_base(s->seg[i]);
    }
    cpu->tls_base[0] = ORACLE_TLS;
    if (kind->mode == GUEST_X86_64) {
        cpu->seg_base[GUEST_FS] = ORACLE_FS;
        cpu->seg_base[GUEST_GS] = ORACLE_TLS;
    }
}

static void x_write_code(void *p, unsigned offset, const uint8_t *bytes, unsigned n)
{
    struct interp_machine *x = p;
    memcpy(x->port->ram + CODE_AT + offset, bytes, n); /* where nothing was decoded yet */
}

static void x_run(void *p, unsigned n, struct oracle_state *out)
{
    struct interp_machine *x = p;
    struct guest_cpu *cpu = &x->sh.cpu;
    enum interp_result r = INTERP_OK;
    port_host = x->port;
    int vector = -1, error = -1;
    uint64_t addr = 0;

    for (uint64_t end = port_icount() + n; port_icount() < end && r == INTERP_OK && vector < 0;) {
        struct block_fault fault;
        struct gblock *b = block_find(x->m, x->m->blocks, cpu->rip, cpu->mode);
        enum block_result made = b ? BLOCK_OK : block_make(x->m, cpu->rip, &b, &fault);
        switch (made) {
        case BLOCK_OK: r = interp_block(x->m, b, (unsigned)(end - port_icount())); break;
        case BLOCK_PAGE_FAULT:
            vector = GUEST_PF;
            addr = fault.addr;
            error = (int)fault.error;
            break;
        case BLOCK_UNDEFINED: vector = GUEST_UD; break;
        case BLOCK_PROTECTION: vector = GUEST_GP; break;
        case BLOCK_FULL: block_drop_all(x->m->blocks); break;
        }
    }
    if (r == INTERP_EXCEPTION) {
        vector = (int)x->m->interp.vector;
        addr = x->m->interp.addr;
        error = (int)x->m->interp.error;
    } else if (r != INTERP_OK) {
        vector = 0x100 + (int)r; /* no exception: the comparison shows it */
    }
    *out = (struct oracle_state){.rip = cpu->rip, .vector = vector, .error = error, .addr = vector == GUEST_PF ? addr : 0};
    out->eflags = (uint32_t)(cpu->flags | cpu->sysflags);
    memcpy(out->gpr, cpu->gpr, sizeof out->gpr);
    if (x->kind.sse) {
        memcpy(out->xmm, cpu->xmm, sizeof out->xmm);
        out->mxcsr = cpu->mxcsr;
        out->fcw = (uint16_t)cpu->x87.cw;
        out->fsw = (uint16_t)cpu->x87.sw;
        for (unsigned i = 0; i < 8; i++) {
            out->st[i] = cpu->x87.mant[i];
            out->se[i] = (uint16_t)cpu->x87.se[i];
            out->st_used |= (uint8_t)(((cpu->x87.tw >> (2 * i) & 3) != 3) << i);
        }
    }
    for (unsigned i = 0; i < GUEST_SEGS; i++)
        out->seg[i] = (uint16_t)cpu->seg_sel[i];
}

static const uint8_t *x_data(void *p)
{
    const struct interp_machine *x = p;
    return x->port->ram + DATA_AT;
}

const struct oracle_executor oracle_interp = {
    .name = "interp",
    .open = x_open,
    .begin = x_begin,
    .write_code = x_write_code,
    .run = x_run,
    .data = x_data,
    .close = x_close,
};
