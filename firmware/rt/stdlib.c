/* Numbers, sorting, random numbers. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static unsigned digit(char c)
{
    if (isdigit((unsigned char)c))
        return (unsigned)(c - '0');
    return isalpha((unsigned char)c) ? (unsigned)(tolower((unsigned char)c) - 'a') + 10 : 99;
}

/* Magnitude and sign; *over is set if it does not fit in 64 bits. */
static unsigned long parse(const char *s, char **end, int base, int *negative, int *over)
{
    const char *p = s;
    while (isspace((unsigned char)*p))
        p++;
    *negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 32) == 'x' && digit(p[2]) < 16) {
        p += 2;
        base = 16;
    } else if (base == 0) {
        base = *p == '0' ? 8 : 10;
    }
    unsigned long value = 0;
    int any = 0;
    *over = 0;
    for (; digit(*p) < (unsigned)base; p++) {
        any = 1;
        *over |= __builtin_mul_overflow(value, (unsigned long)base, &value);
        *over |= __builtin_add_overflow(value, (unsigned long)digit(*p), &value);
    }
    if (end != NULL)
        *end = (char *)(any ? p : s);
    return value;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
    int negative, over;
    unsigned long v = parse(s, end, base, &negative, &over);
    if (over) {
        errno = ERANGE;
        return ULONG_MAX;
    }
    return negative ? -v : v;
}

long strtol(const char *restrict s, char **restrict end, int base)
{
    int negative, over;
    unsigned long v = parse(s, end, base, &negative, &over);
    if (over || v > (unsigned long)LONG_MAX + (unsigned long)negative) {
        errno = ERANGE;
        return negative ? LONG_MIN : LONG_MAX;
    }
    return (long)(negative ? -v : v);
}

long long strtoll(const char *restrict s, char **restrict end, int base) { return strtol(s, end, base); }
unsigned long long strtoull(const char *restrict s, char **restrict end, int base) { return strtoul(s, end, base); }
int atoi(const char *s) { return (int)strtol(s, NULL, 10); }
long atol(const char *s) { return strtol(s, NULL, 10); }
long long atoll(const char *s) { return strtol(s, NULL, 10); }
int abs(int x) { return x < 0 ? -x : x; }
long labs(long x) { return x < 0 ? -x : x; }
long long llabs(long long x) { return x < 0 ? -x : x; }
char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

static void swap(char *a, char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

/* Heap sort: no recursion and no bad cases. */
static void sift(char *base, size_t root, size_t n, size_t size, int (*less)(const void *, const void *))
{
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && less(base + child * size, base + (child + 1) * size) < 0)
            child++;
        if (less(base + root * size, base + child * size) >= 0)
            return;
        swap(base + root * size, base + child * size, size);
    }
}

void qsort(void *array, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    char *base = array;
    for (size_t i = n / 2; i-- > 0;)
        sift(base, i, n, size, compare);
    while (n > 1) {
        n--;
        swap(base, base + n * size, size);
        sift(base, 0, n, size, compare);
    }
}

void *bsearch(const void *key, const void *array, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    const char *base = array;
    while (n != 0) {
        const char *mid = base + n / 2 * size;
        int c = compare(key, mid);
        if (c == 0)
            return (void *)mid;
        if (c > 0) {
            base = mid + size;
            n--;
        }
        n /= 2;
    }
    return NULL;
}

static unsigned long random_state = 1;
void srand(unsigned seed) { random_state = seed; }
int rand(void)
{
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (int)(random_state >> 33);
}
