/* The string builder, string views and checked numbers.
 *
 * `struct str` grows up to a compulsory cap. Going over the cap sets `overflow` and drops the
 * addition and everything after it; the caller looks once, at the end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A piece of somebody else's bytes; not NUL-terminated. Passed by value. */
struct str_view {
    const char *ptr;
    size_t len;
};

struct str {
    char *ptr; /* NUL-terminated; NULL only before the first addition */
    size_t len;
    size_t capacity;
    size_t max; /* most bytes it may hold */
    bool overflow;
};

#define STR_INIT(max_bytes) ((struct str){.max = (max_bytes)})

void str_done(struct str *str);              /* frees; fit for _cleanup_ */
void str_clear(struct str *str);             /* empties, keeps the memory */
char *str_take(struct str *str);             /* hands the text over ("" when empty) */
const char *str_text(const struct str *str); /* the text, "" when empty */
struct str_view str_view_of(const struct str *str);

void str_add(struct str *str, const char *text);
void str_add_bytes(struct str *str, const char *bytes, size_t len);
void str_addf(struct str *str, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `text` as a JSON string with its quotes; control characters escaped, bytes that are not
 * UTF-8 replaced by U+FFFD. */
void str_add_json(struct str *str, const char *text);

/* Percent-encodes all but A-Z a-z 0-9 - . _ ~ and the characters in `keep`, upper-case hex. */
void str_add_percent(struct str *str, const char *bytes, size_t len, const char *keep);

static inline struct str_view view(const char *text)
{
    return (struct str_view){text, text ? strlen(text) : 0};
}

static inline bool view_equal(struct str_view a, struct str_view b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool str_equal(const char *a, const char *b)
{
    return a && b ? *a == *b && strcmp(a, b) == 0 : a == b;
}

static inline bool str_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* A whole decimal integer in [min, max]: no blanks, no plus, nothing after it. */
bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
    __attribute__((warn_unused_result));

/* A duration such as "10m", "30s", "500ms", "1h"; in milliseconds, at most 24 days. */
bool parse_duration(const char *text, int64_t *ret_ms) __attribute__((warn_unused_result));

/* Does `text` match the POSIX extended regular expression as a whole? The pattern is ours, never
 * a user's, and must compile. Up to 256 compiled patterns are kept by address: pass string literals. */
bool matches(const char *pattern, const char *text);
