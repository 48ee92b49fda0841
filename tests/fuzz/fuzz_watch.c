/* A watch's stream gives the same events in whatever pieces it comes. The first byte is the pieces' size. */
#include "common/base/mem.h"
#include "common/kube/watch.h"
#include "tests/fuzz/fuzz.h"

static void note(void *arg, enum watch_type type, const struct json *object)
{
    _cleanup_(freep) char *text = json_text(object);

    str_addf(arg, "%d %s\n", (int)type, text);
}

static bool feed(struct str_view stream, size_t piece, struct str *events)
{
    struct watch_parser parser;
    struct err err;
    bool good = true;

    watch_init(&parser);
    for (size_t at = 0; good && at < stream.len; at += piece) {
        size_t len = stream.len - at < piece ? stream.len - at : piece;

        good = watch_feed(&parser, (struct str_view){stream.ptr + at, len}, note, events, &err) == 0;
    }
    watch_done(&parser);
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(str_done) struct str whole = STR_INIT(64 << 20), pieces = STR_INIT(64 << 20);

    if (size < 2)
        return 0;
    struct str_view stream = view_of_input(data + 1, size - 1);

    must_hold(feed(stream, stream.len, &whole) == feed(stream, (size_t)data[0] + 1, &pieces));
    must_hold(str_equal(str_text(&whole), str_text(&pieces)));
    return 0;
}
