/* Names in the text form of IR. Host only. */
#pragma once
#include "ir.h"

extern const char *const ir_state_names[IR_G_COUNT];
extern const char *const ir_kind_names[7]; /* by enum ir_exit_kind */
