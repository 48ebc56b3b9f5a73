/* Search with backtracking: the queens problem by bit masks and by arrays, and sudoku with the most constrained cell first. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t queens_bits(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint32_t count = 0, free_places = all & ~(columns | left | right);
    if (columns == all)
        return 1;
    while (free_places) {
        uint32_t place = free_places & (0u - free_places);
        free_places ^= place;
        count += queens_bits(all, columns | place, (left | place) << 1, (right | place) >> 1);
    }
    return count;
}

static uint32_t queens_array(int *row, int column, int n)
{
    uint32_t count = 0;
    if (column == n)
        return 1;
    for (int r = 0; r < n; r++) {
        int good = 1;
        for (int c = 0; c < column && good; c++)
            good = row[c] != r && row[c] - r != column - c && r - row[c] != column - c;
        if (good) {
            row[column] = r;
            count += queens_array(row, column + 1, n);
        }
    }
    return count;
}

struct sudoku {
    uint16_t rows[9], columns[9], boxes[9]; /* digits that are used, bit 0 for 1 */
    char cell[82];
    uint32_t tries;
};

static int box(int i) { return i / 27 * 3 + i % 9 / 3; }

static void place(struct sudoku *s, int i, int digit)
{
    uint16_t bit = (uint16_t)(1u << digit);
    s->rows[i / 9] ^= bit;
    s->columns[i % 9] ^= bit;
    s->boxes[box(i)] ^= bit;
}

static int solve(struct sudoku *s)
{
    int best = -1, fewest = 10;
    uint32_t choices = 0;
    for (int i = 0; i < 81; i++) {
        if (s->cell[i] != '.')
            continue;
        uint32_t open = 0x1ff & ~(uint32_t)(s->rows[i / 9] | s->columns[i % 9] | s->boxes[box(i)]);
        int count = 0;
        for (uint32_t o = open; o; o &= o - 1)
            count++;
        if (count < fewest) {
            fewest = count;
            best = i;
            choices = open;
        }
    }
    if (best < 0)
        return 1;
    for (int digit = 0; digit < 9; digit++) {
        if (!(choices >> digit & 1))
            continue;
        s->tries++;
        s->cell[best] = (char)('1' + digit);
        place(s, best, digit);
        if (solve(s))
            return 1;
        place(s, best, digit);
    }
    s->cell[best] = '.';
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const puzzles[] = {
        "53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79",
        "8..........36......7..9.2...5...7.......457.....1...3...1....68..85...1..9....4..",
    };
    int scale = argc > 1 ? atoi(argv[1]) : 1;

    for (int round = 0; round < scale; round++) {
        int row[16], n = 8 + round % 3;
        uint32_t bits = queens_bits((1u << n) - 1, 0, 0, 0), array = queens_array(row, 0, n);
        printf("%d queens: %u ways\n", n, bits);
        if (bits != array)
            return 1;
        for (unsigned p = 0; p < sizeof puzzles / sizeof *puzzles; p++) {
            struct sudoku s;
            memset(&s, 0, sizeof s);
            memcpy(s.cell, puzzles[p], 82);
            for (int i = 0; i < 81; i++) {
                if (s.cell[i] != '.')
                    place(&s, i, s.cell[i] - '1');
            }
            /* The hard one costs millions of instructions: only every fourth round. */
            if (p == 1 && round % 4 != 3)
                continue;
            int solved = solve(&s);
            printf("%s after %u tries\n", solved ? s.cell : "no solution", s.tries);
            if (!solved)
                return 1;
        }
    }
    return 0;
}
