/* What port_enter returns; also for the firmware's assembly. */
#pragma once

/* Why port_enter returned. exit_id is the number that the translation's exit stub put in r48. */
enum port_exit {
    PORT_EXIT_DIRECT = 1, /* unchained direct exit: cpu.rip is the target, exit_id the exit */
    PORT_EXIT_INDIRECT,   /* indirect target not found: cpu.rip */
    PORT_EXIT_INTERP,     /* the instruction at cpu.rip is to be interpreted */
    PORT_EXIT_FAULT,      /* trap; state rolled back; port_fault() and the commit PC tell the rest; cpu.rip is NOT valid */
    PORT_EXIT_LIMIT,      /* icount reached ilimit at a commit; the commit PC tells where; cpu.rip is NOT valid */
};
