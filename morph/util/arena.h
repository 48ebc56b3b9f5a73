/* Bump allocation out of the one piece of memory that morph is given. Nothing is ever freed one by one. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base;
    uint64_t size, used;
};

/* Memory of `size` bytes aligned to `align` (a power of two), as clear as the piece was; NULL if the arena has no room. */
static inline void *arena_alloc(struct arena *a, uint64_t size, uint64_t align)
{
    uint64_t start = ((uint64_t)(uintptr_t)a->base + a->used + align - 1) & ~(align - 1);
    uint64_t offset = start - (uint64_t)(uintptr_t)a->base;
    if (offset > a->size || size > a->size - offset)
        return NULL;
    a->used = offset + size;
    return (void *)(uintptr_t)start;
}
