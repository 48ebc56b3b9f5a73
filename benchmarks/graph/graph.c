/* Shortest paths on a generated map: Dijkstra with a binary heap from one corner, A* to the other; both must agree. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, NODES = SIDE * SIDE };
static const uint32_t infinite = 0xffffffff;

struct heap_item {
    uint32_t priority;
    uint32_t node;
};

struct heap {
    struct heap_item item[4 * NODES + 4];
    uint32_t size;
};

struct map {
    uint8_t cost[NODES]; /* 0: a wall */
    uint32_t distance[NODES];
    uint16_t parent[NODES];
    uint8_t closed[NODES];
    struct heap open;
};

static void heap_push(struct heap *h, uint32_t priority, uint32_t node)
{
    uint32_t i = h->size++;
    while (i > 0 && h->item[(i - 1) / 2].priority > priority) {
        h->item[i] = h->item[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    h->item[i].priority = priority;
    h->item[i].node = node;
}

static struct heap_item heap_pop(struct heap *h)
{
    struct heap_item top = h->item[0], last = h->item[--h->size];
    uint32_t i = 0;
    for (uint32_t child; (child = 2 * i + 1) < h->size; i = child) {
        if (child + 1 < h->size && h->item[child + 1].priority < h->item[child].priority)
            child++;
        if (last.priority <= h->item[child].priority)
            break;
        h->item[i] = h->item[child];
    }
    h->item[i] = last;
    return top;
}

static void make_map(struct map *m, uint32_t seed)
{
    for (int i = 0; i < NODES; i++) {
        seed = seed * 1664525u + 1013904223u;
        m->cost[i] = (seed >> 24) < 80 ? 0 : (uint8_t)(1 + (seed >> 16) % 3);
    }
    m->cost[0] = m->cost[NODES - 1] = 1;
    for (int i = 1; i < SIDE; i++) /* a dear way along the edges, so that there always is one */
        m->cost[i] = m->cost[i * SIDE + SIDE - 1] = 9;
}

/* Manhattan distance: never more than the truth as every step costs at least 1. */
static uint32_t estimate(uint32_t node, int astar) { return astar ? (SIDE - 1 - node % SIDE) + (SIDE - 1 - node / SIDE) : 0; }

static uint32_t search(struct map *m, int astar, uint32_t *expanded)
{
    for (int i = 0; i < NODES; i++)
        m->distance[i] = infinite;
    memset(m->closed, 0, sizeof m->closed);
    m->open.size = 0;
    m->distance[0] = 0;
    heap_push(&m->open, estimate(0, astar), 0);
    while (m->open.size) {
        uint32_t n = heap_pop(&m->open).node, x = n % SIDE, y = n / SIDE;
        if (m->closed[n])
            continue;
        m->closed[n] = 1;
        ++*expanded;
        if (astar && n == NODES - 1)
            break;
        for (int side = 0; side < 4; side++) {
            static const int dx[4] = {1, 0, -1, 0}, dy[4] = {0, 1, 0, -1};
            uint32_t nx = x + (uint32_t)dx[side], ny = y + (uint32_t)dy[side];
            if (nx >= SIDE || ny >= SIDE)
                continue;
            uint32_t t = ny * SIDE + nx, d = m->distance[n] + m->cost[t];
            if (m->cost[t] && d < m->distance[t]) {
                m->distance[t] = d;
                m->parent[t] = (uint16_t)n;
                heap_push(&m->open, d + estimate(t, astar), t);
            }
        }
    }
    return m->distance[NODES - 1];
}

int main(int argc, char **argv)
{
    int scale = argc > 1 ? atoi(argv[1]) : 1;
    struct map *m = malloc(sizeof *m);
    uint32_t total = 0, steps = 0, wide = 0, narrow = 0;

    if (!m)
        return 1;
    for (int round = 0; round < 2 * scale; round++) {
        make_map(m, (uint32_t)round + 42);
        uint32_t far = search(m, 0, &wide);
        uint32_t near = search(m, 1, &narrow);
        if (far != near || far == infinite) {
            printf("map %d: %u and %u\n", round, far, near);
            return 1;
        }
        for (uint32_t n = NODES - 1; n; n = m->parent[n])
            steps++;
        total += far;
    }
    printf("cost %u, steps %u, expanded %u and %u\n", total, steps, wide, narrow);
    free(m);
    return 0;
}
