/* A bytecode interpreter: programs for a small stack machine are assembled from text, then run by one switch in a loop. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum op { PUSH, LOAD, STORE, FETCH, POKE, ADD, SUB, MUL, MOD, LESS, EQUAL, JUMP, JUMPZ, CALL, RETURN, PRINT, HALT, OPS };

static const char *const op_names[OPS] = {
    "push", "load",  "store", "fetch", "poke", "add",    "sub",   "mul",  "mod",
    "less", "equal", "jump",  "jumpz", "call", "return", "print", "halt",
};
static const uint8_t has_operand[OPS] = {[PUSH] = 1, [LOAD] = 1, [STORE] = 1, [JUMP] = 1, [JUMPZ] = 1, [CALL] = 1};

enum { CODE = 1024, LABELS = 64, STACK = 1024, FRAMES = 256, LOCALS = 8, CELLS = 4096 };

struct machine {
    int32_t code[CODE];
    int32_t stack[STACK];
    int32_t cell[CELLS];
    int32_t local[FRAMES][LOCALS];
    int32_t back[FRAMES];
};

/* Counts the primes below local 0 of the first frame with a sieve; then fib by recursion; then Collatz lengths. */
static const char source[] =
    "store 0 push 2 store 1 push 0 store 2 "
    ":outer load 1 load 0 less jumpz @done load 1 fetch jumpz @prime jump @next "
    ":prime load 2 push 1 add store 2 load 1 load 1 add store 3 "
    ":mark load 3 load 0 less jumpz @next push 1 load 3 poke load 3 load 1 add store 3 jump @mark "
    ":next load 1 push 1 add store 1 jump @outer "
    ":done load 2 print push 12 call @fib print "
    "push 1 store 1 push 0 store 4 "
    ":start load 1 push 10 less jumpz @end load 1 store 2 push 0 store 3 "
    ":step load 2 push 1 equal jumpz @more load 4 load 3 add store 4 load 1 push 1 add store 1 jump @start "
    ":more load 3 push 1 add store 3 load 2 push 2 mod jumpz @even load 2 push 3 mul push 1 add store 2 jump @step "
    ":even load 2 call @half store 2 jump @step "
    ":end load 4 print halt "
    ":fib store 0 load 0 push 2 less jumpz @big load 0 return "
    ":big load 0 push 1 sub call @fib load 0 push 2 sub call @fib add return "
    ":half store 0 load 0 load 0 push 2 mod sub store 1 push 0 store 2 push 16384 store 3 "
    ":bit load 3 jumpz @out load 2 load 3 add push 2 mul store 4 load 1 load 4 less jumpz @take jump @drop "
    ":take load 2 load 3 add store 2 "
    ":drop load 3 call @shift store 3 jump @bit "
    ":out load 2 return "
    ":shift store 0 load 0 push 1 equal jumpz @many push 0 return "
    ":many push 1 store 1 "
    ":double load 1 push 2 mul load 0 equal jumpz @again load 1 return "
    ":again load 1 push 2 mul store 1 jump @double ";

struct label {
    char name[12];
    int32_t where;
};

static const char *next_word(const char *p, char *word)
{
    while (*p == ' ')
        p++;
    while (*p && *p != ' ')
        *word++ = *p++;
    *word = 0;
    return p;
}

static int32_t label_find(const struct label *labels, int n, const char *name)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(labels[i].name, name) == 0)
            return labels[i].where;
    }
    return -1;
}

static int assemble(struct machine *m)
{
    struct label labels[LABELS];
    int count = 0, n = 0;
    char word[32];
    for (int pass = 0; pass < 2; pass++) { /* the first pass finds the labels */
        n = 0;
        for (const char *p = next_word(source, word); *word; p = next_word(p, word)) {
            if (*word == ':') {
                if (pass == 0) {
                    strcpy(labels[count].name, word + 1);
                    labels[count++].where = n;
                }
                continue;
            }
            int op = 0;
            while (op < OPS && strcmp(word, op_names[op]) != 0)
                op++;
            if (op == OPS)
                return 0;
            m->code[n++] = op;
            if (has_operand[op]) {
                p = next_word(p, word);
                m->code[n++] = *word == '@' ? label_find(labels, count, word + 1) : atoi(word);
            }
        }
    }
    return n;
}

static uint32_t run(struct machine *m, int32_t argument)
{
    int32_t *sp = m->stack, *local = m->local[0];
    const int32_t *pc = m->code;
    uint32_t steps = 0;
    int frame = 0;
    *sp++ = argument;
    for (;;) {
        steps++;
        switch (*pc++) {
        case PUSH: *sp++ = *pc++; break;
        case LOAD: *sp++ = local[*pc++]; break;
        case STORE: local[*pc++] = *--sp; break;
        case FETCH: sp[-1] = m->cell[sp[-1] & (CELLS - 1)]; break;
        case POKE:
            sp -= 2;
            m->cell[sp[1] & (CELLS - 1)] = sp[0];
            break;
        case ADD:
            sp--;
            sp[-1] += *sp;
            break;
        case SUB:
            sp--;
            sp[-1] -= *sp;
            break;
        case MUL:
            sp--;
            sp[-1] *= *sp;
            break;
        case MOD:
            sp--;
            sp[-1] %= *sp;
            break;
        case LESS:
            sp--;
            sp[-1] = sp[-1] < *sp;
            break;
        case EQUAL:
            sp--;
            sp[-1] = sp[-1] == *sp;
            break;
        case JUMP: pc = m->code + *pc; break;
        case JUMPZ: pc = *--sp ? pc + 1 : m->code + *pc; break;
        case CALL:
            m->back[frame++] = (int32_t)(pc + 1 - m->code);
            local = m->local[frame];
            pc = m->code + *pc;
            break;
        case RETURN:
            pc = m->code + m->back[--frame];
            local = m->local[frame];
            break;
        case PRINT: printf("%d\n", *--sp); break;
        default: return steps;
        }
    }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    struct machine *m = malloc(sizeof *m);
    if (!m)
        return 1;
    for (int i = 0; i < scale; i++) {
        memset(m, 0, sizeof *m);
        int words = assemble(m);
        if (!words) {
            printf("unknown word in the program\n");
            return 1;
        }
        uint32_t steps = run(m, 200 + 16 * i);
        printf("%d words, %u steps\n", words, steps);
    }
    free(m);
    return 0;
}
