/* Parts of signal frames that sigframe.c (32-bit code) and sigframe64.c share: sigframe_common.c. */
#pragma once
#include "linux.h"

enum { A_SIGINFO = 4, A_RESTORER = 0x04000000, A_ONSTACK = 0x08000000 };

/* The fxsave image. The two forms of it differ in that 32-bit code has addresses of 32 bits and eight XMM registers. */
struct abi64_fxsave fx_image(const struct guest_cpu *c, bool wide);
bool fx_load_sse(struct guest_cpu *c, const struct abi64_fxsave *fx, bool wide); /* false: bits of MXCSR that do not exist */
void fx_load_stack(struct guest_x87 *x, const uint8_t *st, size_t stride);       /* by x->sw */

/* The top of the stack that the frame goes to: the alternate one, or `below` under the interrupted one. */
uint64_t frame_stack(const struct linux_process *p, const struct linux_action *a, uint64_t below);
bool frame_on_altstack(const struct linux_process *p, uint64_t sp);
void frame_disarm(struct linux_process *p);                                          /* SS_AUTODISARM */
void frame_enter(struct guest_cpu *c, const struct linux_action *a, uint64_t frame); /* the handler's first state */
void frame_set_flags(struct guest_cpu *c, uint64_t flags);
void frame_set_mask(struct linux_process *p, uint64_t mask);
void frame_take_back(struct linux_process *p, const struct abi64_stack *s); /* the alternate stack, from the frame */
