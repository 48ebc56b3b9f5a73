/* The Mandelbrot set: iterations of z*z + c in double precision, as letters. */
#include <stdio.h>
#include <stdlib.h>

enum { WIDTH = 64, HEIGHT = 32, LIMIT = 100 };

static int iterations(double cr, double ci)
{
    double zr = 0, zi = 0;
    for (int n = 0; n < LIMIT; n++) {
        double r2 = zr * zr, i2 = zi * zi;
        if (r2 + i2 > 4)
            return n;
        zi = 2 * zr * zi + ci;
        zr = r2 - i2 + cr;
    }
    return LIMIT;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    long total = 0;
    char line[WIDTH + 1];
    line[WIDTH] = 0;
    for (int round = 0; round < scale; round++) {
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                int n = iterations(x * (3.0 / WIDTH) - 2.1, y * (2.5 / HEIGHT) - 1.23);
                line[x] = n == LIMIT ? '#' : n > 20 ? '+' : n > 8 ? '.' : ' ';
                total += n;
            }
            if (round == 0)
                printf("%s|\n", line);
        }
    }
    printf("iterations %d\n", (int)(total / scale));
    return 0;
}
