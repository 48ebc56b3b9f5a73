#include "vectors.h"

#include <inttypes.h>
#include <string.h>

static const char *const reg_names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const seg_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};

static void hex(FILE *f, const uint8_t *p, unsigned n)
{
    fputc('"', f);
    for (unsigned i = 0; i < n; i++)
        fprintf(f, "%02x", p[i]);
    fputc('"', f);
}

static void region(FILE *f, uint32_t at, unsigned size, const char *prot, const uint8_t *pattern, unsigned n)
{
    fprintf(f, "{\"at\":\"0x%x\",\"size\":%u,\"prot\":\"%s\",\"hex\":", at, size, prot);
    hex(f, pattern, n);
    fputc('}', f);
}

static void registers(FILE *f, const struct oracle_state *s)
{
    fprintf(f, "\"regs\":{");
    for (unsigned i = 0; i < 8; i++)
        fprintf(f, "\"%s\":\"0x%x\",", reg_names[i], s->gpr[i]);
    fprintf(f, "\"eip\":\"0x%x\",\"eflags\":\"0x%x\"", s->rip, s->eflags);
    for (unsigned i = 0; i < GUEST_SEGS; i++)
        fprintf(f, ",\"%s\":\"0x%x\"", seg_names[i], s->seg[i]);
    fputc('}', f);
}

/* Runs of bytes in which `now` differs from `was` (repeating every `period` bytes). */
static void patches(FILE *f, uint32_t at, const uint8_t *now, const uint8_t *was, unsigned period, unsigned n, bool *first)
{
    for (unsigned i = 0, end; i < n; i = end) {
        end = i + 1;
        if (now[i] == was[i % period])
            continue;
        while (end < n && now[end] != was[end % period])
            end++;
        fprintf(f, "%s{\"at\":\"0x%x\",\"hex\":", *first ? "" : ",", at + i);
        hex(f, now + i, end - i);
        fputc('}', f);
        *first = false;
    }
}

void vectors_write(FILE *f, const struct oracle_case *c)
{
    static const uint8_t int3 = 0xcc;
    bool first = true;
    fprintf(f, "{\"id\":\"%" PRIu64 ":%" PRIu64 "\",\"mode\":\"ia32\",", c->seed, c->number);
    registers(f, &c->before);
    fprintf(f, ",\"tls\":[\"0x%x\"],\"map\":[", ORACLE_TLS);
    region(f, ORACLE_CODE, ORACLE_CODE_SIZE, "rx", &int3, 1);
    fputc(',', f);
    region(f, ORACLE_DATA, ORACLE_RW_SIZE, "rw", c->pattern, ORACLE_PATTERN);
    fputc(',', f);
    region(f, ORACLE_DATA + ORACLE_RW_SIZE, ORACLE_RO_SIZE, "r", c->pattern, ORACLE_PATTERN);
    fprintf(f, "],\"mem\":[");
    patches(f, ORACLE_CODE, c->mem_before.code, &int3, 1, ORACLE_CODE_SIZE, &first);
    patches(f, ORACLE_DATA, c->mem_before.data, c->pattern, ORACLE_PATTERN, ORACLE_DATA_SIZE, &first);
    fprintf(f, "],\"insns\":%u,\"expect\":{", c->ninsns);
    registers(f, &c->after);
    fprintf(f, ",\"eflags_mask\":\"0x%x\",\"mem\":[", c->eflags_mask);
    first = true;
    patches(f, ORACLE_DATA, c->data_after, c->mem_before.data, ORACLE_DATA_SIZE, ORACLE_DATA_SIZE, &first);
    fprintf(f, "]");
    if (c->after.vector >= 0)
        fprintf(f, ",\"vector\":%d", c->after.vector);
    if (c->after.addr)
        fprintf(f, ",\"addr\":\"0x%x\"", c->after.addr);
    fprintf(f, "}}\n");
}
