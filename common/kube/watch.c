/* Splits a watch stream into its events. One thread at a time per parser. */
#include "common/kube/watch.h"

#include "common/base/mem.h"

enum { MAX_LINE_BYTES = 4 << 20, KEPT_BYTES = 64 << 10 };

void watch_init(struct watch_parser *parser)
{
    *parser = (struct watch_parser){.line = STR_INIT(MAX_LINE_BYTES)};
}

void watch_done(struct watch_parser *parser)
{
    str_done(&parser->line);
}

static bool read_type(const char *name, enum watch_type *ret_type)
{
    static const char *const names[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_equal(name, names[i])) {
            *ret_type = (enum watch_type)i;
            return true;
        }
    }
    return false;
}

static const struct json_unwanted in_metadata[] = {{.key = "managedFields"}, {0}};
const struct json_unwanted watch_unwanted[] = {{.key = "metadata", .below = in_metadata}, {0}};

static int take_line(struct str_view line, watch_event_fn *event, void *arg, struct err *err)
{
    static const struct json_unwanted in_event[] = {{.key = "object", .below = watch_unwanted}, {0}};
    _cleanup_(json_freep) struct json *json = NULL;
    enum watch_type type;

    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0)
        return 0;
    if (json_parse_without(line, in_event, JSON_MAX_VALUES, &json, err) < 0)
        return err_wrap(err, "a watch event");
    const struct json *object = json_get(json, "object");
    const char *name = json_str(json_get(json, "type"));

    if (!read_type(name, &type) || json_type(object) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "a watch event of type \"%.40s\" with %s as object",
                       name ? name : "", json_type_name(object));
    event(arg, type, object);
    return 0;
}

static int feed(struct watch_parser *parser, struct str_view piece, watch_event_fn *event, void *arg,
                struct err *err)
{
    while (piece.len) {
        const char *newline = memchr(piece.ptr, '\n', piece.len);
        size_t len = newline ? (size_t)(newline - piece.ptr) : piece.len;
        struct str_view line = {piece.ptr, len};

        if (parser->line.len || !newline) { /* a line within one piece is not copied */
            str_add_bytes(&parser->line, piece.ptr, len);
            line = str_view_of(&parser->line);
        }
        if (parser->line.overflow || line.len > MAX_LINE_BYTES)
            return err_set(err, ERR_INVALID, "a watch event of more than %d bytes", MAX_LINE_BYTES);
        if (!newline)
            return 0;
        int r = take_line(line, event, arg, err);

        if (r < 0)
            return r;
        if (parser->line.capacity > KEPT_BYTES)
            str_done(&parser->line);
        str_clear(&parser->line);
        piece = (struct str_view){piece.ptr + len + 1, piece.len - len - 1};
    }
    return 0;
}

int watch_feed(struct watch_parser *parser, struct str_view piece, watch_event_fn *event, void *arg,
               struct err *err)
{
    if (parser->failed)
        return err_set(err, ERR_INVALID, "the watch stream failed before");
    int r = feed(parser, piece, event, arg, err);

    parser->failed = r < 0;
    return r;
}
