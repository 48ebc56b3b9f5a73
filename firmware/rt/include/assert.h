/* No include guard: each inclusion follows NDEBUG. */
#undef assert
#ifdef NDEBUG
#define assert(x) ((void)0)
#else
#include <stdio.h>
#include <stdlib.h>
#define assert(x) \
    ((x) ? (void)0 : (fprintf(stderr, "%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #x), abort()))
#endif
#ifndef static_assert
#define static_assert _Static_assert
#endif
