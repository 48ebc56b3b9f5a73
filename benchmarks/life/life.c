/* Conway's Life on a torus, cell by cell and 32 cells at a time; both boards must stay the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, WORDS = SIDE / 32 };

struct cells {
    uint8_t at[SIDE][SIDE];
};

struct bits {
    uint32_t row[SIDE][WORDS];
};

static void step_cells(struct cells *out, const struct cells *in)
{
    for (int y = 0; y < SIDE; y++) {
        const uint8_t *up = in->at[(y + SIDE - 1) % SIDE], *here = in->at[y], *down = in->at[(y + 1) % SIDE];
        for (int x = 0; x < SIDE; x++) {
            int left = (x + SIDE - 1) % SIDE, right = (x + 1) % SIDE;
            int n = up[left] + up[x] + up[right] + here[left] + here[right] + down[left] + down[x] + down[right];
            out->at[y][x] = n == 3 || (n == 2 && here[x]);
        }
    }
}

/* Row shifted by one cell to either side, around the edge. */
static uint32_t shifted(const uint32_t *row, int w, int left)
{
    return left ? row[w] << 1 | row[(w + WORDS - 1) % WORDS] >> 31 : row[w] >> 1 | row[(w + 1) % WORDS] << 31;
}

static void step_bits(struct bits *out, const struct bits *in)
{
    for (int y = 0; y < SIDE; y++) {
        for (int w = 0; w < WORDS; w++) {
            uint32_t ones = 0, twos = 0, fours = 0; /* the count of neighbours, saturating, a bit plane each */
            for (int k = 0; k < 9; k++) {
                const uint32_t *row = in->row[(y + k / 3 + SIDE - 1) % SIDE];
                uint32_t v = k % 3 == 1 ? row[w] : shifted(row, w, k % 3 == 0);
                if (k == 4)
                    continue;
                uint32_t carry = ones & v;
                ones ^= v;
                fours |= twos & carry;
                twos ^= carry;
            }
            out->row[y][w] = twos & ~fours & (ones | in->row[y][w]);
        }
    }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    static struct cells a, b;
    static struct bits c, d;
    uint32_t random = 20, alive = 0, h = 0;

    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            random = random * 1664525u + 1013904223u;
            a.at[y][x] = (random >> 30) == 0;
            c.row[y][x / 32] |= (uint32_t)a.at[y][x] << (x % 32);
        }
    }
    for (int generation = 0; generation < 24 * scale; generation += 2) {
        step_cells(&b, &a);
        step_cells(&a, &b);
        step_bits(&d, &c);
        step_bits(&c, &d);
    }
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            if (a.at[y][x] != (c.row[y][x / 32] >> (x % 32) & 1)) {
                printf("boards differ at %d, %d\n", x, y);
                return 1;
            }
            alive += a.at[y][x];
            h = h * 3 + a.at[y][x];
        }
    }
    printf("%d generations, %u alive, %08x\n", 24 * scale, alive, h);
    for (int y = 0; y < 8; y++) {
        char line[33];
        for (int x = 0; x < 32; x++)
            line[x] = a.at[y][x] ? '#' : '.';
        line[32] = 0;
        printf("%s\n", line);
    }
    return 0;
}
