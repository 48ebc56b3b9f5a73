/* Instructions with few forms, as they stand. */
#include <string.h>

#include "oracle.h"

enum { ANY, WIDE, NARROW }; /* modes */

static const struct {
    uint8_t mode, len;
    const char *bytes;
} harmless[] =
    {
        {ANY, 2, "\xf3\x90"},                                       /* pause */
        {ANY, 4, "\xf3\x0f\x1e\xfa"}, {ANY, 4, "\xf3\x0f\x1e\xfb"}, /* endbr */
        {ANY, 3, "\x0f\xae\xe8"},     {ANY, 3, "\x0f\xae\xf0"},     /* fences */
        {ANY, 3, "\x0f\xae\xf8"},     {ANY, 3, "\x0f\x18\xc1"},     /* hints */
        {ANY, 4, "\x66\x0f\x18\xc1"}, {WIDE, 4, "\x48\x0f\x18\xc1"}, {ANY, 3, "\x0f\x0d\x08"},
        {ANY, 3, "\x0f\x1f\xc1"},     {NARROW, 1, "\x06"},           {NARROW, 1, "\x0e"},
        {NARROW, 1, "\x16"},          {NARROW, 1, "\x1e"},           {ANY, 2, "\x0f\xa0"}, /* push a segment register */
        {ANY, 2, "\x0f\xa8"},         {WIDE, 3, "\x66\x41\x90"},     {WIDE, 2, "\x41\x90"},
},
  raising[] = {
      {ANY, 1, "\xfa"},
      {ANY, 1, "\xfb"},
      {ANY, 2, "\x0f\x06"},
      {ANY, 2, "\xe4\x40"},
      {ANY, 2, "\xe5\x40"},
      {ANY, 3, "\x66\xe5\x40"},
      {ANY, 2, "\xe6\x40"},
      {ANY, 2, "\xe7\x40"},
      {ANY, 3, "\x66\xe7\x40"},
      {ANY, 1, "\xec"},
      {ANY, 1, "\xed"},
      {ANY, 2, "\x66\xed"},
      {ANY, 1, "\xee"},
      {ANY, 1, "\xef"},
      {ANY, 2, "\x66\xef"},
      {ANY, 1, "\x6c"},
      {ANY, 1, "\x6d"},
      {ANY, 1, "\x6e"},
      {ANY, 1, "\x6f"},
      {ANY, 2, "\x0f\x08"},
      {ANY, 2, "\x0f\x09"},
      {ANY, 2, "\x0f\x30"},
      {ANY, 2, "\x0f\x32"},
      {ANY, 2, "\x0f\xaa"},
      {ANY, 3, "\x0f\x01\xc8"},
      {ANY, 3, "\x0f\x01\xc9"},
      {WIDE, 3, "\x0f\x01\xf8"},
      {WIDE, 2, "\x0f\x07"},
      {ANY, 3, "\x0f\x20\xc0"},
      {ANY, 3, "\x0f\x21\xc0"},
      {ANY, 3, "\x0f\x22\xc0"},
      {ANY, 3, "\x0f\x23\xc0"},
      {ANY, 3, "\x0f\x01\x38"},
      {ANY, 3, "\x0f\x01\x10"},
      {ANY, 3, "\x0f\x01\x18"},
      {ANY, 3, "\x0f\x00\xd0"},
      {ANY, 3, "\x0f\x00\x10"},
      {ANY, 3, "\x0f\x00\xd8"},
      {ANY, 3, "\x0f\x00\x18"},
      {ANY, 3, "\x0f\x01\xf0"},
      {ANY, 3, "\x0f\x01\x30"},
      {ANY, 3, "\x0f\xff\xc0"},
      {ANY, 3, "\x0f\xb9\xc0"},
      {ANY, 4, "\x66\x0f\xff\xc0"},
      {ANY, 4, "\x66\x0f\xb9\xc0"},
      {WIDE, 4, "\x48\x0f\xff\xc0"},
      {WIDE, 4, "\x48\x0f\xb9\xc0"},
      {ANY, 3, "\x0f\xb9\x00"},
      {ANY, 4, "\x66\x0f\xb9\x00"},
      {WIDE, 4, "\x48\x0f\xb9\x00"},
      {ANY, 3, "\x0f\xff\x00"},
      {ANY, 4, "\x66\x0f\xff\x00"},
      {WIDE, 4, "\x48\x0f\xff\x00"},
};

unsigned generator_raw(struct generator *gen, uint8_t *p)
{
    struct random *r = &gen->rng;
    bool ends = random_below(r, 3) == 0;
    unsigned i = random_below(r, ends ? sizeof raising / sizeof *raising : sizeof harmless / sizeof *harmless);
    unsigned mode = ends ? raising[i].mode : harmless[i].mode, len = ends ? raising[i].len : harmless[i].len;
    if (mode == (gen->kind.mode == GUEST_X86_64 ? NARROW : WIDE))
        return 0;
    memcpy(p, ends ? raising[i].bytes : harmless[i].bytes, len);
    return len;
}

unsigned generator_indirect(struct generator *gen, const struct oracle_state *s, unsigned reg, uint32_t at, uint8_t *p)
{
    uint8_t rex = 0, modrm[8];
    uint64_t base;
    unsigned n = generator_mem_prefixes(gen, s, &base, p);
    if (gen->addr32 && at < base)
        return 0;
    unsigned done = generator_put_mem(gen, s, reg, at, base, n + 1, 0, &rex, modrm);
    if (!done)
        return 0;
    if (rex)
        p[n++] = 0x40 | rex;
    p[n++] = 0xff;
    memcpy(p + n, modrm, done);
    return n + done;
}

/* If they are taken, they go to the first 64 KiB, where nothing is. */
unsigned generator_jump16(struct generator *gen, uint8_t *p)
{
    static const uint8_t opcodes[] = {0x70, 0xe0, 0xe1, 0xe2, 0xe3, 0xe8, 0xe9, 0xeb, 0x0f, 0xff};
    struct random *r = &gen->rng;
    uint8_t opcode = opcodes[random_below(r, sizeof opcodes)];
    unsigned n = 0;
    p[n++] = 0x66;
    p[n++] = (uint8_t)(opcode + (opcode == 0x70 ? random_below(r, 16) : 0));
    if (opcode == 0x0f)
        p[n++] = (uint8_t)(0x80 + random_below(r, 16));
    if (opcode == 0xff) { /* call or jump through a register or [disp32] */
        uint32_t at = random_data(r, 2);
        bool memory = random_below(r, 2);
        p[n++] = (uint8_t)((memory ? 5 : 0xc0 | random_below(r, 8)) | (random_below(r, 2) ? 2 : 4) << 3);
        memcpy(p + n, &at, 4);
        return n + (memory ? 4 : 0);
    }
    unsigned size = opcode == 0x0f || opcode == 0xe8 || opcode == 0xe9 ? 2 : 1;
    uint64_t v = random_next(r);
    memcpy(p + n, &v, size);
    return n + size;
}
