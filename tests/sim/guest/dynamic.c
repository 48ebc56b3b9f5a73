/* What a dynamically linked program sees: its libraries, its mappings, its names in /proc. Addresses are not printed: they
 * depend on the host's libraries. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static __thread int thread_local = 5;

static int count_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    ++*(int *)arg;
    return info->dlpi_phnum == 0;
}

static void *search(const char *name) { return dlsym(RTLD_DEFAULT, name); }

static void libraries(void)
{
    int objects = 0;
    volatile double two = 2.0;
    dl_iterate_phdr(count_object, &objects);
    printf("objects %d, without the vdso\n", objects - (getauxval(AT_SYSINFO_EHDR) != 0));
    double (*cosine)(double) = (double (*)(double))search("cos");
    printf("cos by name %.6f, both %.6f\n", cosine ? cosine(1.0) : 0, sqrt(two) + cos(two));
    printf("missing symbol: %d\n", search("no_such_function_anywhere") == NULL);
    void *none = dlopen("libnothere.so.1", RTLD_NOW);
    printf("missing library: %d %s\n", none == NULL, dlerror());
    printf("entry %d, base %d, phnum %lu\n", getauxval(AT_ENTRY) != 0, getauxval(AT_BASE) != 0, getauxval(AT_PHNUM) / 20);
    printf("thread local %d\n", ++thread_local);
}

/* The kinds of lines in maps, and that an address of ours is in one that may be executed. */
static void maps(void)
{
    char line[512];
    unsigned long from, to;
    int stack = 0, heap = 0, self = 0, libc = 0, code = 0;
    char flags[8], *allocated = malloc(100);
    FILE *f = fopen("/proc/self/maps", "r");
    while (f && fgets(line, sizeof line, f)) {
        stack += strstr(line, "[stack]") != NULL;
        heap += strstr(line, "[heap]") != NULL;
        self += strstr(line, "/dynamic") != NULL;
        libc += strstr(line, "libc.so.6") != NULL;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, flags) == 3 && (unsigned long)maps >= from && (unsigned long)maps < to)
            code = !strcmp(flags, "r-xp");
    }
    printf("stack %d, heap %d, self %d, libc %d, code %d\n", stack, heap > 0, self > 3, libc > 3, code);
    if (f)
        fclose(f);
    free(allocated);
}

static void names(void)
{
    char text[512] = "";
    struct stat st;
    ssize_t n = readlink("/proc/self/exe", text, sizeof text - 1);
    printf("exe %s\n", n > 0 ? strrchr(text, '/') : strerror(errno));
    FILE *f = fopen("/proc/self/cmdline", "r");
    size_t got = f ? fread(text, 1, sizeof text, f) : 0;
    printf("cmdline ends in %s\n", got > 9 ? text + got - 9 : "nothing");
    if (f)
        fclose(f);
    f = fopen("/proc/self/comm", "r");
    printf("comm %s", f && fgets(text, sizeof text, f) ? text : "nothing");
    if (f)
        fclose(f);
    printf("exe is a file: %d\n", !stat("/proc/self/exe", &st) && S_ISREG(st.st_mode));
}

/* Private file mappings: what is written to them does not reach the file; beyond its end is a hole. */
static void files(void)
{
    FILE *f = fopen("mapped", "w+");
    for (int i = 0; i < 3000; i++)
        fprintf(f, "%c%c", 'a' + i % 26, i % 7 ? '.' : '\n');
    fflush(f);
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fileno(f), 0), c = 0;
    char *q = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fileno(f), 4096);
    p[5] = '!';
    rewind(f);
    fseek(f, 5, SEEK_SET);
    printf("%.4s|%c|%d|%.4s|%d\n", p, p[5], fread(&c, 1, 1, f) == 1 && c != '!', q, p[6000]);
    printf("mprotect %d, munmap %d\n", mprotect(q, 4096, PROT_NONE), munmap(p, 8192));
    fclose(f);
    remove("mapped");
}

int main(int argc, char **argv)
{
    printf("%d arguments, the last %s\n", argc, argv[argc - 1]);
    libraries();
    maps();
    names();
    files();
    return 3;
}
