/* Tells the host about what the interpreter cannot go on with by itself. */
#include "block.h"
#include "interp.h"
#include "morph.h"
#include "port.h"
#include "sem/sem.h"
#include "x87_home.h"

/* "bytes 0f 01 d0" of the instruction, for messages. */
static void bytes_text(struct morph *m, unsigned len)
{
    static const char digits[] = "0123456789abcdef";
    struct hostcall_block *hc = &m->sh->hc;
    unsigned at = 0;
    for (unsigned i = 0; i < len; i++) {
        unsigned byte = (unsigned)gld8(m->sh->cpu.seg_base[GUEST_CS] + m->sh->cpu.rip + i);
        hc->text[at++] = digits[byte >> 4];
        hc->text[at++] = digits[byte & 15];
        hc->text[at++] = i + 1 < len ? ' ' : '\0';
    }
}

void exc_report(struct morph *m, enum interp_result result)
{
    struct shared *sh = m->sh;
    if (sh->xmm_state == XMM_IN_REGISTERS)
        port_xmm_save();
    x87_home(sh);
    switch (result) {
    case INTERP_EXCEPTION:
        sh->hc.arg[0] = m->interp.vector;
        sh->hc.arg[1] = m->interp.error;
        sh->hc.arg[2] = 0;
        if (m->interp.vector == GUEST_PF)
            sh->hc.arg[2] = sh->cpu.cr2 = m->interp.addr;
        sh->stats.exceptions++;
        port_hcall(HC_EXCEPTION);
        break;
    case INTERP_SYSCALL:
        sh->hc.arg[0] = m->interp.vector;
        sh->stats.syscalls++;
        port_hcall(HC_SYSCALL);
        break;
    case INTERP_STOP:
        sh->hc.arg[0] = m->interp.stop;
        port_hcall(HC_STOP);
        break;
    case INTERP_UNIMPLEMENTED:
        sh->hc.arg[0] = m->interp.insn->len;
        bytes_text(m, m->interp.insn->len);
        port_hcall(HC_UNIMPLEMENTED);
        break;
    default: break;
    }
}
