/* Linear equations: LU decomposition with partial pivoting in double precision, and the residual. */
#include <stdio.h>
#include <stdlib.h>

enum { N = 48 };

static double a[N][N], lu[N][N], b[N], x[N];
static int perm[N];
static unsigned state = 7;

static double uniform(void)
{
    state = state * 1664525u + 1013904223u;
    return (double)(int)(state >> 8) / 8388608.0 - 1;
}

static double absolute(double v) { return v < 0 ? -v : v; }

static int decompose(void)
{
    int sign = 1;
    for (int k = 0; k < N; k++) {
        int p = k;
        for (int i = k + 1; i < N; i++)
            if (absolute(lu[i][k]) > absolute(lu[p][k]))
                p = i;
        if (p != k) {
            sign = -sign;
            int t = perm[k];
            perm[k] = perm[p];
            perm[p] = t;
            for (int j = 0; j < N; j++) {
                double v = lu[k][j];
                lu[k][j] = lu[p][j];
                lu[p][j] = v;
            }
        }
        for (int i = k + 1; i < N; i++) {
            double f = lu[i][k] /= lu[k][k];
            for (int j = k + 1; j < N; j++)
                lu[i][j] -= f * lu[k][j];
        }
    }
    return sign;
}

static void solve(void)
{
    for (int i = 0; i < N; i++) {
        double v = b[perm[i]];
        for (int j = 0; j < i; j++)
            v -= lu[i][j] * x[j];
        x[i] = v;
    }
    for (int i = N - 1; i >= 0; i--) {
        double v = x[i];
        for (int j = i + 1; j < N; j++)
            v -= lu[i][j] * x[j];
        x[i] = v / lu[i][i];
    }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    double worst = 0, sum = 0;
    int signs = 0;
    for (int round = 0; round < 4 * scale; round++) {
        for (int i = 0; i < N; i++) {
            b[i] = uniform();
            perm[i] = i;
            for (int j = 0; j < N; j++)
                a[i][j] = lu[i][j] = uniform();
        }
        signs += decompose();
        solve();
        for (int i = 0; i < N; i++) {
            double r = -b[i];
            for (int j = 0; j < N; j++)
                r += a[i][j] * x[j];
            worst = absolute(r) > worst ? absolute(r) : worst;
        }
        sum += x[0] + x[N - 1];
    }
    printf("sum %d signs %d\n", (int)(sum * 1e6), signs);
    printf("residual %s\n", worst < 1e-10 ? "small" : "BIG");
    return 0;
}
