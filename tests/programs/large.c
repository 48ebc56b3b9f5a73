/* As much code as the argument says, made at run time: that many cells, which add to memory and go on to others, far away most of
 * them. Every cell is entered once, then walks go from cell to cell, in all through each several times. What it prints depends on
 * every step. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ADDS = 12, CELL = 128, SUMS = 64, WALKS = 8 };

static uint8_t *code;
static uint32_t cells, seed = 1, sums[SUMS];

static uint32_t next(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static uint8_t *put32(uint8_t *at, uint32_t v)
{
    memcpy(at, &v, 4);
    return at + 4;
}

static uint8_t *put_jump(uint8_t *at, int conditional, uint32_t to)
{
    if (conditional) {
        *at++ = 0x0f;
        *at++ = (uint8_t)conditional;
    } else {
        *at++ = 0xe9;
    }
    return put32(at, (uint32_t)(code + (size_t)to * CELL - (at + 4)));
}

/* eax: a number that goes on and on; ecx: steps left; edi, or rdi: the sums. Cell `cells` returns. */
static void put_cell(uint32_t i)
{
    uint8_t *at = code + (size_t)i * CELL;
    *at++ = 0x69; /* imul eax, eax, odd */
    *at++ = 0xc0;
    at = put32(at, next() * 8 + 5);
    for (unsigned k = 0; k < ADDS; k++) {
        *at++ = 0x81; /* add dword [edi + 4 * n], imm32 */
        *at++ = 0x47;
        *at++ = (uint8_t)(next() % 32 * 4);
        at = put32(at, next());
    }
    *at++ = 0x01; /* add [edi + 4 * n], eax */
    *at++ = 0x47;
    *at++ = (uint8_t)(next() % 32 * 4);
    *at++ = 0xff; /* dec ecx */
    *at++ = 0xc9;
    at = put_jump(at, 0x84 /* je */, cells);
    *at++ = 0x05; /* add eax, imm32 */
    at = put32(at, next());
    *at++ = 0xa9; /* test eax, imm32 */
    at = put32(at, UINT32_C(1) << (8 + next() % 24));
    at = put_jump(at, 0x85 /* jne */, next() % cells);
    put_jump(at, 0, next() % cells);
}

static uint32_t walk(uint32_t from, uint32_t value, uint32_t steps)
{
    const uint8_t *entry = code + (size_t)from * CELL;
    void *to = sums;
#ifdef __x86_64__ /* what the compiler keeps below the stack pointer stays */
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tcall *%2\n\tlea 128(%%rsp), %%rsp"
                     : "+a"(value), "+c"(steps)
                     : "r"(entry), "D"(to)
                     : "memory", "cc");
#else
    __asm__ volatile("call *%2" : "+a"(value), "+c"(steps) : "r"(entry), "D"(to) : "memory", "cc");
#endif
    return value;
}

int main(int argc, char **argv)
{
    cells = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 1000;
    if (!cells)
        return 1;
    code = mmap(NULL, (size_t)(cells + 1) * CELL, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) {
        perror("large");
        return 1;
    }
    for (uint32_t i = 0; i < cells; i++)
        put_cell(i);
    code[(size_t)cells * CELL] = 0xc3; /* ret */
    uint32_t value = 1;
    for (uint32_t i = 0; i < cells; i++)
        value = walk(i, value, 2);
    for (unsigned i = 0; i < WALKS; i++) {
        value = walk(i * (cells / WALKS), value, 2 * cells);
        printf("%u: %08x\n", i, value);
    }
    for (unsigned i = 0; i < SUMS / 2; i++)
        printf("%08x%c", sums[i], i % 8 == 7 ? '\n' : ' ');
    return 0;
}
