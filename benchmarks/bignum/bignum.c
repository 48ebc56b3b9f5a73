/* Big integers: digits of pi by Machin's formula, a factorial, and Fibonacci numbers; the results check each other. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMBS = 256 };

struct big {
    int n; /* limbs in use; little-endian */
    uint32_t limb[LIMBS];
};

static void big_set(struct big *b, uint32_t v)
{
    b->limb[0] = v;
    b->n = v ? 1 : 0;
}

static void big_multiply_small(struct big *b, uint32_t f)
{
    uint64_t carry = 0;
    for (int i = 0; i < b->n; i++) {
        carry += (uint64_t)b->limb[i] * f;
        b->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry)
        b->limb[b->n++] = (uint32_t)carry;
}

static uint32_t big_divide_small(struct big *b, uint32_t d)
{
    uint32_t rest = 0;
    for (int i = b->n; i-- > 0;) { /* by halves, so that 32-bit division is enough (d < 65536) */
        uint32_t high = rest << 16 | b->limb[i] >> 16;
        uint32_t low = (high % d) << 16 | (b->limb[i] & 0xffff);
        b->limb[i] = (high / d) << 16 | low / d;
        rest = low % d;
    }
    while (b->n && !b->limb[b->n - 1])
        b->n--;
    return rest;
}

static void big_add(struct big *a, const struct big *b)
{
    uint64_t carry = 0;
    for (int i = 0; i < b->n || carry; i++) {
        if (i >= a->n)
            a->limb[a->n++] = 0;
        carry += (uint64_t)a->limb[i] + (i < b->n ? b->limb[i] : 0);
        a->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static void big_subtract(struct big *a, const struct big *b) /* a >= b */
{
    uint32_t borrow = 0;
    for (int i = 0; i < a->n; i++) {
        uint64_t t = (uint64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0) - borrow;
        a->limb[i] = (uint32_t)t;
        borrow = (uint32_t)(t >> 32) & 1;
    }
    while (a->n && !a->limb[a->n - 1])
        a->n--;
}

static void big_multiply(struct big *out, const struct big *a, const struct big *b)
{
    memset(out->limb, 0, (size_t)(a->n + b->n + 1) * sizeof *out->limb);
    for (int i = 0; i < a->n; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < b->n; j++) {
            carry += (uint64_t)a->limb[i] * b->limb[j] + out->limb[i + j];
            out->limb[i + j] = (uint32_t)carry;
            carry >>= 32;
        }
        out->limb[i + b->n] = (uint32_t)carry;
    }
    out->n = a->n + b->n;
    while (out->n && !out->limb[out->n - 1])
        out->n--;
}

/* sum += or -= factor * arctan(1/x), all times 10^digits. */
static void add_arctan(struct big *plus, struct big *minus, uint32_t factor, uint32_t x, int digits)
{
    struct big power, term;
    big_set(&power, factor);
    for (int i = 0; i < digits; i++)
        big_multiply_small(&power, 10);
    big_divide_small(&power, x);
    for (uint32_t k = 1; power.n; k += 2) {
        term = power;
        big_divide_small(&term, k);
        big_add(k & 2 ? minus : plus, &term);
        big_divide_small(&power, x * x);
    }
}

static void print_decimal(struct big b, const char *what)
{
    static char text[LIMBS * 10];
    int n = (int)sizeof text - 1;
    text[n] = 0;
    while (b.n) {
        uint32_t digits = big_divide_small(&b, 10000);
        for (int i = 0; i < 4; i++, digits /= 10)
            text[--n] = (char)('0' + digits % 10);
    }
    while (text[n] == '0')
        n++;
    printf("%s: %d digits, %s\n", what, (int)strlen(text + n), text + n);
}

static uint32_t fold(const struct big *b)
{
    uint32_t h = (uint32_t)b->n;
    for (int i = 0; i < b->n; i++)
        h = h * 16777619u ^ b->limb[i];
    return h;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    static struct big a, b, product, square;
    int digits = 130;

    for (int round = 0; round < scale; round++, digits = digits < 800 ? digits + 20 : 130) {
        big_set(&a, 0);
        big_set(&b, 0);
        add_arctan(&a, &b, 16, 5, digits);
        add_arctan(&b, &a, 4, 239, digits);
        big_subtract(&a, &b);
        for (int i = 0; i < 5; i++) /* the last digits are not exact */
            big_divide_small(&a, 10);
        print_decimal(a, "pi");

        big_set(&a, 1);
        for (uint32_t i = 2; i <= 220; i++)
            big_multiply_small(&a, i);
        print_decimal(a, "220!");

        /* F(n-1) F(n+1) - F(n)^2 = (-1)^n: here with n even. */
        big_set(&a, 0);
        big_set(&b, 1);
        for (int n = 1; n < 1200; n++) {
            struct big t = b;
            big_add(&b, &a);
            a = t;
        }
        struct big next = b;
        big_add(&next, &a);
        big_multiply(&product, &a, &next);
        big_multiply(&square, &b, &b);
        big_subtract(&product, &square);
        printf("fibonacci %08x, identity %s\n", fold(&b), product.n == 1 && product.limb[0] == 1 ? "holds" : "BROKEN");
    }
    return 0;
}
