// The C++ side of gtest_shim.h.
#include "gtest_shim.h"

#include <cstdarg>
#include <cstdio>
#include <gtest/gtest.h>

namespace
{
class CTest : public testing::Test
{
  public:
    explicit CTest(void (*body)()) : body_(body) {}
    void TestBody() override { body_(); }

  private:
    void (*body_)();
};
} // namespace

void shim_register(const char *suite, const char *name, const char *file, int line, void (*body)(void))
{
    testing::RegisterTest(suite, name, nullptr, nullptr, file, line, [body]() -> testing::Test * { return new CTest(body); });
}

void shim_fail(const char *file, int line, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ADD_FAILURE_AT(file, line) << text;
}

int shim_failed(void) { return testing::Test::HasFailure(); }

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
