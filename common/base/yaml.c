/* YAML into JSON: libyaml's events are written down as JSON text, which the strict JSON parser then
 * reads. An anchor is a piece of that text, an alias a copy of it, so that expansion is bounded by the
 * builder's cap. Any thread, no state. */
#include "common/base/yaml.h"

#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/yaml_plain.h"

#include <yaml.h>

enum { MAX_JSON_BYTES = 16 << 20 };

struct anchor {
    size_t start, len; /* of its JSON in reader.json */
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; YAML_NO_EVENT before the first */
    struct str json;    /* of the current document */
    struct map anchors; /* of the current document: name to struct anchor */
    int aliases;
    struct yaml_lines *lines; /* NULL: nobody asks */
    struct err *err;
};

static int read_node(struct reader *reader, int depth);

static size_t line_of(const struct reader *reader)
{
    return reader->event.start_mark.line + 1;
}

static int refuse(struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_INVALID, "line %zu: %s", line_of(reader), what);
}

static int next_event(struct reader *reader)
{
    if (reader->json.overflow)
        return refuse(reader, "larger than 16 MiB with its aliases written out");
    yaml_event_delete(&reader->event);
    if (yaml_parser_parse(&reader->parser, &reader->event))
        return 0;
    size_t line = reader->parser.problem_mark.line + 1;

    if (reader->parser.error == YAML_READER_ERROR)
        return err_set(reader->err, ERR_INVALID, "not UTF-8 text, or a control character: %s at byte %zu",
                       reader->parser.problem, reader->parser.problem_offset);
    const char *problem = reader->parser.problem ? reader->parser.problem : "not YAML";
    bool tab_or_sign = strstr(problem, "cannot start any token");

    return err_set(reader->err, ERR_INVALID, "line %zu: %s%s", line, problem,
                   tab_or_sign ? " (indent with spaces, not tabs; quote a text that begins with @, ` or %)"
                               : "");
}

static bool tag_is(const yaml_char_t *tag, const char *name)
{
    return str_equal((const char *)tag, name);
}

/* Resolves the current scalar. PLAIN_STRING also for quoted ones; negative when it is refused. */
static int scalar_kind(struct reader *reader, char ret_json[PLAIN_JSON_SIZE])
{
    const char *text = (const char *)reader->event.data.scalar.value;
    const yaml_char_t *tag = reader->event.data.scalar.tag;

    if (strlen(text) != reader->event.data.scalar.length)
        return refuse(reader, "a NUL character in a string");
    if (tag && (tag_is(tag, YAML_STR_TAG) || tag_is(tag, "!")))
        return PLAIN_STRING;
    if (!tag && reader->event.data.scalar.quoted_implicit && !reader->event.data.scalar.plain_implicit)
        return PLAIN_STRING;

    enum plain plain = yaml_plain(text, ret_json);

    if (plain == PLAIN_NOT_FINITE)
        return err_set(reader->err, ERR_INVALID,
                       "line %zu: %.40s is not a number that JSON can hold; quote it", line_of(reader), text);
    if (tag && !(plain == PLAIN_NULL && tag_is(tag, YAML_NULL_TAG)) &&
        !(plain == PLAIN_BOOL && tag_is(tag, YAML_BOOL_TAG)) &&
        !(plain == PLAIN_NUMBER && (tag_is(tag, YAML_INT_TAG) || tag_is(tag, YAML_FLOAT_TAG))))
        return err_set(reader->err, ERR_INVALID, "line %zu: the tag %.100s is not supported here",
                       line_of(reader), (const char *)tag);
    return (int)plain;
}

static int read_scalar(struct reader *reader)
{
    char json[PLAIN_JSON_SIZE];
    int kind = scalar_kind(reader, json);

    if (kind < 0)
        return kind;
    if (kind == PLAIN_STRING)
        str_add_json(&reader->json, (const char *)reader->event.data.scalar.value);
    else
        str_add(&reader->json, json);
    return 0;
}

static int read_alias(struct reader *reader)
{
    const char *name = (const char *)reader->event.data.alias.anchor;
    const struct anchor *anchor = map_get(&reader->anchors, name);

    if (!anchor)
        return err_set(reader->err, ERR_INVALID, "line %zu: *%.60s has no anchor before it", line_of(reader),
                       name);
    if (++reader->aliases > YAML_MAX_ALIASES)
        return refuse(reader, "more than 64 aliases");
    _cleanup_(freep) char *copy = xmemdup(str_text(&reader->json) + anchor->start, anchor->len);

    str_add_bytes(&reader->json, copy, anchor->len); /* a copy, since the builder's memory may move */
    return 0;
}

static void note_line(struct reader *reader, int depth, const char *key, size_t index)
{
    if (reader->lines)
        yaml_lines_add(reader->lines, depth, key, index, line_of(reader));
}

