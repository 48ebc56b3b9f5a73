/* The x87's state between struct shared, where the interpreter and the host find it, and the registers of translated code. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "../shared.h"

/* The state of the stack, as X87_STACK has it. */
enum { X87_TOP_AT = 8, X87_STACK_BITS = 11 };

/* Brings the state home if it is in registers. */
void x87_bring_home(struct shared *sh);
static inline void x87_home(struct shared *sh)
{
    if (sh->x87_state == XMM_IN_REGISTERS)
        x87_bring_home(sh);
}

/* To be called before entering translated code in XMM_IN_MEMORY: makes what is to be loaded. What memory holds is out of date
 * from then on. */
void x87_leave_home(struct shared *sh);

/* The state of the stack, wherever it is. */
unsigned x87_stack(const struct shared *sh);

/* Whether translations may use the x87: no exception can be raised, and DS, ES and SS need not be told apart. */
bool x87_translatable(const struct guest_cpu *cpu);
