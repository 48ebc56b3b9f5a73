/* Reads a test case from a line of JSON. */
#include <string.h>

#include "mm.h"
#include "vectors.h"
#include "vectors_json.h"

static const char *const names32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const names64[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                      "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

bool vgear_parse(const char *text, size_t n, enum vgear *gear)
{
    static const char *const names[] = {"interp", "translate", "tcache", "region"};
    for (int i = 0; i < 4; i++) {
        if (n == strlen(names[i]) && !memcmp(text, names[i], n)) {
            *gear = (enum vgear)i;
            return true;
        }
    }
    return false;
}

static uint64_t *register_named(struct guest_cpu *cpu, struct json_text key)
{
    for (int i = 0; i < 16; i++)
        if (json_is(key, names64[i]) || (i < 8 && json_is(key, names32[i])))
            return &cpu->gpr[i];
    if (json_is(key, "rip") || json_is(key, "eip"))
        return &cpu->rip;
    if (json_is(key, "fs_base"))
        return &cpu->seg_base[GUEST_FS];
    if (json_is(key, "gs_base"))
        return &cpu->seg_base[GUEST_GS];
    return NULL;
}

static bool set_selector(struct guest_cpu *cpu, struct json_text key, uint64_t value)
{
    static const char *const names[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    for (int i = 0; i < GUEST_SEGS; i++)
        if (json_is(key, names[i])) {
            cpu->seg_sel[i] = (uint16_t)value;
            return true;
        }
    return false;
}

static void read_regs(struct vcase *c, struct json *r)
{
    struct json_text key;
    json_object(r);
    while (json_key(r, &key)) {
        uint64_t *reg = register_named(&c->cpu, key);
        uint64_t value = json_number(r);
        if (reg)
            *reg = value;
        else if (!set_selector(&c->cpu, key, value))
            json_fail(r, "unknown register; eax ... edi, eip, rax ... r15, rip, es ... gs, fs_base, gs_base are known");
    }
}

/* Bases of the thread-local segments 0x63, 0x6b, 0x73: what loading their selectors gives. */
static void read_tls(struct vcase *c, struct json *r)
{
    size_t i = 0;
    for (json_array(r); json_element(r); i++) {
        uint64_t base = json_number(r);
        if (i == 3) {
            json_fail(r, "tls has at most three bases");
            return;
        }
        c->cpu.tls_base[i] = base;
    }
}

static void read_prot(struct json *r, int *prot)
{
    struct json_text t;
    *prot = 0;
    if (!json_string(r, &t))
        return;
    for (size_t i = 0; i < t.n; i++) {
        switch (t.p[i]) {
        case 'r': *prot |= MM_READ; break;
        case 'w': *prot |= MM_WRITE; break;
        case 'x': *prot |= MM_EXEC; break;
        case '-': break;
        default: json_fail(r, "prot is made of the letters r, w and x");
        }
    }
}

static void read_mem(struct vcase *c, struct json *r, struct vmem *list, size_t *n, bool with_bytes)
{
    struct json_text key;
    json_array(r);
    while (json_element(r)) {
        if (*n == VCASE_MEMS) {
            json_fail(r, "more than 64 pieces of memory");
            return;
        }
        struct vmem *m = &list[(*n)++];
        *m = (struct vmem){.prot = SELKIRK_READ | SELKIRK_WRITE | SELKIRK_EXEC, .bytes = c->nbytes};
        json_object(r);
        while (json_key(r, &key)) {
            if (json_is(key, "addr"))
                m->addr = json_number(r);
            else if (json_is(key, "size"))
                m->size = json_number(r);
            else if (with_bytes && json_is(key, "prot"))
                read_prot(r, &m->prot);
            else if (with_bytes && json_is(key, "bytes"))
                json_hex(r, c->data + c->nbytes, VCASE_BYTES - c->nbytes, &m->nbytes);
            else
                json_fail(r, with_bytes ? "a piece of memory has addr, bytes, size, prot" : "a piece to read has addr, size");
        }
        r->first = false;
        c->nbytes += m->nbytes;
        if (m->size < m->nbytes)
            m->size = m->nbytes;
        if (!r->error && (!m->size || m->addr + m->size < m->addr))
            json_fail(r, "a piece of memory is empty or wraps around");
    }
}

static void read_x87(struct vcase *c, struct json *r)
{
    struct guest_x87 *x = &c->cpu.x87;
    struct json_text key;
    uint8_t bytes[10];
    size_t n, i = 0;
    json_object(r);
    while (json_key(r, &key)) {
        if (json_is(key, "cw")) {
            x->cw = (uint16_t)json_number(r);
        } else if (json_is(key, "sw")) {
            x->sw = (uint16_t)json_number(r);
        } else if (json_is(key, "tw")) {
            x->tw = (uint16_t)json_number(r);
        } else if (json_is(key, "regs")) {
            for (json_array(r); json_element(r); i++) {
                if (i == 8 || !json_hex(r, bytes, sizeof bytes, &n) || n != sizeof bytes) {
                    json_fail(r, "x87 regs are up to eight strings of ten bytes");
                    return;
                }
                memcpy(&x->mant[i], bytes, 8);
                memcpy(&x->se[i], bytes + 8, 2);
            }
            r->first = false;
        } else {
            json_fail(r, "x87 has cw, sw, tw, regs");
        }
    }
}

static void read_xmm(struct vcase *c, struct json *r)
{
    size_t n, i = 0;
    for (json_array(r); json_element(r); i++) {
        uint8_t bytes[16];
        if (i == 16 || !json_hex(r, bytes, sizeof bytes, &n) || n != sizeof bytes) {
            json_fail(r, "xmm is up to sixteen strings of sixteen bytes");
            return;
        }
        memcpy(c->cpu.xmm[i], bytes, sizeof bytes);
    }
}

static void read_mode(struct vcase *c, struct json *r)
{
    enum { CS64 = 0x33 };
    struct json_text t;
    if (!json_string(r, &t))
        return;
    if (json_is(t, "x86-64")) {
        c->cpu.mode = GUEST_X86_64;
        c->cpu.seg_sel[GUEST_CS] = CS64;
    } else if (!json_is(t, "ia32")) {
        json_fail(r, "mode is \"ia32\" or \"x86-64\"");
    }
}

static void read_member(struct vcase *c, struct json *r, struct json_text key)
{
    struct json_text t;
    if (json_is(key, "id")) {
        t = json_raw(r);
        c->id = t.p;
        c->id_size = t.n;
    } else if (json_is(key, "mode")) {
        read_mode(c, r);
    } else if (json_is(key, "regs")) {
        read_regs(c, r);
    } else if (json_is(key, "flags")) {
        uint64_t flags = json_number(r);
        c->cpu.flags = flags & EFL_ARITH;
        c->cpu.sysflags = (flags & ~(uint64_t)EFL_ARITH) | EFL_FIXED;
    } else if (json_is(key, "tls")) {
        read_tls(c, r);
    } else if (json_is(key, "mem")) {
        read_mem(c, r, c->mem, &c->nmem, true);
    } else if (json_is(key, "read")) {
        read_mem(c, r, c->read, &c->nread, false);
    } else if (json_is(key, "count")) {
        c->count = json_number(r);
    } else if (json_is(key, "end")) {
        c->end = json_number(r);
        c->has_end = true;
    } else if (json_is(key, "max_insts")) {
        c->max_insts = json_number(r);
    } else if (json_is(key, "gear")) {
        if (json_string(r, &t) && !vgear_parse(t.p, t.n, &c->gear))
            json_fail(r, "gear is \"interp\", \"translate\", \"tcache\" or \"region\"");
    } else if (json_is(key, "fp")) {
        c->fp = json_bool(r);
    } else if (json_is(key, "x87")) {
        read_x87(c, r);
    } else if (json_is(key, "xmm")) {
        read_xmm(c, r);
    } else if (json_is(key, "mxcsr")) {
        c->cpu.mxcsr = (uint32_t)json_number(r);
    } else {
        json_fail(r, "unknown key; see docs/vectors.md");
    }
    r->first = false;
}

bool vcase_read(struct vcase *c, const char *line, size_t n, const struct guest_cpu *base, enum vgear gear, char *err,
                size_t err_size)
{
    enum { DEFAULT_LIMIT = 1000000 };
    struct json r;
    struct json_text key = {"", 0};
    memset(c, 0, offsetof(struct vcase, mem));
    c->nmem = c->nread = c->nbytes = 0;
    c->cpu = *base;
    c->gear = gear;
    c->max_insts = DEFAULT_LIMIT;
    json_start(&r, line, n);
    json_object(&r);
    while (json_key(&r, &key))
        read_member(c, &r, key);
    json_end(&r);
    if (!r.error && !c->count && !c->has_end)
        json_fail(&r, "neither count nor end says where the case stops");
    if (c->cpu.mode == GUEST_IA32)
        for (int i = 0; i < 8; i++)
            c->cpu.gpr[i] = (uint32_t)c->cpu.gpr[i];
    if (r.error)
        snprintf(err, err_size, "column %zu, key \"%.*s\": %s", (size_t)(r.p - r.start) + 1, (int)(key.n > 20 ? 20 : key.n),
                 key.p, r.error);
    return !r.error;
}
