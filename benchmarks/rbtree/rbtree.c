/* A red-black tree as an ordered map: insertion, deletion, ranges and a full check of its invariants. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
    struct node *child[2], *parent;
    uint32_t key, value;
    int red;
};

struct tree {
    struct node *root;
    struct node nil; /* the leaf of all */
    uint32_t size;
};

static uint32_t random_state = 31415926;

static uint32_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void tree_init(struct tree *t)
{
    memset(t, 0, sizeof *t);
    t->root = t->nil.child[0] = t->nil.child[1] = t->nil.parent = &t->nil;
}

static void replace(struct tree *t, struct node *old, struct node *fresh)
{
    struct node *p = old->parent;
    if (p == &t->nil)
        t->root = fresh;
    else
        p->child[p->child[1] == old] = fresh;
    fresh->parent = p;
}

/* Moves `n` down to side `dir`. */
static void rotate(struct tree *t, struct node *n, int dir)
{
    struct node *up = n->child[!dir];
    n->child[!dir] = up->child[dir];
    if (up->child[dir] != &t->nil)
        up->child[dir]->parent = n;
    replace(t, n, up);
    up->child[dir] = n;
    n->parent = up;
}

static struct node *tree_find(struct tree *t, uint32_t key)
{
    struct node *n = t->root;
    while (n != &t->nil && n->key != key)
        n = n->child[key > n->key];
    return n == &t->nil ? NULL : n;
}

static int tree_insert(struct tree *t, uint32_t key, uint32_t value)
{
    struct node *p = &t->nil, *n = t->root;
    while (n != &t->nil) {
        if (n->key == key) {
            n->value = value;
            return 1;
        }
        p = n;
        n = n->child[key > n->key];
    }
    n = malloc(sizeof *n);
    if (!n)
        return 0;
    *n = (struct node){{&t->nil, &t->nil}, p, key, value, 1};
    if (p == &t->nil)
        t->root = n;
    else
        p->child[key > p->key] = n;
    t->size++;
    while (n->parent->red) {
        struct node *grand = n->parent->parent;
        int side = grand->child[1] == n->parent;
        struct node *uncle = grand->child[!side];
        if (uncle->red) {
            n->parent->red = uncle->red = 0;
            grand->red = 1;
            n = grand;
            continue;
        }
        if (n == n->parent->child[!side]) {
            n = n->parent;
            rotate(t, n, side);
        }
        n->parent->red = 0;
        grand->red = 1;
        rotate(t, grand, !side);
    }
    t->root->red = 0;
    return 1;
}

static void remove_fixup(struct tree *t, struct node *n)
{
    while (n != t->root && !n->red) {
        int side = n->parent->child[1] == n;
        struct node *sibling = n->parent->child[!side];
        if (sibling->red) {
            sibling->red = 0;
            n->parent->red = 1;
            rotate(t, n->parent, side);
            sibling = n->parent->child[!side];
        }
        if (!sibling->child[0]->red && !sibling->child[1]->red) {
            sibling->red = 1;
            n = n->parent;
            continue;
        }
        if (!sibling->child[!side]->red) {
            sibling->child[side]->red = 0;
            sibling->red = 1;
            rotate(t, sibling, !side);
            sibling = n->parent->child[!side];
        }
        sibling->red = n->parent->red;
        n->parent->red = 0;
        sibling->child[!side]->red = 0;
        rotate(t, n->parent, side);
        n = t->root;
    }
    n->red = 0;
}

static int tree_remove(struct tree *t, uint32_t key)
{
    struct node *n = tree_find(t, key);
    if (!n)
        return 0;
    struct node *hole = n, *moved;
    int red = n->red;
    if (n->child[0] != &t->nil && n->child[1] != &t->nil) {
        for (hole = n->child[1]; hole->child[0] != &t->nil;)
            hole = hole->child[0];
        red = hole->red;
        moved = hole->child[1];
        if (hole->parent == n) {
            moved->parent = hole;
        } else {
            replace(t, hole, moved);
            hole->child[1] = n->child[1];
            hole->child[1]->parent = hole;
        }
        replace(t, n, hole);
        hole->child[0] = n->child[0];
        hole->child[0]->parent = hole;
        hole->red = n->red;
    } else {
        moved = n->child[n->child[0] == &t->nil];
        replace(t, n, moved);
    }
    if (!red)
        remove_fixup(t, moved);
    free(n);
    t->size--;
    return 1;
}

/* Black height, or -1 if an invariant is broken. */
static int check(const struct tree *t, const struct node *n, uint32_t low, uint32_t high)
{
    if (n == &t->nil)
        return 0;
    int left = n->key > low ? check(t, n->child[0], low, n->key - 1) : n->child[0] == &t->nil ? 0 : -1;
    int right = n->key < high ? check(t, n->child[1], n->key + 1, high) : n->child[1] == &t->nil ? 0 : -1;
    int two_reds = n->red && (n->child[0]->red || n->child[1]->red);
    if (left < 0 || left != right || two_reds || n->key < low || n->key > high)
        return -1;
    return left + !n->red;
}

static uint32_t range_sum(const struct tree *t, const struct node *n, uint32_t low, uint32_t high)
{
    uint32_t sum = 0;
    if (n == &t->nil)
        return 0;
    if (n->key > low)
        sum += range_sum(t, n->child[0], low, high);
    if (n->key >= low && n->key <= high)
        sum += n->value;
    if (n->key < high)
        sum += range_sum(t, n->child[1], low, high);
    return sum;
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    uint32_t keys = 3000u * (uint32_t)scale, removed = 0, found = 0, sum = 0;
    struct tree t;

    tree_init(&t);
    for (uint32_t i = 0; i < 3 * keys; i++) {
        uint32_t r = random_next(), key = (r >> 4) % keys;
        if ((r & 3) == 0)
            removed += (uint32_t)tree_remove(&t, key);
        else if ((r & 3) == 1)
            found += tree_find(&t, key) != NULL;
        else if (!tree_insert(&t, key, i))
            return 1;
        if (i % keys == keys - 1) {
            sum = sum * 31 + range_sum(&t, t.root, keys / 4, keys / 2);
            printf("%u keys, black height %d\n", t.size, check(&t, t.root, 0, 0xffffffff));
        }
    }
    printf("removed %u, found %u, sums %08x\n", removed, found, sum);
    while (t.root != &t.nil)
        tree_remove(&t, t.root->key);
    return t.size != 0;
}
