/* rtl-speed [cycles [machine]]: the RTL engine on a loop like translated code: guest loads and stores, arithmetic, flags, branches, calls
 * and commits, three ops or so a bundle. Prints what the cycles were spent on and the speed. The number that repeats exactly is
 * host instructions a cycle: scripts and tests/rtl/README.md say how callgrind gives it. */
#include <string.h>
#include <time.h>

#include "duke_program.h"
#include "engine.h"

enum { CODE = 0x40010000, DATA = 0x10000, NATIVE = 0x40018000 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t make(uint32_t *words, size_t capacity, const struct duke_machine *machine)
{
    struct duke_program p = {.base = CODE, .words = words, .capacity = capacity, .machine = machine};
    D_LI(&p, 4, DATA), D_LI(&p, 5, DATA | 6), D_END(&p); /* writable, user */
    for (unsigned i = 0; i < 16; i++) {
        duke_put(&p, (struct duke_op){.op = DUKE_OP_TLBW, .ra = 4, .rb = 5}), D_END(&p);
        D_I(&p, ADDI, 4, 4, 4096), D_I(&p, ADDI, 5, 5, 4096), D_END(&p);
    }
    D_LI(&p, 32, DATA), D_LI(&p, 33, 0), D_END(&p);
    D_LI(&p, 34, 0), D_LI(&p, 50, NATIVE), D_END(&p);
    uint32_t loop = duke_here(&p);
    /* mov edx, [eax + ecx*4]; add ebx, edx; mov [eax + ecx*4 + 4096], ebx; inc ecx; and; cmp; jne */
    D_R(&p, SH2ADD, 38, 33, 32), D_I(&p, ADD_W, 36, 33, 1), D_END(&p);
    D_MEM(&p, LDG_WU, 34, 38, 0), D_R(&p, SUBF_W, 31, 33, 34), D_R(&p, XOR, 39, 36, 34), D_END(&p);
    D_I(&p, SHR_W, 41, 39, 3), D_I(&p, ANDI, 37, 36, 1023), D_END(&p);
    D_R(&p, ADD_W, 35, 35, 34), D_R(&p, ADD, 42, 41, 39), D_END(&p);
    duke_put(&p, (struct duke_op){.op = DUKE_OP_BCC, .form = DUKE_FORM_COUNT, .cc = 2, .ra = 31, .imm = 8}); /* jb next */
    D_END(&p);
    D_R(&p, OR, 43, 42, 35), D_COMMIT(&p, 2), D_END(&p);
    D_MEM(&p, STG_W, 35, 38, 2000), D_R(&p, OR, 33, 37, 0), D_R(&p, ADDF_W, 31, 35, 34), D_COMMIT(&p, 5);
    D_B(&p, BNE, 37, 0, loop), D_END(&p);
    /* Native part: a counter in memory, as profiling does, and a call. */
    D_MEM(&p, LDN_D, 40, 50, 0), D_END(&p);
    uint32_t function = duke_here(&p) + 4 * 7;
    D_I(&p, ADDI, 40, 40, 1), D_B(&p, CALL, 0, 0, function), D_END(&p);
    D_MEM(&p, STN_D, 40, 50, 0), D_COMMIT(&p, 1), D_J(&p, loop), D_END(&p);
    while (duke_here(&p) < function)
        D_R(&p, NOP, 0, 0, 0), D_END(&p);
    D_R(&p, RET, 0, 1, 0), D_END(&p);
    return (uint32_t)p.n;
}

int main(int argc, char **argv)
{
    static const char *const reason[] = {"issue", "interlock", "icache", "dcache", "branch", "storebuf", "serial"};
    char *end = NULL;
    uint64_t cycles = argc > 1 ? strtoull(argv[1], &end, 0) : 3000000;
    if (argc > 3 || (end != NULL && (*end != 0 || cycles < 1000))) { /* fewer do not reach the loop */
        bool help = strcmp(argv[1], "--help") == 0;
        fprintf(help ? stdout : stderr, "%susage: rtl-speed [cycles, 1000 or more; 3000000 [machine]]\n",
                help ? "" : "rtl-speed: ");
        return help ? 0 : 2;
    }
    uint32_t words[512];
    char err[256];
    struct engine_cfg cfg = {.machine = argc > 2 ? argv[2] : "default", .dram_size = 1 << 20, .hidden_size = 1 << 20};
    struct engine *e = engine_rtl.create(&cfg, err, sizeof err);
    if (e == NULL) {
        fprintf(stderr, "rtl-speed: %s\n", err);
        return 2;
    }
    uint32_t n = make(words, 512, duke_machine_find(cfg.machine));
    e->ops->dma_write(e, CODE, words, 4 * n);
    double start = seconds();
    enum engine_stop stop = e->ops->run(e, cycles, NULL, NULL);
    double took = seconds() - start;
    struct engine_counters c;
    e->ops->counters(e, &c);
    if (stop != ENGINE_LIMIT || c.event[DUKE_EVENT_TRAPS] != 0) {
        fprintf(stderr, "rtl-speed: the loop stopped: %s\n", e->ops->error_text(e));
        return 1;
    }
    uint64_t bundles = c.event[DUKE_EVENT_BUNDLES_RETIRED];
    printf("cycles %llu, bundles %llu, ops %llu, bundles/cycle %.3f, ops/bundle %.2f\n", (unsigned long long)c.cycles,
           (unsigned long long)bundles, (unsigned long long)c.event[DUKE_EVENT_OPS_RETIRED], (double)bundles / (double)c.cycles,
           (double)c.event[DUKE_EVENT_OPS_RETIRED] / (double)bundles);
    for (unsigned i = 0; i < ENGINE_REASONS; i++)
        printf("%s %.1f%%%s", reason[i], 100.0 * (double)c.by_category[0][i] / (double)c.cycles,
               i + 1 < ENGINE_REASONS ? ", " : "\n");
    printf("mispredicts %llu of %llu branches\n", (unsigned long long)c.event[DUKE_EVENT_MISPREDICTS],
           (unsigned long long)c.event[DUKE_EVENT_BRANCHES]);
    printf("%.0f kHz\n", 1e-3 * (double)cycles / took);
    e->ops->destroy(e);
    return 0;
}
