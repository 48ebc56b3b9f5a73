/* Spectral norm of an infinite matrix, cut off: the power method in double precision; a division for each element. */
#include <stdio.h>
#include <stdlib.h>

enum { N = 60 };

static double element(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static void product(double *out, const double *v, int transposed)
{
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int j = 0; j < N; j++)
            sum += (transposed ? element(j, i) : element(i, j)) * v[j];
        out[i] = sum;
    }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    static double u[N], v[N], t[N];
    double uv = 0, vv = 0;
    for (int i = 0; i < N; i++)
        u[i] = 1;
    for (int i = 0; i < 8 * scale; i++) {
        product(t, u, 0);
        product(v, t, 1);
        product(t, v, 0);
        product(u, t, 1);
    }
    for (int i = 0; i < N; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    printf("norm %d\n", (int)(__builtin_sqrt(uv / vv) * 1e9));
    return 0;
}
