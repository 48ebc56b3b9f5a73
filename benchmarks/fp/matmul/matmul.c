/* Matrix products in single and double precision: plain, with the inner loops exchanged, and in blocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 48, BLOCK = 8 };

static double da[N][N], db[N][N], dc[N][N], dd[N][N];
static float fa[N][N], fb[N][N], fc[N][N];

static void fill(void)
{
    unsigned state = 3;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            state = state * 1664525u + 1013904223u;
            da[i][j] = fa[i][j] = (float)((int)(state >> 20) - 2048);
            state = state * 1664525u + 1013904223u;
            db[i][j] = fb[i][j] = (float)((int)(state >> 24) - 128) / 16;
        }
    }
}

static void plain(void)
{
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += da[i][k] * db[k][j];
            dc[i][j] = sum;
        }
    }
}

static void blocked(void)
{
    memset(dd, 0, sizeof dd);
    for (int kk = 0; kk < N; kk += BLOCK)
        for (int jj = 0; jj < N; jj += BLOCK)
            for (int i = 0; i < N; i++)
                for (int j = jj; j < jj + BLOCK; j++) {
                    double sum = dd[i][j];
                    for (int k = kk; k < kk + BLOCK; k++)
                        sum += da[i][k] * db[k][j];
                    dd[i][j] = sum;
                }
}

static void single(void)
{
    memset(fc, 0, sizeof fc);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            float a = fa[i][k];
            for (int j = 0; j < N; j++)
                fc[i][j] += a * fb[k][j];
        }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    int bad = 0;
    fill();
    for (int round = 0; round < scale; round++) {
        plain();
        blocked();
        single();
    }
    double trace = 0;
    for (int i = 0; i < N; i++) {
        trace += dc[i][i];
        for (int j = 0; j < N; j++) {
            double d = fc[i][j] - dc[i][j];
            bad += dc[i][j] != dd[i][j] || d > 0.5 || d < -0.5;
        }
    }
    printf("trace %d bad %d\n", (int)trace, bad);
    return 0;
}
