/* memory and string functions. no_builtin: the compiler must not turn their loops into calls of themselves. */
#include <stdint.h>
#include <string.h>

#define PLAIN __attribute__((no_builtin))

/* Words are copied eight bytes at a time whatever the alignment: Duke's memory units take unaligned accesses. */
struct word {
    uint64_t v;
} __attribute__((packed, may_alias));

PLAIN void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    char *d = dst;
    const char *s = src;
    for (; n >= 16; n -= 16, d += 16, s += 16) {
        uint64_t a = ((const struct word *)s)->v;
        uint64_t b = ((const struct word *)(s + 8))->v;
        ((struct word *)d)->v = a;
        ((struct word *)(d + 8))->v = b;
    }
    for (; n; n--)
        *d++ = *s++;
    return dst;
}

PLAIN void *memmove(void *dst, const void *src, size_t n)
{
    char *d = dst;
    const char *s = src;
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(dst, src, n);
    while (n--)
        d[n] = s[n];
    return dst;
}

PLAIN void *memset(void *dst, int c, size_t n)
{
    char *d = dst;
    uint64_t v = (uint8_t)c * UINT64_C(0x0101010101010101);
    for (; n >= 8; n -= 8, d += 8)
        ((struct word *)d)->v = v;
    for (; n; n--)
        *d++ = (char)c;
    return dst;
}

PLAIN int memcmp(const void *x, const void *y, size_t n)
{
    const unsigned char *a = x, *b = y;
    for (; n; n--, a++, b++)
        if (*a != *b)
            return *a - *b;
    return 0;
}

PLAIN void *memchr(const void *x, int c, size_t n)
{
    const unsigned char *a = x;
    for (; n; n--, a++)
        if (*a == (unsigned char)c)
            return (void *)a;
    return NULL;
}

PLAIN size_t strlen(const char *s)
{
    const char *p = s;
    while (*p)
        p++;
    return (size_t)(p - s);
}

PLAIN size_t strnlen(const char *s, size_t n)
{
    size_t k = 0;
    while (k < n && s[k])
        k++;
    return k;
}

int strncmp(const char *x, const char *y, size_t n)
{
    const unsigned char *a = (const void *)x, *b = (const void *)y;
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return *a - *b;
    return 0;
}

int strcmp(const char *x, const char *y) { return strncmp(x, y, SIZE_MAX); }

PLAIN char *strcpy(char *restrict dst, const char *restrict src)
{
    char *d = dst;
    while ((*d++ = *src++))
        ;
    return dst;
}

PLAIN char *strncpy(char *restrict dst, const char *restrict src, size_t n)
{
    size_t i = 0;
    for (; i < n && src[i]; i++)
        dst[i] = src[i];
    for (; i < n; i++)
        dst[i] = 0;
    return dst;
}

char *strcat(char *restrict dst, const char *restrict src)
{
    strcpy(dst + strlen(dst), src);
    return dst;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;
    do
        if (*s == (char)c)
            last = s;
    while (*s++);
    return (char *)last;
}

size_t strspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] && strchr(set, s[n]))
        n++;
    return n;
}

size_t strcspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] && !strchr(set, s[n]))
        n++;
    return n;
}

char *strstr(const char *s, const char *find)
{
    size_t n = strlen(find);
    for (; *s || !n; s++)
        if (!strncmp(s, find, n))
            return (char *)s;
    return NULL;
}
