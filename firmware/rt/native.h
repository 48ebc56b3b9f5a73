/* How a program compiled by duke-cc and its host find each other: a block in hidden memory beside struct shared.
 * The host fills it in before reset. Calls go through hcall HC_NATIVE with arguments and result in shared.hc.arg.
 */
#pragma once
#include <stdint.h>

#define NATIVE_START_ADDR 0x40008000u

enum { NATIVE_MAX_ARGS = 32, NATIVE_ARG_BYTES = 4096 };

enum native_call {
    NATIVE_WRITE = 1, /* arg 1 descriptor, 2 address, 3 bytes; result in arg 0: bytes written, or ~0 */
    NATIVE_EXIT = 2,  /* arg 1 status; does not return */
    NATIVE_READ = 3,  /* arg 1 descriptor, 2 address, 3 bytes; result in arg 0: bytes read, 0 at the end, or ~0 */
};

struct native_start {
    uint64_t argc;
    uint64_t argv[NATIVE_MAX_ARGS]; /* addresses of strings in text; a zero ends the list */
    char text[NATIVE_ARG_BYTES];
};
