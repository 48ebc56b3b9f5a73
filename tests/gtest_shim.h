/* Tests in C that GoogleTest runs. TEST_CASE(suite, name) { ... EXPECT(...); } in any .c file linked with gtest_shim. */
#pragma once
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
void shim_register(const char *suite, const char *name, const char *file, int line, void (*body)(void));
void shim_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
int shim_failed(void); /* whether the running test has failed so far */
#ifdef __cplusplus
}
#endif

#define TEST_CASE(suite, name)                                                                     \
    static void test_##suite##_##name(void);                                                       \
    __attribute__((constructor)) static void register_##suite##_##name(void)                       \
    {                                                                                              \
        shim_register(#suite, #name, __FILE__, __LINE__, test_##suite##_##name);                   \
    }                                                                                              \
    static void test_##suite##_##name(void)

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond))                                                                               \
            shim_fail(__FILE__, __LINE__, "%s", #cond);                                            \
    } while (0)

/* As EXPECT, with a printf message. */
#define EXPECT_MSG(cond, ...)                                                                      \
    do {                                                                                           \
        if (!(cond))                                                                               \
            shim_fail(__FILE__, __LINE__, __VA_ARGS__);                                            \
    } while (0)

#define EXPECT_EQ_U64(got, want)                                                                   \
    do {                                                                                           \
        uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                                 \
        if (got_ != want_)                                                                         \
            shim_fail(__FILE__, __LINE__, "%s is %#" PRIx64 ", not %#" PRIx64, #got, got_, want_);  \
    } while (0)

#define EXPECT_STR(got, want)                                                                      \
    do {                                                                                           \
        const char *got_ = (got), *want_ = (want);                                                 \
        if (strcmp(got_, want_) != 0)                                                              \
            shim_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got, got_, want_);          \
    } while (0)
