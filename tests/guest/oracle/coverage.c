/* Which instructions in which forms a run has executed: one line of numbers each, for tests/guest/oracle_coverage.py. */
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "decode.h"

enum { SLOTS = 1 << 18 };

struct slot {
    uint64_t key; /* 0: free */
    uint32_t done, raised;
};

struct coverage {
    struct slot slot[SLOTS];
};

/* Fields of a key, lowest first. Opcode maps: one byte, 0F, 0F38, 0F3A, and VEX's 0F38 and 0F3A. A prefix: 66, F3, F2. */
static const struct {
    const char *name;
    unsigned bits;
} fields[] = {
    {"mode", 1}, {"map", 3},    {"prefix", 2}, {"opcode", 8}, {"modrm", 8}, {"rexw", 1}, {"rexb", 1}, {"ext", 1},
    {"p66", 1},  {"opsize", 4}, {"p67", 1},    {"lock", 1},   {"rep", 1},   {"seg", 1},  {"high", 1},
};
enum { NFIELDS = sizeof fields / sizeof *fields };

struct coverage *coverage_make(void) { return calloc(1, sizeof(struct coverage)); }

static const uint8_t *skip_prefixes(const uint8_t *p, unsigned v[NFIELDS])
{
    for (;; p++) {
        switch (*p) {
        case 0x66: v[8] = 1; break;
        case 0x67: v[10] = 1; break;
        case 0xf0: v[11] = 1; break;
        case 0xf2:
        case 0xf3: v[12] = *p == 0xf2 ? 3 : 2; break;
        case 0x64:
        case 0x65: v[13] = 1; break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e: break;
        default: return p;
        }
    }
}

void coverage_note(struct coverage *c, enum guest_mode mode, const uint8_t *bytes, bool raised)
{
    struct ginsn g;
    unsigned v[NFIELDS] = {mode == GUEST_X86_64};
    if (guest_decode(bytes, 15, mode, &g) != DECODE_OK)
        return;
    const uint8_t *p = skip_prefixes(bytes, v);
    if (*p == 0xc4 && (mode == GUEST_X86_64 || p[1] >= 0xc0)) {
        v[1] = (p[1] & 31) + 2u; /* 2 and 3: the maps 4 and 5 */
        v[2] = p[2] & 3u;
        v[5] = p[2] >> 7;
        p += 3;
    } else {
        v[2] = v[12] ? v[12] : v[8];
        v[12] = v[12] != 0;
        if (mode == GUEST_X86_64 && (*p & 0xf0) == 0x40) {
            v[5] = *p >> 3 & 1;
            v[6] = *p & 1;
            v[7] = (*p & 7) != 0;
            p++;
        }
        if (*p == 0x0f) {
            p++;
            v[1] = *p == 0x38 ? 2 : *p == 0x3a ? 3 : 1;
            p += v[1] > 1;
        }
    }
    v[3] = p[0];
    v[4] = p[1] >= 0xc0 ? p[1] : p[1] & 0x38;
    v[9] = g.opsize;
    for (unsigned i = 0; i < g.nopnds; i++)
        v[14] |= g.opnd[i].kind == GO_REGH;
    uint64_t key = 0;
    for (unsigned i = NFIELDS; i-- > 0;)
        key = key << fields[i].bits | v[i];
    key = key << 1 | 1;
    for (uint64_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> 46;; at = (at + 1) % SLOTS) {
        struct slot *s = &c->slot[at];
        if (s->key && s->key != key)
            continue;
        s->key = key;
        s->done += !raised;
        s->raised += raised;
        return;
    }
}

bool coverage_write(const struct coverage *c, const char *path)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    for (unsigned i = 0; i < NFIELDS; i++)
        fprintf(f, "%s ", fields[i].name);
    fputs("done raised\n", f);
    for (unsigned i = 0; i < SLOTS; i++) {
        uint64_t key = c->slot[i].key >> 1;
        if (!c->slot[i].key)
            continue;
        for (unsigned j = 0; j < NFIELDS; key >>= fields[j].bits, j++)
            fprintf(f, "%u ", (unsigned)(key & ((1u << fields[j].bits) - 1)));
        fprintf(f, "%u %u\n", c->slot[i].done, c->slot[i].raised);
    }
    return fclose(f) == 0;
}
