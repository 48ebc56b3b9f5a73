/* A block that has jumped backward is part of a loop and will come again; what lies on a straight way has to show it for longer. */
#include "guest/block.h"
#include "policy.h"

enum { TIMES = 4 };

static uint32_t wait(const struct morph_params *p, const struct gblock *b, unsigned asked)
{
    bool backward = b->succ[0]->rip - 1 < b->rip || b->succ[1]->rip - 1 < b->rip; /* 0 is the block that is nowhere */
    return backward || asked >= TIMES - 1 ? 0 : (uint32_t)p->hot2;
}

const struct promote_policy promote_loops = {.wait = wait};
