/* The one structure that firmware and simulator share: guest CPU state, parameters, host calls and statistics.
 * It lies at SHARED_ADDR in hidden memory. Fixed-width fields only; the layout is the same on every compiler.
 */
#pragma once
#include <stdint.h>

#define SHARED_ADDR    0x40000000u
#define SHARED_SIZE    0x10000u
#define SHARED_MAGIC   0x4b4c4553u /* "SELK" */
#define SHARED_VERSION 1u

enum guest_reg { GUEST_RAX, GUEST_RCX, GUEST_RDX, GUEST_RBX, GUEST_RSP, GUEST_RBP, GUEST_RSI, GUEST_RDI, GUEST_R8 };
enum guest_seg { GUEST_ES, GUEST_CS, GUEST_SS, GUEST_DS, GUEST_FS, GUEST_GS, GUEST_SEGS };
enum guest_mode { GUEST_IA32, GUEST_X86_64 }; /* user-level: compatibility mode and 64-bit mode under 4-level paging */

/* EFLAGS bits */
enum {
    /* clang-format off */
    EFL_CF = 1u << 0, EFL_PF = 1u << 2, EFL_AF = 1u << 4, EFL_ZF = 1u << 6, EFL_SF = 1u << 7, EFL_TF = 1u << 8,
    EFL_IF = 1u << 9, EFL_DF = 1u << 10, EFL_OF = 1u << 11, EFL_RF = 1u << 16, EFL_AC = 1u << 18, EFL_ID = 1u << 21,
    EFL_ARITH = 0x8d5, EFL_FIXED = 2,
    /* clang-format on */
};

struct guest_x87 {
    uint64_t mant[8];    /* physical registers, not stack-relative */
    uint16_t se[8];      /* sign and exponent */
    uint16_t cw, sw, tw; /* tw: full 16-bit tag word; sw includes TOP */
    uint16_t fop;
    uint32_t fcs, fds;
    uint64_t fip, fdp;
};

struct guest_cpu {
    uint64_t gpr[16];
    uint64_t rip;      /* linear offset in CS; the next instruction to execute */
    uint64_t flags;    /* arithmetic flags only (EFL_ARITH) */
    uint64_t sysflags; /* all other EFLAGS bits, EFL_FIXED included; EFLAGS = flags | sysflags */
    uint64_t seg_base[GUEST_SEGS];
    uint32_t seg_sel[GUEST_SEGS];
    uint32_t mode; /* enum guest_mode */
    uint32_t user; /* 1: CPL 3 */
    uint64_t cr0, cr2, cr3, cr4, efer;
    uint64_t tls_base
        [3]; /* bases of GDT entries 12..14 as set_thread_area made them: what loading a TLS selector puts in seg_base */
    struct guest_x87 x87;
    uint64_t xmm[16][2];
    uint32_t mxcsr, pad0;
};

/* What morph asks of the host through hcall. The number is in the op; arguments and results in shared.hc. */
enum hostcall {
    HC_SYSCALL = 1,   /* guest executed int 0x80 (arg 0 = 0x80), syscall (1) or sysenter (2); rip is after the instruction */
    HC_EXCEPTION,     /* genuine guest exception: arg 0 vector, 1 error code, 2 address (also cr2); rip is the instruction
                         for faults, after it for traps */
    HC_UNIMPLEMENTED, /* instruction that morph lacks: rip, arg 0 length of bytes known, bytes in text */
    HC_STOP,          /* stop condition reached: arg 0 is enum stop_reason */
    HC_PANIC,         /* firmware's own bug: text */
    HC_LOG,           /* text, for --debug-flags */
    HC_NATIVE,        /* a program compiled by duke-cc calls the host: arg 0 function, 1.. arguments, result in arg 0 */
    HC_READY,         /* firmware has initialised itself; the host fills in cpu and params, then resumes */
    HC_TRACE,         /* a translation was made (only if params.trace_translations): arg 0 guest rip, 1 native address of
                         its first bundle, 2 native bytes, 3 gear, 4 guest bytes, 5 native address of struct morph */
};
enum stop_reason { STOP_COUNT = 1, STOP_ADDRESS, STOP_HALT };

/* what the host wants before the guest goes on: bits of hc.resume */
enum {
    RESUME_TLB_FLUSH = 1,  /* mappings changed */
    RESUME_CODE_FLUSH = 2, /* code changed or vanished: [inval_start, inval_end) guest addresses; all if both zero */
    RESUME_RESET = 4,      /* vectors: forget everything about guest code (decode cache, translations, profiles) */
};

