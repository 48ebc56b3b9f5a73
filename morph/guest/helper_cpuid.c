/* CPUID: what the guest model has. Bits stand only for what is there; tests/guest/cpuid_test.py tries them. */
#include "helper.h"

enum { MODEL_I686, MODEL_X86_64, MODEL_V2, MODEL_MAX }; /* params.guest_cpu */

struct cpuid_row {
    uint8_t model; /* the least that has it */
    uint32_t leaf, eax, ebx, ecx, edx;
};

/* Feature bits, by leaf and register. */
enum {
    D1_FPU = 1 << 0,
    D1_TSC = 1 << 4,
    D1_MSR = 1 << 5,
    D1_PAE = 1 << 6,
    D1_CX8 = 1 << 8,
    D1_PGE = 1 << 13,
    D1_CMOV = 1 << 15,
    D1_CLFLUSH = 1 << 19,
    D1_MMX = 1 << 23,
    D1_FXSR = 1 << 24,
    D1_SSE = 1 << 25,
    D1_SSE2 = 1 << 26,
    D1_I686 = D1_FPU | D1_TSC | D1_MSR | D1_PAE | D1_CX8 | D1_PGE | D1_CMOV,
    D1_V1 = D1_I686 | D1_CLFLUSH | D1_MMX | D1_FXSR | D1_SSE | D1_SSE2,
    C1_SSE3 = 1 << 0,
    C1_PCLMULQDQ = 1 << 1,
    C1_SSSE3 = 1 << 9,
    C1_CX16 = 1 << 13,
    C1_SSE41 = 1 << 19,
    C1_SSE42 = 1 << 20,
    C1_MOVBE = 1 << 22,
    C1_POPCNT = 1 << 23,
    C1_AES = 1 << 25,
    C1_RDRAND = 1 << 30,
    C1_V2 = C1_SSE3 | C1_SSSE3 | C1_CX16 | C1_SSE41 | C1_SSE42 | C1_POPCNT,
    C1_MAX = C1_V2 | C1_PCLMULQDQ | C1_MOVBE | C1_AES | C1_RDRAND,
    B7_RDSEED = 1 << 18,
    B7_ADX = 1 << 19,
    B7_SHA = 1 << 29,
    C81_LAHF = 1 << 0, /* in 64-bit mode */
    C81_LZCNT = 1 << 5,
    D81_SYSCALL = 1 << 11,
    D81_NX = 1 << 20,
    D81_RDTSCP = 1 << 27,
    D81_LM = 1 << 29,
    D81_V1 = D81_SYSCALL | D81_NX | D81_RDTSCP | D81_LM,
    LINE = 8 << 8, /* of CLFLUSH, in units of 8 bytes */
};

/* The last row that fits counts. Vendor "GenuineIntel" with the family of a Pentium III; brand "Selkirk Duke". */
static const struct cpuid_row cpuid_rows[] = {
    {MODEL_I686, 0x00000000, 1, 0x756e6547, 0x6c65746e, 0x49656e69},
    {MODEL_MAX, 0x00000000, 7, 0x756e6547, 0x6c65746e, 0x49656e69},
    {MODEL_I686, 0x00000001, 0x683, 0, 0, D1_I686},
    {MODEL_X86_64, 0x00000001, 0x683, LINE, 0, D1_V1},
    {MODEL_V2, 0x00000001, 0x683, LINE, C1_V2, D1_V1},
    {MODEL_MAX, 0x00000001, 0x683, LINE, C1_MAX, D1_V1},
    {MODEL_MAX, 0x00000007, 0, B7_RDSEED | B7_ADX | B7_SHA, 0, 0},
    {MODEL_I686, 0x80000000, 0x80000004, 0, 0, 0},
    {MODEL_I686, 0x80000001, 0, 0, 0, 0},
    {MODEL_X86_64, 0x80000001, 0, 0, C81_LAHF, D81_V1},
    {MODEL_MAX, 0x80000001, 0, 0, C81_LAHF | C81_LZCNT, D81_V1},
    {MODEL_I686, 0x80000002, 0x6b6c6553, 0x206b7269, 0x656b7544, 0x00000000},
};

HELPER_FN(cpuid)
{
    uint32_t leaf = (uint32_t)cpu->gpr[GUEST_RAX], subleaf = (uint32_t)cpu->gpr[GUEST_RCX];
    uint64_t model = m->sh->params.guest_cpu;
    struct cpuid_row row = {0};
    (void)g;
    if (model == MODEL_I686 && cpu->mode == GUEST_X86_64)
        model = MODEL_X86_64; /* code that runs needs no less */
    uint32_t highest = model == MODEL_MAX ? 7 : 1;
    if (leaf < 0x80000000u && leaf > highest)
        leaf = highest; /* beyond the highest basic leaf: the highest one's */
    for (unsigned i = 0; i < sizeof cpuid_rows / sizeof *cpuid_rows; i++)
        if (cpuid_rows[i].leaf == leaf && cpuid_rows[i].model <= model)
            row = cpuid_rows[i];
    if (leaf == 7 && subleaf)
        row = (struct cpuid_row){0};
    cpu->gpr[GUEST_RAX] = row.eax;
    cpu->gpr[GUEST_RBX] = row.ebx;
    cpu->gpr[GUEST_RCX] = row.ecx;
    cpu->gpr[GUEST_RDX] = row.edx;
    return INTERP_OK;
}
