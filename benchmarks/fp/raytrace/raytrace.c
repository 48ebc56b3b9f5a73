/* Spheres over a chequered floor with one light, shadows and reflections, in single precision. */
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 56, HEIGHT = 28, SPHERES = 4, DEPTH = 3 };

struct vec {
    float x, y, z;
};
struct sphere {
    struct vec at;
    float radius, shine;
    struct vec colour;
};

static const struct sphere spheres[SPHERES] = {
    {{0, 1, 6}, 1, 0.4f, {1, 0.3f, 0.3f}},
    {{2.1f, 0.8f, 5}, 0.8f, 0.2f, {0.3f, 1, 0.3f}},
    {{-2, 0.7f, 4.5f}, 0.7f, 0.5f, {0.4f, 0.4f, 1}},
    {{0.4f, 0.4f, 3.2f}, 0.4f, 0.1f, {1, 1, 0.5f}},
};
static const struct vec light = {0.5345f, 0.8018f, -0.2673f};

static struct vec plus(struct vec a, struct vec b) { return (struct vec){a.x + b.x, a.y + b.y, a.z + b.z}; }
static struct vec minus(struct vec a, struct vec b) { return (struct vec){a.x - b.x, a.y - b.y, a.z - b.z}; }
static struct vec times(struct vec a, float k) { return (struct vec){a.x * k, a.y * k, a.z * k}; }
static float dot(struct vec a, struct vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static struct vec unit(struct vec a) { return times(a, 1 / __builtin_sqrtf(dot(a, a))); }

/* Distance to the nearest hit; which sphere, or -1 for the floor, -2 for the sky. */
static float trace(struct vec from, struct vec dir, int *what)
{
    float best = 1e9f;
    *what = -2;
    for (int i = 0; i < SPHERES; i++) {
        struct vec to = minus(spheres[i].at, from);
        float b = dot(to, dir), d = b * b - dot(to, to) + spheres[i].radius * spheres[i].radius;
        if (d <= 0)
            continue;
        float t = b - __builtin_sqrtf(d);
        if (t > 1e-3f && t < best) {
            best = t;
            *what = i;
        }
    }
    if (dir.y < -1e-4f && -from.y / dir.y < best && -from.y / dir.y > 1e-3f) {
        best = -from.y / dir.y;
        *what = -1;
    }
    return best;
}

static struct vec shade(struct vec from, struct vec dir, int depth)
{
    int what, other;
    float t = trace(from, dir, &what);
    struct vec normal = {0, 1, 0}, colour = {0.2f, 0.3f, 0.5f + 0.5f * dir.y};
    float shine = 0.15f;
    if (what == -2)
        return colour;
    struct vec hit = plus(from, times(dir, t));
    if (what >= 0) {
        normal = times(minus(hit, spheres[what].at), 1 / spheres[what].radius);
        colour = spheres[what].colour;
        shine = spheres[what].shine;
    } else {
        int odd = ((int)(hit.x + 100.37f) + (int)(hit.z + 100.21f)) & 1;
        colour = odd ? (struct vec){0.9f, 0.9f, 0.9f} : (struct vec){0.1f, 0.1f, 0.1f};
    }
    float lit = dot(normal, light);
    if (lit > 0)
        trace(hit, light, &other);
    lit = lit <= 0 || other != -2 ? 0.1f : 0.1f + 0.9f * lit;
    colour = times(colour, lit);
    if (depth > 1) {
        struct vec mirrored = minus(dir, times(normal, 2 * dot(dir, normal)));
        colour = plus(times(colour, 1 - shine), times(shade(hit, mirrored, depth - 1), shine));
    }
    return colour;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    float sum = 0;
    for (int round = 0; round < scale; round++) {
        sum = 0;
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                struct vec dir = {(float)(2 * x - WIDTH) / WIDTH, (float)(HEIGHT - 2 * y) / WIDTH - 0.1f, 1.2f};
                struct vec c = shade((struct vec){0, 1.1f, 0}, unit(dir), DEPTH);
                float grey = 0.3f * c.x + 0.6f * c.y + 0.1f * c.z;
                sum += grey;
                if (round == 0)
                    printf("%c", " .:-=+*#%@"[grey >= 1 ? 9 : (int)(grey * 10)]);
            }
            if (round == 0)
                printf("\n");
        }
    }
    printf("light %d\n", (int)(sum * 10));
    return 0;
}
