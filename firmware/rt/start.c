/* From crt0 to main and out again; calls to the host. */
#include "rt.h"
#include "duke.h"
#include "shared.h"
#include <stdio.h>
#include <stdlib.h>

enum { ARGS = 32, ARG_BYTES = 4096, EXIT_HANDLERS = 32, TRAP_STATUS = 134 };

static char arg_text[ARG_BYTES];
static char *args[ARGS + 1];
static void (*exit_handlers[EXIT_HANDLERS])(void);
static unsigned exit_handler_count;

int main(int argc, char **argv);

uint64_t rt_host(enum rt_host function, uint64_t a, uint64_t b, uint64_t c)
{
    volatile struct hostcall_block *hc = &((struct shared *)(uintptr_t)SHARED_ADDR)->hc;
    hc->arg[0] = function;
    hc->arg[1] = a;
    hc->arg[2] = b;
    hc->arg[3] = c;
    /* The host reads and writes memory of the program. */
    __asm__ volatile("" ::: "memory");
    __duke_hcall(HC_NATIVE);
    __asm__ volatile("" ::: "memory");
    return hc->arg[0];
}

static int fetch_args(void)
{
    size_t used = 0;
    int n = 0;
    while (n < ARGS) {
        uint64_t size = rt_host(RT_ARG, (uint64_t)n, (uintptr_t)(arg_text + used), ARG_BYTES - used);
        if (size == 0 || size > ARG_BYTES - used)
            break;
        args[n++] = arg_text + used;
        used += size;
    }
    return n;
}

typedef void init_fn(void);
extern init_fn *const __init_array_start[], *const __init_array_end[];

__attribute__((noreturn, used)) void __rt_start(void)
{
    for (init_fn *const *f = __init_array_start; f != __init_array_end; f++)
        (*f)();
    int argc = fetch_args();
    exit(main(argc, args));
}

__attribute__((noreturn, used)) void __rt_trap(uint64_t cause, uint64_t value, uint64_t pc)
{
    fflush(stdout);
    fprintf(stderr, "trap: cause %lu at %#lx, value %#lx\n", cause, pc, value);
    _Exit(TRAP_STATUS);
}

int atexit(void (*f)(void))
{
    if (exit_handler_count == EXIT_HANDLERS)
        return -1;
    exit_handlers[exit_handler_count++] = f;
    return 0;
}

void exit(int status)
{
    while (exit_handler_count != 0)
        exit_handlers[--exit_handler_count]();
    fflush(stdout);
    _Exit(status);
}

void _Exit(int status)
{
    for (;;)
        rt_host(RT_EXIT, (uint64_t)status, 0, 0);
}

void abort(void)
{
    fflush(stdout);
    _Exit(TRAP_STATUS);
}
