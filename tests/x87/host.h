/* The host's x87 as the oracle: runs one instruction between FRSTOR and FNSAVE. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* The 32-bit protected-mode image of FNSAVE. */
struct x87_image {
    uint16_t cw, pad0, sw, pad1, tw, pad2;
    uint32_t fip;
    uint16_t fcs, fop;
    uint32_t fdp;
    uint16_t fds, pad3;
    struct {
        uint8_t byte[10];
    } st[8]; /* from the top of the stack */
};

/* What an instruction sees and changes beside the unit itself. */
struct host_frame {
    uint64_t rax, flags;
};

struct host_stub {
    uint8_t *code; /* where the stub starts */
    uint8_t *insn; /* the instruction in it */
};

bool host_x87_init(void); /* false: no executable memory */
/* Code that runs the instruction on an image of the x87 state. */
struct host_stub host_x87_stub(const uint8_t *insn, unsigned len);
/* The instruction's memory operand is [rdx] = `memory`. */
void host_x87_run(struct host_stub s, const struct x87_image *in, struct x87_image *out, void *memory, struct host_frame *f);
