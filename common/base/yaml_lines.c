/* The places of values as one flat list in the order of the text; what is below a value follows it with a
 * greater depth. Memory stays within a small multiple of the text. */
#include "common/base/yaml_lines.h"

#include "common/base/json.h"
#include "common/base/mem.h"

#include <stdio.h>

enum { MAX_KEY_BYTES = 16 << 20 };

struct place {
    size_t key; /* in `keys`: a member's key, an item's number */
    size_t line;
    int depth; /* a document is at 1 */
};

struct yaml_lines {
    struct place *places;
    size_t count, capacity;
    struct str keys;   /* each ends with NUL */
    size_t *documents; /* their places */
    size_t document_count;
    size_t last_root;
};

struct yaml_lines *yaml_lines_new(void)
{
    struct yaml_lines *lines = xcalloc(1, sizeof(*lines));

    lines->keys = STR_INIT(MAX_KEY_BYTES);
    return lines;
}

void yaml_lines_free(struct yaml_lines *lines)
{
    if (!lines)
        return;
    free(lines->places);
    free(lines->documents);
    str_done(&lines->keys);
    free(lines);
}

void yaml_lines_add(struct yaml_lines *lines, int depth, const char *key, size_t index, size_t line)
{
    char number[24];
    size_t start = lines->keys.len;

    /* Past what JSON may hold the document is refused anyway. */
    if (lines->count >= JSON_MAX_VALUES && depth > 1)
        return;
    if (!key) {
        snprintf(number, sizeof(number), "%zu", index);
        key = number;
    }
    str_add_bytes(&lines->keys, key, strlen(key) + 1);
    if (lines->keys.overflow)
        return;
    if (lines->count == lines->capacity) {
        lines->capacity = lines->capacity ? 2 * lines->capacity : 64;
        lines->places = xrealloc(lines->places, lines->capacity * sizeof(*lines->places));
    }
    if (depth == 1)
        lines->last_root = lines->count;
    lines->places[lines->count++] = (struct place){start, line, depth};
}

void yaml_lines_add_document(struct yaml_lines *lines)
{
    lines->documents = xrealloc(lines->documents, (lines->document_count + 1) * sizeof(*lines->documents));
    lines->documents[lines->document_count++] = lines->last_root;
}

/* The first key of the path, and behind it. "[a.b]" is a key; it ends at a bracket that ends the path or
 * is followed by another key. */
static struct str_view first_key(const char *path, const char **ret_rest)
{
    if (*path != '[') {
        path += *path == '.';
        size_t len = strcspn(path, ".[");

        *ret_rest = path + len;
        return (struct str_view){path, len};
    }
    const char *end = strchr(++path, ']');

    while (end && end[1] && end[1] != '.' && end[1] != '[')
        end = strchr(end + 1, ']');
    size_t len = end ? (size_t)(end - path) : strlen(path);

    *ret_rest = end ? end + 1 : path + len;
    return (struct str_view){path, len};
}

/* The place below `parent` with that key; `parent` itself when there is none. */
static size_t find_below(const struct yaml_lines *lines, size_t parent, struct str_view key)
{
    int depth = lines->places[parent].depth;

    for (size_t i = parent + 1; i < lines->count && lines->places[i].depth > depth; i++) {
        const char *here = str_text(&lines->keys) + lines->places[i].key;

        if (lines->places[i].depth == depth + 1 && strlen(here) == key.len &&
            memcmp(here, key.ptr, key.len) == 0)
            return i;
    }
    return parent;
}

size_t yaml_line(const struct yaml_lines *lines, size_t document, const char *path)
{
    if (!lines || document >= lines->document_count || lines->count == 0)
        return 0;
    size_t at = lines->documents[document];

    while (*path) {
        size_t below = find_below(lines, at, first_key(path, &path));

        if (below == at)
            break;
        at = below;
    }
    return lines->places[at].line;
}
