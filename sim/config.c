/* The configuration of a machine by key and value, from the command line or from a file. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selkirk.h"

enum key_kind { KEY_NUMBER, KEY_TEXT };

struct key {
    const char *name, *doc;
    enum key_kind kind;
    size_t offset, size; /* in struct selkirk_config */
    uint64_t def, min, max;
};

#define AT(field) offsetof(struct selkirk_config, field), sizeof(((struct selkirk_config *)0)->field)

static const struct key keys[] = {
    {"sim.engine", "func, rtl or lockstep", KEY_TEXT, AT(engine), 0, 0, 0},
    {"sim.machine", "machine table the core is built from", KEY_TEXT, AT(machine), 0, 0, 0},
    {"sim.firmware", "firmware image; empty: the one built with this program", KEY_TEXT, AT(firmware), 0, 0, 0},
    {"sim.clock_mhz", "clock of the core, which turns cycles into seconds", KEY_NUMBER, AT(clock_mhz), 1000, 1, 100000},
    {"memory.dram_mib", "guest DRAM in MiB", KEY_NUMBER, AT(dram_mib), 256, 1, 1024},
    {"memory.hidden_mib", "hidden memory in MiB: firmware, morph's tables, translation cache", KEY_NUMBER, AT(hidden_mib), 64,
     1, 1024},
    {"rtl.fst", "waves to this file; empty: none", KEY_TEXT, AT(fst), 0, 0, 0},
    {"rtl.fst_start", "first cycle of the waves", KEY_NUMBER, AT(fst_start), 0, 0, UINT64_MAX},
    {"rtl.fst_cycles", "cycles of waves; 0: to the end", KEY_NUMBER, AT(fst_cycles), 0, 0, UINT64_MAX},
    {"func.inject",
     "KIND:N, for tests: every N bundles of translated code, or with N 0 once at each, a trap without a cause (alias, "
     "fault, overflow) or an interrupt",
     KEY_TEXT, AT(inject), 0, 0, 0},
    {"sim.store_buffer", "for tests: the store buffer has only so many entries, 4 at least; 0: the machine's", KEY_NUMBER,
     AT(store_buffer), 0, 0, 256},
/* The limits of a run are arguments of selkirk_run; a key for them would have no effect. */
#define PARAM(name, def, min, max, doc) {"morph." #name, doc, KEY_NUMBER, AT(morph.name), def, min, max},
#include "params.def"
#undef PARAM
};

enum { NKEYS = sizeof keys / sizeof *keys };

static const struct selkirk_policy policies[] = {
#define EVICT(name, doc) {"morph.evict", #name, doc},
#define PROMOTE(name, doc) {"morph.promote", #name, doc},
#define HEAD(name, doc) {"morph.head", #name, doc},
#define FORM(name, doc) {"morph.form", #name, doc},
#define SPEC(name, doc) {"morph.spec", #name, doc},
#define SMC(name, doc) {"morph.smc", #name, doc},
#include "policy/policies.def"
};

const struct selkirk_policy *selkirk_policies(size_t *n)
{
    *n = sizeof policies / sizeof *policies;
    return policies;
}

/* The first policy of the kind that the key chooses; NULL: it chooses none. */
static const struct selkirk_policy *policies_of(const char *key)
{
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++)
        if (!strcmp(policies[i].key, key))
            return &policies[i];
    return NULL;
}

static bool another(const struct selkirk_policy *first, const struct selkirk_policy *p)
{
    return p < policies + sizeof policies / sizeof *policies && !strcmp(p->key, first->key);
}

/* Parameters that selkirk_run sets from its limits. */
static bool hidden_key(const struct key *k)
{
    return !strcmp(k->name, "morph.max_insts") || !strncmp(k->name, "morph.stop_rip", 14);
}

void selkirk_config_init(struct selkirk_config *cfg)
{
    memset(cfg, 0, sizeof *cfg);
    snprintf(cfg->engine, sizeof cfg->engine, "func");
    snprintf(cfg->machine, sizeof cfg->machine, "default");
    for (int i = 0; i < NKEYS; i++)
        if (keys[i].kind == KEY_NUMBER)
            memcpy((char *)cfg + keys[i].offset, &keys[i].def, sizeof(uint64_t));
}

static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t n = strlen(b);
    if (n >= 63)
        return 99;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < best ? change : best;
        }
    }
    return row[n];
}

static void unknown_key(const char *key, char *err, size_t err_size)
{
    const struct key *best = NULL;
    unsigned best_distance = 6;
    for (int i = 0; i < NKEYS; i++) {
        unsigned d = distance(key, keys[i].name);
        if (!hidden_key(&keys[i]) && d < best_distance) {
            best_distance = d;
            best = &keys[i];
        }
    }
    if (best)
        snprintf(err, err_size, "key \"%.64s\" is unknown; did you mean \"%s\"?", key, best->name);
    else
        snprintf(err, err_size, "key \"%.64s\" is unknown; see selkirk list-params", key);
}

