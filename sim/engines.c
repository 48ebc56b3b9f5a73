/* The engines that this build has. */
#include "machine.h"

const struct engine_ops *const machine_engines[] = {
    &engine_func,
#ifdef SELKIRK_WITH_RTL
    &engine_rtl,
#endif
#ifdef SELKIRK_WITH_LOCKSTEP
    &engine_lockstep,
#endif
    NULL,
};
