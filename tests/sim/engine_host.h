/* An engine that runs no Duke code: guest instructions run on the host CPU in a traced 32-bit process, and the host calls
 * that the firmware would make are made from what stops it. With it everything of the simulator that is not morph or Duke
 * (loader, system calls, signals, command line) is tested on its own, and quickly. */
#pragma once
#include "engine.h"

extern const struct engine_ops engine_host;
