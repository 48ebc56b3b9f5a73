/* Fuzz target: the guest decoder. The first byte chooses the mode, the rest is code.
 *
 * Held: the length is 1..15 and within what was given; decoding depends on the instruction's own bytes only; every strict
 * prefix is TOO_SHORT; every register, kind and size is in range, so that users may index with them.
 */
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "ginsn_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void check_ranges(const struct ginsn *g, enum guest_mode mode)
{
    unsigned registers = mode == GUEST_IA32 ? 8 : 16, mems = 0;
    must(g->op > G_NONE && g->op < GOP_COUNT && g->nopnds <= 3 && g->scale <= 3 && g->seg < GUEST_SEGS);
    must(g->opsize == 1 || g->opsize == 2 || g->opsize == 4 || (g->opsize == 8 && mode == GUEST_X86_64));
    must(g->addrsize == 4 || g->addrsize == (mode == GUEST_IA32 ? 2 : 8));
    must(g->base < registers || g->base == GREG_NONE || (g->base == GREG_RIP && mode == GUEST_X86_64));
    must(g->index == GREG_NONE || (g->index < registers && g->index != GUEST_RSP));
    must(!((g->flags_read | g->flags_written) & ~0x3f));
    for (unsigned i = 0; i < g->nopnds; i++) {
        const struct gopnd *o = &g->opnd[i];
        must(o->kind > GO_NONE && o->kind <= GO_XMM);
        switch (o->kind) {
        case GO_REGH: must(o->reg < 4 && o->size == 1); break;
        case GO_SEG: must(o->reg < GUEST_SEGS); break;
        case GO_DR:
        case GO_ST:
        case GO_MMX: must(o->reg < 8); break;
        case GO_CR:
        case GO_XMM:
        case GO_REG: must(o->reg < registers); break;
        case GO_MEM: mems++; break;
        default: break;
        }
    }
    must(mems <= 1);
    must(!(g->prefixes & GPFX_LOCK) || mems == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 64)
        return 0;
    enum guest_mode mode = data[0] & 1 ? GUEST_X86_64 : GUEST_IA32;
    struct ginsn whole, part;
    char text[256];
    unsigned avail = (unsigned)size - 1;
    uint8_t *bytes = malloc(avail); /* exactly as long, so that a sanitizer sees a read beyond it */
    memcpy(bytes, data + 1, avail);
    enum decode_result r = guest_decode(bytes, avail, mode, &whole);
    free(bytes);
    must(r <= DECODE_TOO_LONG);
    must(r != DECODE_TOO_SHORT || avail < GUEST_INSN_MAX);
    if (r != DECODE_OK)
        return 0;
    must(whole.len >= 1 && whole.len <= GUEST_INSN_MAX && whole.len <= avail);
    check_ranges(&whole, mode);
    must(guest_decode(data + 1, whole.len, mode, &part) == DECODE_OK && !memcmp(&whole, &part, sizeof whole));
    for (unsigned n = 0; n < whole.len; n++)
        must(guest_decode(data + 1, n, mode, &part) == DECODE_TOO_SHORT);
    ginsn_text(&whole, text, sizeof text);
    return 0;
}
