/* The table of the x86-64 system calls. The numbers of the two interfaces are macros of the same names, hence this file. */
#include "syscalls.h"

#include <asm/unistd_64.h>

static const struct syscall_row rows[] = {
#define SYSCALL(name) [__NR_##name] = {#name, NULL, "xxxxxx"},
#include "syscalls_known.def"
#undef SYSCALL
#define SYSCALL(name, function, arguments) [__NR_##name] = {#name, sys_##function, arguments},
#include "syscalls64.def"
#undef SYSCALL
};

const struct syscall_row *syscall_row64(uint32_t number)
{
    static const struct syscall_row none;
    return number < sizeof rows / sizeof *rows ? &rows[number] : &none;
}
