#include "vectors.h"

#include <inttypes.h>
#include <string.h>

static const char *const reg_names[2][16] = {
    {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"},
    {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"},
};
static const char *const seg_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

enum { NOWHERE = 0xffff0000 };

static void piece(FILE *f, uint32_t at, const char *prot, unsigned size, const uint8_t *bytes, unsigned n)
{
    static const char digits[] = "0123456789abcdef";
    fprintf(f, "{\"addr\":%u,\"prot\":\"%s\",\"size\":%u,\"bytes\":\"", at, prot, size);
    for (unsigned i = 0; i < n; i++) {
        putc_unlocked(digits[bytes[i] >> 4], f);
        putc_unlocked(digits[bytes[i] & 15], f);
    }
    fputs("\"}", f);
}

static bool is_code(const struct oracle_case *c, unsigned at)
{
    return at < ORACLE_CODE_SIZE && c->code_used[at / 8] >> (at % 8) & 1;
}

/* The instructions; the rest of the page is zero. */
static void code_pieces(FILE *f, const struct oracle_case *c)
{
    piece(f, ORACLE_CODE, "rx", ORACLE_CODE_SIZE, NULL, 0);
    for (unsigned i = 0, end; i < ORACLE_CODE_SIZE; i = end + 1) {
        for (end = i; is_code(c, end);)
            end++;
        if (end == i)
            continue;
        fputc(',', f);
        piece(f, ORACLE_CODE + i, "rx", end - i, c->mem_before.code + i, end - i);
    }
}

static void put_regs(FILE *f, const struct oracle_case *c, const struct oracle_state *s)
{
    bool wide = c->kind.mode == GUEST_X86_64;
    for (unsigned i = 0; i < (wide ? 16 : 8); i++)
        fprintf(f, "\"%s\":%" PRIu64 ",", reg_names[wide][i], s->gpr[i]);
}

static void put_sse(FILE *f, const struct oracle_case *c, const struct oracle_state *s, const char *before)
{
    fprintf(f, "%s\"x87\":{\"cw\":%u,\"sw\":%u,\"tw\":%u,\"regs\":[", before, s->fcw, s->fsw, oracle_tags(s));
    for (unsigned i = 0; i < 8; i++) {
        fputs(i ? ",\"" : "\"", f);
        for (unsigned j = 0; j < 10; j++)
            fprintf(f, "%02x", (unsigned)(j < 8 ? s->st[i] >> (8 * j) : (uint64_t)s->se[i] >> (8 * (j - 8))) & 0xff);
        fputs("\"", f);
    }
    fprintf(f, "]},\"mxcsr\":%u,\"xmm\":[", s->mxcsr);
    for (unsigned i = 0; i < (c->kind.mode == GUEST_X86_64 ? 16 : 8); i++) {
        fputs(i ? ",\"" : "\"", f);
        for (unsigned j = 0; j < 16; j++)
            fprintf(f, "%02x", ((const uint8_t *)s->xmm[i])[j]);
        fputc('"', f);
    }
    fputs("],", f);
}

/* No instruction of a case is executed twice, but its end may be the address of one that was: there a run would stop early. */
static bool ends_in_code(const struct oracle_case *c) { return is_code(c, (unsigned)(c->after.rip - ORACLE_CODE)); }

void vectors_write(FILE *f, const struct oracle_case *c)
{
    bool wide = c->kind.mode == GUEST_X86_64;
    fprintf(f, "{\"id\":\"%" PRIu64 ":%" PRIu64 "\",\"mode\":\"%s\",\"regs\":{", c->seed, c->number, wide ? "x86-64" : "ia32");
    put_regs(f, c, &c->before);
    for (unsigned i = 0; i < GUEST_SEGS; i++)
        fprintf(f, "\"%s\":%u,", seg_names[i], c->before.seg[i]);
    if (wide)
        fprintf(f, "\"fs_base\":%u,", ORACLE_FS);
    fprintf(f, "\"gs_base\":%u,\"%s\":%" PRIu64 "},\"flags\":%u,", ORACLE_TLS, wide ? "rip" : "eip", c->before.rip,
            c->before.eflags);
    if (c->kind.sse)
        put_sse(f, c, &c->before, "\"fp\":true,");
    fprintf(f, "\"tls\":[%u],\"mem\":[", ORACLE_TLS);
    code_pieces(f, c);
    fputc(',', f);
    piece(f, ORACLE_DATA, "rw", ORACLE_RW_SIZE, c->mem_before.data, ORACLE_RW_SIZE);
    fputc(',', f);
    piece(f, ORACLE_DATA + ORACLE_RW_SIZE, "r", ORACLE_RO_SIZE, c->mem_before.data + ORACLE_RW_SIZE, ORACLE_RO_SIZE);
    /* Not a count, if it can be helped: the end of a count is always interpreted. */
    if (c->after.vector < 0 && ends_in_code(c))
        fprintf(f, "],\"count\":%u}\n", c->ninsns);
    else
        fprintf(f, "],\"end\":%" PRIu64 "}\n", c->after.vector < 0 ? c->after.rip : (uint64_t)NOWHERE);
}

void vectors_write_expected(FILE *f, const struct oracle_case *c)
{
    fprintf(f, "{\"id\":\"%" PRIu64 ":%" PRIu64 "\",\"stop\":\"%s\",", c->seed, c->number,
            c->after.vector >= 0 ? "exception"
            : ends_in_code(c)    ? "count"
                                 : "end");
    if (c->after.vector >= 0)
        fprintf(f, "\"exception\":{\"vector\":%d,\"address\":%" PRIu64 "},", c->after.vector, c->after.addr);
    fputs("\"regs\":{", f);
    put_regs(f, c, &c->after);
    fprintf(f, "\"%s\":%" PRIu64 "},\"flags\":%u,\"flags_defined\":%u,", c->kind.mode == GUEST_X86_64 ? "rip" : "eip",
            c->after.rip, c->after.eflags, c->eflags_mask);
    if (c->kind.sse)
        put_sse(f, c, &c->after, "");
    fputs("\"mem\":[", f);
    bool any = false;
    for (unsigned i = 0, end; i < ORACLE_DATA_SIZE; i = end) {
        end = i + 1;
        if (c->data_after[i] == c->mem_before.data[i])
            continue;
        while (end < ORACLE_DATA_SIZE && c->data_after[end] != c->mem_before.data[end])
            end++;
        fprintf(f, "%s{\"addr\":%u,\"bytes\":\"", any ? "," : "", ORACLE_DATA + i);
        for (unsigned j = i; j < end; j++)
            fprintf(f, "%02x", c->data_after[j]);
        fputs("\"}", f);
        any = true;
    }
    fputs("]}\n", f);
}