struct hostcall_block {
    uint64_t arg[6];
    uint64_t resume;
    uint64_t inval_start, inval_end;
    char text[256];
};

/* Run parameters; the host writes them at HC_READY and may change them at any host call. Defaults: morph/params.def. */
#define PARAM(name, def, min, max, doc) uint64_t name;
struct morph_params {
#include "params.def"
};
#undef PARAM

#define STAT(name, unit, doc) uint64_t name;
struct morph_stats {
#include "stats.def"
};
#undef STAT

/* Where XMM registers and MXCSR's flags are while morph runs. The host finds them in `cpu` at every host call. */
enum xmm_state {
    XMM_UNUSED,       /* in cpu; no translation wants them */
    XMM_IN_MEMORY,    /* in cpu; entering translated code loads them */
    XMM_IN_REGISTERS, /* in f0..f31 and fcsr, as of the last commit; MXCSR's other bits are still right in cpu */
};

/* The x87 in registers while its state is XMM_IN_REGISTERS: R0..R7 are f32..f39, these words f40..f44, the rest is fcsr's. See
 * guest/x87_home.c. */
enum x87_word {
    X87_CODES,   /* C0, C2, C3 where a comparison leaves CF, PF, ZF */
    X87_FIP,     /* bits 31:0 of FIP, FOP above, bits 47:32 of FIP from bit 43 on; X87_KEPT */
    X87_FDP,     /* FDP, bit 62 if it is in SS and not in DS; X87_KEPT */
    X87_CONTROL, /* control word; from bit 16 on SF and of the exception flags IE and DE as of when registers were loaded */
    X87_STACK,   /* bit p: Rp is not empty; TOP from bit 8 on */
    X87_WORDS,
};
#define X87_KEPT (~UINT64_C(0)) /* nothing has changed what is in memory */

/* A C context for leaving nested code: r1, r2, r18..r27, r56..r58. */
struct native_ctx {
    uint64_t reg[15];
};

/* What walks of the guest's page tables found, direct mapped by page number: a TLB miss looks here first (firmware/trap.S). What
 * architectures with a TLB of software call a translation storage buffer. Translated masks are not kept: they change.
 */
enum { WALKS = 1024 };
#define WALKS_EPOCH (UINT64_C(1) << 52)
struct walks {
    uint64_t epoch, unused; /* a multiple of WALKS_EPOCH, not 0; what other epochs found does not count */
    struct {
        uint64_t key;  /* page number | epoch */
        uint64_t page; /* physical address | permission bits, as tlbw takes them */
    } found[WALKS];
};

struct shared {
    uint32_t magic, version;
    uint64_t hidden_size, dram_size; /* bytes; the host writes these two before reset */
    struct guest_cpu cpu;
    struct hostcall_block hc;
    /* With room to grow: parameters and counters that are added leave all else where it is in the data cache. */
    _Alignas(512) struct morph_params params;
    _Alignas(512) struct morph_stats stats;
    /* Firmware's own, here because assembly needs fixed places. */
    _Alignas(512) struct native_ctx enter_ctx;                   /* where translated code returns to */
    struct native_ctx fault_ctx;                                 /* where a guest fault in C code returns to */
    uint64_t in_translation;                                     /* 1 between enter and exit */
    uint64_t trap_cause, trap_val, trap_pc, trap_info, trap_cpc; /* the trap that C code is told about */
    uint64_t walk_root;                                          /* physical address of the guest's PML4 */
    uint64_t trap_r30;                                           /* r30 as of the last commit: the target of an indirect exit */
    uint64_t exit_id;                                            /* r48 at the last exit from translated code */
    uint64_t tmask_base;  /* native address of one 64-bit translated mask a guest page frame, or 0 */
    uint64_t interp_from; /* while the interpreter runs: 1 + icount when it began, not yet in stats.insns_interp; else 0 */
    uint32_t xmm_state;   /* enum xmm_state */
    uint32_t x87_state;   /* the same of the x87 */
    uint64_t x87_word[X87_WORDS]; /* what goes between registers and memory, in their form: enum x87_word and fcsr */
    uint64_t x87_fcsr;
    uint64_t follow_key; /* key of the blocks that the interpreter may go on with (gblock); 0: none, as after an interrupt */
    /* Entries of the store buffer. The host may write fewer than there are before reset; else morph_init writes the machine's. */
    uint64_t store_buffer;
    _Alignas(64) struct walks walks;
};
_Static_assert(sizeof(struct shared) <= SHARED_SIZE, "the firmware's image begins behind it");
