/* Handlers specialised by operand size and kinds: the forms that compilers emit. All else is in interp_any.c. */
#include "hot_rows.h"
#include "interp_table.h"
#include "interp_val.h"
#include "sem/all.sem.inc"

#define X(op_, body, name, as, s, k0, s0, k1, s1, k2, s2, am) \
    static enum interp_result hot_##op_##_##name(struct guest_cpu *cpu, struct morph *m, const struct ginsn *g) \
    { \
        interp_fn *next = interp_handlers[g->next16]; \
        sem_ctx c = { \
            .m = m, \
            .cpu = cpu, \
            .g = g, \
            .f = {.size = s, .asize = as, .wide = 0, .amode = am, .kind = {k0, k1, k2}, .osize = {s0, s1, s2}}, \
            .rip = m->interp.rip + g->offset, \
        }; \
        if (sem_has_mem(&c.f) && (s1 || k1 != GO_MEM)) { \
            if (am != SEM_BASE && interp_null_segment(&c)) \
                return interp_raise(m, GUEST_GP, 0); \
            c.mem = sem_lin(&c); \
        } \
        sem_##body(&c); \
        return c.result ? c.result : interp_next(cpu, m, g, next); \
    }
HOT_LIST(HOT_NO_FIRST, X)
#undef X

const struct hot_row hot_rows[] = {
#define X(op_, body, name, as, s, k0, s0, k1, s1, k2, s2, am) \
    {.op = G_##op_, \
     .form = {.size = s, .asize = as, .wide = 0, .amode = am, .kind = {k0, k1, k2}, .osize = {s0, s1, s2}}},
    HOT_LIST(HOT_NO_FIRST, X)
#undef X
};
const uint16_t hot_count = sizeof hot_rows / sizeof *hot_rows;

const uint16_t hot_first[GOP_COUNT] = {
#define X(op_, body, name, as, s, k0, s0, k1, s1, k2, s2, am)
#define FIRST(op_) [G_##op_] = HOT_FIRST_##op_ + 1,
    HOT_LIST(FIRST, X)
#undef FIRST
#undef X
};

interp_fn *const interp_handlers[] = {
#define SEM_OP(op, body) [G_##op] = any_##op,
#include "sem/table.def"
#undef SEM_OP
#define HELPER(op, name) [G_##op] = helper_##name,
#include "sem/helpers.def"
#undef HELPER
#define SIMD(op) [G_##op] = helper_simd,
#include "sem/simd.def"
    [HANDLER_DIV128] = helper_div128,
    [HANDLER_IDIV128] = helper_idiv128,
    [HANDLER_PRIVILEGED] = helper_privileged,
    [HANDLER_IOPL] = helper_iopl,
    [HANDLER_UNDEFINED] = helper_undefined,
    [HANDLER_OTHER] = helper_other,
    [HANDLER_ODD_SEGMENT] = helper_odd_segment,
    [HANDLER_END] = interp_end,
#define ROW(n, name) x87_##name,
#define MEM ROW
#define REG ROW
#define ONE ROW
#define TWO ROW
#include "interp_x87.def"
#undef ROW
#define X(op_, body, name, as, s, k0, s0, k1, s1, k2, s2, am) [HANDLER_HOT + HOT_##op_##_##name] = hot_##op_##_##name,
    HOT_LIST(HOT_NO_FIRST, X)
#undef X
};
