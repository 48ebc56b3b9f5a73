/* Bundles a second of the functional engine, on a loop like translated code: guest loads and stores, arithmetic, flags,
 * branches and a commit, five or so ops in two to three bundles. Usage: engine-speed [million bundles] */
#include <string.h>
#include <time.h>

#include "duke_program.h"
#include "engine.h"

enum { TVEC = 0x40020000, CODE = 0x40010000, DATA = 0x10000 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t make(uint32_t *words, size_t capacity)
{
    struct duke_program p = {.base = CODE, .words = words, .capacity = capacity, .machine = &duke_machine_default};
    D_LI(&p, 4, DATA), D_LI(&p, 5, DATA | 6), D_END(&p); /* writable, user */
    for (unsigned i = 0; i < 4; i++) {
        duke_put(&p, (struct duke_op){.op = DUKE_OP_TLBW, .ra = 4, .rb = 5}), D_END(&p);
        D_I(&p, ADDI, 4, 4, 4096), D_I(&p, ADDI, 5, 5, 4096), D_END(&p);
    }
    D_LI(&p, 32, DATA), D_LI(&p, 33, 0), D_LI(&p, 34, 0), D_LI(&p, 50, 0x40018000), D_END(&p);
    uint32_t loop = duke_here(&p);
    /* mov rdx, [rax + rcx*4]; add rbx, rdx; mov [rax + rcx*4 + 4096], rbx; inc rcx; and; cmp; jne */
    D_MEMX(&p, LDG_WU, 34, 32, 33, 2, 0), D_I(&p, ADD_W, 36, 33, 1), D_R(&p, SUBF_W, 31, 33, 34), D_END(&p);
    D_R(&p, ADD_W, 35, 35, 34), D_I(&p, ANDI, 37, 36, 1023), D_END(&p);
    D_MEMX(&p, STG_W, 35, 32, 33, 2, 4096), D_R(&p, OR, 33, 37, 0), D_R(&p, ADDF_W, 31, 35, 34), D_COMMIT(&p, 5);
    D_B(&p, BNE, 37, 0, loop), D_END(&p);
    /* Native part: a counter in memory, as profiling does. */
    D_MEM(&p, LDN_D, 40, 50, 0), D_END(&p);
    D_I(&p, ADDI, 40, 40, 1), D_END(&p);
    D_MEM(&p, STN_D, 40, 50, 0), D_COMMIT(&p, 1), D_J(&p, loop), D_END(&p);
    return (uint32_t)p.n;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    uint64_t bundles = (argc > 1 ? strtoull(argv[1], &end, 0) : 300) * 1000000;
    if (argc > 2 || (end != NULL && (*end != 0 || bundles == 0))) {
        bool help = strcmp(argv[1], "--help") == 0;
        fprintf(help ? stdout : stderr, "%susage: engine-speed [million bundles, 1 or more; 300]\n",
                help ? "" : "engine-speed: ");
        return help ? 0 : 2;
    }
    uint32_t words[256];
    char err[256];
    struct engine_cfg cfg = {.machine = "default", .dram_size = 1 << 20, .hidden_size = 1 << 20};
    struct engine *e = engine_func.create(&cfg, err, sizeof err);
    if (e == NULL) {
        fprintf(stderr, "engine-speed: %s\n", err);
        return 1;
    }
    uint32_t n = make(words, 256);
    e->ops->dma_write(e, CODE, words, 4 * n);
    e->ops->run(e, 1000000, NULL, NULL);
    double start = seconds();
    enum engine_stop stop = e->ops->run(e, bundles, NULL, NULL);
    double took = seconds() - start;
    struct engine_counters c;
    e->ops->counters(e, &c);
    if (stop != ENGINE_LIMIT || c.event[DUKE_EVENT_TRAPS] != 0) {
        fprintf(stderr, "engine-speed: the loop stopped: %s\n", e->ops->error_text(e));
        return 1;
    }
    printf("engine func: %.1f million bundles/s, %.2f ops a bundle, %.1f million ops/s\n", (double)bundles / took * 1e-6,
           (double)c.event[DUKE_EVENT_OPS_RETIRED] / (double)c.cycles,
           (double)c.event[DUKE_EVENT_OPS_RETIRED] / (double)c.cycles * (double)bundles / took * 1e-6);
    e->ops->destroy(e);
    return 0;
}
