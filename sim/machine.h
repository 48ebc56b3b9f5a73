/* What is inside a struct selkirk; shared by the files that implement libselkirk. */
#pragma once
#include "engine.h"
#include "mm.h"
#include "selkirk.h"

struct selkirk {
    struct selkirk_config cfg;
    struct engine *engine;
    struct mm *mm; /* the address space that the guest runs in */
    struct guest_cpu cpu;
    struct selkirk_hooks hooks;
    struct hostcall_block hc; /* of the last host call */
    uint32_t firmware_end;    /* first address behind its segments: there morph keeps tables and translations */
    bool at_hostcall;         /* false: the engine stopped inside the firmware, cpu is stale */
    bool forget_code;
    uint32_t ran_mode; /* of the code that the core has run last */
    bool switched;     /* to another address space since then */
    volatile bool interrupted;
    char text[4096];
};

/* Loads the ELF at path into hidden memory. */
bool firmware_load(struct selkirk *m, const char *path, char *err, size_t err_size);
/* The path of the firmware to use, per configuration, environment and place of the executable. */
void firmware_path(const struct selkirk_config *cfg, char *path, size_t size);
/* Whether the image that is loaded without being named can run on the machine of `cfg`; it is built for one. */
bool firmware_fits(const struct selkirk_config *cfg, char *err, size_t err_size);

extern const struct engine_ops *const machine_engines[]; /* ends with NULL */
