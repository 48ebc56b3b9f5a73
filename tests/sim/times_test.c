/* The curve between the host's clock and the guest's: file_times.h. */
#include "file_times.h"

#include <stdlib.h>

#include "gtest_shim.h"

enum { STEP = 100, MOST = 16 };

static struct curve start(void)
{
    struct curve c = {.most = MOST, .step = STEP};
    EXPECT(curve_note(&c, 1000, 10));
    return c;
}

/* What a moment of the host's is by the guest's clock; -1: none of the run. */
static int64_t guest(const struct curve *c, int64_t host, int64_t now)
{
    int64_t t;
    return curve_guest(c, host, now, &t) ? t : -1;
}

TEST_CASE(FileTimes, StepsFromPointToPoint)
{
    struct curve c = start();
    EXPECT(curve_note(&c, 1050, 11)); /* too soon after the start for a point of its own */
    EXPECT(curve_note(&c, 1100, 20) && curve_note(&c, 1300, 5000));
    EXPECT(c.n == 3);
    EXPECT(guest(&c, 999, 1400) == -1); /* older than the run */
    EXPECT(guest(&c, 1000, 1400) == 10 && guest(&c, 1099, 1400) == 10);
    EXPECT(guest(&c, 1100, 1400) == 20 && guest(&c, 1299, 1400) == 20);
    EXPECT(guest(&c, 1400, 1400) == 5000); /* never more than the guest's clock has shown */
    EXPECT(guest(&c, 1401, 1400) == -1);   /* still to come: somebody has set it so */
    free(c.at);
}

TEST_CASE(FileTimes, BackToTheHost)
{
    struct curve c = start();
    EXPECT(curve_note(&c, 1100, 20) && curve_note(&c, 1300, 5000));
    EXPECT(curve_host(&c, 3, 1400) == 1000); /* before the first point */
    int64_t last = 0;
    for (int64_t t = 10; t < 6000; t++) {
        int64_t host = curve_host(&c, t, 1400), back = guest(&c, host, 1400);
        EXPECT(host >= last && host >= 1000 && host <= 1400); /* order is kept */
        EXPECT(back == (t < 20 ? 10 : t < 5000 ? 20 : 5000));
        last = host;
    }
    EXPECT(curve_host(&c, 5000, 1299) == 1300); /* the host's clock is behind the last point */
    free(c.at);
}

TEST_CASE(FileTimes, ThinnedWithoutLosingOrder)
{
    struct curve c = start();
    for (int i = 1; i < 10000; i++) {
        EXPECT(curve_note(&c, 1000 + (int64_t)i * STEP, 10 + (int64_t)i * 7));
        EXPECT(c.n <= MOST);
    }
    EXPECT(c.n >= MOST / 4 && c.step > STEP && c.at[0].host == 1000);
    int64_t last = 0;
    for (int64_t host = 1000; host < 1000 + INT64_C(10000) * STEP; host += 37) {
        int64_t t = guest(&c, host, INT64_MAX), exact = 10 + (host - 1000) / STEP * 7;
        EXPECT(t >= last && t <= exact && t >= exact - c.step / STEP * 2 * 7);
        last = t;
    }
    free(c.at);
}

TEST_CASE(FileTimes, HostClockSetBack)
{
    struct curve c = start();
    EXPECT(curve_note(&c, 2000, 1000) && curve_note(&c, 9000, 2000));
    EXPECT(curve_note(&c, 2500, 3000)); /* the clock had been wrong by hours */
    EXPECT(guest(&c, 2500, 2600) == 3000 && guest(&c, 2400, 2600) == 1000);
    EXPECT(guest(&c, 9000, 2600) == 3000); /* what was written then is of the run still, and not in the guest's future */
    EXPECT(guest(&c, 9001, 2600) == -1);
    EXPECT(curve_note(&c, 500, 4000)); /* before the run: there is no telling such times from those of older files */
    EXPECT(c.n == 3 && guest(&c, 600, 700) == -1 && guest(&c, 2550, 700) == 3000);
    EXPECT(curve_note(&c, 2700, 5000) && guest(&c, 2700, 2700) == 5000);
    free(c.at);
}
