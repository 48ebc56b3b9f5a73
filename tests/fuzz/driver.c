/* Runs a libFuzzer target without libFuzzer: on the files given, or on random inputs: input i comes from seed + i alone,
 * and the last line printed says the thousand that failed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "splitmix64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT = 400 };

static uint64_t state;

static uint64_t next(void) { return splitmix64(&state); }

static int run_file(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f) {
        fprintf(stderr, "%s cannot be opened\n", path);
        return 2;
    }
    size_t n = fread(data, 1, sizeof data, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t data[MAX_INPUT];
    if (argc >= 4 && argc <= 5 && !strcmp(argv[1], "--random")) {
        uint64_t count = strtoull(argv[2], NULL, 0), seed = strtoull(argv[3], NULL, 0);
        uint64_t length = argc == 5 ? strtoull(argv[4], NULL, 0) % (MAX_INPUT + 1) : 24;
        for (uint64_t i = 0; i < count; i++) {
            state = (seed + i) * 0xd1342543de82ef95u; /* not the step of splitmix64: seeds shall not be one stream shifted */
            size_t n = length ? next() % length : 0;
            for (size_t k = 0; k < n; k++)
                data[k] = (uint8_t)(next() >> 24);
            if (i % 1000 == 0) {
                printf("\rinputs from seed %llu", (unsigned long long)seed + i);
                fflush(stdout);
            }
            LLVMFuzzerTestOneInput(data, n);
        }
        printf("\n%llu inputs held\n", (unsigned long long)count);
        return 0;
    }
    if (argc < 2 || argv[1][0] == '-') {
        fprintf(stderr, "usage: %s FILE... | --random COUNT SEED [LENGTH]\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++)
        if (run_file(argv[i]))
            return 2;
    return 0;
}
