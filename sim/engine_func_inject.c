/* Events that translated code has not earned, for tests: a trap without a cause, or an interrupt, at chosen bundles. Whatever
 * happens there, the guest must not notice: everything since the last commit is undone and done again.
 */
#include "engine_func.h"

#include <stdio.h>
#include <stdlib.h>

struct func_inject {
    uint32_t cause;        /* of the trap; DUKE_TRAP_INTERRUPT: the next commit is interrupted */
    uint32_t from;         /* bundles from this address on are translated code */
    uint64_t every, until; /* bundles between two events, bundles until the next; every 0: once at each bundle */
    uint8_t seen[];        /* a bit a word of hidden memory: had its event */
};

static const struct {
    const char *name;
    uint32_t cause;
} kinds[] = {
    {"alias", DUKE_TRAP_ALIAS},
    {"fault", DUKE_TRAP_PROT_LOAD},
    {"overflow", DUKE_TRAP_SB_OVERFLOW},
    {"interrupt", DUKE_TRAP_INTERRUPT},
};

void func_inject_free(struct func *e)
{
    free(e->inject);
    e->inject = NULL;
}

bool engine_func_inject(struct engine *engine, const char *what, uint32_t from, char *err, size_t err_size)
{
    struct func *e = (struct func *)((char *)engine - offsetof(struct func, base));
    char name[16], rest;
    unsigned long long every;
    uint32_t cause = 0;
    if (sscanf(what, "%15[a-z]:%llu%c", name, &every, &rest) == 2)
        for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
            if (strcmp(kinds[i].name, name) == 0)
                cause = kinds[i].cause;
    if (cause == 0) {
        snprintf(err, err_size,
                 "func.inject: \"%s\" is not KIND:N; kinds are alias, fault, overflow, interrupt; N bundles, or 0", what);
        return false;
    }
    func_inject_free(e);
    e->inject = calloc(1, sizeof *e->inject + (every ? 0 : e->hidden_size / 32));
    if (e->inject == NULL) {
        snprintf(err, err_size, "out of memory");
        return false;
    }
    e->inject->cause = cause;
    e->inject->from = from;
    e->inject->every = e->inject->until = every;
    return true;
}

uint32_t func_injected(struct func *e)
{
    struct func_inject *j = e->inject;
    uint32_t at = (e->pc - ENGINE_HIDDEN_BASE) / 4;
    if (e->in_trap || e->pc < j->from || at >= e->hidden_size / 4)
        return 0;
    if (j->every == 0) {
        if (j->seen[at / 8] >> at % 8 & 1)
            return 0;
        j->seen[at / 8] |= (uint8_t)(1u << at % 8);
    } else if (--j->until != 0) {
        return 0;
    } else {
        j->until = j->every;
    }
    if (j->cause != DUKE_TRAP_INTERRUPT)
        return j->cause;
    e->ilimit = e->ilimit_now = 0;
    return 0;
}