/* Writes the key of the current event, whose value is at `depth`, and the colon after it. */
static int read_key(struct reader *reader, struct map *keys, int depth)
{
    char json[PLAIN_JSON_SIZE] = "";

    if (reader->event.type != YAML_SCALAR_EVENT)
        return refuse(reader, "a key must be a plain or quoted text");
    if (reader->event.data.scalar.anchor)
        return refuse(reader, "an anchor on a key is not supported");
    int kind = scalar_kind(reader, json);

    if (kind < 0)
        return kind;
    if (kind == PLAIN_NULL)
        return refuse(reader, "a key is missing before the colon");
    const char *key = kind == PLAIN_STRING ? (const char *)reader->event.data.scalar.value : json;

    if (reader->event.data.scalar.plain_implicit && str_equal(key, "<<"))
        return refuse(reader, "merge keys (<<) are not supported; write the members out");
    if (map_put(keys, key, keys))
        return err_set(reader->err, ERR_INVALID, "line %zu: the key \"%.100s\" occurs twice", line_of(reader),
                       key);
    note_line(reader, depth, key, 0);
    str_add_json(&reader->json, key);
    str_add(&reader->json, ":");
    return next_event(reader);
}

static int read_members(struct reader *reader, int depth)
{
    bool keyed = reader->event.type == YAML_MAPPING_START_EVENT;
    yaml_event_type_t end = keyed ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    const yaml_char_t *tag =
        keyed ? reader->event.data.mapping_start.tag : reader->event.data.sequence_start.tag;
    _cleanup_(map_done) struct map keys = {0};

    if (tag && !tag_is(tag, "!") && !tag_is(tag, keyed ? YAML_MAP_TAG : YAML_SEQ_TAG))
        return err_set(reader->err, ERR_INVALID, "line %zu: the tag %.100s is not supported", line_of(reader),
                       (const char *)tag);
    str_add(&reader->json, keyed ? "{" : "[");
    int r = next_event(reader);

    for (size_t index = 0; r == 0 && reader->event.type != end; index++) {
        if (index > 0)
            str_add(&reader->json, ",");
        if (keyed)
            r = read_key(reader, &keys, depth + 1);
        else
            note_line(reader, depth + 1, NULL, index);
        if (r == 0)
            r = read_node(reader, depth + 1);
        if (r == 0)
            r = next_event(reader);
    }
    str_add(&reader->json, keyed ? "}" : "]");
    return r;
}

static const yaml_char_t *anchor_of(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor;
    default:
        return NULL;
    }
}

/* Writes the node that starts with the current event; its last event is the current one afterwards. */
static int read_node(struct reader *reader, int depth)
{
    if (depth > JSON_MAX_DEPTH)
        return refuse(reader, "nested more than 64 deep");
    _cleanup_(freep) char *name = xstrdup((const char *)anchor_of(&reader->event));
    size_t start = reader->json.len;
    int r = reader->event.type == YAML_ALIAS_EVENT    ? read_alias(reader)
            : reader->event.type == YAML_SCALAR_EVENT ? read_scalar(reader)
                                                      : read_members(reader, depth);

    if (r < 0 || !name || reader->json.overflow)
        return r;
    struct anchor *anchor = xcalloc(1, sizeof(*anchor));

    *anchor = (struct anchor){start, reader->json.len - start};
    free(map_put(&reader->anchors, name, anchor));
    return 0;
}

static void forget_anchors(struct map *anchors)
{
    size_t cursor = 0;

    for (const struct map_slot *slot; (slot = map_next(anchors, &cursor));)
        free(slot->value);
    map_done(anchors);
}

/* From DOCUMENT-START to DOCUMENT-END. */
static int read_document(struct reader *reader, struct json *documents)
{
    size_t line = line_of(reader);

    str_clear(&reader->json);
    forget_anchors(&reader->anchors);
    int r = next_event(reader);

    note_line(reader, 1, "", 0);
    if (r == 0)
        r = read_node(reader, 1);
    if (r == 0)
        r = next_event(reader);
    if (r < 0 || str_equal(str_text(&reader->json), "null"))
        return r;
    struct json *document;

    r = json_parse(str_view_of(&reader->json), &document, reader->err);
    if (r < 0)
        return err_wrap(reader->err, "the document that starts at line %zu", line);
    json_append(documents, document);
    if (reader->lines)
        yaml_lines_add_document(reader->lines);
    return 0;
}

static int parse(struct str_view text, struct yaml_lines *lines, struct json **ret_documents, struct err *err)
{
    struct reader reader = {.json = STR_INIT(MAX_JSON_BYTES), .lines = lines, .err = err};
    _cleanup_(json_freep) struct json *documents = json_new_array();
    int r = 0;

    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) /* libyaml takes the column for 1 then */
        text = (struct str_view){text.ptr + 3, text.len - 3};
    if (text.len > YAML_MAX_BYTES)
        return err_set(err, ERR_INVALID, "%zu bytes of YAML; at most 8 MiB are read", text.len);
    if (!yaml_parser_initialize(&reader.parser))
        abort(); /* only when memory is out */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
    while (r == 0 && reader.event.type != YAML_STREAM_END_EVENT) {
        r = next_event(&reader);
        if (r == 0 && reader.event.type == YAML_DOCUMENT_START_EVENT)
            r = read_document(&reader, documents);
    }
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    forget_anchors(&reader.anchors);
    str_done(&reader.json);
    if (r == 0)
        *ret_documents = take(documents);
    return r;
}

int yaml_parse(struct str_view text, struct json **ret_documents, struct err *err)
{
    return parse(text, NULL, ret_documents, err);
}

int yaml_parse_lines(struct str_view text, struct json **ret_documents, struct yaml_lines **ret_lines,
                     struct err *err)
{
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines = yaml_lines_new();
    int r = parse(text, lines, ret_documents, err);

    if (r == 0)
        *ret_lines = take(lines);
    return r;
}
