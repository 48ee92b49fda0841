/* Streams: an answer that is handed over as it arrives. A stream lives from http_stream_open to
 * http_stream_close; its transfer ends before, when the server or the silence ends it.
 * Everything here but opening runs on the http thread. */
#include "common/http/loop.h"

#include "common/base/clock.h"
#include "common/base/json.h"
#include "common/base/mem.h"

#include <inttypes.h>

enum { MAX_ERROR_BODY_BYTES = 16 << 10, MAX_CONNECT_MS = 10 * 1000 };

struct http_stream {
    struct http *http;
    struct transfer *transfer; /* NULL once it has ended */
    struct http_stream_events events;
    void *arg;
    int64_t silence_ms;
    int64_t heard_ms; /* when something arrived last */
    struct http_timer silence;
    bool closed;
    struct http_stream *next_closing;
};

/* The timer is not moved at each piece; when it fires it looks how old the last one is. */
static void on_silence(void *arg)
{
    struct http_stream *stream = arg;
    int64_t silent_ms = clock_mono_ms() - stream->heard_ms;
    struct err err;

    if (silent_ms < stream->silence_ms) {
        http_timer_set(stream->http, &stream->silence, stream->silence_ms - silent_ms);
        return;
    }
    struct transfer *transfer = stream->transfer;

    err_set(&err, ERR_RETRY, "%s: silent for %" PRId64 " ms", transfer->target, silent_ms);
    loop_cut(transfer);
    stream_ended(stream, &err);
    transfer_free(transfer);
}

void stream_started(struct http_stream *stream)
{
    stream->heard_ms = clock_mono_ms();
    http_timer_set(stream->http, &stream->silence, stream->silence_ms);
}

struct http_stream *http_stream_open(struct http *http, const struct http_request *request,
                                     const struct http_stream_events *events, void *arg)
{
    struct http_stream *stream = xcalloc(1, sizeof(*stream));
    struct http_request limited = *request;

    limited.max_response_bytes = MAX_ERROR_BODY_BYTES; /* a 200 answer is not kept */
    *stream =
        (struct http_stream){.http = http, .events = *events, .arg = arg, .silence_ms = request->timeout_ms};
    stream->silence = (struct http_timer){.fire = on_silence, .arg = stream};
    stream->transfer = transfer_new(http, &limited);
    stream->transfer->stream = stream;
    curl_easy_setopt(stream->transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)MAX_CONNECT_MS);
    loop_submit(stream->transfer);
    return stream;
}

bool stream_is_closed(const struct http_stream *stream)
{
    return stream->closed;
}

void stream_data(struct http_stream *stream, struct str_view piece)
{
    stream->heard_ms = clock_mono_ms();
    stream->events.data(stream->arg, piece);
}

static void refused(const struct http_response *response, struct err *err)
{
    _cleanup_(json_freep) struct json *json = NULL;
    const char *message = NULL;
    int beginning = (int)strcspn(str_text(&response->body), "\r\n");

    if (json_parse(str_view_of(&response->body), &json, NULL) == 0)
        message = json_str_at(json, "message");
    if (message && *message)
        err_set(err, http_class(response->status), "%s", message);
    else
        err_set(err, http_class(response->status), "HTTP %d %.*s", response->status, beginning,
                str_text(&response->body));
    err->status = response->status;
    err->retry_after_ms = http_retry_after_ms(response);
}

void stream_ended(struct http_stream *stream, const struct err *err)
{
    const struct http_response *response = &stream->transfer->response;
    struct err why;

    http_timer_clear(stream->http, &stream->silence);
    if (!stream->closed && !err && response->status != 200) {
        refused(response, &why);
        err = &why;
    }
    stream->transfer = NULL;
    if (!stream->closed)
        stream->events.end(stream->arg, err);
}

static void close_stream(void *arg)
{
    struct http_stream *stream = arg;
    struct http *http = stream->http;

    stream->closed = true;
    stream->next_closing = http->closing;
    http->closing = stream;
    curl_multi_wakeup(http->multi);
}

void http_stream_close(struct http_stream *stream)
{
    if (stream)
        http_run(stream->http, close_stream, stream);
}

/* Apart from closing, since a handle cannot be taken out from within libcurl's callbacks. */
void streams_free_closed(struct http *http)
{
    for (struct http_stream *stream; (stream = http->closing);) {
        http->closing = stream->next_closing;
        if (stream->transfer) {
            struct transfer *transfer = stream->transfer;

            loop_cut(transfer);
            stream_ended(stream, NULL);
            transfer_free(transfer);
        }
        free(stream);
    }
}
