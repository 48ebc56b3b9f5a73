/* stdio.h on the host's standard streams. Standard output is buffered until the buffer is full, fflush or exit. */
#include "rt.h"
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct __file {
    int fd;
    int error;
    size_t used, read_at; /* of buffer: bytes to write, or bytes read and where the next one is */
    char buffer[4096];
};
static struct __file files[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
FILE *const stdin = &files[0], *const stdout = &files[1], *const stderr = &files[2];

int fflush(FILE *f)
{
    if (f == NULL)
        f = stdout;
    if (f->fd == 0 || f->used == 0)
        return 0;
    uint64_t n = rt_host(RT_WRITE, (uint64_t)f->fd, (uintptr_t)f->buffer, f->used);
    f->error |= n != f->used;
    f->used = 0;
    return f->error ? EOF : 0;
}

static void put(FILE *f, char c)
{
    if (f->used == sizeof f->buffer)
        fflush(f);
    f->buffer[f->used++] = c;
}

/* Standard error appears at once. */
static void finish(FILE *f)
{
    if (f->fd == 2)
        fflush(f);
}

size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f)
{
    const char *s = p;
    for (size_t i = 0; i < size * count; i++)
        put(f, s[i]);
    finish(f);
    return f->error ? 0 : count;
}

int fputc(int c, FILE *f)
{
    put(f, (char)c);
    finish(f);
    return (unsigned char)c;
}
int putc(int c, FILE *f) { return fputc(c, f); }
int putchar(int c) { return fputc(c, stdout); }
int fputs(const char *restrict s, FILE *restrict f)
{
    fwrite(s, 1, strlen(s), f);
    return 0;
}
int puts(const char *s)
{
    fputs(s, stdout);
    return putchar('\n');
}

int fgetc(FILE *f)
{
    if (f->read_at == f->used) {
        uint64_t n = rt_host(RT_READ, (uint64_t)f->fd, (uintptr_t)f->buffer, sizeof f->buffer);
        f->read_at = 0;
        f->used = (int64_t)n > 0 ? n : 0;
        if (f->used == 0)
            return EOF;
    }
    return (unsigned char)f->buffer[f->read_at++];
}
int getc(FILE *f) { return fgetc(f); }
int getchar(void) { return fgetc(stdin); }

char *fgets(char *restrict s, int n, FILE *restrict f)
{
    int i = 0, c = 0;
    while (i < n - 1 && c != '\n' && (c = fgetc(f)) != EOF)
        s[i++] = (char)c;
    if (i == 0)
        return NULL;
    s[i] = 0;
    return s;
}

size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f)
{
    char *s = p;
    size_t n = 0;
    for (int c; n < size * count && (c = fgetc(f)) != EOF; n++)
        s[n] = (char)c;
    return size != 0 ? n / size : 0;
}

/* ---- formatted output ---- */

struct sink {
    FILE *file;   /* or */
    char *buffer; /* of `size` bytes */
    size_t size, count;
};

static void emit(struct sink *s, char c)
{
    if (s->file != NULL)
        put(s->file, c);
    else if (s->count + 1 < s->size)
        s->buffer[s->count] = c;
    s->count++;
}

struct spec {
    int left, plus, space, alt, zero, width, precision; /* precision -1: none */
    char conv;
};

static void pad(struct sink *s, char c, int n)
{
    while (n-- > 0)
        emit(s, c);
}

/* Prefix (sign, 0x), zeros and digits, in the field. */
static void emit_number(struct sink *s, const struct spec *p, const char *prefix, const char *digits, int n)
{
    int before = (int)strlen(prefix), zeros = p->precision > n ? p->precision - n : 0;
    if (p->zero && !p->left && p->precision < 0 && p->width > before + n)
        zeros = p->width - before - n;
    int blank = p->width - before - zeros - n;
    if (!p->left)
        pad(s, ' ', blank);
    while (*prefix != 0)
        emit(s, *prefix++);
    pad(s, '0', zeros);
    for (int i = 0; i < n; i++)
        emit(s, digits[i]);
    if (p->left)
        pad(s, ' ', blank);
}

static void format_integer(struct sink *s, struct spec *p, uint64_t value)
{
    char digits[24];
    int at = sizeof digits;
    const char *prefix = "", *alphabet = p->conv == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned base = p->conv == 'o' ? 8 : (p->conv | 32) == 'x' || p->conv == 'p' ? 16 : 10;
    if (p->conv == 'd') {
        prefix = (int64_t)value < 0 ? "-" : p->plus ? "+" : p->space ? " " : "";
        value = (int64_t)value < 0 ? -value : value;
    } else if (base == 16 && (p->conv == 'p' || (p->alt && value != 0))) {
        prefix = p->conv == 'X' ? "0X" : "0x";
    }
    for (uint64_t v = value; v != 0; v /= base)
        digits[--at] = alphabet[v % base];
    int n = (int)sizeof digits - at;
    if (n == 0 && p->precision != 0)
        digits[--at] = '0', n = 1;
    if (p->conv == 'o' && p->alt && (n == 0 || digits[at] != '0') && p->precision <= n)
        p->precision = n + 1;
    emit_number(s, p, prefix, digits + at, n);
}

