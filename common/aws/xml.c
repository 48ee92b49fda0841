/* A strict reader for the small XML documents of AWS. Any thread, no state. */
#include "common/aws/xml.h"

#include "common/base/mem.h"

#define BLANKS " \t\r\n"
#define NAME "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:"

struct reader {
    const char *start, *at, *end;
    struct str_view names[XML_MAX_DEPTH]; /* of the open elements */
    size_t depth;
    const char *path;
    struct str text; /* of the innermost element so far, while that is the one which is wanted */
    bool wanted;     /* it is */
    bool found;
    struct err *err;
};

static int wrong(struct reader *reader, const char *what)
{
    return err_set(reader->err, ERR_INVALID, "not the XML of an AWS answer: %s at byte %zu", what,
                   (size_t)(reader->at - reader->start));
}

static bool at_text(const struct reader *reader, const char *text)
{
    size_t len = strlen(text);

    return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, text, len) == 0;
}

static bool take_text(struct reader *reader, const char *text)
{
    bool there = at_text(reader, text);

    reader->at += there ? strlen(text) : 0;
    return there;
}

/* Passes the characters of the set and returns them. */
static struct str_view span(struct reader *reader, const char *set)
{
    const char *from = reader->at;

    while (reader->at < reader->end && *reader->at && strchr(set, *reader->at))
        reader->at++;
    return (struct str_view){from, (size_t)(reader->at - from)};
}

/* Do the names of the open elements end with the path? */
static bool is_wanted(const struct reader *reader)
{
    size_t left = strlen(reader->path);

    for (size_t level = reader->depth; level-- > 0;) {
        struct str_view name = reader->names[level];

        if (left < name.len || memcmp(reader->path + left - name.len, name.ptr, name.len) != 0)
            return false;
        left -= name.len;
        if (left == 0)
            return true;
        if (reader->path[--left] != '/')
            return false;
    }
    return false;
}

static int pass_attributes(struct reader *reader)
{
    for (;;) {
        struct str_view blanks = span(reader, BLANKS);
        struct str_view name = span(reader, NAME);

        if (name.len == 0)
            return 0;
        if (blanks.len == 0 || !take_text(reader, "="))
            return wrong(reader, "an attribute");
        char quote = '\0';

        if (reader->at < reader->end)
            quote = *reader->at;

        const char *end = quote == '"' || quote == '\''
                              ? memchr(reader->at + 1, quote, (size_t)(reader->end - reader->at) - 1)
                              : NULL;

        if (!end || memchr(reader->at, '<', (size_t)(end - reader->at)))
            return wrong(reader, "an attribute's value");
        reader->at = end + 1;
    }
}

static void close_element(struct reader *reader)
{
    reader->found |= reader->wanted;
    reader->wanted = false;
    reader->depth--;
}

/* After "<". */
static int open_element(struct reader *reader)
{
    struct str_view name = span(reader, NAME);

    if (name.len == 0)
        return wrong(reader, "no element's name");
    if (reader->depth == XML_MAX_DEPTH)
        return wrong(reader, "more than 16 levels");
    reader->names[reader->depth++] = name;
    int result = pass_attributes(reader);

    if (result < 0)
        return result;
    if (!reader->found) {
        str_clear(&reader->text); /* also of a parent that was wanted and turns out to have children */
        reader->wanted = is_wanted(reader);
    }
    if (take_text(reader, "/>"))
        close_element(reader);
    else if (!take_text(reader, ">"))
        return wrong(reader, "a tag that does not end");
    return 0;
}

/* After "</". */
static int end_element(struct reader *reader)
{
    struct str_view name = span(reader, NAME), open = reader->names[reader->depth - 1];

    span(reader, BLANKS);
    if (name.len != open.len || memcmp(name.ptr, open.ptr, name.len) != 0 || !take_text(reader, ">"))
        return wrong(reader, "an end tag of another element");
    close_element(reader);
    return 0;
}

static void add_code_point(struct str *out, uint32_t code)
{
    char bytes[4];
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    for (size_t i = len; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(len == 1 ? code : (0xf00 >> len & 0xff) | code);
    str_add_bytes(out, bytes, len);
}

/* After "&#". */
static int add_number(struct reader *reader, struct str *out)
{
    bool hex = take_text(reader, "x");
    struct str_view digits = span(reader, hex ? "0123456789abcdefABCDEF" : "0123456789");
    uint32_t code = 0;

    if (digits.len == 0 || digits.len > 7 || !take_text(reader, ";"))
        return wrong(reader, "a character's number");
    for (size_t i = 0; i < digits.len; i++) {
        unsigned char c = (unsigned char)digits.ptr[i];

        code = code * (hex ? 16 : 10) + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return wrong(reader, "a character that does not exist");
    add_code_point(out, code);
    return 0;
}

/* At "&". */
static int add_entity(struct reader *reader, struct str *out)
{
    static const struct {
        const char *entity, *text;
    } entities[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}};

    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        if (take_text(reader, entities[i].entity)) {
            str_add(out, entities[i].text);
            return 0;
        }
    }
    return take_text(reader, "&#") ? add_number(reader, out) : wrong(reader, "an unknown entity");
}

static int read_text(struct reader *reader)
{
    struct str ignored = STR_INIT(0), *out = reader->wanted ? &reader->text : &ignored;

    while (reader->at < reader->end && *reader->at != '<') {
        if (*reader->at == '&') {
            int result = add_entity(reader, out);

            if (result < 0)
                return result;
            continue;
        }
        if (!*reader->at)
            return wrong(reader, "a NUL");
        str_add_bytes(out, reader->at++, 1);
    }
    return 0;
}

static int read_elements(struct reader *reader)
{
    int result = take_text(reader, "<") ? open_element(reader) : wrong(reader, "no element");

    while (result == 0 && reader->depth > 0) {
        result = read_text(reader);
        if (result == 0)
            result = take_text(reader, "</")  ? end_element(reader)
                     : take_text(reader, "<") ? open_element(reader)
                                              : wrong(reader, "its end is missing");
    }
    return result;
}

/* <?xml version="1.0" …?> */
static int read_declaration(struct reader *reader)
{
    if (!take_text(reader, "<?xml"))
        return 0;
    int result = pass_attributes(reader);

    if (result == 0 && !take_text(reader, "?>"))
        return wrong(reader, "a declaration that does not end");
    return result;
}

int xml_text(struct str_view document, const char *path, struct str *out, struct err *err)
{
    struct reader reader = {.start = document.ptr,
                            .at = document.ptr,
                            .end = document.ptr + document.len,
                            .path = path,
                            .text = STR_INIT(out->max - out->len),
                            .err = err};
    int result = read_declaration(&reader);

    span(&reader, BLANKS);
    if (result == 0)
        result = read_elements(&reader);
    span(&reader, BLANKS);
    if (result == 0 && reader.at < reader.end)
        result = wrong(&reader, "something after the last element");
    if (result == 0 && !reader.found)
        result = err_set(err, ERR_NOT_FOUND, "the answer has no %s", path);
    if (result == 0 && reader.text.overflow)
        result = err_set(err, ERR_INVALID, "the answer's %s is too long", path);
    if (result == 0)
        str_add_bytes(out, str_text(&reader.text), reader.text.len);
    str_done(&reader.text);
    return result;
}
