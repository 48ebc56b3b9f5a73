/* Dynamic programming: edit distance with its script, longest common subsequence by bits, knapsack, and matrix chains. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t random_state = 4711;

static uint32_t random_next(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 12;
}

/* Turns a into b: returns the distance and counts the steps of the cheapest script. */
static int edit_distance(const char *a, int n, const char *b, int m, int steps[4])
{
    int width = m + 1;
    uint16_t *cost = malloc((size_t)(n + 1) * (size_t)width * sizeof *cost);
    if (!cost)
        return -1;
    for (int i = 0; i <= n; i++) {
        for (int j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                cost[i * width + j] = (uint16_t)(i + j);
                continue;
            }
            int best = cost[(i - 1) * width + j - 1] + (a[i - 1] != b[j - 1]);
            int drop = cost[(i - 1) * width + j] + 1, add = cost[i * width + j - 1] + 1;
            best = drop < best ? drop : best;
            best = add < best ? add : best;
            cost[i * width + j] = (uint16_t)best;
        }
    }
    for (int i = n, j = m; i || j;) {
        int now = cost[i * width + j];
        if (i && j && now == cost[(i - 1) * width + j - 1] + (a[i - 1] != b[j - 1])) {
            steps[a[i - 1] != b[j - 1]]++;
            i--;
            j--;
        } else if (i && now == cost[(i - 1) * width + j] + 1) {
            steps[2]++;
            i--;
        } else {
            steps[3]++;
            j--;
        }
    }
    int result = cost[n * width + m];
    free(cost);
    return result;
}

/* Length of the longest common subsequence, 32 columns of the table at a time (Hyyro's recurrence). */
static int common_length(const char *a, int n, const char *b, int m)
{
    enum { WORDS = 64 };
    static uint32_t match[4][WORDS], v[WORDS];
    int words = (n + 31) / 32, length = 0;
    memset(match, 0, sizeof match);
    for (int i = 0; i < n; i++)
        match[a[i] >> 1 & 3][i / 32] |= 1u << (i % 32);
    for (int i = 0; i < words; i++)
        v[i] = 0xffffffff;
    for (int j = 0; j < m; j++) {
        uint32_t carry = 0;
        for (int i = 0; i < words; i++) {
            uint32_t u = v[i] & match[b[j] >> 1 & 3][i];
            uint64_t sum = (uint64_t)v[i] + u + carry;
            carry = (uint32_t)(sum >> 32);
            v[i] = (uint32_t)sum | (v[i] - u);
        }
    }
    for (int i = 0; i < n; i++)
        length += !(v[i / 32] >> (i % 32) & 1);
    return length;
}

static int common_length_plain(const char *a, int n, const char *b, int m)
{
    int *row = malloc((size_t)(m + 1) * sizeof *row), result;
    if (!row)
        return -1;
    memset(row, 0, (size_t)(m + 1) * sizeof *row);
    for (int i = 0; i < n; i++) {
        int diagonal = 0;
        for (int j = 0; j < m; j++) {
            int up = row[j + 1];
            row[j + 1] = a[i] == b[j] ? diagonal + 1 : up > row[j] ? up : row[j];
            diagonal = up;
        }
    }
    result = row[m];
    free(row);
    return result;
}

static uint32_t knapsack(int items, int room)
{
    uint32_t *best = malloc((size_t)(room + 1) * sizeof *best), result;
    if (!best)
        return 0;
    memset(best, 0, (size_t)(room + 1) * sizeof *best);
    for (int i = 0; i < items; i++) {
        int weight = 5 + (int)(random_next() % 60);
        uint32_t value = 10 + random_next() % 100;
        for (int r = room; r >= weight; r--) {
            uint32_t with = best[r - weight] + value;
            best[r] = with > best[r] ? with : best[r];
        }
    }
    result = best[room];
    free(best);
    return result;
}

static uint32_t matrix_chain(int n)
{
    enum { MOST = 64 };
    static uint32_t cost[MOST][MOST], dim[MOST + 1];
    for (int i = 0; i <= n; i++)
        dim[i] = 2 + random_next() % 40;
    for (int i = 0; i < n; i++)
        cost[i][i] = 0;
    for (int length = 2; length <= n; length++) {
        for (int i = 0; i + length <= n; i++) {
            int j = i + length - 1;
            uint32_t best = 0xffffffff;
            for (int k = i; k < j; k++) {
                uint32_t c = cost[i][k] + cost[k + 1][j] + dim[i] * dim[k + 1] * dim[j + 1];
                best = c < best ? c : best;
            }
            cost[i][j] = best;
        }
    }
    return cost[0][n - 1];
}

int main(int argc, char **argv)
{
    enum { MOST = 300 };
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    char a[MOST], b[MOST];

    for (int round = 0; round < scale; round++) {
        int n = 230 + (int)(random_next() % 60), m = 0, steps[4] = {0, 0, 0, 0};
        for (int i = 0; i < n; i++)
            a[i] = "ACGT"[random_next() & 3];
        for (int i = 0; i < n && m < MOST; i++) { /* b is a with changes, so that the script is short */
            uint32_t r = random_next() & 63;
            if (r > 5)
                b[m++] = a[i];
            else if (r > 2)
                b[m++] = "ACGT"[r & 3];
        }
        int distance = edit_distance(a, n, b, m, steps), fast = common_length(a, n, b, m),
            plain = common_length_plain(a, n, b, m);
        printf("edit %d = %d changed + %d dropped + %d added, %d kept; common %d\n", distance, steps[1], steps[2], steps[3],
               steps[0], fast);
        if (fast != plain || distance != steps[1] + steps[2] + steps[3])
            return 1;
        printf("knapsack %u\n", knapsack(40, 1000));
        printf("chain %u\n", matrix_chain(50));
    }
    return 0;
}
