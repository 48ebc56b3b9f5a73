/* Physical memory as the host sees it. One small seam, so that the guest's address space and the Linux personality run the
 * same over an engine's memory and over a plain buffer in tests. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pmem {
    void *arg;
    uint64_t size; /* guest DRAM is [0, size) */
    bool (*read)(void *arg, uint32_t paddr, void *buf, size_t size);
    bool (*write)(void *arg, uint32_t paddr, const void *buf, size_t size);
    uint8_t *(*direct)(void *arg, uint32_t paddr, size_t size); /* NULL result: use read and write */
};
