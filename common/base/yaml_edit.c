/* Finds by libyaml's events where each scalar stands, and puts another text there. Any thread, no state. */
#include "common/base/yaml_edit.h"

#include "common/base/mem.h"
#include "common/base/yaml_plain.h"

#include <stdio.h>
#include <yaml.h>

enum { MAX_DEPTH = 64, INDEX_SIZE = 24 };

struct place {         /* of an edit's scalar */
    size_t start, end; /* in characters, then in bytes */
    yaml_scalar_style_t style;
    bool found;
};

struct finder {
    yaml_parser_t parser;
    yaml_event_t event;
    const struct yaml_edit *edits;
    struct place *places;
    size_t count, document;
    const char *path[MAX_DEPTH + 1]; /* of the current event */
    int depth;
    struct err *err;
};

static int next_event(struct finder *finder)
{
    yaml_event_delete(&finder->event);
    if (yaml_parser_parse(&finder->parser, &finder->event))
        return 0;
    return err_set(finder->err, ERR_INVALID, "line %zu: not YAML", finder->parser.problem_mark.line + 1);
}

static int refuse(struct finder *finder, const char *what)
{
    return err_set(finder->err, ERR_INVALID, "line %zu: %s: write it as one plain text on its own line",
                   finder->event.start_mark.line + 1, what);
}

/* How much of the edit's path is where we are: 0 nothing, 1 a part from the start, 2 all. */
static int is_on_path(const struct finder *finder, const struct yaml_edit *edit)
{
    if (edit->document != finder->document)
        return 0;
    for (int i = 0; i < finder->depth; i++)
        if (!edit->path[i] || !str_equal(edit->path[i], finder->path[i]))
            return 0;
    return edit->path[finder->depth] ? 1 : 2;
}

static int note_scalar(struct finder *finder)
{
    const yaml_event_t *event = &finder->event;

    for (size_t i = 0; i < finder->count; i++) {
        if (is_on_path(finder, &finder->edits[i]) != 2)
            continue;
        if (event->data.scalar.anchor || event->data.scalar.tag)
            return refuse(finder, "an anchor or a tag is at the value");
        if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
            event->data.scalar.style == YAML_FOLDED_SCALAR_STYLE ||
            event->start_mark.line != event->end_mark.line)
            return refuse(finder, "the value goes over several lines");
        if (event->start_mark.index == event->end_mark.index)
            return refuse(finder, "there is no value to replace");
        finder->places[i] =
            (struct place){event->start_mark.index, event->end_mark.index, event->data.scalar.style, true};
    }
    return 0;
}

static int note_alias(struct finder *finder)
{
    for (size_t i = 0; i < finder->count; i++)
        if (is_on_path(finder, &finder->edits[i]))
            return refuse(finder, "the value comes from an alias, which may stand for more");
    return 0;
}

static int read_node(struct finder *finder);

static int read_members(struct finder *finder)
{
    bool keyed = finder->event.type == YAML_MAPPING_START_EVENT;
    yaml_event_type_t end = keyed ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    bool shared = keyed ? finder->event.data.mapping_start.anchor : finder->event.data.sequence_start.anchor;

    for (size_t i = 0; shared && i < finder->count; i++)
        if (is_on_path(finder, &finder->edits[i]))
            return refuse(finder, "the value is below an anchor, and may be meant elsewhere, too");
    if (finder->depth == MAX_DEPTH)
        return refuse(finder, "nested more than 64 deep");
    int r = next_event(finder);

    for (size_t index = 0; r == 0 && finder->event.type != end; index++) {
        char number[INDEX_SIZE];
        _cleanup_(freep) char *key = NULL;

        snprintf(number, sizeof(number), "[%zu]", index);
        if (keyed) {
            if (finder->event.type != YAML_SCALAR_EVENT)
                return refuse(finder, "a key that is no text");
            key = xstrdup((const char *)finder->event.data.scalar.value);
            r = next_event(finder);
        }
        finder->path[finder->depth++] = keyed ? key : number;
        if (r == 0)
            r = read_node(finder);
        finder->depth--;
        if (r == 0)
            r = next_event(finder);
    }
    return r;
}

