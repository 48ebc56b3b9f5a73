#include "compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sem/sem.h"

struct report {
    char *text;
    unsigned size, used;
};

static void say(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct report *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (r->used < r->size)
        r->used += (unsigned)vsnprintf(r->text + r->used, r->size - r->used, format, args);
    va_end(args);
}

/* Linux tells these apart by nothing that a debugger sees: all are SIGSEGV from the kernel. A signal frame has the error code, too. */
static int vector_class(int vector, bool exact)
{
    if (exact)
        return vector;
    switch (vector) {
    case GUEST_OF:
    case GUEST_BR:
    case GUEST_TS:
    case GUEST_NP:
    case GUEST_SS_FAULT: return GUEST_GP;
    default: return vector;
    }
}

static void compare_sse(struct report *r, const struct oracle_state *host, const struct oracle_state *got)
{
    for (unsigned i = 0; i < 16; i++)
        if (host->xmm[i][0] != got->xmm[i][0] || host->xmm[i][1] != got->xmm[i][1])
            say(r, "  xmm%u: host %016" PRIx64 "'%016" PRIx64 ", got %016" PRIx64 "'%016" PRIx64 "\n", i, host->xmm[i][1],
                host->xmm[i][0], got->xmm[i][1], got->xmm[i][0]);
    for (unsigned i = 0; i < 8; i++)
        if (host->st[i] != got->st[i] || host->se[i] != got->se[i])
            say(r, "  mm%u: host %04x.%016" PRIx64 ", got %04x.%016" PRIx64 "\n", i, host->se[i], host->st[i], got->se[i],
                got->st[i]);
    if (host->fcw != got->fcw || host->fsw != got->fsw)
        say(r, "  x87: host control %04x, status %04x, got %04x, %04x\n", host->fcw, host->fsw, got->fcw, got->fsw);
    if (host->mxcsr != got->mxcsr)
        say(r, "  mxcsr: host %04x, got %04x\n", host->mxcsr, got->mxcsr);
    if (host->st_used != got->st_used)
        say(r, "  registers not tagged empty: host %02x, got %02x\n", host->st_used, got->st_used);
}

bool oracle_differs(const struct oracle_state *host, const struct oracle_state *got, uint32_t eflags_mask,
                    const uint8_t *host_data, const uint8_t *got_data, char *text, unsigned size)
{
    static const char *const reg_names[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                            "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    static const char *const seg_names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    struct report r = {.text = text, .size = size};
    text[0] = '\0';
    for (unsigned i = 0; i < 16; i++)
        if (host->gpr[i] != got->gpr[i])
            say(&r, "  %s: host %08" PRIx64 ", got %08" PRIx64 "\n", reg_names[i], host->gpr[i], got->gpr[i]);
    if (host->rip != got->rip)
        say(&r, "  rip: host %08" PRIx64 ", got %08" PRIx64 "\n", host->rip, got->rip);
    compare_sse(&r, host, got);
    if ((host->eflags ^ got->eflags) & eflags_mask)
        say(&r, "  eflags: host %08x, got %08x, compared %08x\n", host->eflags, got->eflags, eflags_mask);
    for (unsigned i = 0; i < GUEST_SEGS; i++)
        if (host->seg[i] != got->seg[i])
            say(&r, "  %s: host %04x, got %04x\n", seg_names[i], host->seg[i], got->seg[i]);
    bool exact = host->error >= 0;
    if (vector_class(host->vector, exact) != vector_class(got->vector, exact))
        say(&r, "  exception: host %d, got %d\n", host->vector, got->vector);
    if (host->vector >= 0 && host->error >= 0 && got->error >= 0 && host->error != got->error)
        say(&r, "  error code: host %x, got %x\n", (unsigned)host->error, (unsigned)got->error);
    if (host->addr != got->addr)
        say(&r, "  fault address: host %08" PRIx64 ", got %08" PRIx64 "\n", host->addr, got->addr);
    if (memcmp(host_data, got_data, ORACLE_DATA_SIZE) != 0)
        for (unsigned i = 0, said = 0; i < ORACLE_DATA_SIZE && said < 16; i++)
            if (host_data[i] != got_data[i]) {
                say(&r, "  byte at %08x: host %02x, got %02x\n", ORACLE_DATA + i, host_data[i], got_data[i]);
                said++;
            }
    return r.used > 0;
}
