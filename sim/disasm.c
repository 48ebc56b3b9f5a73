/* Guest instructions as text, by Capstone. */
#include "disasm.h"

#include <capstone.h>
#include <stdio.h>

#include "shared.h"

size_t guest_disasm(char *text, size_t text_size, int mode, uint64_t rip, const uint8_t *bytes, size_t n)
{
    csh handle;
    cs_insn *insn;
    snprintf(text, text_size, "(bad)");
    if (cs_open(CS_ARCH_X86, mode == GUEST_X86_64 ? CS_MODE_64 : CS_MODE_32, &handle) != CS_ERR_OK)
        return 0;
    size_t length = 0;
    if (cs_disasm(handle, bytes, n, rip, 1, &insn) == 1) {
        snprintf(text, text_size, "%s%s%s", insn->mnemonic, insn->op_str[0] ? " " : "", insn->op_str);
        length = insn->size;
        cs_free(insn, 1);
    }
    cs_close(&handle);
    return length;
}
