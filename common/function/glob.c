/* Matching globs. Pure. */
#include "common/function/glob.h"

#include <stddef.h>

/* The next character of UTF-8; of a broken one, the next byte and what seems to continue it. */
static const char *next_character(const char *text)
{
    text++;
    while (((unsigned char)*text & 0xC0) == 0x80)
        text++;
    return text;
}

/* A later star can match whatever an earlier one would have to give back, so only the last one is retried,
 * each time from one character further on. */
bool glob_matches(const char *glob, const char *text)
{
    const char *after_star = NULL, *retry = NULL;

    while (*text) {
        if (*glob == '*') {
            after_star = ++glob;
            retry = text;
            if (!*glob)
                return true;
        } else if (*glob == '?') {
            glob++;
            text = next_character(text);
        } else if (*glob == *text) {
            glob++;
            text++;
        } else if (after_star) {
            retry = next_character(retry);
            glob = after_star;
            text = retry;
        } else {
            return false;
        }
    }
    while (*glob == '*')
        glob++;
    return !*glob;
}
