/* Buffered output to descriptors 1 and 2, and the printf family without floating point. */
#include "rt.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct stdio_file {
    int fd;
    unsigned used;
    char buf[1024];
};

static FILE files[2] = {{.fd = 1}, {.fd = 2}};
FILE *const stdout = &files[0], *const stderr = &files[1];

int fflush(FILE *f)
{
    const char *p = f->buf;
    while (f->used) {
        uint64_t n = native_call(NATIVE_WRITE, (uint64_t)f->fd, (uintptr_t)p, f->used);
        if (n == 0 || n > f->used)
            return EOF;
        p += n;
        f->used -= (unsigned)n;
    }
    return 0;
}

void stdio_flush(void)
{
    fflush(stdout);
    fflush(stderr);
}

int fputc(int c, FILE *f)
{
    if (f->used == sizeof f->buf)
        fflush(f);
    f->buf[f->used++] = (char)c;
    if (f == stderr && c == '\n')
        fflush(f);
    return (unsigned char)c;
}

int putchar(int c) { return fputc(c, stdout); }

size_t fwrite(const void *data, size_t size, size_t n, FILE *f)
{
    const char *p = data;
    for (size_t i = 0; i < size * n; i++)
        fputc(p[i], f);
    return n;
}

int fputs(const char *s, FILE *f)
{
    fwrite(s, 1, strlen(s), f);
    return 0;
}

int puts(const char *s)
{
    fputs(s, stdout);
    return putchar('\n');
}

/* Where formatted text goes: a stream, or a string of limited size. */
struct sink {
    FILE *file;
    char *str;
    size_t size, count;
};

static void put(struct sink *s, char c)
{
    if (s->file)
        fputc(c, s->file);
    else if (s->count + 1 < s->size)
        s->str[s->count] = c;
    s->count++;
}

struct spec {
    bool left, zero, plus, space, alt;
    int width, precision; /* precision -1: none */
};

static void put_padded(struct sink *s, const struct spec *f, const char *prefix, const char *text, int len, int zeros)
{
    int plen = (int)strlen(prefix);
    int pad = f->width - plen - zeros - len;
    if (!f->left)
        for (; pad > 0; pad--)
            put(s, ' ');
    while (*prefix)
        put(s, *prefix++);
    for (; zeros > 0; zeros--)
        put(s, '0');
    for (int i = 0; i < len; i++)
        put(s, text[i]);
    for (; pad > 0; pad--)
        put(s, ' ');
}

static void put_number(struct sink *s, const struct spec *f, uint64_t v, unsigned base, bool upper, const char *sign)
{
    char text[24], prefix[4];
    int n = 0;
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    bool zero = v == 0;
    for (; v; v /= base)
        text[sizeof text - 1 - (size_t)n++] = digits[v % base];
    if (zero && f->precision != 0)
        text[sizeof text - 1 - (size_t)n++] = '0';
    strcpy(prefix, sign);
    if (f->alt && base == 16 && !zero)
        strcat(prefix, upper ? "0X" : "0x");
    int zeros = f->precision - n;
    if (f->alt && base == 8 && zeros <= 0 && !zero)
        zeros = 1;
    if (f->precision < 0 && f->zero && !f->left)
        zeros = f->width - n - (int)strlen(prefix);
    put_padded(s, f, prefix, text + sizeof text - n, n, zeros > 0 ? zeros : 0);
}

static const char *parse_spec(const char *p, struct spec *f, va_list *ap)
{
    *f = (struct spec){.precision = -1};
    for (;; p++) {
        if (*p == '-')
            f->left = true;
        else if (*p == '0')
            f->zero = true;
        else if (*p == '+')
            f->plus = true;
        else if (*p == ' ')
            f->space = true;
        else if (*p == '#')
            f->alt = true;
        else
            break;
    }
    if (*p == '*') {
        f->width = va_arg(*ap, int);
        if (f->width < 0) {
            f->left = true;
            f->width = -f->width;
        }
        p++;
    }
    for (; *p >= '0' && *p <= '9'; p++)
        f->width = f->width * 10 + (*p - '0');
    if (*p == '.') {
        f->precision = 0;
        if (*++p == '*') {
            f->precision = va_arg(*ap, int);
            p++;
        }
        for (; *p >= '0' && *p <= '9'; p++)
            f->precision = f->precision * 10 + (*p - '0');
    }
    return p;
}

static void format(struct sink *s, const char *p, va_list *ap)
{
    for (; *p; p++) {
        struct spec f;
        int longs = 0;
        if (*p != '%') {
            put(s, *p);
            continue;
        }
        p = parse_spec(p + 1, &f, ap);
        for (; *p == 'l' || *p == 'z' || *p == 'j' || *p == 't' || *p == 'h'; p++)
            longs += *p == 'h' ? -1 : *p == 'l' ? 1 : 2;
        switch (*p) {
        case 'd':
        case 'i': {
            int64_t v = longs > 0 ? va_arg(*ap, int64_t) : va_arg(*ap, int);
            v = longs == -1 ? (int16_t)v : longs == -2 ? (int8_t)v : v;
            put_number(s, &f, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, false, v < 0 ? "-" : f.plus ? "+" : f.space ? " " : "");
            break;
        }
        case 'u':
        case 'x':
        case 'X':
        case 'o': {
            uint64_t v = longs > 0 ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
            v = longs == -1 ? (uint16_t)v : longs == -2 ? (uint8_t)v : v;
            put_number(s, &f, v, *p == 'u' ? 10 : *p == 'o' ? 8 : 16, *p == 'X', "");
            break;
        }
        case 'p':
            f.alt = true;
            put_number(s, &f, (uintptr_t)va_arg(*ap, void *), 16, false, "");
            break;
        case 'c': {
            char c = (char)va_arg(*ap, int);
            put_padded(s, &f, "", &c, 1, 0);
            break;
        }
        case 's': {
            const char *t = va_arg(*ap, const char *);
            t = t ? t : "(null)";
            put_padded(s, &f, "", t, (int)(f.precision < 0 ? strlen(t) : strnlen(t, (size_t)f.precision)), 0);
            break;
        }
        case '%':
            put(s, '%');
            break;
        default: /* not a conversion we know: show it, so that it is noticed */
            put(s, '%');
            if (!*p)
                return;
            put(s, *p);
        }
    }
}

int vfprintf(FILE *file, const char *fmt, va_list ap)
{
    struct sink s = {.file = file};
    va_list copy;
    va_copy(copy, ap);
    format(&s, fmt, &copy);
    va_end(copy);
    return (int)s.count;
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
    struct sink s = {.str = buf, .size = size};
    va_list copy;
    va_copy(copy, ap);
    format(&s, fmt, &copy);
    va_end(copy);
    if (size)
        buf[s.count < size ? s.count : size - 1] = 0;
    return (int)s.count;
}

int printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vfprintf(stdout, fmt, ap);
    va_end(ap);
    return n;
}

int fprintf(FILE *f, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vfprintf(f, fmt, ap);
    va_end(ap);
    return n;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

int sprintf(char *buf, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, (size_t)1 << 30, fmt, ap);
    va_end(ap);
    return n;
}
