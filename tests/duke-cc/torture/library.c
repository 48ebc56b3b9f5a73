/* The runtime: formatted output, strings, numbers, sorting, allocation. The host's libc is the reference. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static void format(void)
{
    const int numbers[] = {0, 1, -1, 42, -12345, 2147483647, -2147483647 - 1};
    for (int i = 0; i < 7; i++) {
        int n = numbers[i];
        printf("[%d|%5d|%-7d|%07d|%+d|% d|%.3d|%8.4d|%-8.4d|", n, n, n, n, n, n, n, n, n);
        printf("%u|%x|%#x|%X|%o|%#o|%10x|%-10x|%010x|%.0d]\n", n, n, n, n, n, n, n, n, n, n);
    }
    printf("%ld %lu %lx %lld %zu %hhd %hd %hhu %hu\n", -5000000000, 18446744073709551615u, 0xfedcba9876543210, 1LL << 40,
           (size_t)77, 300, 70000, 300, 70000);
    printf("%s|%10s|%-10s|%.2s|%10.3s|%c|%5c|%-5c|%%|%p\n", "text", "text", "text", "text", "text", 'x', 'y', 'z',
           (void *)0x1234);
    printf("%*d|%-*d|%.*s|%" PRId64 "|%" PRIx32 "\n", 6, 42, 6, 42, 3, "abcdef", INT64_C(-9), 0xabcdu);
    char text[20];
    int n = snprintf(text, sizeof text, "%s %d", "a rather long text", 12345);
    printf("%d %s %d\n", n, text, snprintf(NULL, 0, "%d", 1234));
    fprintf(stdout, "%s", "");
    puts("puts");
    putchar('c');
    fputs("fputs\n", stdout);
    fwrite("fwrite\n", 1, 7, stdout);
}

static void texts(void)
{
    char a[64] = "hello", b[64];
    strcat(a, ", world");
    strncpy(b, a, sizeof b);
    printf("%zu %s %d %d %d\n", strlen(a), b, strcmp(a, b), strcmp("a", "b") < 0, strncmp("abcd", "abxx", 2));
    printf("%s %s %s %s\n", strchr(a, 'w'), strrchr(a, 'o'), strstr(a, "lo"), strstr(a, "xyz") ? "found" : "none");
    printf("%zu %zu %s\n", strspn("aabbc", "ab"), strcspn("hello", "l"), strpbrk("hello", "ol"));
    strcpy(b, "  split this\ttext ");
    for (char *t = strtok(b, " \t"); t; t = strtok(NULL, " \t"))
        printf("<%s>", t);
    char *d = strdup(a);
    printf("%s %d\n", d, memchr(d, 'z', 12) == NULL);
    free(d);
    int classes = 0;
    for (int c = 0; c < 128; c++)
        classes += (isdigit(c) != 0) + 2 * (isalpha(c) != 0) + 3 * (isspace(c) != 0) + 5 * (ispunct(c) != 0) + toupper(c) -
                   tolower(c) + 7 * (isxdigit(c) != 0) + 11 * (isprint(c) != 0) + 13 * (iscntrl(c) != 0);
    printf("classes %d\n", classes);
}

static void numbers(void)
{
    char *end;
    printf("%d %ld %ld %lu ", atoi(" -123x"), strtol("0x1fz", &end, 0), strtol("777", NULL, 8), strtoul("zz", NULL, 36));
    printf("%s %ld %ld %lld\n", end, strtol("99999999999999999999", NULL, 10), strtol("-99999999999999999999", NULL, 10),
           strtoll("-9223372036854775808", NULL, 10));
    printf("%d %ld %lld\n", abs(-5), labs(-6), llabs(-7));
}

static void allocation(void)
{
    char *blocks[200] = {0};
    unsigned seed = 1, sum = 0;
    for (int i = 0; i < 5000; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned k = seed >> 16 & 127, n = seed >> 8 & 1023;
        if (blocks[k]) {
            for (unsigned j = 0; j < 8; j++)
                sum = sum * 31 + (unsigned char)blocks[k][j];
            free(blocks[k]);
            blocks[k] = NULL;
        } else {
            blocks[k] = i % 3 ? malloc(n + 8) : realloc(calloc(1, 8), n + 8);
            if (i % 3 == 0)
                sum += (unsigned)blocks[k][7];
            memset(blocks[k], (int)i, n + 8);
        }
    }
    int values[300];
    for (int i = 0; i < 300; i++)
        values[i] = (int)((unsigned)i * 7919 % 1009) - 500;
    qsort(values, 300, sizeof values[0], compare);
    int key = 37, *found = bsearch(&key, values, 300, sizeof values[0], compare), ordered = 1;
    for (int i = 1; i < 300; i++)
        ordered &= values[i - 1] <= values[i];
    printf("allocation %u sorted %d %d\n", sum, ordered, found ? *found : -1);
}

static void farewell(void) { puts("bye"); }

int main(void)
{
    atexit(farewell);
    format();
    texts();
    numbers();
    allocation();
    exit(9);
}
