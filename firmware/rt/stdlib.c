/* Memory from the end of the image up, first fit with coalescing; numbers; sorting. */
#include "shared.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

extern char __image_end[];

/* Blocks lie one behind the other from __image_end to the limit; `size` includes the header. */
struct block {
    size_t size;
    size_t used;
};

enum { ALIGN = 16, STACK_RESERVE = 4 << 20 };

static struct block *heap_first, *heap_hint;
static char *heap_limit;

static struct block *block_next(struct block *b) { return (struct block *)((char *)b + b->size); }

static void heap_init(void)
{
    const struct shared *sh = (const struct shared *)(uintptr_t)SHARED_ADDR;
    uintptr_t start = ((uintptr_t)__image_end + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1);
    uintptr_t reserve = sh->hidden_size / 4 < STACK_RESERVE ? sh->hidden_size / 4 : STACK_RESERVE;
    heap_limit = (char *)((SHARED_ADDR + sh->hidden_size - reserve) & ~(uintptr_t)(ALIGN - 1));
    heap_first = heap_hint = (struct block *)start;
    heap_first->size = (size_t)(heap_limit - (char *)start);
    heap_first->used = 0;
}

/* A free block of at least `need` bytes in [from, to), merging free neighbours on the way. */
static struct block *heap_find(struct block *from, char *to, size_t need)
{
    for (struct block *b = from; (char *)b < to; b = block_next(b)) {
        if (b->used)
            continue;
        for (struct block *n = block_next(b); (char *)n < heap_limit && !n->used; n = block_next(b)) {
            if (heap_hint == n)
                heap_hint = b;
            b->size += n->size;
        }
        if (b->size >= need)
            return b;
    }
    return NULL;
}

void *malloc(size_t size)
{
    if (!heap_first)
        heap_init();
    if (size > (size_t)1 << 40)
        return NULL;
    size_t need = ((size ? size : 1) + sizeof(struct block) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *b = heap_find(heap_hint, heap_limit, need);
    if (!b)
        b = heap_find(heap_first, heap_limit, need);
    if (!b)
        return NULL;
    if (b->size - need >= 2 * sizeof(struct block)) {
        struct block *rest = (struct block *)((char *)b + need);
        rest->size = b->size - need;
        rest->used = 0;
        b->size = need;
    }
    b->used = 1;
    heap_hint = (char *)block_next(b) < heap_limit ? block_next(b) : heap_first;
    return b + 1;
}

void free(void *p)
{
    if (p)
        ((struct block *)p - 1)->used = 0;
}

void *calloc(size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *p = malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *realloc(void *p, size_t size)
{
    if (!p)
        return malloc(size);
    size_t have = ((struct block *)p - 1)->size - sizeof(struct block);
    if (size <= have)
        return p;
    void *q = malloc(size);
    if (q) {
        memcpy(q, p, have);
        free(p);
    }
    return q;
}

unsigned long strtoul(const char *s, char **end, int base)
{
    const char *start = s;
    unsigned long v = 0;
    int negative = 0, digits = 0;
    while (isspace((unsigned char)*s))
        s++;
    if (*s == '-' || *s == '+')
        negative = *s++ == '-';
    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 32) == 'x') {
        base = 16;
        s += 2;
    } else if (base == 0) {
        base = *s == '0' ? 8 : 10;
    }
    for (;; s++, digits++) {
        int d = isdigit((unsigned char)*s) ? *s - '0' : isalpha((unsigned char)*s) ? (*s | 32) - 'a' + 10 : 99;
        if (d >= base)
            break;
        v = v * (unsigned long)base + (unsigned long)d;
    }
    if (end)
        *end = (char *)(digits ? s : start);
    return negative ? -v : v;
}

long strtol(const char *s, char **end, int base) { return (long)strtoul(s, end, base); }
int atoi(const char *s) { return (int)strtol(s, NULL, 10); }
long atol(const char *s) { return strtol(s, NULL, 10); }
int abs(int v) { return v < 0 ? -v : v; }
long labs(long v) { return v < 0 ? -v : v; }

static void swap_bytes(char *a, char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        char t = *a;
        *a = *b;
        *b = t;
    }
}

/* Heapsort: no recursion, no memory, no bad case. */
void qsort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
    char *a = base;
    size_t heap = n / 2, len = n;
    while (len > 1) {
        if (heap)
            heap--;
        else
            swap_bytes(a, a + --len * size, size);
        for (size_t i = heap, c; (c = 2 * i + 1) < len; i = c) {
            if (c + 1 < len && cmp(a + c * size, a + (c + 1) * size) < 0)
                c++;
            if (cmp(a + i * size, a + c * size) >= 0)
                break;
            swap_bytes(a + i * size, a + c * size, size);
        }
    }
}
