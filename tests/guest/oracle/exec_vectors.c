/* Sends cases to `selkirk vectors` and reads its answers. */
#define _GNU_SOURCE
#include "vectors.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct vectors_process {
    pid_t pid;
    FILE *to, *from;
    char *line;
    size_t cap;
};

struct vectors_process *vectors_start(const char *command)
{
    int in[2], out[2];
    struct vectors_process *p = calloc(1, sizeof *p);
    if (!p || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC)) {
        free(p);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    p->pid = fork();
    if (!p->pid) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p->to = fdopen(in[1], "w");
    p->from = fdopen(out[0], "r");
    return p;
}

void vectors_end(struct vectors_process *p)
{
    fclose(p->to);
    fclose(p->from);
    waitpid(p->pid, NULL, 0);
    free(p->line);
    free(p);
}

/* The number after "key": in the part of the line that starts at `from`. */
static uint64_t number_after(const char *from, const char *key)
{
    char pattern[32];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = strstr(from, pattern);
    return at ? strtoull(at + strlen(pattern), NULL, 10) : 0;
}

static unsigned nibble(char c) { return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10); }

static void apply_changes(const char *line, uint8_t *data)
{
    const char *at = strstr(line, "\"mem\":[");
    while (at && (at = strstr(at, "{\"addr\":"))) {
        uint32_t addr = (uint32_t)strtoull(at + 8, NULL, 10) - ORACLE_DATA;
        const char *hex = strstr(at, "\"bytes\":\"") + 9;
        for (; *hex != '"'; hex += 2, addr++)
            if (addr < ORACLE_DATA_SIZE)
                data[addr] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
        at = hex;
    }
}

/* The next string of hexadecimal digits behind *at as bytes. */
static void get_hex(const char **at, uint8_t *bytes, unsigned n)
{
    const char *hex = *at ? strchr(*at, '"') : NULL;
    if (!hex)
        return;
    for (unsigned i = 0; i < n; i++)
        bytes[i] = (uint8_t)(nibble(hex[1 + 2 * i]) << 4 | nibble(hex[2 + 2 * i]));
    *at = hex + 2 + 2 * n;
}

static void get_sse(const char *line, unsigned nxmm, struct oracle_state *out)
{
    const char *x87 = strstr(line, "\"x87\":"), *regs = x87 ? strstr(x87, "\"regs\":[") : NULL,
               *xmm = strstr(line, "\"xmm\":[");
    unsigned tw = x87 ? (unsigned)number_after(x87, "tw") : 0;
    out->fcw = x87 ? (uint16_t)number_after(x87, "cw") : 0;
    out->fsw = x87 ? (uint16_t)number_after(x87, "sw") : 0;
    out->mxcsr = (uint32_t)number_after(line, "mxcsr");
    if (regs)
        regs += 8;
    if (xmm)
        xmm += 6;
    for (unsigned i = 0; i < nxmm; i++)
        get_hex(&xmm, (uint8_t *)out->xmm[i], 16);
    for (unsigned i = 0; i < 8; i++) {
        uint8_t bytes[10] = {0};
        get_hex(&regs, bytes, 10);
        memcpy(&out->st[i], bytes, 8);
        memcpy(&out->se[i], bytes + 8, 2);
        out->st_used |= (uint8_t)(((tw >> (2 * i) & 3) != 3) << i);
    }
}

bool vectors_run(struct vectors_process *p, const struct oracle_case *c, struct oracle_state *out, uint8_t *data_after,
                 char *answer, unsigned size)
{
    static const char *const names[2][16] = {
        {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"},
        {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15"},
    };
    bool wide = c->kind.mode == GUEST_X86_64;
    vectors_write(p->to, c);
    fflush(p->to);
    if (getline(&p->line, &p->cap, p->from) <= 0) {
        snprintf(answer, size, "no answer");
        return false;
    }
    snprintf(answer, size, "%s", p->line);
    bool exception = strstr(p->line, "\"stop\":\"exception\"");
    if (!exception && !strstr(p->line, "\"stop\":\"end\"") && !strstr(p->line, "\"stop\":\"count\""))
        return false;
    *out = (struct oracle_state){.rip = number_after(p->line, wide ? "rip" : "eip"),
                                 .eflags = (uint32_t)number_after(p->line, "flags"),
                                 .vector = -1,
                                 .error = -1};
    for (unsigned i = 0; i < (wide ? 16 : 8); i++)
        out->gpr[i] = number_after(p->line, names[wide][i]);
    if (c->kind.sse)
        get_sse(p->line, wide ? 16 : 8, out);
    memcpy(out->seg, c->after.seg, sizeof out->seg); /* not told */
    if (exception) {
        out->vector = (int32_t)number_after(p->line, "vector");
        out->addr = number_after(p->line, "address");
    }
    memcpy(data_after, c->mem_before.data, ORACLE_DATA_SIZE);
    apply_changes(p->line, data_after);
    return true;
}
