/* A hash table of strings with chaining, growth and deletion: a symbol table's life. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct entry *next;
    uint32_t hash;
    uint32_t count;
    char key[];
};

struct table {
    struct entry **bucket;
    uint32_t buckets; /* a power of two */
    uint32_t entries;
};

static uint32_t random_state = 88172645u;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static uint32_t hash_string(const char *s)
{
    uint32_t h = 2166136261u;
    while (*s)
        h = (h ^ (uint8_t)*s++) * 16777619u;
    return h;
}

static int table_init(struct table *t, uint32_t buckets)
{
    t->bucket = malloc(buckets * sizeof *t->bucket);
    t->buckets = buckets;
    t->entries = 0;
    if (t->bucket)
        memset(t->bucket, 0, buckets * sizeof *t->bucket);
    return t->bucket != NULL;
}

static int table_grow(struct table *t)
{
    struct table bigger;
    if (!table_init(&bigger, t->buckets * 2))
        return 0;
    for (uint32_t i = 0; i < t->buckets; i++) {
        for (struct entry *e = t->bucket[i], *next; e; e = next) {
            struct entry **place = &bigger.bucket[e->hash & (bigger.buckets - 1)];
            next = e->next;
            e->next = *place;
            *place = e;
        }
    }
    bigger.entries = t->entries;
    free(t->bucket);
    *t = bigger;
    return 1;
}

/* The link that points to the entry of `key`, or the link at the end of its chain. */
static struct entry **table_find(struct table *t, const char *key, uint32_t hash)
{
    struct entry **link = &t->bucket[hash & (t->buckets - 1)];
    while (*link && ((*link)->hash != hash || strcmp((*link)->key, key) != 0))
        link = &(*link)->next;
    return link;
}

static int table_count(struct table *t, const char *key)
{
    uint32_t hash = hash_string(key);
    struct entry **link = table_find(t, key, hash), *e = *link;
    if (!e) {
        size_t length = strlen(key);
        if (t->entries >= t->buckets) {
            if (!table_grow(t))
                return 0;
            link = table_find(t, key, hash);
        }
        e = malloc(sizeof *e + length + 1);
        if (!e)
            return 0;
        e->next = NULL;
        e->hash = hash;
        e->count = 0;
        memcpy(e->key, key, length + 1);
        *link = e;
        t->entries++;
    }
    e->count++;
    return 1;
}

static int table_remove(struct table *t, const char *key)
{
    struct entry **link = table_find(t, key, hash_string(key)), *e = *link;
    if (!e)
        return 0;
    *link = e->next;
    free(e);
    t->entries--;
    return 1;
}

static void make_name(char *name, uint32_t n)
{
    static const char *const parts[8] = {"get", "set", "node", "list", "index", "buffer", "state", "x"};
    name[0] = 0;
    do {
        strcat(name, parts[n & 7]);
        n >>= 3;
        if (n)
            strcat(name, "_");
    } while (n);
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    int operations = 7000 * scale;
    uint32_t removed = 0, most = 0, total = 0, longest = 0;
    struct table t;
    char name[128];

    if (!table_init(&t, 16))
        return 1;
    for (int i = 0; i < operations; i++) {
        uint32_t r = random_next();
        make_name(name, (r >> 8) % ((r & 1) ? 64 : 4096)); /* some names are used often */
        if ((r & 14) == 0)
            removed += (uint32_t)table_remove(&t, name);
        else if (!table_count(&t, name))
            return 1;
    }
    for (uint32_t i = 0; i < t.buckets; i++) {
        uint32_t length = 0;
        for (struct entry *e = t.bucket[i], *next; e; e = next) {
            next = e->next;
            total += e->count;
            most = e->count > most ? e->count : most;
            length++;
            free(e);
        }
        longest = length > longest ? length : longest;
    }
    printf("entries %u buckets %u removed %u\n", t.entries, t.buckets, removed);
    printf("counted %u most %u longest chain %u\n", total, most, longest);
    free(t.bucket);
    return 0;
}
