/* Sorting: quicksort with insertion sort, merge sort, heap sort and radix sort over the same records, compared. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    uint32_t key;
    uint32_t serial;
};

static uint32_t random_state = 2463534242u;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static int before(const struct record *a, const struct record *b)
{
    return a->key != b->key ? a->key < b->key : a->serial < b->serial;
}

static void swap(struct record *a, struct record *b)
{
    struct record t = *a;
    *a = *b;
    *b = t;
}

static void insertion_sort(struct record *a, int n)
{
    for (int i = 1; i < n; i++) {
        struct record r = a[i];
        int j = i;
        for (; j > 0 && before(&r, &a[j - 1]); j--)
            a[j] = a[j - 1];
        a[j] = r;
    }
}

static void quick_sort(struct record *a, int n)
{
    while (n > 16) {
        /* Median of three goes to a[0] as the pivot. */
        struct record *mid = a + n / 2, *last = a + n - 1;
        if (before(mid, a))
            swap(mid, a);
        if (before(last, mid))
            swap(last, mid);
        if (before(mid, a))
            swap(mid, a);
        swap(a, mid);
        int i = 0, j = n;
        for (;;) {
            do
                i++;
            while (i < n && before(&a[i], &a[0]));
            do
                j--;
            while (before(&a[0], &a[j]));
            if (i >= j)
                break;
            swap(&a[i], &a[j]);
        }
        swap(&a[0], &a[j]);
        if (j < n - j - 1) {
            quick_sort(a, j);
            a += j + 1;
            n -= j + 1;
        } else {
            quick_sort(a + j + 1, n - j - 1);
            n = j;
        }
    }
    insertion_sort(a, n);
}

static void merge_sort(struct record *a, struct record *tmp, int n)
{
    if (n <= 8) {
        insertion_sort(a, n);
        return;
    }
    int half = n / 2, i = 0, j = half, k = 0;
    merge_sort(a, tmp, half);
    merge_sort(a + half, tmp, n - half);
    memcpy(tmp, a, (size_t)half * sizeof *a);
    while (i < half && j < n)
        a[k++] = before(&a[j], &tmp[i]) ? a[j++] : tmp[i++];
    while (i < half)
        a[k++] = tmp[i++];
}

static void sift_down(struct record *a, int i, int n)
{
    struct record r = a[i];
    for (int child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&a[child], &a[child + 1]))
            child++;
        if (!before(&r, &a[child]))
            break;
        a[i] = a[child];
    }
    a[i] = r;
}

static void heap_sort(struct record *a, int n)
{
    for (int i = n / 2; i-- > 0;)
        sift_down(a, i, n);
    while (n > 1) {
        n--;
        swap(&a[0], &a[n]);
        sift_down(a, 0, n);
    }
}

static void radix_sort(struct record *a, struct record *tmp, int n)
{
    for (int shift = 0; shift < 32; shift += 8) {
        int count[257] = {0};
        for (int i = 0; i < n; i++)
            count[(a[i].key >> shift & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            count[i + 1] += count[i];
        for (int i = 0; i < n; i++)
            tmp[count[a[i].key >> shift & 255]++] = a[i];
        memcpy(a, tmp, (size_t)n * sizeof *a);
    }
}

static uint32_t digest(const struct record *a, int n)
{
    uint32_t h = 2166136261u;
    for (int i = 0; i < n; i++)
        h = (h ^ a[i].key ^ (a[i].serial << 7)) * 16777619u;
    return h;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    int n = 2500 * scale;
    size_t bytes = (size_t)n * sizeof(struct record);
    struct record *input = malloc(bytes), *work = malloc(bytes), *tmp = malloc(bytes);
    static const char *const names[] = {"quick", "merge", "heap", "radix"};
    uint32_t first = 0;

    if (!input || !work || !tmp)
        return 1;
    for (int i = 0; i < n; i++) {
        input[i].key = random_next() >> (i & 16); /* half of the keys are short, so that there are duplicates */
        input[i].serial = (uint32_t)i;
    }
    for (int way = 0; way < 4; way++) {
        memcpy(work, input, bytes);
        switch (way) {
        case 0: quick_sort(work, n); break;
        case 1: merge_sort(work, tmp, n); break;
        case 2: heap_sort(work, n); break;
        default: radix_sort(work, tmp, n); break;
        }
        for (int i = 1; i < n; i++) {
            if (!before(&work[i - 1], &work[i])) {
                printf("%s: out of order at %d\n", names[way], i);
                return 1;
            }
        }
        uint32_t h = digest(work, n);
        if (way == 0)
            first = h;
        printf("%s %d records %08x\n", names[way], n, h);
        if (h != first)
            return 1;
    }
    free(tmp);
    free(work);
    free(input);
    return 0;
}
