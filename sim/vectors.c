/* `selkirk vectors`: test cases as JSON Lines in, final states as JSON Lines out. */
#include "vectors.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "guest_ops.h"
#include "options.h"

enum { CHUNK = 1 << 16, LINE_LIMIT = 4 << 20 };

/* Lines of standard input. Output is flushed before waiting for more, so that a driver may wait for each answer. */
struct lines {
    char *buf;
    size_t cap, used, at;
    bool ended;
};

/* The next line without its newline; NULL at the end, or on an error that was printed (then *status is set). */
static char *next_line(struct lines *l, size_t *n, int *status)
{
    for (;;) {
        char *newline = l->used > l->at ? memchr(l->buf + l->at, '\n', l->used - l->at) : NULL;
        if (newline || (l->ended && l->at < l->used)) {
            char *line = l->buf + l->at;
            *n = newline ? (size_t)(newline - line) : l->used - l->at;
            l->at += *n + (newline != NULL);
            return line;
        }
        if (l->ended)
            return NULL;
        if (l->at)
            memmove(l->buf, l->buf + l->at, l->used -= l->at);
        l->at = 0;
        if (l->cap - l->used < CHUNK) {
            char *bigger = l->cap < LINE_LIMIT ? realloc(l->buf, l->cap * 2 + CHUNK) : NULL;
            if (!bigger) {
                *status = usage_error("vectors: a line is longer than %d bytes", LINE_LIMIT);
                return NULL;
            }
            l->buf = bigger;
            l->cap = l->cap * 2 + CHUNK;
        }
        fflush(stdout);
        ssize_t got = read(0, l->buf + l->used, l->cap - l->used);
        if (got < 0 && errno != EINTR) {
            *status = usage_error("vectors: standard input: %s", strerror(errno));
            return NULL;
        }
        l->ended = got == 0;
        l->used += got > 0 ? (size_t)got : 0;
    }
}

static int run_all(struct vrunner *v, enum vgear gear)
{
    struct lines l = {0};
    struct vcase *c = malloc(sizeof *c);
    char err[512], *line;
    int status = c ? 0 : usage_error("out of memory");
    size_t n;
    for (unsigned long number = 1; !status && (line = next_line(&l, &n, &status)); number++) {
        if (!n)
            continue;
        if (!vcase_read(c, line, n, vrunner_base(v), gear, err, sizeof err) || !vrunner_run(v, c, stdout, err, sizeof err))
            status = usage_error("vectors: line %lu: %s", number, err);
    }
    if (fflush(stdout) && !status)
        status = usage_error("vectors: standard output: %s", strerror(errno));
    free(c);
    free(l.buf);
    return status;
}

static int help(void)
{
    puts("Usage: selkirk vectors [options] < cases.jsonl > results.jsonl\n\n"
         "Runs one test case a line: registers, flags and memory in, the same out. docs/vectors.md has the format.\n\n"
         "  -e, --engine NAME    func (default), rtl or lockstep\n"
         "  -g, --gear GEAR      for cases that name none: interp (default), translate, tcache, region\n"
         "  -c, --set KEY=VALUE  set a parameter; see selkirk list-params\n"
         "      --firmware FILE  firmware image\n"
         "  -h, --help           this text");
    return 0;
}

static int set_pair(struct selkirk_config *cfg, const char *text)
{
    char key[256], err[512];
    const char *equals = strchr(text, '=');
    if (!equals || (size_t)(equals - text) >= sizeof key)
        return usage_error("-c: \"%s\" is not KEY=VALUE, for example morph.opt_chain=0", text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    return selkirk_config_set(cfg, key, equals + 1, err, sizeof err) ? 0 : usage_error("%s", err);
}

int vectors_main(int argc, char *argv[])
{
    enum { O_FIRMWARE = 256 };
    static const struct option table[] = {
        {"engine", required_argument, NULL, 'e'}, {"gear", required_argument, NULL, 'g'},
        {"set", required_argument, NULL, 'c'},    {"firmware", required_argument, NULL, O_FIRMWARE},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    struct selkirk_config cfg;
    enum vgear gear = VGEAR_INTERP;
    char err[1024];
    int c, status = 0;
    selkirk_config_init(&cfg);
    cfg.morph.guest_cpu = GMODEL_MAX; /* every instruction */
    opterr = 0;
    optind = 1;
    while (!status && (c = getopt_long(argc, argv, ":e:g:c:h", table, NULL)) != -1) {
        switch (c) {
        case 'e': status = selkirk_config_set(&cfg, "sim.engine", optarg, err, sizeof err) ? 0 : usage_error("%s", err); break;
        case 'g':
            if (!vgear_parse(optarg, strlen(optarg), &gear))
                status = usage_error("--gear: \"%s\" is unknown; interp, translate, tcache or region", optarg);
            break;
        case 'c': status = set_pair(&cfg, optarg); break;
        case O_FIRMWARE:
            status = selkirk_config_set(&cfg, "sim.firmware", optarg, err, sizeof err) ? 0 : usage_error("%s", err);
            break;
        case 'h': return help();
        case ':': status = usage_error("%s needs a value; see selkirk vectors --help", argv[optind - 1]); break;
        default: status = usage_error("option %s is unknown; see selkirk vectors --help", argv[optind - 1]); break;
        }
    }
    if (!status && optind < argc)
        status = usage_error("vectors: \"%s\": cases come on standard input", argv[optind]);
    if (status)
        return status;
    struct vrunner *v = vrunner_new(&cfg, err, sizeof err);
    if (!v)
        return usage_error("%s", err);
    status = run_all(v, gear);
    vrunner_free(v);
    return status;
}
