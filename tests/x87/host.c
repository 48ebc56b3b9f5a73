/* Stubs of machine code: flags and rax from the frame, FRSTOR, the instruction, FNSAVE, flags and rax to the frame. */
#include "host.h"

#include <string.h>
#include <sys/mman.h>

enum { POOL = 1 << 16 };
static uint8_t *pool, *next;

bool host_x87_init(void)
{
    if (pool)
        return true;
    void *p = mmap(NULL, POOL, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return false;
    pool = next = p;
    return true;
}

static void emit(const void *bytes, unsigned n)
{
    memcpy(next, bytes, n);
    next += n;
}

struct host_stub host_x87_stub(const uint8_t *insn, unsigned len)
{
    /* Arguments: rdi in, rsi out, rdx memory, rcx frame. */
    static const uint8_t before[] = {
        0xdd, 0x27,             /* frstor [rdi] */
        0x48, 0x8b, 0x01,       /* mov rax, [rcx] */
        0xff, 0x71, 0x08, 0x9d, /* push qword [rcx + 8]; popfq */
    };
    static const uint8_t after[] = {
        0x9c, 0x8f, 0x41, 0x08, /* pushfq; pop qword [rcx + 8] */
        0x48, 0x89, 0x01,       /* mov [rcx], rax */
        0xdd, 0x36,             /* fnsave [rsi] */
        0xfc, 0xc3,             /* cld; ret */
    };
    struct host_stub s = {next, NULL};
    if (next + sizeof before + len + sizeof after > pool + POOL)
        next = s.code = pool; /* the oldest stubs make room */
    emit(before, sizeof before);
    s.insn = next;
    emit(insn, len);
    emit(after, sizeof after);
    return s;
}

void host_x87_run(struct host_stub s, const struct x87_image *in, struct x87_image *out, void *memory, struct host_frame *f)
{
    ((void (*)(const void *, void *, void *, void *))(uintptr_t)s.code)(in, out, memory, f);
}
