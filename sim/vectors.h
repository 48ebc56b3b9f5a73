/* Test cases of `selkirk vectors`: what one says, and what came of it. The format is that of docs/vectors.md. */
#pragma once
#include <stdio.h>

#include "selkirk.h"

enum vgear { VGEAR_INTERP, VGEAR_TRANSLATE, VGEAR_TCACHE, VGEAR_REGION };

enum { VCASE_MEMS = 64, VCASE_BYTES = 1 << 18, VCASE_PAGES = 128 };

struct vmem {
    uint64_t addr, size;
    int prot;
    size_t bytes, nbytes; /* in the case's data */
};

struct vcase {
    const char *id; /* as it was written, not ended by a zero byte */
    size_t id_size;
    struct guest_cpu cpu;
    enum vgear gear;
    uint64_t count, max_insts, end;
    bool has_end, fp;
    struct vmem mem[VCASE_MEMS], read[VCASE_MEMS];
    size_t nmem, nread, nbytes;
    uint8_t data[VCASE_BYTES];
};

/* vectors_case.c: reads one line. `base` has the registers of a fresh machine. False: err says why. */
bool vcase_read(struct vcase *c, const char *line, size_t n, const struct guest_cpu *base, enum vgear gear, char *err,
                size_t err_size);

/* vectors_run.c */
struct vrunner;
struct vrunner *vrunner_new(const struct selkirk_config *cfg, char *err, size_t err_size);
void vrunner_free(struct vrunner *v);
const struct guest_cpu *vrunner_base(const struct vrunner *v);
/* Runs the case and writes its result. False: the case cannot be set up; err says why. */
bool vrunner_run(struct vrunner *v, const struct vcase *c, FILE *out, char *err, size_t err_size);
bool vgear_parse(const char *text, size_t n, enum vgear *gear);
