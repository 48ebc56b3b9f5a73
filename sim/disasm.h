/* Guest instructions as text, by Capstone. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Disassembles one instruction at rip; mode is enum guest_mode. Returns its length, or 0 with "(bad)" as text. */
size_t guest_disasm(char *text, size_t text_size, int mode, uint64_t rip, const uint8_t *bytes, size_t n);
