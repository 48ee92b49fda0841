/* Which events are one series, and which are too many: what client-go does with the events of a controller,
 * in a bounded amount of memory. Pure: no I/O, no clock; the caller locks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    EVENT_BOOK_SLOTS = 256, /* objects, and series, that are remembered; the one used longest ago goes */
    EVENT_BURST = 25,       /* of one object at once… */
    EVENT_REFILL_MS = 5 * 60 * 1000, /* …and then one every so often */
    EVENT_BURST_ALL = 1000,          /* of all objects together… */
    EVENT_REFILL_ALL_MS = 100,       /* …about as fast as AWS takes changes */
};

struct event_series {
    uint64_t number; /* of the series: 1, 2, … */
    int64_t first_s; /* wall clock */
    int64_t count;   /* this event included */
};

struct event_book *event_book_new(void);
void event_book_free(struct event_book *book); /* accepts NULL */

/* Enters an event of `object` that says `text`; what says the same of the same object is one series. False:
 * the object has too many, or all have together, and the event is to be dropped. */
bool event_book_enter(struct event_book *book, const char *object, const char *text, int64_t mono_ms,
                      int64_t wall_s, struct event_series *ret_series);
