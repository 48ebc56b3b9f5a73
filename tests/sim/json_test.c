/* The reader of test cases: values, and text that is refused. */
#include "vectors_json.h"

#include "gtest_shim.h"

static const char *skip_all(const char *text)
{
    struct json r;
    json_start(&r, text, strlen(text));
    json_raw(&r);
    json_end(&r);
    return r.error ? r.error : "";
}

TEST_CASE(sim_json, values)
{
    const char *text = " { \"a\" : [1, -1, \"0xff\", 18446744073709551615] , \"b\":{}, \"c\":\"x\\\"y\", \"d\":true}";
    struct json r;
    struct json_text key;
    uint64_t got[4] = {0};
    int n = 0;
    json_start(&r, text, strlen(text));
    EXPECT(json_object(&r) && json_key(&r, &key) && json_is(key, "a"));
    for (json_array(&r); json_element(&r) && n < 4; n++)
        got[n] = json_number(&r);
    EXPECT_EQ_U64(n, 4);
    EXPECT_EQ_U64(got[1], UINT64_MAX);
    EXPECT_EQ_U64(got[2], 255);
    EXPECT_EQ_U64(got[3], UINT64_MAX);
    EXPECT(json_key(&r, &key) && json_is(key, "b"));
    EXPECT(json_is(json_raw(&r), "{}"));
    EXPECT(json_key(&r, &key) && json_string(&r, &key) && json_is(key, "x\\\"y"));
    EXPECT(json_key(&r, &key) && json_bool(&r));
    EXPECT(!json_key(&r, &key) && json_end(&r));
}

TEST_CASE(sim_json, refusals)
{
    static const struct {
        const char *text, *error;
    } bad[] = {
        {"{", "a comma or } is wanted"},
        {"{\"a\" 1}", "a colon is wanted"},
        {"{\"a\":1 \"b\":2}", "a comma or } is wanted"},
        {"[1,", "a value is wanted"},
        {"\"abc", "a string does not end"},
        {"{} x", "text follows the object"},
        {"{\"a\":}", "a value is wanted"},
        {"", "a value is wanted"},
        {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested too deeply"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *got = skip_all(bad[i].text);
        EXPECT_MSG(!strcmp(got, bad[i].error) || (i == 0 && got[0]), "%s gives \"%s\"", bad[i].text, got);
    }
    static const char *const numbers[] = {"1.5", "1e3", "18446744073709551616", "\"0x\"", "\"12", "x", "-"};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct json r;
        json_start(&r, numbers[i], strlen(numbers[i]));
        json_number(&r);
        EXPECT_MSG(r.error != NULL, "%s is taken for a number", numbers[i]);
    }
    uint8_t bytes[2];
    size_t n;
    struct json r;
    json_start(&r, "\"0g\"", 4);
    EXPECT(!json_hex(&r, bytes, sizeof bytes, &n));
    json_start(&r, "\"010203\"", 8);
    EXPECT(!json_hex(&r, bytes, sizeof bytes, &n));
    json_start(&r, "\"012\"", 5);
    EXPECT(!json_hex(&r, bytes, sizeof bytes, &n));
}
