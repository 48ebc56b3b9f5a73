/* Takes the place of sim/engines.c in the test build of the program: the host engine only. */
#include "engine_host.h"
#include "machine.h"

const struct engine_ops *const machine_engines[] = {&engine_host, NULL};
