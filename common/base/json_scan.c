/* A strict reading of RFC 8259 that builds nothing. Any thread, no state. */
#include "common/base/json_scan.h"

struct scan {
    const char *at;
    const char *end;
    size_t values, max_values, strings;
    const char *wrong; /* what was wrong, for the message */
    struct str *rest;  /* what is before the last value that was left out or mended; NULL: neither is done */
    const char *kept;  /* what comes after that */
    bool strict, mended, skipping;
};

static bool scan_value(struct scan *scan, int depth, const struct json_unwanted *unwanted);

static bool fail(struct scan *scan, const char *wrong)
{
    if (!scan->wrong)
        scan->wrong = wrong;
    return false;
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\n' || *scan->at == '\r'))
        scan->at++;
}

static bool accept(struct scan *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

static bool digits(struct scan *scan)
{
    const char *from = scan->at;

    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > from;
}

/* cJSON reads no longer ones: it would cut them. */
enum { MAX_NUMBER_BYTES = 63 };

static bool scan_number(struct scan *scan)
{
    const char *from = scan->at;

    accept(scan, '-');
    if (!accept(scan, '0') && !digits(scan))
        return fail(scan, "not a JSON value");
    if (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        return fail(scan, "a number with a leading zero");
    if (accept(scan, '.') && !digits(scan))
        return fail(scan, "a number that ends in a point");
    if (accept(scan, 'e') || accept(scan, 'E')) {
        if (!accept(scan, '+'))
            accept(scan, '-');
        if (!digits(scan))
            return fail(scan, "a number without an exponent after its e");
    }
    return scan->at - from <= MAX_NUMBER_BYTES || fail(scan, "a number longer than 63 characters");
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t utf8_sequence(const char *bytes, size_t len)
{
    if (len == 0)
        return 0;
    const unsigned char *b = (const unsigned char *)bytes;
    size_t need = b[0] < 0x80 ? 1 : b[0] < 0xC2 ? 0 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : b[0] < 0xF5 ? 4 : 0;

    if (need == 0 || need > len)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((b[i] & 0xC0) != 0x80)
            return 0;
    if ((b[0] == 0xE0 && b[1] < 0xA0) || (b[0] == 0xED && b[1] > 0x9F) || (b[0] == 0xF0 && b[1] < 0x90) ||
        (b[0] == 0xF4 && b[1] > 0x8F))
        return 0;
    return need;
}

size_t utf8_prefix(const char *text, size_t max_bytes)
{
    size_t len = 0, left = strlen(text);

    for (size_t step; (step = utf8_sequence(text + len, left)) > 0 && len + step <= max_bytes; left -= step)
        len += step;
    return len;
}

static bool scan_hex4(struct scan *scan, unsigned *ret_value)
{
    unsigned value = 0;

    for (int i = 0; i < 4; i++, scan->at++) {
        if (scan->at == scan->end)
            return fail(scan, "a string without an end");
        char c = *scan->at;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;
        if (digit == 16)
            return fail(scan, "a \\u escape that is not four hex digits");
        value = value * 16 + digit;
    }
    *ret_value = value;
    return true;
}

/* Behind "\\u0000". */
static bool take_nul(struct scan *scan)
{
    const char *escape = scan->at - strlen("\\u0000");

    if (scan->skipping)
        return true;
    if (!scan->rest || scan->strict)
        return fail(scan, "a NUL character in a string");
    str_add_bytes(scan->rest, scan->kept, (size_t)(escape - scan->kept));
    str_add(scan->rest, "\\ufffd");
    scan->kept = scan->at;
    return scan->mended = true;
}

static bool scan_escape(struct scan *scan)
{
    unsigned value = 0, low = 0;

    if (scan->at == scan->end)
        return fail(scan, "a string without an end");
    char c = *scan->at++;

    if (c != 'u')
        return (c && strchr("\"\\/bfnrt", c)) || fail(scan, "an unknown escape in a string");
    if (!scan_hex4(scan, &value))
        return false;
    if (value == 0)
        return take_nul(scan);
    if (value < 0xD800 || value > 0xDFFF)
        return true;
    if (value > 0xDBFF || !accept(scan, '\\') || !accept(scan, 'u'))
        return fail(scan, "half of a surrogate pair");
    if (!scan_hex4(scan, &low))
        return false;
    return (low >= 0xDC00 && low <= 0xDFFF) || fail(scan, "half of a surrogate pair");
}

const bool json_plain[256] = {[' ' ... '!'] = true, ['"' + 1 ... '\\' - 1] = true, ['\\' + 1 ... '~'] = true};

/* Most of all bytes are read here. */
static const char *skip_plain(const char *at, const char *end)
{
    while (at < end && json_plain[(unsigned char)*at])
        at++;
    return at;
}

static bool scan_string(struct scan *scan)
{
    if (!accept(scan, '"'))
        return fail(scan, "a key that is not a string");
    scan->strings++;
    while ((scan->at = skip_plain(scan->at, scan->end)) < scan->end) {
        unsigned char c = (unsigned char)*scan->at;

        if (c == '"') {
            scan->at++;
            return true;
        }
        if (c < 0x20)
            return fail(scan, "a control character in a string");
        if (c == '\\') {
            scan->at++;
            if (!scan_escape(scan))
                return false;
            continue;
        }
        size_t length = c < 0x80 ? 1 : utf8_sequence(scan->at, (size_t)(scan->end - scan->at));

        if (length == 0)
            return fail(scan, "invalid UTF-8");
        scan->at += length;
    }
    return fail(scan, "a string without an end");
}

static const struct json_unwanted *find_unwanted(const struct json_unwanted *unwanted, struct str_view key)
{
    for (; unwanted && unwanted->key; unwanted++)
        if (view_equal(key, view(unwanted->key)))
            return unwanted;
    return NULL;
}

/* Past an object or a list: strings and brackets are enough to find its end. */
static bool skip_members(struct scan *scan)
{
    size_t open = 0;

    do {
        if (scan->at == scan->end)
            return fail(scan, "ends too early");
        if (*scan->at == '"') {
            if (!scan_string(scan))
                return false;
            continue;
        }
        open += *scan->at == '{' || *scan->at == '[';
        open -= *scan->at == '}' || *scan->at == ']';
        scan->at++;
    } while (open > 0);
    return true;
}

/* A value that is left out. */
static bool scan_unwanted(struct scan *scan, int depth)
{
    skip_blanks(scan);
    const struct scan before = *scan;
    bool members = scan->at < scan->end && (*scan->at == '{' || *scan->at == '[');

    scan->skipping = true;
    if (members ? !skip_members(scan) : !scan_value(scan, depth, NULL))
        return false;
    scan->skipping = false;
    str_add_bytes(scan->rest, scan->kept, (size_t)(before.at - scan->kept));
    str_add(scan->rest, "null");
    scan->kept = scan->at;
    scan->values = before.values + 1;
    scan->strings = before.strings;
    return true;
}

static bool scan_member(struct scan *scan, int depth, const struct json_unwanted *unwanted)
{
    const char *key = scan->at + 1;

    if (!scan_string(scan))
        return false;
    const struct json_unwanted *found =
        find_unwanted(unwanted, (struct str_view){key, (size_t)(scan->at - key) - 1});

    skip_blanks(scan);
    if (!accept(scan, ':'))
        return fail(scan, "a key without a colon");
    if (found && !found->below && !found->strict)
        return scan_unwanted(scan, depth);
    bool strict_before = scan->strict;

    scan->strict = strict_before || (found && found->strict);
    bool good = scan_value(scan, depth, found ? found->below : NULL);

    scan->strict = strict_before;
    return good;
}

static bool scan_members(struct scan *scan, int depth, char close, bool keyed,
                         const struct json_unwanted *unwanted)
{
    skip_blanks(scan);
    if (accept(scan, close))
        return true;
    for (;;) {
        skip_blanks(scan);
        if (keyed ? !scan_member(scan, depth + 1, unwanted) : !scan_value(scan, depth + 1, unwanted))
            return false;
        skip_blanks(scan);
        if (accept(scan, close))
            return true;
        if (!accept(scan, ','))
            return fail(scan, scan->at < scan->end ? "neither a comma nor the end of the list or object"
                              : keyed              ? "an object without an end"
                                                   : "a list without an end");
    }
}

static bool scan_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return fail(scan, "not a JSON value");
    scan->at += len;
    return true;
}

/* `depth` is the number of lists and objects around it. */
static bool scan_value(struct scan *scan, int depth, const struct json_unwanted *unwanted)
{
    skip_blanks(scan);
    if (++scan->values > scan->max_values)
        return fail(scan, "too many values");
    if (scan->at == scan->end)
        return fail(scan, "ends too early");
    if (depth == JSON_MAX_DEPTH && (*scan->at == '{' || *scan->at == '['))
        return fail(scan, "nested too deeply");
    switch (*scan->at) {
    case '{':
        scan->at++;
        return scan_members(scan, depth, '}', true, unwanted);
    case '[':
        scan->at++;
        return scan_members(scan, depth, ']', false, unwanted);
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    default:
        return scan_number(scan);
    }
}

int json_scan(struct str_view text, const struct json_unwanted *unwanted, size_t max_values, struct str *rest,
              struct json_extent *ret_extent, struct err *err)
{
    struct scan scan = {
        .at = text.ptr, .end = text.ptr + text.len, .max_values = max_values, .rest = rest, .kept = text.ptr};

    if (scan_value(&scan, 0, unwanted)) {
        skip_blanks(&scan);
        if (scan.at == scan.end) {
            if (rest && scan.kept > text.ptr)
                str_add_bytes(rest, scan.kept, (size_t)(scan.end - scan.kept));
            *ret_extent = (struct json_extent){scan.values, scan.strings, text.len, scan.mended};
            return 0;
        }
        fail(&scan, "something after the value");
    }
    return err_set(err, ERR_INVALID, "JSON: %s at byte %zu", scan.wrong, (size_t)(scan.at - text.ptr));
}
