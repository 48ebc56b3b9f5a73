/* CPUID: what the guest model has, from isa-spec/x86/features.toml; tests/guest/cpuid_test.py tries each bit. */
#include "decode.h"
#include "helper.h"

/* What is no feature: the last row that fits counts. Vendor "GenuineIntel"; brand "Selkirk Duke". Programs infer features from family and
 * model, too (GMP takes MMX from a Pentium II on), so i686 is a Pentium Pro, and the others have those of a Pentium III. */
struct cpuid_row {
    uint8_t model; /* the least that has it */
    uint32_t leaf, eax, ebx, ecx, edx;
};

enum { LINE = 8 << 8 /* of CLFLUSH, in units of 8 bytes */ };

static const struct cpuid_row cpuid_rows[] = {
    {GMODEL_I686, 0x00000000, 1, 0x756e6547, 0x6c65746e, 0x49656e69},
    {GMODEL_MAX, 0x00000000, 7, 0x756e6547, 0x6c65746e, 0x49656e69},
    {GMODEL_I686, 0x00000001, 0x619, 0, 0, 0},
    {GMODEL_X86_64, 0x00000001, 0x683, LINE, 0, 0},
    {GMODEL_I686, 0x80000000, 0x80000004, 0, 0, 0},
    {GMODEL_I686, 0x80000002, 0x6b6c6553, 0x206b7269, 0x656b7544, 0x00000000},
};

/* The features, from the table. */
static const struct {
    uint32_t leaf;
    uint8_t reg, bit;
} features[GF_COUNT] = {
#define X(name, flag, leaf, reg, bit, model) [GF_##name] = {leaf, reg, bit},
    GFEAT_TABLE(X)
#undef X
};

HELPER_FN(cpuid)
{
    uint32_t leaf = (uint32_t)cpu->gpr[GUEST_RAX], subleaf = (uint32_t)cpu->gpr[GUEST_RCX], out[4] = {0};
    uint64_t model = m->sh->params.guest_cpu, lacks = guest_lacks(model, (enum guest_mode)cpu->mode);
    (void)g;
    if (model == GMODEL_I686 && cpu->mode == GUEST_X86_64)
        model = GMODEL_X86_64; /* code that runs needs no less */
    uint32_t highest = model == GMODEL_MAX ? 7 : 1;
    if (leaf < 0x80000000u && leaf > highest)
        leaf = highest; /* beyond the highest basic leaf: the highest one's */
    for (unsigned i = 0; i < sizeof cpuid_rows / sizeof *cpuid_rows; i++) {
        const struct cpuid_row *r = &cpuid_rows[i];
        if (r->leaf != leaf || r->model > model)
            continue;
        out[0] = r->eax;
        out[1] = r->ebx;
        out[2] = r->ecx;
        out[3] = r->edx;
    }
    for (unsigned i = 1; i < GF_COUNT; i++)
        if (features[i].leaf == leaf && !(lacks >> i & 1) && !(leaf == 7 && subleaf))
            out[features[i].reg] |= UINT32_C(1) << features[i].bit;
    cpu->gpr[GUEST_RAX] = out[0];
    cpu->gpr[GUEST_RBX] = out[1];
    cpu->gpr[GUEST_RCX] = out[2];
    cpu->gpr[GUEST_RDX] = out[3];
    return INTERP_OK;
}
