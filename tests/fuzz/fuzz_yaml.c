/* YAML: documents, their lines, and an edit in place: the text that replaces a string is what is read there
 * afterwards, and nothing else changes. */
#include "common/base/mem.h"
#include "common/base/yaml.h"
#include "common/base/yaml_edit.h"
#include "tests/fuzz/fuzz.h"

enum { DEEPEST = 4 };

/* The keys that lead to the first string of an object. */
static bool first_string(const struct json *object, const char **path, size_t depth)
{
    for (const struct json *member = json_first(object); member && json_key(member);
         member = json_next(member)) {
        path[depth] = json_key(member);
        path[depth + 1] = NULL;
        if (json_str(member) || (depth + 1 < DEEPEST && first_string(member, path, depth + 1)))
            return true;
    }
    return false;
}

static size_t line_of(const struct yaml_lines *lines, const char *const *path)
{
    _cleanup_(str_done) struct str dotted = STR_INIT(YAML_MAX_BYTES);

    for (; *path; path++)
        str_addf(&dotted, strpbrk(*path, ".[]") ? "[%s]" : ".%s", *path);
    return yaml_line(lines, 0, str_text(&dotted));
}

static void set_string(struct json *documents, const char *const *path, const char *value)
{
    const struct json *object = json_first(documents);

    for (; path[1]; path++)
        object = json_get(object, path[0]);
    /* The tree is the test's own. */
    json_set_str((struct json *)(uintptr_t)object, path[0], value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char new_text[] = "yes: \"it's\" #1";
    _cleanup_(json_freep) struct json *documents = NULL, *again = NULL;
    _cleanup_(yaml_lines_freep) struct yaml_lines *lines = NULL;
    _cleanup_(str_done) struct str edited = STR_INIT(2 * YAML_MAX_BYTES);
    const char *path[DEEPEST + 1];
    struct err err;

    if (yaml_parse_lines(view_of_input(data, size), &documents, &lines, &err) < 0)
        return 0;
    must_hold(json_size(documents) == 0 || yaml_line(lines, 0, "items[0].metadata[a].name") > 0);
    if (!first_string(json_first(documents), path, 0))
        return 0;
    must_hold(line_of(lines, path) >= yaml_line(lines, 0, ""));
    if (yaml_replace(view_of_input(data, size), &(struct yaml_edit){0, path, new_text}, 1, &edited, &err) < 0)
        return 0;
    must_hold(yaml_parse(str_view_of(&edited), &again, &err) == 0);
    set_string(documents, path, new_text);
    must_hold(json_equal(documents, again));
    return 0;
}