static int read_node(struct finder *finder)
{
    switch (finder->event.type) {
    case YAML_SCALAR_EVENT:
        return note_scalar(finder);
    case YAML_ALIAS_EVENT:
        return note_alias(finder);
    default:
        return read_members(finder);
    }
}

/* yaml_parse does not count documents that are null. */
static bool is_null(const yaml_event_t *event)
{
    char json[PLAIN_JSON_SIZE];

    return event->type == YAML_SCALAR_EVENT && event->data.scalar.plain_implicit &&
           yaml_plain((const char *)event->data.scalar.value, json) == PLAIN_NULL;
}

static int find_places(struct finder *finder)
{
    int r = 0;

    while (r == 0 && finder->event.type != YAML_STREAM_END_EVENT) {
        r = next_event(finder);
        if (r < 0 || finder->event.type != YAML_DOCUMENT_START_EVENT)
            continue;
        r = next_event(finder);
        bool counts = !is_null(&finder->event);

        if (r == 0)
            r = read_node(finder);
        finder->document += counts;
    }
    return r;
}

/* libyaml counts characters. */
static void to_bytes(struct str_view text, struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t chars = 0, start = text.len, end = text.len;

        for (size_t at = 0; at < text.len; at++) {
            if (((unsigned char)text.ptr[at] & 0xC0) == 0x80)
                continue;
            if (chars == places[i].start)
                start = at;
            if (chars++ == places[i].end) {
                end = at;
                break;
            }
        }
        places[i].start = start;
        places[i].end = end;
    }
}

/* A plain text stays one where it can: none of these characters means anything to YAML inside it. */
static bool may_be_plain(const char *value)
{
    char json[PLAIN_JSON_SIZE];

    return matches("[A-Za-z0-9_/][A-Za-z0-9._/+-]*", value) && yaml_plain(value, json) == PLAIN_STRING;
}

static void add_scalar(yaml_scalar_style_t style, const char *value, struct str *out)
{
    if (style == YAML_PLAIN_SCALAR_STYLE && may_be_plain(value)) {
        str_add(out, value);
    } else if (style == YAML_SINGLE_QUOTED_SCALAR_STYLE) {
        str_add(out, "'");
        for (; *value; value++)
            str_addf(out, "%c%s", *value, *value == '\'' ? "'" : "");
        str_add(out, "'");
    } else {
        str_add_json(out, value);
    }
}

/* In the order of the text, whatever the order of the edits. */
static void write_out(struct str_view text, const struct yaml_edit *edits, const struct place *places,
                      size_t count, struct str *out)
{
    size_t at = 0;

    for (;;) {
        size_t next = count;

        for (size_t i = 0; i < count; i++)
            if (places[i].start >= at && (next == count || places[i].start < places[next].start))
                next = i;
        if (next == count)
            break;
        str_add_bytes(out, text.ptr + at, places[next].start - at);
        add_scalar(places[next].style, edits[next].value, out);
        at = places[next].end;
    }
    str_add_bytes(out, text.ptr + at, text.len - at);
}

int yaml_replace(struct str_view text, const struct yaml_edit *edits, size_t count, struct str *out,
                 struct err *err)
{
    struct finder finder = {.edits = edits, .count = count, .err = err};
    _cleanup_(freep) struct place *places = xcalloc(count + 1, sizeof(*places));
    struct str_view mark = {text.ptr, 0};

    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) { /* as yaml_parse leaves it out */
        mark.len = 3;
        text = (struct str_view){text.ptr + 3, text.len - 3};
    }
    finder.places = places;
    if (!yaml_parser_initialize(&finder.parser))
        abort(); /* only when memory is out */
    yaml_parser_set_encoding(&finder.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&finder.parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
    int r = find_places(&finder);

    yaml_event_delete(&finder.event);
    yaml_parser_delete(&finder.parser);
    for (size_t i = 0; r == 0 && i < count; i++)
        if (!places[i].found)
            r = err_set(err, ERR_NOT_FOUND, "there is no %s to replace", edits[i].path[0]);
    if (r < 0)
        return r;
    to_bytes(text, places, count);
    str_add_bytes(out, mark.ptr, mark.len);
    write_out(text, edits, places, count, out);
    return 0;
}
