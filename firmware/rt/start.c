/* What crt0 calls, and the calls to the host. */
#include "native.h"
#include "rt.h"
#include "shared.h"
#include <stdlib.h>

void __duke_hcall(unsigned n);
int main(int argc, char **argv);

uint64_t native_call(enum native_call function, uint64_t a, uint64_t b, uint64_t c)
{
    volatile struct hostcall_block *hc = &((struct shared *)(uintptr_t)SHARED_ADDR)->hc;
    hc->arg[0] = function;
    hc->arg[1] = a;
    hc->arg[2] = b;
    hc->arg[3] = c;
    __asm__ volatile("" ::: "memory");
    __duke_hcall(HC_NATIVE);
    __asm__ volatile("" ::: "memory");
    return hc->arg[0];
}

void _Exit(int status)
{
    for (;;)
        native_call(NATIVE_EXIT, (uint64_t)(int64_t)status, 0, 0);
}

void exit(int status)
{
    stdio_flush();
    _Exit(status);
}

void abort(void)
{
    stdio_flush();
    _Exit(134);
}

void __native_main(void)
{
    struct native_start *s = (struct native_start *)(uintptr_t)NATIVE_START_ADDR;
    exit(main((int)s->argc, (char **)s->argv));
}
