#pragma once
#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 4096
typedef struct __file FILE;
extern FILE *const stdin, *const stdout, *const stderr;

int printf(const char *restrict text, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *restrict f, const char *restrict text, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *restrict buffer, const char *restrict text, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *restrict buffer, size_t size, const char *restrict text, ...) __attribute__((format(printf, 3, 4)));
int vprintf(const char *restrict text, va_list args);
int vfprintf(FILE *restrict f, const char *restrict text, va_list args);
int vsprintf(char *restrict buffer, const char *restrict text, va_list args);
int vsnprintf(char *restrict buffer, size_t size, const char *restrict text, va_list args);
int puts(const char *s);
int fputs(const char *restrict s, FILE *restrict f);
int putchar(int c);
int putc(int c, FILE *f);
int fputc(int c, FILE *f);
int getchar(void);
int getc(FILE *f);
int fgetc(FILE *f);
char *fgets(char *restrict s, int n, FILE *restrict f);
size_t fread(void *restrict p, size_t size, size_t count, FILE *restrict f);
size_t fwrite(const void *restrict p, size_t size, size_t count, FILE *restrict f);
int fflush(FILE *f);
void perror(const char *text);
