/* Integer matrices: product, blocked product, power and determinant modulo a prime by Gaussian elimination. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 40, BLOCK = 8 };
static const uint32_t prime = 65521;

struct matrix {
    uint32_t at[N][N];
};

static uint32_t random_state = 1;

static void fill(struct matrix *m)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            random_state = random_state * 1664525u + 1013904223u;
            m->at[i][j] = (random_state >> 8) % prime;
        }
    }
}

static void multiply(struct matrix *out, const struct matrix *a, const struct matrix *b)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            uint32_t sum = 0;
            for (int k = 0; k < N; k++)
                sum += a->at[i][k] * b->at[k][j];
            out->at[i][j] = sum;
        }
    }
}

static void multiply_blocked(struct matrix *out, const struct matrix *a, const struct matrix *b)
{
    memset(out, 0, sizeof *out);
    for (int ib = 0; ib < N; ib += BLOCK)
        for (int kb = 0; kb < N; kb += BLOCK)
            for (int i = ib; i < ib + BLOCK; i++)
                for (int k = kb; k < kb + BLOCK; k++) {
                    uint32_t f = a->at[i][k];
                    for (int j = 0; j < N; j++)
                        out->at[i][j] += f * b->at[k][j];
                }
}

static uint32_t power(uint32_t base, uint32_t exponent)
{
    uint32_t r = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            r = (uint32_t)((uint64_t)r * base % prime);
        base = (uint32_t)((uint64_t)base * base % prime);
    }
    return r;
}

static uint32_t determinant(struct matrix *m)
{
    uint32_t det = 1;
    for (int c = 0; c < N; c++) {
        int pivot = c;
        while (pivot < N && m->at[pivot][c] == 0)
            pivot++;
        if (pivot == N)
            return 0;
        if (pivot != c) {
            for (int j = 0; j < N; j++) {
                uint32_t t = m->at[c][j];
                m->at[c][j] = m->at[pivot][j];
                m->at[pivot][j] = t;
            }
            det = prime - det;
        }
        det = det * m->at[c][c] % prime;
        uint32_t inverse = power(m->at[c][c], prime - 2);
        for (int i = c + 1; i < N; i++) {
            uint32_t f = m->at[i][c] * inverse % prime;
            for (int j = c; j < N; j++)
                m->at[i][j] = (m->at[i][j] + (prime - f) * m->at[c][j]) % prime;
        }
    }
    return det;
}

static uint32_t digest(const struct matrix *m)
{
    uint32_t h = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            h = h * 31 + m->at[i][j];
    return h;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    static struct matrix a, b, c, d;
    uint32_t sum = 0, dets = 0;

    for (int round = 0; round < scale; round++) {
        fill(&a);
        fill(&b);
        multiply(&c, &a, &b);
        multiply_blocked(&d, &a, &b);
        if (memcmp(&c, &d, sizeof c) != 0) {
            printf("products differ in round %d\n", round);
            return 1;
        }
        sum = sum * 17 + digest(&c);
        /* det(a) * det(b) = det(a * b), all modulo the prime. */
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                uint32_t t = 0;
                for (int k = 0; k < N; k++)
                    t = (t + a.at[i][k] * b.at[k][j] % prime) % prime;
                d.at[i][j] = t;
            }
        uint32_t da = determinant(&a), db = determinant(&b), dd = determinant(&d);
        if ((uint32_t)((uint64_t)da * db % prime) != dd) {
            printf("determinants differ in round %d\n", round);
            return 1;
        }
        dets = dets * 17 + dd;
    }
    printf("products %08x determinants %08x\n", sum, dets);
    return 0;
}
