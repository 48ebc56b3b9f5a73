/* The trace: one block of lines a bundle, and a line for each guest instruction when it is done or, for translations, the
 * guest code of a block when it is entered.
 *
 *       12345 40012a30 interp   ldg.d r4, [r5]       | native side: record number, address, disassembly
 *                                 r4 = 0000000000000007
 *   -- 08049000  8b 00           mov eax, dword ptr [eax]     guest side
 *
 * The interpreter stores the guest's rip in struct shared after each instruction; that store is in the commit records, so
 * the trace needs no memory access of its own to follow it. Where translations lie is told by host calls.
 */
#include "trace.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "disasm.h"
#include "duke_disasm.h"

enum { RIP_AT = SHARED_ADDR + offsetof(struct shared, cpu.rip), WORDS = 12 };

struct block {
    uint32_t native, size;
    uint64_t guest, guest_size;
};

struct trace {
    struct selkirk *m;
    FILE *out;
    struct block *blocks; /* in order of native address */
    size_t nblocks, cap;
    uint64_t rip; /* of the instruction that the interpreter is in */
};

struct trace *trace_open(struct selkirk *m, FILE *out)
{
    struct trace *t = calloc(1, sizeof *t);
    if (t) {
        t->m = m;
        t->out = out;
    }
    return t;
}

void trace_close(struct trace *t)
{
    free(t->blocks);
    free(t);
}

static size_t block_index(const struct trace *t, uint32_t native)
{
    size_t lo = 0, hi = t->nblocks;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (t->blocks[mid].native < native)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void trace_translation(struct trace *t, const struct selkirk_event *ev)
{
    struct block b = {(uint32_t)ev->arg[1], (uint32_t)ev->arg[2], ev->arg[0], ev->arg[4]};
    size_t i = block_index(t, b.native), end = i;
    /* What lay there before is gone: the tcache was flushed, or the block was dropped. */
    if (i > 0 && t->blocks[i - 1].native + t->blocks[i - 1].size > b.native)
        i--;
    while (end < t->nblocks && t->blocks[end].native < b.native + b.size)
        end++;
    if (i == end && t->nblocks == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 256;
        struct block *list = realloc(t->blocks, cap * sizeof *list);
        if (!list)
            return;
        t->blocks = list;
        t->cap = cap;
    }
    memmove(&t->blocks[i + 1], &t->blocks[end], (t->nblocks - end) * sizeof b);
    t->nblocks = t->nblocks - (end - i) + 1;
    t->blocks[i] = b;
}

/* One guest instruction; returns its length, at least 1. */
static uint64_t guest_line(struct trace *t, uint64_t rip)
{
    uint8_t bytes[15];
    char text[160], hex[48] = "";
    size_t n = 0;
    while (n < sizeof bytes && selkirk_read(t->m, rip + n, &bytes[n], 1))
        n++;
    size_t length = guest_disasm(text, sizeof text, (int)selkirk_cpu(t->m)->mode, rip, bytes, n);
    for (size_t i = 0; i < length; i++)
        sprintf(hex + 3 * i, "%02x ", bytes[i]);
    fprintf(t->out, "-- %08llx  %-24s %s\n", (unsigned long long)rip, hex, n ? text : "(not mapped)");
    return length ? length : 1;
}

static void guest_side(struct trace *t, const struct engine_record *rec)
{
    size_t i = block_index(t, rec->pc);
    if (i < t->nblocks && t->blocks[i].native == rec->pc) {
        const struct block *b = &t->blocks[i];
        fprintf(t->out, "-- translation of %08llx, %llu bytes:\n", (unsigned long long)b->guest,
                (unsigned long long)b->guest_size);
        for (uint64_t at = b->guest; at < b->guest + b->guest_size;)
            at += guest_line(t, at);
        t->rip = 0; /* the next rip that is stored is where the translation leaves to */
    }
}

static void native_side(struct trace *t, const struct engine_record *rec)
{
    uint32_t words[WORDS];
    char text[1024];
    size_t n = 0;
    while (n < WORDS && selkirk_read_physical(t->m, rec->pc + 4 * (uint32_t)n, &words[n], 4))
        if (words[n++] >> 31)
            break;
    duke_disassemble_bundle(text, sizeof text, rec->pc, words, n);
    fprintf(t->out, "%llu\n%s", (unsigned long long)rec->seq, text);
    size_t end = strlen(text);
    if (end && text[end - 1] != '\n')
        fputc('\n', t->out);
    if (rec->flags & ENGINE_REC_TRAP) {
        fprintf(t->out, "      trap, cause %u, value %#llx -> %08x\n", rec->cause, (unsigned long long)rec->tval, rec->next_pc);
        return;
    }
    for (uint32_t i = 0; i < rec->nwrites; i++)
        fprintf(t->out, "      %c%u = %016llx\n", "rfe"[rec->writes[i].reg / 64 % 3], rec -> writes[i].reg % 64,
                (unsigned long long)rec->writes[i].value);
    for (uint32_t i = 0; i < rec->nstores; i++)
        fprintf(t->out, "      [%08x] = %0*llx\n", rec->stores[i].addr, (int)(2 * rec->stores[i].size),
                (unsigned long long)rec->stores[i].data);
    if (rec->flags & ENGINE_REC_ROLLBACK)
        fputs("      rollback\n", t->out);
}

void trace_record(struct trace *t, const struct engine_record *rec)
{
    guest_side(t, rec);
    native_side(t, rec);
    for (uint32_t i = 0; i < rec->nstores; i++) {
        if (rec->stores[i].addr != RIP_AT || rec->stores[i].size < 4)
            continue;
        if (t->rip && t->rip != rec->stores[i].data)
            guest_line(t, t->rip);
        t->rip = rec->stores[i].data;
    }
}
