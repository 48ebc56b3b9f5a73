/* Sun and planets under gravity: leapfrog steps in double precision. Energy and momentum must stay what they were. */
#include <stdio.h>
#include <stdlib.h>

enum { BODIES = 5 };
#define PI         3.141592653589793
#define SOLAR_MASS (4 * PI * PI)
#define YEAR       365.24

struct body {
    double x[3], v[3], mass;
};

static struct body bodies[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, SOLAR_MASS},
    {{4.841431442, -1.160320044, -0.103622044},
     {0.001660076 * YEAR, 0.007699011 * YEAR, -0.000069046 * YEAR},
     0.000954792 * SOLAR_MASS},
    {{8.343366718, 4.124798564, -0.403523417},
     {-0.002767425 * YEAR, 0.004998528 * YEAR, 0.000023041 * YEAR},
     0.000285886 * SOLAR_MASS},
    {{12.894369562, -15.111151402, -0.223307579},
     {0.002964601 * YEAR, 0.002378472 * YEAR, -0.000029659 * YEAR},
     0.000043662 * SOLAR_MASS},
    {{15.379697115, -25.919314610, 0.179258773},
     {0.002680678 * YEAR, 0.001628242 * YEAR, -0.000095159 * YEAR},
     0.000051514 * SOLAR_MASS},
};

static void advance(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *a = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *b = &bodies[j];
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
            double d2 = dx * dx + dy * dy + dz * dz;
            double mag = dt / (d2 * __builtin_sqrt(d2));
            double ma = a->mass * mag, mb = b->mass * mag;
            a->v[0] -= dx * mb;
            a->v[1] -= dy * mb;
            a->v[2] -= dz * mb;
            b->v[0] += dx * ma;
            b->v[1] += dy * ma;
            b->v[2] += dz * ma;
        }
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            bodies[i].x[k] += dt * bodies[i].v[k];
}

static double energy(void)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *a = &bodies[i];
        e += 0.5 * a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]);
        for (int j = i + 1; j < BODIES; j++) {
            const struct body *b = &bodies[j];
            double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
            e -= a->mass * b->mass / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
        }
    }
    return e;
}

static int scaled(double v) { return (int)(v * 1e8 + (v < 0 ? -0.5 : 0.5)); }

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    double p[3] = {0, 0, 0};
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            p[k] += bodies[i].v[k] * bodies[i].mass;
    for (int k = 0; k < 3; k++)
        bodies[0].v[k] = -p[k] / SOLAR_MASS;
    double before = energy();
    for (int i = 0; i < 4000 * scale; i++)
        advance(0.01);
    double after = energy(), drift = after - before;
    printf("energy %d %d\n", scaled(before), scaled(after));
    printf("jupiter %d %d\n", (int)(bodies[1].x[0] * 1e6), (int)(bodies[1].x[1] * 1e6));
    printf("drift %s\n", drift < 1e-3 && drift > -1e-3 ? "small" : "BIG");
    return 0;
}
