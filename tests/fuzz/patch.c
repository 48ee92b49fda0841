/* Applies JSON patches by copying. Pure. */
#include "tests/fuzz/patch.h"

#include "common/base/mem.h"

/* The pointer's first part, without its escapes; *pointer is moved behind it. */
static char *take_part(const char **pointer)
{
    size_t len = strcspn(*pointer + 1, "/"), made = 0;
    char *part = xstrndup(*pointer + 1, len);

    for (size_t i = 0; i < len; i++) {
        char c = part[i];

        if (c == '~' && (part[i + 1] == '0' || part[i + 1] == '1'))
            c = part[++i] == '0' ? '~' : '/';
        part[made++] = c;
    }
    part[made] = '\0';
    *pointer += 1 + len;
    return part;
}

static struct json *changed(const struct json *value, const char *pointer, bool add, const struct json *new);

static struct json *changed_object(const struct json *object, const char *pointer, bool add,
                                   const struct json *new)
{
    _cleanup_(freep) char *key = take_part(&pointer);
    const struct json *member = json_get(object, key);
    struct json *made = member             ? changed(member, pointer, add, new)
                        : add && !*pointer ? json_copy(new)
                                           : NULL;

    if (!made)
        return NULL;
    struct json *copy = json_copy(object);

    json_set(copy, key, made);
    return copy;
}

static struct json *changed_array(const struct json *array, const char *pointer, const struct json *new)
{
    _cleanup_(freep) char *part = take_part(&pointer);
    _cleanup_(json_freep) struct json *copy = json_new_array();
    int64_t left;

    if (!parse_int(part, 0, (int64_t)json_size(array) - 1, &left))
        return NULL;
    for (const struct json *item = json_first(array); item; item = json_next(item)) {
        struct json *made = left-- == 0 ? changed(item, pointer, false, new) : json_copy(item);

        if (!made)
            return NULL;
        json_append(copy, made);
    }
    return take(copy);
}

static struct json *changed(const struct json *value, const char *pointer, bool add, const struct json *new)
{
    if (!*pointer)
        return json_copy(new);
    if (*pointer != '/')
        return NULL;
    if (json_type(value) == JSON_OBJECT)
        return changed_object(value, pointer, add, new);
    return json_type(value) == JSON_ARRAY ? changed_array(value, pointer, new) : NULL;
}

static const struct json *value_at(const struct json *value, const char *pointer)
{
    while (*pointer && json_type(value) == JSON_OBJECT) {
        _cleanup_(freep) char *key = take_part(&pointer);

        value = json_get(value, key);
    }
    return *pointer ? NULL : value;
}

struct json *patch_apply(const struct json *document, const struct json *patch)
{
    _cleanup_(json_freep) struct json *now = json_copy(document);

    for (const struct json *one = json_first(patch); one; one = json_next(one)) {
        const char *operation = json_str_at(one, "op"), *pointer = json_str_at(one, "path");
        const struct json *value = json_get(one, "value");
        bool add = str_equal(operation, "add");

        if (!pointer || !value)
            return NULL;
        if (str_equal(operation, "test")) {
            if (!json_equal(value_at(now, pointer), value))
                return NULL;
            continue;
        }
        if (!add && !str_equal(operation, "replace"))
            return NULL;
        struct json *next = changed(now, pointer, add, value);

        if (!next)
            return NULL;
        json_free(now);
        now = next;
    }
    return take(now);
}
