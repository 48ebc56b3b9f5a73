/* A small JSON reader that walks a text once without building a tree: test cases come by the thousand.
 *
 *     json_object(r);
 *     while (json_key(r, &key)) ... read or json_skip the value ...
 *
 * After an error every call returns false or 0 and r->error says what was wrong.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    const char *start, *p, *end;
    const char *error; /* NULL: none yet */
    bool first;        /* the next key or element is the first of its container */
};

struct json_text {
    const char *p; /* escapes are left as they are */
    size_t n;
};

/* One line of JSON, read in its own order. A function that reads a value enters or takes what comes next; if that is something
 * else it says so in r->error, gives a zero, and so do all that follow. json_end: nothing but space is left. */
void json_start(struct json *r, const char *text, size_t n);
bool json_fail(struct json *r, const char *why); /* keeps the first error; returns false */
bool json_object(struct json *r);
bool json_key(struct json *r, struct json_text *key); /* false: the object ends, or error */
bool json_array(struct json *r);
bool json_element(struct json *r); /* true: one more value follows */
bool json_string(struct json *r, struct json_text *text);
uint64_t json_number(struct json *r); /* a whole number, negative too; or a string with one in C's notation */
bool json_bool(struct json *r);
struct json_text json_raw(struct json *r); /* any value, as it is written */
bool json_end(struct json *r);
bool json_is(struct json_text t, const char *s);
/* Bytes of a string of hexadecimal digits. False and an error if it is none or longer than `size` bytes. */
bool json_hex(struct json *r, uint8_t *bytes, size_t size, size_t *n);