/* A policy is chosen by its name; the field holds its number within its kind. */
static bool set_policy(const struct selkirk_policy *first, char *field, const char *value, char *err, size_t err_size)
{
    const struct selkirk_policy *p = first;
    for (uint64_t n = 0; another(first, p); n++, p++) {
        if (!strcmp(p->name, value)) {
            memcpy(field, &n, sizeof n);
            return true;
        }
    }
    int at = snprintf(err, err_size, "%s: policy \"%.64s\" is unknown; there are", first->key, value);
    for (p = first; another(first, p) && at > 0 && (size_t)at < err_size; p++)
        at += snprintf(err + at, err_size - (size_t)at, "%s %s", p == first ? "" : ",", p->name);
    return false;
}

static bool set_number(const struct key *k, char *field, const char *value, char *err, size_t err_size)
{
    char *end = NULL;
    uint64_t n = 0;
    errno = 0;
    if (!strcmp(value, "true") || !strcmp(value, "false")) {
        n = value[0] == 't';
    } else {
        if (isdigit((unsigned char)value[0])) /* no sign, no space */
            n = strtoull(value, &end, 0);
        if (!end || *end || errno) {
            snprintf(err, err_size, "%s: \"%.64s\" is no number", k->name, value);
            return false;
        }
    }
    if (n < k->min || n > k->max) {
        snprintf(err, err_size, "%s: %llu is out of range, %llu to %llu", k->name, (unsigned long long)n,
                 (unsigned long long)k->min, (unsigned long long)k->max);
        return false;
    }
    memcpy(field, &n, sizeof n);
    return true;
}

bool selkirk_config_set(struct selkirk_config *cfg, const char *key, const char *value, char *err, size_t err_size)
{
    for (int i = 0; i < NKEYS; i++) {
        const struct key *k = &keys[i];
        if (strcmp(k->name, key) != 0 || hidden_key(k))
            continue;
        char *field = (char *)cfg + k->offset;
        const struct selkirk_policy *policy = policies_of(key);
        if (policy)
            return set_policy(policy, field, value, err, err_size);
        if (k->kind == KEY_NUMBER)
            return set_number(k, field, value, err, err_size);
        if (strlen(value) >= k->size) {
            snprintf(err, err_size, "%s: the value is longer than %zu characters", key, k->size - 1);
            return false;
        }
        snprintf(field, k->size, "%s", value);
        return true;
    }
    unknown_key(key, err, err_size);
    return false;
}

void selkirk_config_each(const struct selkirk_config *cfg, selkirk_config_fn *fn, void *arg)
{
    for (int i = 0; i < NKEYS; i++) {
        const struct key *k = &keys[i];
        const char *field = (const char *)cfg + k->offset;
        char number[24];
        if (hidden_key(k))
            continue;
        if (k->kind == KEY_NUMBER) {
            uint64_t n;
            memcpy(&n, field, sizeof n);
            const struct selkirk_policy *policy = policies_of(k->name);
            snprintf(number, sizeof number, "%llu", (unsigned long long)n);
            field = policy ? policy[n].name : number;
        }
        fn(arg, k->name, field, k->doc);
    }
}

/* Files -------------------------------------------------------------------------------------------------------------- */

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1]))
        *--end = 0;
    return s;
}

/* Cuts a comment that is not inside a string. */
static void cut_comment(char *s)
{
    bool quoted = false;
    for (; *s; s++) {
        if (*s == '"')
            quoted = !quoted;
        if (*s == '#' && !quoted) {
            *s = 0;
            return;
        }
    }
}

static bool read_line(struct selkirk_config *cfg, char *line, char *section, size_t section_size, char *err, size_t err_size)
{
    cut_comment(line);
    line = trim(line);
    if (!*line)
        return true;
    size_t n = strlen(line);
    if (line[0] == '[' && line[n - 1] == ']') {
        line[n - 1] = 0;
        snprintf(section, section_size, "%s", trim(line + 1));
        return true;
    }
    char *equals = strchr(line, '=');
    if (!equals) {
        snprintf(err, err_size, "\"%.64s\" is neither [section] nor key = value", line);
        return false;
    }
    *equals = 0;
    char *value = trim(equals + 1), key[256];
    snprintf(key, sizeof key, "%s%s%s", section, section[0] ? "." : "", trim(line));
    n = strlen(value);
    if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
        value[n - 1] = 0;
        value++;
    }
    return selkirk_config_set(cfg, key, value, err, err_size);
}

bool selkirk_config_read(struct selkirk_config *cfg, const char *path, char *err, size_t err_size)
{
    FILE *f = fopen(path, "r");
    if (!f) {
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
        return false;
    }
    char line[8192], section[128] = "", why[512];
    bool ok = true;
    for (unsigned number = 1; ok && fgets(line, sizeof line, f); number++) {
        ok = read_line(cfg, line, section, sizeof section, why, sizeof why);
        if (!ok)
            snprintf(err, err_size, "%s:%u: %s", path, number, why);
    }
    if (ok && ferror(f)) {
        snprintf(err, err_size, "%s: %s", path, strerror(errno));
        ok = false;
    }
    fclose(f);
    return ok;
}
