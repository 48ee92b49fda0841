/* How libFuzzer changes inputs that are JSON: a value instead of bytes, so that what comes out is JSON again.
 * Linked to the targets in the Makefile's FUZZ_JSON. */
#include "common/base/json.h"
#include "common/function/fields.h"
#include "tests/fuzz/fuzz.h"

enum { TEXT_MAX_BYTES = 64, BYTES_IN = 16 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

struct change {
    const struct json *root;
    size_t values; /* in root */
    size_t left;   /* until the value that is changed */
    uint64_t random;
};

static size_t below(struct change *change, size_t limit)
{
    change->random = change->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(change->random >> 33) % limit;
}

static size_t count(const struct json *value)
{
    size_t values = 1;

    for (const struct json *child = json_first(value); child; child = json_next(child))
        values += count(child);
    return values;
}

static const struct json *at(const struct json *value, size_t *left)
{
    const struct json *found = NULL;

    if ((*left)-- == 0)
        return value;
    for (const struct json *child = json_first(value); child && !found; child = json_next(child))
        found = at(child, left);
    return found;
}

static const struct json *any(struct change *change)
{
    size_t left = below(change, change->values);

    return at(change->root, &left);
}

/* --- new values --------------------------------------------------------------------------- */

/* libFuzzer puts words of its dictionary in, and what texts were compared with. */
static struct json *new_text(const char *before)
{
    char text[TEXT_MAX_BYTES + 1] = "";
    size_t len = strnlen(before ?: "", TEXT_MAX_BYTES);

    memcpy(text, before ?: "", len);
    len = LLVMFuzzerMutate((uint8_t *)text, len, TEXT_MAX_BYTES);
    text[len] = '\0';
    return json_new_string(text);
}

static struct json *new_number(struct change *change)
{
    static const double numbers[] = {0,   -1,   1,     2,   10,   100,    128,
                                     900, 1024, 10240, 0.5, 1e15, -1e300, 9007199254740992.0};

    return json_new_number(numbers[below(change, ARRAY_LEN(numbers))]);
}

/* A member's name: one that is there, or of a field of the table. */
static char *new_key(struct change *change)
{
    const struct field *field = &fields[below(change, field_count)];
    const struct json *donor = any(change);
    const char *path = field->member && below(change, 2) ? field->member : field->path;
    size_t dots = below(change, 3);

    if (json_key(donor) && below(change, 2))
        return xstrdup(json_key(donor));
    for (const char *dot; dots > 0 && (dot = strchr(path, '.')); dots--)
        path = dot + 1;
    return xstrndup(path, strcspn(path, "."));
}

static struct json *new_value(struct change *change, const struct json *before)
{
    struct json *null = NULL;

    switch (below(change, 8)) {
    case 0:
        return new_number(change);
    case 1:
        return json_new_bool(below(change, 2));
    case 2:
        return below(change, 2) ? json_new_object() : json_new_array();
    case 3:
        return json_parse(view("null"), &null, NULL) < 0 ? NULL : null;
    case 4:
    case 5:
        return json_copy(any(change));
    default:
        return new_text(json_str(before));
    }
}

/* With one more member or item. */
static struct json *grown(struct change *change, const struct json *before)
{
    _cleanup_(freep) char *key = new_key(change);
    struct json *value = json_copy(before);

    if (json_type(before) == JSON_OBJECT)
        json_set(value, key, new_value(change, NULL));
    else
        json_append(value, json_first(before) && below(change, 2) ? json_copy(json_first(before))
                                                                  : new_value(change, NULL));
    return value;
}

static struct json *changed(struct change *change, const struct json *root);

/* A text that is JSON itself, as the policy of a function, with another value in it; NULL: it is none. */
static struct json *changed_inside(struct change *change, const char *text)
{
    _cleanup_(json_freep) struct json *root = NULL, *made = NULL;
    struct change inside = {.random = change->random};

    if (!text || *text != '{' || json_parse(view(text), &root, NULL) < 0)
        return NULL;
    made = changed(&inside, root);
    _cleanup_(freep) char *printed = json_text(made);

    return made ? json_new_string(printed) : NULL;
}

static struct json *changed_value(struct change *change, const struct json *before)
{
    struct json *inside = changed_inside(change, json_str(before));

    if (inside)
        return inside;
    bool container = json_type(before) == JSON_OBJECT || json_type(before) == JSON_ARRAY;

    if (container && below(change, 4))
        return grown(change, before);
    if (json_str(before) && below(change, 2))
        return new_text(json_str(before));
    /* Nothing: it is removed. */
    return below(change, 4) ? new_value(change, before) : NULL;
}

/* A copy in which one value is another, or gone. */
static struct json *copy_changed(struct change *change, const struct json *value)
{
    if (change->left-- == 0)
        return changed_value(change, value);
    if (json_type(value) != JSON_OBJECT && json_type(value) != JSON_ARRAY)
        return json_copy(value);
    bool object = json_type(value) == JSON_OBJECT;
    struct json *copy = object ? json_new_object() : json_new_array();

    for (const struct json *child = json_first(value); child; child = json_next(child)) {
        struct json *made = copy_changed(change, child);

        if (made && object)
            json_set(copy, json_key(child), made);
        else if (made)
            json_append(copy, made);
    }
    return copy;
}

static struct json *changed(struct change *change, const struct json *root)
{
    change->root = root;
    change->values = count(root);
    change->left = below(change, change->values);
    return copy_changed(change, root);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    _cleanup_(json_freep) struct json *root = NULL;
    struct change change = {.random = seed};

    if (below(&change, BYTES_IN) == 0 || json_parse(view_of_input(data, size), &root, NULL) < 0)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t changes = 1 + below(&change, 4); root && changes > 0; changes--) {
        struct json *made = changed(&change, root);

        json_free(root);
        root = made;
    }
    _cleanup_(freep) char *text = root ? json_text(root) : xstrdup("{}");
    size_t len = strlen(text);

    if (len > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(data, text, len);
    return len;
}
