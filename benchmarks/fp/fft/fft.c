/* Fast Fourier transform, radix 2, in double precision: forward, a convolution, and back. */
#include <stdio.h>
#include <stdlib.h>

enum { LOG = 9, N = 1 << LOG };

static double re[N], im[N], cosine[N / 2], sine[N / 2];

/* Twiddle factors by halving angles: cos and sin of pi / 2^k, then products. */
static void make_twiddles(void)
{
    double c = -1, s = 0; /* of pi */
    double bc[LOG], bs[LOG];
    for (int k = 0; k < LOG; k++) {
        bc[k] = c;
        bs[k] = s;
        double half = __builtin_sqrt((1 + c) / 2);
        s = k == 0 ? 1 : s / (2 * half);
        c = k == 0 ? 0 : half;
    }
    for (int i = 0; i < N / 2; i++) { /* angle 2 pi i / N */
        double x = 1, y = 0;
        for (int k = 1; k < LOG; k++) {
            if (i >> (LOG - 1 - k) & 1) {
                double t = x * bc[k] - y * bs[k];
                y = x * bs[k] + y * bc[k];
                x = t;
            }
        }
        cosine[i] = x;
        sine[i] = y;
    }
}

static void transform(double sign)
{
    for (int i = 1, j = 0; i < N; i++) {
        int bit = N >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
    }
    for (int len = 2; len <= N; len <<= 1) {
        int half = len / 2, step = N / len;
        for (int i = 0; i < N; i += len) {
            for (int k = 0; k < half; k++) {
                double c = cosine[k * step], s = sign * sine[k * step];
                double *ar = &re[i + k], *ai = &im[i + k], *br = ar + half, *bi = ai + half;
                double xr = *br * c - *bi * s, xi = *br * s + *bi * c;
                *br = *ar - xr;
                *bi = *ai - xi;
                *ar += xr;
                *ai += xi;
            }
        }
    }
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    unsigned state = 1;
    double worst = 0, energy = 0, spectrum = 0;
    make_twiddles();
    for (int round = 0; round < 4 * scale; round++) {
        static double in[N];
        energy = spectrum = 0;
        for (int i = 0; i < N; i++) {
            state = state * 1664525u + 1013904223u;
            in[i] = re[i] = (double)(int)(state >> 16) / 65536.0 - 0.5;
            im[i] = 0;
            energy += re[i] * re[i];
        }
        transform(1);
        for (int i = 0; i < N; i++)
            spectrum += re[i] * re[i] + im[i] * im[i];
        transform(-1);
        for (int i = 0; i < N; i++) {
            double d = re[i] / N - in[i];
            worst = d > worst ? d : -d > worst ? -d : worst;
        }
    }
    printf("energy %d %d\n", (int)(energy * 1e6 + 0.5), (int)(spectrum / N * 1e6 + 0.5));
    printf("back %s\n", worst < 1e-12 ? "exact enough" : "WRONG");
    return 0;
}
