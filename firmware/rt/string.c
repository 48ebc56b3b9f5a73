/* string.h. Copies go by double words, unaligned where it must be: the core does not mind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t word __attribute__((may_alias, aligned(1)));

#define NO_BUILTIN __attribute__((no_builtin))

NO_BUILTIN void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    for (; n >= 32; n -= 32, d += 32, s += 32) {
        uint64_t a = ((const word *)s)[0], b = ((const word *)s)[1], c = ((const word *)s)[2], e = ((const word *)s)[3];
        ((word *)d)[0] = a;
        ((word *)d)[1] = b;
        ((word *)d)[2] = c;
        ((word *)d)[3] = e;
    }
    for (; n >= 8; n -= 8, d += 8, s += 8)
        *(word *)d = *(const word *)s;
#pragma clang loop unroll(disable)
    for (; n != 0; n--)
        *d++ = *s++;
    return to;
}

NO_BUILTIN void *memmove(void *to, const void *from, size_t n)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    for (; n >= 8; n -= 8)
        *(word *)(d + n - 8) = *(const word *)(s + n - 8);
#pragma clang loop unroll(disable)
    for (; n != 0; n--)
        d[n - 1] = s[n - 1];
    return to;
}

NO_BUILTIN void *memset(void *to, int value, size_t n)
{
    unsigned char *d = to;
    uint64_t v = (uint64_t)(unsigned char)value * UINT64_C(0x0101010101010101);
    for (; n >= 32; n -= 32, d += 32) {
        ((word *)d)[0] = v;
        ((word *)d)[1] = v;
        ((word *)d)[2] = v;
        ((word *)d)[3] = v;
    }
    for (; n >= 8; n -= 8, d += 8)
        *(word *)d = v;
#pragma clang loop unroll(disable)
    for (; n != 0; n--)
        *d++ = (unsigned char)value;
    return to;
}

NO_BUILTIN int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;
    for (; n >= 8 && *(const word *)x == *(const word *)y; n -= 8)
        x += 8, y += 8;
    for (; n != 0; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *p, int c, size_t n)
{
    const unsigned char *s = p;
    for (; n != 0; n--, s++)
        if (*s == (unsigned char)c)
            return (void *)s;
    return NULL;
}

NO_BUILTIN size_t strlen(const char *s)
{
    const char *p = s;
    while (*p != 0)
        p++;
    return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n] != 0)
        n++;
    return n;
}

NO_BUILTIN char *stpcpy(char *restrict to, const char *restrict from)
{
    while ((*to = *from++) != 0)
        to++;
    return to;
}

NO_BUILTIN char *strcpy(char *restrict to, const char *restrict from)
{
    stpcpy(to, from);
    return to;
}

NO_BUILTIN char *strncpy(char *restrict to, const char *restrict from, size_t n)
{
    size_t i = 0;
    for (; i < n && from[i] != 0; i++)
        to[i] = from[i];
    for (; i < n; i++)
        to[i] = 0;
    return to;
}

NO_BUILTIN char *strcat(char *restrict to, const char *restrict from)
{
    stpcpy(to + strlen(to), from);
    return to;
}

NO_BUILTIN char *strncat(char *restrict to, const char *restrict from, size_t n)
{
    char *end = to + strlen(to);
    while (n-- != 0 && *from != 0)
        *end++ = *from++;
    *end = 0;
    return to;
}

NO_BUILTIN int strcmp(const char *a, const char *b)
{
    while (*a == *b && *a != 0)
        a++, b++;
    return (unsigned char)*a - (unsigned char)*b;
}

NO_BUILTIN int strncmp(const char *a, const char *b, size_t n)
{
    for (; n != 0; n--, a++, b++)
        if (*a != *b || *a == 0)
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

NO_BUILTIN char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (*s == 0)
            return NULL;
    }
}

NO_BUILTIN char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (*s == 0)
            return (char *)found;
    }
}

size_t strspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] != 0 && strchr(set, s[n]) != NULL)
        n++;
    return n;
}

size_t strcspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] != 0 && strchr(set, s[n]) == NULL)
        n++;
    return n;
}

char *strpbrk(const char *s, const char *set)
{
    s += strcspn(s, set);
    return *s != 0 ? (char *)s : NULL;
}

NO_BUILTIN char *strstr(const char *s, const char *sub)
{
    size_t n = strlen(sub);
    for (;; s++) {
        if (strncmp(s, sub, n) == 0)
            return (char *)s;
        if (*s == 0)
            return NULL;
    }
}

char *strtok_r(char *restrict s, const char *restrict set, char **restrict rest)
{
    if (s == NULL)
        s = *rest;
    s += strspn(s, set);
    if (*s == 0) {
        *rest = s;
        return NULL;
    }
    char *end = s + strcspn(s, set);
    *rest = *end != 0 ? end + 1 : end;
    *end = 0;
    return s;
}

char *strtok(char *restrict s, const char *restrict set)
{
    static char *rest;
    return strtok_r(s, set, &rest);
}

char *strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = malloc(n);
    return copy != NULL ? memcpy(copy, s, n) : NULL;
}

char *strerror(int e)
{
    (void)e;
    return "error";
}
