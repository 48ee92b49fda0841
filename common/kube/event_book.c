/* Two arrays of slots, searched from end to end: they are short, and events are rare. */
#include "common/kube/event_book.h"

#include "common/base/mem.h"
#include "common/base/str.h"

struct bucket {
    int64_t taken_ms;
    double tokens;
};

struct slot {
    char *key; /* NULL: free */
    int64_t used_ms;
    struct bucket bucket; /* of an object */
    struct event_series series;
};

struct event_book {
    struct slot objects[EVENT_BOOK_SLOTS], series[EVENT_BOOK_SLOTS];
    struct bucket all;
    uint64_t numbers; /* of series so far */
};

struct event_book *event_book_new(void)
{
    struct event_book *book = xcalloc(1, sizeof(*book));

    book->all.tokens = EVENT_BURST_ALL;
    return book;
}

void event_book_free(struct event_book *book)
{
    for (size_t i = 0; book && i < EVENT_BOOK_SLOTS; i++) {
        free(book->objects[i].key);
        free(book->series[i].key);
    }
    free(book);
}

/* The key's slot; NULL when it has none. */
static struct slot *find(struct slot *slots, const char *key)
{
    for (size_t i = 0; i < EVENT_BOOK_SLOTS; i++)
        if (str_equal(slots[i].key, key))
            return &slots[i];
    return NULL;
}

static struct slot *replace_oldest(struct slot *slots, const char *key)
{
    struct slot *oldest = slots;

    for (size_t i = 0; i < EVENT_BOOK_SLOTS && oldest->key; i++)
        if (!slots[i].key || slots[i].used_ms < oldest->used_ms)
            oldest = &slots[i];
    free(oldest->key);
    *oldest = (struct slot){.key = xstrdup(key)};
    return oldest;
}

static bool take_token(struct bucket *bucket, double burst, double refill_ms, int64_t mono_ms)
{
    bucket->tokens += (double)(mono_ms - bucket->taken_ms) / refill_ms;
    bucket->taken_ms = mono_ms;
    if (bucket->tokens > burst)
        bucket->tokens = burst;
    if (bucket->tokens < 1)
        return false;
    bucket->tokens--;
    return true;
}

/* The object is asked first: one that says too much takes nothing from the others. */
static bool may_speak(struct event_book *book, const char *object, int64_t mono_ms)
{
    struct slot *slot = find(book->objects, object);

    if (!slot) {
        slot = replace_oldest(book->objects, object);
        slot->bucket = (struct bucket){.taken_ms = mono_ms, .tokens = EVENT_BURST};
    }
    slot->used_ms = mono_ms;
    return take_token(&slot->bucket, EVENT_BURST, EVENT_REFILL_MS, mono_ms) &&
           take_token(&book->all, EVENT_BURST_ALL, EVENT_REFILL_ALL_MS, mono_ms);
}

bool event_book_enter(struct event_book *book, const char *object, const char *text, int64_t mono_ms,
                      int64_t wall_s, struct event_series *ret_series)
{
    if (!may_speak(book, object, mono_ms))
        return false;
    _cleanup_(freep) char *key = xasprintf("%s %s", object, text);
    struct slot *slot = find(book->series, key);

    if (!slot) {
        slot = replace_oldest(book->series, key);
        slot->series = (struct event_series){.number = ++book->numbers, .first_s = wall_s};
    }
    slot->used_ms = mono_ms;
    slot->series.count++;
    *ret_series = slot->series;
    return true;
}
