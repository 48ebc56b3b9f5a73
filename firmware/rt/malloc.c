/* A first-fit allocator between the end of the image and the stack. Every block starts with a header of 16 bytes; free
 * blocks are kept in a list by address and merged with their neighbours.
 */
#include "rt.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct block {
    size_t size;        /* with the header, a multiple of 16 */
    struct block *next; /* of a free block: the next free one */
};

enum { STACK_RESERVE = 1 << 20 };

int errno;
static struct block *free_list;
static char *heap_end; /* NULL before the first allocation */

static struct block *grow(size_t size)
{
    if (heap_end == NULL)
        heap_end = (char *)(((uintptr_t)__image_end + 15) & ~(uintptr_t)15);
    uintptr_t limit = (uintptr_t)__builtin_frame_address(0) - STACK_RESERVE;
    if (limit < (uintptr_t)heap_end || size > limit - (uintptr_t)heap_end)
        return NULL;
    struct block *b = (struct block *)heap_end;
    heap_end += size;
    b->size = size;
    return b;
}

void *malloc(size_t n)
{
    if (n > SIZE_MAX / 2) {
        errno = ENOMEM;
        return NULL;
    }
    size_t size = (n + sizeof(struct block) + 15) & ~(size_t)15;
    struct block **link = &free_list, *b;
    for (; (b = *link) != NULL; link = &b->next) {
        if (b->size < size)
            continue;
        if (b->size - size >= 2 * sizeof(struct block)) {
            struct block *rest = (struct block *)((char *)b + size);
            rest->size = b->size - size;
            rest->next = b->next;
            b->size = size;
            *link = rest;
        } else {
            *link = b->next;
        }
        return b + 1;
    }
    b = grow(size);
    if (b == NULL)
        errno = ENOMEM;
    return b != NULL ? b + 1 : NULL;
}

static int touches(const struct block *a, const struct block *b) { return (const char *)a + a->size == (const char *)b; }

void free(void *p)
{
    if (p == NULL)
        return;
    struct block *b = (struct block *)p - 1, *before = NULL, *after = free_list;
    while (after != NULL && after < b) {
        before = after;
        after = after->next;
    }
    b->next = after;
    if (after != NULL && touches(b, after)) {
        b->size += after->size;
        b->next = after->next;
    }
    if (before == NULL) {
        free_list = b;
    } else if (touches(before, b)) {
        before->size += b->size;
        before->next = b->next;
    } else {
        before->next = b;
    }
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
    size_t old = ((struct block *)p - 1)->size - sizeof(struct block);
    if (n <= old)
        return p;
    void *q = malloc(n);
    if (q == NULL)
        return NULL;
    memcpy(q, p, old);
    free(p);
    return q;
}
