/* An allocator between the end of the image and the stack.
 *
 * Small blocks have a list of free ones for each multiple of 16 bytes, last freed first, and are never merged; new ones are cut
 * off a run. Large blocks, runs among them, are merged with free neighbours and kept in lists by a quarter of a power of two.
 * What lies behind the last block in use is no block: it is cut off and given back at heap_end.
 *
 * Memory handed out is aligned to 16 bytes, behind a header of 8: the block's size, header included, and two bits. A free large
 * block has its size in its last 8 bytes, too.
 */
#include "rt.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STACK_RESERVE = 1 << 20, HEADER = 8, SMALL_MAX = 512, RUN = 8192 - 16, LARGE_LOG2 = 40, BINS = 4 * (LARGE_LOG2 - 8) };
/* Bits of a header. */
enum { FREE = 1, AFTER_FREE = 2, BITS = 15 };

struct block {
    size_t head;         /* size and bits */
    struct block *next;  /* free blocks */
    struct block **link; /* free large blocks: what points here */
};

int errno;
static struct block *small[SMALL_MAX / 16 + 1];
static char *run, *run_end;
static struct block *bin[BINS];
static uint64_t bin_used[(BINS + 63) / 64];
static char *heap_end; /* NULL before the first allocation */

static size_t size_of(const struct block *b) { return b->head & ~(size_t)BITS; }
static struct block *behind(struct block *b) { return (struct block *)((char *)b + size_of(b)); }
static void *memory_of(struct block *b) { return (char *)b + HEADER; }
static struct block *block_of(void *p) { return (struct block *)((char *)p - HEADER); }

/* -- Large blocks */

/* Sizes of a bin have the same top three bits. */
static unsigned bin_of(size_t size)
{
    unsigned log2 = 63 - (unsigned)__builtin_clzll(size);
    return (log2 - 8) * 4 + (unsigned)(size >> (log2 - 2) & 3);
}

static void enter(struct block *b, size_t size)
{
    unsigned k = bin_of(size);
    b->head = size | FREE;
    ((size_t *)(void *)((char *)b + size))[-1] = size;
    behind(b)->head |= AFTER_FREE;
    b->next = bin[k];
    b->link = &bin[k];
    if (b->next != NULL)
        b->next->link = &b->next;
    bin[k] = b;
    bin_used[k / 64] |= UINT64_C(1) << k % 64;
}

static void leave(struct block *b)
{
    unsigned k = bin_of(size_of(b));
    *b->link = b->next;
    if (b->next != NULL)
        b->next->link = b->link;
    if (bin[k] == NULL)
        bin_used[k / 64] &= ~(UINT64_C(1) << k % 64);
}

/* The first bin in use from number k on; BINS: there is none. */
static unsigned next_bin(unsigned k)
{
    for (uint64_t mask = ~UINT64_C(0) << k % 64; k < BINS; k = (k | 63) + 1, mask = ~UINT64_C(0))
        if (bin_used[k / 64] & mask)
            return (k & ~63u) + (unsigned)__builtin_ctzll(bin_used[k / 64] & mask);
    return BINS;
}

static struct block *find(size_t size)
{
    unsigned k = bin_of(size);
    for (struct block *b = bin[k]; b != NULL; b = b->next)
        if (size_of(b) >= size)
            return b;
    k = next_bin(k + 1);
    return k < BINS ? bin[k] : NULL;
}

static struct block *grow(size_t size)
{
    if (heap_end == NULL)
        heap_end = (char *)(((uintptr_t)__image_end + HEADER + 15) & ~(uintptr_t)15) - HEADER;
    uintptr_t limit = (uintptr_t)__builtin_frame_address(0) - STACK_RESERVE;
    if (limit < (uintptr_t)heap_end || size + HEADER > limit - (uintptr_t)heap_end)
        return NULL;
    struct block *b = (struct block *)(void *)heap_end;
    heap_end += size;
    b->head = size;
    return b;
}

static struct block *take_large(size_t size)
{
    struct block *b = find(size);
    if (b == NULL)
        return grow(size);
    size_t rest = size_of(b) - size;
    leave(b);
    behind(b)->head &= ~(size_t)AFTER_FREE;
    if (rest > SMALL_MAX) {
        b->head = size;
        enter(behind(b), rest);
    } else {
        b->head = size + rest;
    }
    return b;
}

static void free_large(struct block *b)
{
    size_t size = size_of(b);
    if (b->head & AFTER_FREE) {
        b = (struct block *)(void *)((char *)b - ((size_t *)b)[-1]);
        leave(b);
        size += size_of(b);
    }
    struct block *next = (struct block *)(void *)((char *)b + size);
    if ((char *)next == heap_end) {
        heap_end = (char *)b;
        return;
    }
    if (next->head & FREE) {
        leave(next);
        size += size_of(next);
    }
    enter(b, size);
}

/* -- Small blocks */

static struct block *cut_small(size_t size)
{
    if ((size_t)(run_end - run) < size) {
        struct block *b = take_large(RUN);
        if (b == NULL)
            return NULL;
        run = (char *)memory_of(b) + HEADER;
        run_end = (char *)b + size_of(b);
    }
    struct block *b = (struct block *)(void *)run;
    run += size;
    b->head = size;
    return b;
}

/* -- The library's functions */

void *malloc(size_t n)
{
    struct block *b;
    size_t size = (n + HEADER + 15) & ~(size_t)15;
    if (n <= SMALL_MAX - HEADER) {
        b = small[size / 16];
        if (b != NULL) {
            small[size / 16] = b->next;
            return memory_of(b);
        }
        b = cut_small(size);
    } else {
        b = n < (size_t)1 << (LARGE_LOG2 - 1) ? take_large(size) : NULL;
    }
    if (b == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    return memory_of(b);
}

void free(void *p)
{
    if (p == NULL)
        return;
    struct block *b = block_of(p);
    size_t size = size_of(b);
    if (size > SMALL_MAX) {
        free_large(b);
        return;
    }
    b->next = small[size / 16];
    small[size / 16] = b;
}

__attribute__((no_builtin)) void *calloc(size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n)) {
        errno = ENOMEM;
        return NULL;
    }
    void *p = malloc(n);
    return p != NULL ? memset(p, 0, n) : NULL;
}

void *realloc(void *p, size_t n)
{
    if (p == NULL)
        return malloc(n);
    size_t old = size_of(block_of(p)) - HEADER;
    if (n <= old)
        return p;
    void *q = malloc(n);
    if (q == NULL)
        return NULL;
    memcpy(q, p, old);
    free(p);
    return q;
}
