/* morph-decode: prints what the guest decoder makes of bytes given in hex. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "ginsn_text.h"

enum { MAX_BYTES = 4096 };

static const char usage[] =
    "usage: morph-decode [--32 | --64] HEX...\n"
    "Decodes guest instructions one after another: offset, bytes, struct ginsn, flags read and written.\n"
    "  --32   IA-32 (default)\n"
    "  --64   64-bit mode\n"
    "Exit status: 0 all decoded, 1 some bytes are no instruction, 2 wrong arguments.\n";

static int digit(int c) { return isdigit(c) ? c - '0' : isxdigit(c) ? tolower(c) - 'a' + 10 : -1; }

/* Appends the bytes of one argument; false if it is not hex with an even number of digits. */
static bool parse(const char *text, uint8_t *bytes, unsigned *n)
{
    while (*text) {
        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        int high = digit((unsigned char)text[0]), low = high < 0 ? -1 : digit((unsigned char)text[1]);
        if (low < 0)
            return false;
        if (*n == MAX_BYTES) {
            fprintf(stderr, "morph-decode: more than %d bytes\n", MAX_BYTES);
            exit(2);
        }
        bytes[(*n)++] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    return true;
}

static void print_bytes(unsigned at, const uint8_t *bytes, unsigned n)
{
    printf("%4x: ", at);
    for (unsigned i = 0; i < n; i++)
        printf("%02x ", bytes[i]);
    for (unsigned i = n; i < 8; i++)
        printf("   ");
}

int main(int argc, char **argv)
{
    static const char *const why[] = {
        [DECODE_TOO_SHORT] = "bytes are missing",
        [DECODE_INVALID] = "no instruction: #UD",
        [DECODE_TOO_LONG] = "longer than 15 bytes: #GP",
    };
    enum guest_mode mode = GUEST_IA32;
    uint8_t bytes[MAX_BYTES];
    unsigned n = 0, at = 0;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--32")) {
            mode = GUEST_IA32;
        } else if (!strcmp(argv[i], "--64")) {
            mode = GUEST_X86_64;
        } else if (!strcmp(argv[i], "--help")) {
            fputs(usage, stdout);
            return 0;
        } else if (!parse(argv[i], bytes, &n)) {
            fprintf(stderr, "morph-decode: \"%s\" is neither an option nor bytes in hex; see --help\n", argv[i]);
            return 2;
        }
    }
    if (!n) {
        fputs(usage, stderr);
        return 2;
    }
    while (at < n) {
        struct ginsn g;
        char text[200], read[7], written[7];
        enum decode_result r = guest_decode(bytes + at, n - at, mode, &g);
        if (r != DECODE_OK) {
            print_bytes(at, bytes + at, n - at < GUEST_INSN_MAX ? n - at : GUEST_INSN_MAX);
            printf("%s\n", why[r]);
            return 1;
        }
        ginsn_text(&g, text, sizeof text);
        ginsn_flags_text(g.flags_read, read);
        ginsn_flags_text(g.flags_written, written);
        print_bytes(at, bytes + at, g.len);
        printf("%s  reads %s writes %s\n", text, read, written);
        at += g.len;
    }
    return 0;
}
