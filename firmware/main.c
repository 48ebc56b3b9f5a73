/* The firmware's C entry: tells the host it is ready, starts morph on the arena behind the image, and runs it for ever. */
#include "morph.h"
#include "port.h"

extern char __image_end[];
extern const char exit_direct[], exit_indirect[], exit_interp[];

enum { STACK_BYTES = 64 * 1024, ARENA_ALIGN = 4096 };

static void set_default_params(struct morph_params *p)
{
#define PARAM(name, def, min, max, doc) p->name = (def);
#include "params.def"
#undef PARAM
}

static void copy_text(char *dst, const char *src, unsigned size)
{
    unsigned n = 0;
    for (; n + 1 < size && src[n]; n++)
        dst[n] = src[n];
    dst[n] = 0;
}

void port_panic(const char *why)
{
    struct shared *sh = PORT_SHARED;
    copy_text(sh->hc.text, why, sizeof sh->hc.text);
    for (;;)
        port_hcall(HC_PANIC);
}

/* trap.S comes here with a fresh stack after a trap that no correct firmware causes; the host prints struct shared's trap_*. */
void firmware_trap_panic(void) __attribute__((noreturn));
void firmware_trap_panic(void) { port_panic("fatal trap in hidden code"); }

void firmware_main(void) __attribute__((noreturn));
void firmware_main(void)
{
    struct shared *sh = PORT_SHARED;
    uint64_t arena = ((uint64_t)(uintptr_t)__image_end + ARENA_ALIGN - 1) & ~(uint64_t)(ARENA_ALIGN - 1);
    uint64_t top = SHARED_ADDR + sh->hidden_size - STACK_BYTES;

    sh->magic = SHARED_MAGIC;
    sh->version = SHARED_VERSION;
    set_default_params(&sh->params);
    port_hcall(HC_READY);
    sh->walk_root = sh->cpu.cr3;
    sh->walks.epoch = WALKS_EPOCH;
    if (arena >= top)
        port_panic("hidden memory is too small for the firmware");
    struct morph *m = morph_init(sh, (void *)(uintptr_t)arena, top - arena);
    if (!m)
        port_panic("hidden memory is too small for the translation cache and tables; raise memory.hidden_mib or lower "
                   "morph.tcache_kib");
    m->exit_direct = (uint32_t)(uintptr_t)exit_direct;
    m->exit_indirect = (uint32_t)(uintptr_t)exit_indirect;
    m->exit_interp = (uint32_t)(uintptr_t)exit_interp;
    for (;;)
        morph_run(m);
}
