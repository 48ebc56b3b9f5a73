/* A rig for tests of gears 2 and 3 on the host: one guest, interpreted on the host and run as a translation on the functional engine.
 *
 * Guest memory is identity-mapped: code at RIG_CODE, data at [RIG_DATA, RIG_DATA_END). The engine's TLB holds all of it.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine.h"
#include "guest/block.h"
#include "guest/interp.h"
#include "morph.h"
#include "run/gear2.h"

enum {
    RIG_RAM = 4 << 20,
    RIG_CODE = 0x300000,
    RIG_CODE_END = 0x302000,
    RIG_DATA = 0x320000,
    RIG_DATA_END = 0x330000,
    RIG_FS = RIG_DATA + 0x4000,
    RIG_GS = RIG_DATA + 0x8000, /* segment bases */
    /* Host call numbers of the engine's stubs. */
    RIG_DIRECT = 1,
    RIG_INDIRECT,
    RIG_INTERP,
    RIG_TRAP = 16, /* RIG_TRAP + cause */
};

struct rig {
    struct shared *sh;
    struct port_host *port;
    struct morph *m;
    struct engine *engine;
    uint8_t *dram; /* the engine's */
    void *arena;
    bool regions;    /* translations are gear 3's */
    uint64_t ilimit; /* the engine stops at a commit that reaches it; 0 none */
};

/* For a machine of isa-spec/machines. */
struct rig *rig_make(const char *machine);
void rig_free(struct rig *r);

/* Forgets all code and writes `code` at RIG_CODE. */
void rig_code(struct rig *r, const uint8_t *code, unsigned size);
/* The decoded block at linear address rip; NULL: none can be made. */
struct gblock *rig_block(struct rig *r, uint64_t rip);
/* Interprets from sh->cpu until `insns` have been executed since icount was 0, or something happens. */
enum interp_result rig_interpret(struct rig *r, uint64_t insns);
/* Translates b and runs the translation on the engine from sh->cpu, icount 0, with data memory as the host's. sh->cpu and
 * *icount become the result; data memory of the engine, not the host's, has changed. Returns the stub's number, 0: refused. */
unsigned rig_translated(struct rig *r, struct gblock *b, uint64_t *icount);
/* Whether a bundle of the translation breaks a rule of the machine; text of the translation. */
bool rig_legal(struct rig *r, char *why, unsigned size);
void rig_dump(struct rig *r);