static void format_string(struct sink *s, const struct spec *p, const char *text)
{
    if (text == NULL)
        text = "(null)";
    int n = p->precision < 0 ? (int)strlen(text) : (int)strnlen(text, (size_t)p->precision);
    if (!p->left)
        pad(s, ' ', p->width - n);
    for (int i = 0; i < n; i++)
        emit(s, text[i]);
    if (p->left)
        pad(s, ' ', p->width - n);
}

static const char *parse_number(const char *f, int *value)
{
    *value = 0;
    while (*f >= '0' && *f <= '9')
        *value = *value * 10 + (*f++ - '0');
    return f;
}

static const char *parse_flags(const char *f, struct spec *p)
{
    for (;; f++) {
        switch (*f) {
        case '-': p->left = 1; break;
        case '+': p->plus = 1; break;
        case ' ': p->space = 1; break;
        case '#': p->alt = 1; break;
        case '0': p->zero = 1; break;
        default: return f;
        }
    }
}

/* The value of an integer argument of 1 << log2 bytes, extended as the conversion says. */
static uint64_t narrow(uint64_t v, int log2, int is_signed)
{
    int shift = 64 - (8 << log2);
    return is_signed ? (uint64_t)((int64_t)(v << shift) >> shift) : v << shift >> shift;
}

static int format(struct sink *s, const char *f, va_list args)
{
    for (; *f != 0; f++) {
        if (*f != '%') {
            emit(s, *f);
            continue;
        }
        struct spec p = {.precision = -1};
        f = parse_flags(f + 1, &p);
        if (*f == '*') {
            p.width = va_arg(args, int);
            f++;
            if (p.width < 0)
                p.left = 1, p.width = -p.width;
        } else {
            f = parse_number(f, &p.width);
        }
        if (*f == '.') {
            f++;
            if (*f == '*')
                p.precision = va_arg(args, int), f++;
            else
                f = parse_number(f, &p.precision);
        }
        int log2 = 2;
        for (;; f++) {
            if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
                log2 = 3;
            else if (*f == 'h')
                log2--;
            else
                break;
        }
        p.conv = *f;
        switch (*f) {
        case 'i': p.conv = 'd'; __attribute__((fallthrough));
        case 'd':
        case 'u':
        case 'o':
        case 'x':
        case 'X': format_integer(s, &p, narrow(va_arg(args, uint64_t), log2, p.conv == 'd')); break;
        case 'p': format_integer(s, &p, va_arg(args, uint64_t)); break;
        case 'c': {
            char c[1] = {(char)va_arg(args, int)};
            p.zero = 0;
            p.precision = -1;
            emit_number(s, &p, "", c, 1);
            break;
        }
        case 's': format_string(s, &p, va_arg(args, const char *)); break;
        case '%': emit(s, '%'); break;
        case 0: return (int)s->count;
        default: /* not a conversion we have: show it */ emit(s, '%'); emit(s, *f);
        }
    }
    return (int)s->count;
}

int vfprintf(FILE *restrict f, const char *restrict text, va_list args)
{
    struct sink s = {.file = f};
    int n = format(&s, text, args);
    finish(f);
    return n;
}
int vsnprintf(char *restrict buffer, size_t size, const char *restrict text, va_list args)
{
    struct sink s = {.buffer = buffer, .size = size};
    int n = format(&s, text, args);
    if (size != 0)
        buffer[s.count < size ? s.count : size - 1] = 0;
    return n;
}
int vprintf(const char *restrict text, va_list args) { return vfprintf(stdout, text, args); }
int vsprintf(char *restrict buffer, const char *restrict text, va_list args) { return vsnprintf(buffer, INT_MAX, text, args); }

#define FORWARD(call)        \
    va_list args;            \
    va_start(args, text);    \
    int n = call;            \
    va_end(args);            \
    return n

int printf(const char *restrict text, ...) { FORWARD(vfprintf(stdout, text, args)); }
int fprintf(FILE *restrict f, const char *restrict text, ...) { FORWARD(vfprintf(f, text, args)); }
int snprintf(char *restrict buffer, size_t size, const char *restrict text, ...)
{
    FORWARD(vsnprintf(buffer, size, text, args));
}
int sprintf(char *restrict buffer, const char *restrict text, ...) { FORWARD(vsnprintf(buffer, INT_MAX, text, args)); }

void perror(const char *text) { fprintf(stderr, "%s: error\n", text); }
