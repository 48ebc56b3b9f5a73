/* What gear 2 makes of some snippets, against golden.txt: IR, then bundles. UPDATE_GOLDEN=1 in the environment rewrites the
 * file; the difference is to be reviewed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "duke_disasm.h"
#include "gtest_shim.h"
#include "port.h"
#include "rig.h"

struct snippet {
    const char *name, *text; /* text: Intel syntax, for the reader */
    uint8_t code[40];
    unsigned size, run; /* run: instructions interpreted beforehand, as profile */
};

static const struct snippet snippets[] = {
    /* clang-format off */
    {"move-add", "mov eax, [esi]; add ebx, eax; add esi, 4; jmp +2", {0x8b, 0x06, 0x01, 0xc3, 0x83, 0xc6, 0x04, 0xeb, 0x02}, 9, 0},
    {"loop", "L: mov eax, [esi]; add ebx, eax; add esi, 4; cmp esi, edi; jne L",
     {0x8b, 0x06, 0x01, 0xc3, 0x83, 0xc6, 0x04, 0x39, 0xfe, 0x75, 0xf5}, 11, 0},
    {"compare-branch", "cmp eax, 5; jle +16", {0x83, 0xf8, 0x05, 0x7e, 0x10}, 5, 0},
    {"test-branch", "test eax, eax; js +16", {0x85, 0xc0, 0x78, 0x10}, 4, 0},
    {"parity-branch", "cmp al, bl; jp +16", {0x38, 0xd8, 0x7a, 0x10}, 4, 0},
    {"dead-flags", "add eax, ebx; sub ecx, edx; and edi, 7; jmp +0", {0x01, 0xd8, 0x29, 0xd1, 0x83, 0xe7, 0x07, 0xeb, 0x00}, 9, 0},
    {"dead-flags-cl", "add eax, ebx; shld edi, eax, cl; shl eax, cl; test cl, 32; je +0",
     {0x01, 0xd8, 0x0f, 0xa5, 0xc7, 0xd3, 0xe0, 0xf6, 0xc1, 0x20, 0x74, 0x00}, 12, 0},
    {"prologue", "push ebp; mov ebp, esp; push ebx; sub esp, 20; mov eax, [ebp+8]; jmp +0",
     {0x55, 0x89, 0xe5, 0x53, 0x83, 0xec, 0x14, 0x8b, 0x45, 0x08, 0xeb, 0x00}, 12, 0},
    {"epilogue", "mov ebx, [ebp-4]; leave; ret", {0x8b, 0x5d, 0xfc, 0xc9, 0xc3}, 5, 0},
    {"call", "push 1; call +16", {0x6a, 0x01, 0xe8, 0x10, 0x00, 0x00, 0x00}, 7, 0},
    {"indirect", "jmp [eax*4+0x325000]", {0xff, 0x24, 0x85, 0x00, 0x50, 0x32, 0x00}, 7, 0},
    {"address-modes", "mov eax, [ebx+esi*4+8]; mov [edi+esi], al; lea edx, [ecx+ecx*2-1]; jmp +0",
     {0x8b, 0x44, 0xb3, 0x08, 0x88, 0x04, 0x37, 0x8d, 0x54, 0x49, 0xff, 0xeb, 0x00}, 13, 0},
    {"exchange", "xchg eax, ebx; xchg ecx, edx; jmp +0", {0x93, 0x87, 0xd1, 0xeb, 0x00}, 5, 0},
    {"partial-registers", "mov al, [esi]; mov bh, al; movzx ecx, bl; jmp +0",
     {0x8a, 0x06, 0x88, 0xc7, 0x0f, 0xb6, 0xcb, 0xeb, 0x00}, 9, 0},
    {"carry-chain", "add eax, ecx; adc ebx, edx; jmp +0", {0x01, 0xc8, 0x11, 0xd3, 0xeb, 0x00}, 6, 0},
    {"divide", "cdq; idiv ecx; jmp +0", {0x99, 0xf7, 0xf9, 0xeb, 0x00}, 5, 0},
    {"set-select", "cmp eax, ebx; setl cl; cmovg edx, esi; jmp +0",
     {0x39, 0xd8, 0x0f, 0x9c, 0xc1, 0x0f, 0x4f, 0xd6, 0xeb, 0x00}, 10, 0},
    {"thread-local", "mov eax, gs:[0x14]; jmp +0", {0x65, 0xa1, 0x14, 0x00, 0x00, 0x00, 0xeb, 0x00}, 8, 0},
    {"store-load", "mov [esp+4], eax; mov ebx, [esp+8]; mov [ecx], edx; mov edi, [esi]; jmp +0",
     {0x89, 0x44, 0x24, 0x04, 0x8b, 0x5c, 0x24, 0x08, 0x89, 0x11, 0x8b, 0x3e, 0xeb, 0x00}, 14, 0},
    {"memory-compare", "inc ebx; cmp [esp+16], ebx; je +4; movzx eax, byte [esi]; cmp al, [edi]; je +0",
     {0x43, 0x39, 0x5c, 0x24, 0x10, 0x74, 0x04, 0x0f, 0xb6, 0x06, 0x3a, 0x07, 0x74, 0x00}, 14, 30},
    {"x87-sum", "L: fld qword [esi]; fmul qword [edi]; faddp; add esi, 8; dec ecx; jne L (ST0 is the sum)",
     {0xdd, 0x06, 0xdc, 0x0f, 0xde, 0xc1, 0x83, 0xc6, 0x08, 0x49, 0x75, 0xf4}, 12, 0},
    {"x87-convert", "fld qword [esi]; fnstcw [esp]; fldcw [esp+2]; fistp dword [esp+4]; fldcw [esp]; jmp +0",
     {0xdd, 0x06, 0xd9, 0x3c, 0x24, 0xd9, 0x6c, 0x24, 0x02, 0xdb, 0x5c, 0x24, 0x04, 0xd9, 0x2c, 0x24, 0xeb, 0x00}, 18, 0},
    {"x87-compare", "fld qword [esi]; fcomp qword [edi]; fnstsw ax; sahf; ja +16",
     {0xdd, 0x06, 0xdc, 0x1f, 0xdf, 0xe0, 0x9e, 0x77, 0x10}, 9, 0},
    {"x87-flags", "fld1; fld tbyte [esi]; fxch; fucomip st, st(1); fcmove st, st(0); fstp st(0); jmp +0",
     {0xd9, 0xe8, 0xdb, 0x2e, 0xd9, 0xc9, 0xdf, 0xe9, 0xda, 0xc8, 0xdd, 0xd8, 0xeb, 0x00}, 14, 0},
    {"interpreted", "inc eax; cpuid", {0x40, 0x0f, 0xa2}, 3, 0},
    {"side-exit", "test eax, eax; je +10; mov ecx, [eax]; add ecx, 3; mov [eax], ecx; jmp to the start",
     {0x85, 0xc0, 0x74, 0x0a, 0x8b, 0x08, 0x83, 0xc1, 0x03, 0x89, 0x08, 0xeb, 0xf3}, 13, 30},
};
/* clang-format on */

