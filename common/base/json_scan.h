/* What cJSON lets pass and we refuse: a strict reading of RFC 8259 that builds nothing. */
#pragma once

#include "common/base/json.h"

/* What a text holds. */
struct json_extent {
    size_t values;
    size_t strings; /* keys as well */
    size_t bytes;
    bool mended; /* a NUL was replaced */
};

/* ERR_INVALID with the byte offset, unless `text` is exactly one JSON value within the limits.
 *
 * With `rest`, as json_parse_without says: *rest, which the caller ends with str_done, is what to read
 * instead, and the extent is of that. It stays empty when that is the text itself. NULL: as json_parse says.
 */
int json_scan(struct str_view text, const struct json_unwanted *unwanted, size_t max_values, struct str *rest,
              struct json_extent *ret_extent, struct err *err) __attribute__((warn_unused_result));

/* The bytes that stand for themselves in a string, and on a terminal. */
extern const bool json_plain[256];

/* The length of the valid UTF-8 sequence at `bytes`, 0 when there is none. */
size_t utf8_sequence(const char *bytes, size_t len);

/* How much of `text` fits into `max_bytes` without half of a character: up to the first byte that is no
 * UTF-8. */
size_t utf8_prefix(const char *text, size_t max_bytes);

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD, for a byte that is no UTF-8 */
