/* JSON and texts, as most tests of pure code read them. */
#pragma once

#include "common/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* The caller frees. */
static inline struct json *parse(const char *text)
{
    struct json *json = NULL;
    struct err err;

    if (json_parse(view(text), &json, &err) < 0)
        fail_msg("%s: %s", err.msg, text);
    return json;
}

static inline void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("%s\ndoes not say\n%s", text, part);
}

static inline void assert_silent(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("%s\nsays\n%s", text, part);
}