static const char *profile_of(const struct snippet *s) { return s->run ? " (profiled)" : ""; }

static void add(char *out, size_t size, const char *text) { strncat(out, text, size - strlen(out) - 1); }

/* Appends all about one snippet. */
static void describe(struct rig *r, const struct snippet *s, char *out, size_t size)
{
    char line[4096];
    rig_code(r, s->code, s->size);
    struct guest_cpu *cpu = &r->sh->cpu;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = RIG_DATA + 0x8000;
    cpu->rip = RIG_CODE;
    if (strcmp(s->name, "x87-sum") == 0) /* the sum is there */
        cpu->x87.tw = 0x3fff, cpu->x87.sw = 0x3800;
    else
        cpu->x87.tw = 0xffff, cpu->x87.sw = 0;
    if (s->run)
        rig_interpret(r, s->run);
    cpu->rip = RIG_CODE;
    struct gblock *b = rig_block(r, RIG_CODE);
    snprintf(line, sizeof line, "== %s%s: %s\n", s->name, profile_of(s), s->text);
    add(out, size, line);
    if (!b || !gear2_prepare(r->m, b, GEAR2_BLOCKS_MAX, 32)) {
        add(out, size, "refused\n");
        return;
    }
    if (!r->sh->params.opt_direct) {
        struct ir_text text = {line, sizeof line, 0};
        ir_print(&r->m->gear2->ir, &text);
        add(out, size, line);
        add(out, size, "--\n");
    }
    if (!gear2_translate(r->m, b))
        add(out, size, "refused\n");
    const struct tcache *t = r->m->tcache;
    const uint32_t *words = (const uint32_t *)(const void *)t->mem;
    for (uint32_t at = 0; at < t->used / 4;) {
        struct duke_op o;
        bool end = false;
        while (!end && duke_decode(words + at, t->used / 4 - at, &o) == DUKE_DECODE_OK) {
            duke_disassemble(line, 200, t->native + 4 * at, &o);
            add(out, size, line);
            add(out, size, o.end ? "\n" : " ~ ");
            at += o.words;
            end = o.end;
        }
    }
    add(out, size, "\n");
}

TEST_CASE(gen, golden)
{
    enum { SIZE = 1 << 18 };
    char *got = calloc(1, SIZE), *want = calloc(1, SIZE);
    struct rig *r = rig_make("default");
    r->sh->params.hot2 = 4;
    for (unsigned direct = 0; direct < 2; direct++) {
        add(got, SIZE, direct ? "== Without IR where there is a direct form\n" : "");
        r->sh->params.opt_direct = direct;
        for (unsigned i = 0; i < sizeof snippets / sizeof *snippets; i++)
            describe(r, &snippets[i], got, SIZE);
    }
    rig_free(r);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *f = fopen(GOLDEN, "w");
        EXPECT(f != NULL);
        if (f) {
            fputs(got, f);
            fclose(f);
        }
    }
    FILE *f = fopen(GOLDEN, "r");
    EXPECT_MSG(f != NULL, "%s cannot be read", GOLDEN);
    if (f) {
        size_t n = fread(want, 1, SIZE - 1, f);
        EXPECT(n > 1000);
        fclose(f);
    }
    /* The first line that differs says enough. */
    char *g = got, *w = want;
    for (unsigned line = 1; *g || *w; line++) {
        size_t gn = strcspn(g, "\n"), wn = strcspn(w, "\n");
        if (gn != wn || memcmp(g, w, gn) != 0) {
            shim_fail(__FILE__, __LINE__, "golden.txt line %u is \"%.*s\", not \"%.*s\"", line, (int)wn, w, (int)gn, g);
            break;
        }
        g += gn + (g[gn] != 0);
        w += wn + (w[wn] != 0);
    }
    free(got);
    free(want);
}
