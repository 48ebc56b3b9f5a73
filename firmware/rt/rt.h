/* The runtime's own business between its files. */
#pragma once
#include "native.h"

uint64_t native_call(enum native_call function, uint64_t a, uint64_t b, uint64_t c);
void stdio_flush(void);
