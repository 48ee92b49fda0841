/* Finds the functions in a manifest and writes it anew. Main thread; owns text and documents. */
#include "cli/set_in.h"

#include "cli/save.h"
#include "common/base/mem.h"
#include "common/base/yaml.h"
#include "common/base/yaml_edit.h"

#include <stdio.h>

enum { INDEX_SIZE = 24, PATH_MAX_KEYS = 7 };

void set_in_done(struct set_in *set)
{
    file_unmap(set->text);
    json_free(set->documents);
    free(set->targets);
    free(set->texts);
    str_done(&set->changed);
    *set = (struct set_in){0};
}

/* --- what is to be set -------------------------------------------------------------------- */

static void add_target(struct set_in *set, struct set_in_target target)
{
    set->targets = xrealloc(set->targets, (set->count + 1) * sizeof(*set->targets));
    set->targets[set->count++] = target;
}

/* `place`: of the value, or of the object that has it as `member`. Nothing is added where nothing is. */
static void add_text(struct set_in *set, const struct set_in_text *place, const char *member,
                     const struct json *value, bool is_bucket)
{
    struct set_in_text text = *place;
    size_t last = 0;

    text.before = json_str(member ? json_get(value, member) : value);
    text.is_bucket = is_bucket;
    if (!text.before)
        return;
    while (text.rest[last])
        last++;
    text.rest[last] = member;
    set->texts = xrealloc(set->texts, (set->text_count + 1) * sizeof(*set->texts));
    set->texts[set->text_count++] = text;
}

static void add_code(struct set_in *set, const struct set_in_text *place, const struct json *code)
{
    add_text(set, place, "s3Key", code, false);
    add_text(set, place, "s3Bucket", code, true);
}

static void add_manifest(struct set_in *set, size_t document, long item, const struct json *object,
                         const char *wanted)
{
    const char *api = json_str_at(object, "apiVersion"), *name = json_str_at(object, "metadata.name");
    const struct json *spec = json_get(object, "spec"), *code = json_get(spec, "code");

    if (!api || !str_starts_with(api, "kubelambda.io/") ||
        !str_equal(json_str_at(object, "kind"), "LambdaFunction") || (wanted && !str_equal(name, wanted)))
        return;
    add_target(set, (struct set_in_target){name ? name : "", spec, json_str_at(code, "s3Key"),
                                           json_get(code, "s3ObjectVersion") != NULL});
    add_code(
        set,
        &(struct set_in_text){.document = document, .list = "items", .item = item, .rest = {"spec", "code"}},
        code);
}

/* JSON 6902, as kustomize applies it: the operations that put the code in its place. */
static void add_patch(struct set_in *set, size_t document, const struct json *operations)
{
    struct set_in_text place = {.document = document, .rest = {"value"}};
    struct set_in_target target = {.name = "of the patch"};
    size_t first = set->text_count;

    for (const struct json *one = json_first(operations); one; one = json_next(one), place.item++) {
        const char *op = json_str_at(one, "op"), *path = json_str_at(one, "path");
        const struct json *value = json_get(one, "value"), *code = value;

        if (!str_equal(op, "add") && !str_equal(op, "replace"))
            continue;
        place.rest[1] = str_equal(path, "/spec") ? "code" : NULL;
        if (place.rest[1])
            code = json_get(value, "code");
        if (place.rest[1] || str_equal(path, "/spec/code"))
            add_code(set, &place, code);
        else if (str_equal(path, "/spec/code/s3Key") || str_equal(path, "/spec/code/s3Bucket"))
            add_text(set, &place, NULL, value, str_equal(path, "/spec/code/s3Bucket"));
        else
            code = NULL;
        target.has_version |=
            json_get(code, "s3ObjectVersion") || str_equal(path, "/spec/code/s3ObjectVersion");
    }
    for (size_t i = first; i < set->text_count; i++)
        if (!set->texts[i].is_bucket && !target.key)
            target.key = set->texts[i].before;
    if (set->text_count > first)
        add_target(set, target);
}

static void find_targets(struct set_in *set, const char *name)
{
    size_t document = 0;

    for (const struct json *one = json_first(set->documents); one; one = json_next(one), document++) {
        const struct json *items = json_get(one, "items");
        long index = 0;

        add_manifest(set, document, -1, one, name);
        if (json_type(items) == JSON_ARRAY)
            for (const struct json *item = json_first(items); item; item = json_next(item))
                add_manifest(set, document, index++, item, name);
        if (json_type(one) == JSON_ARRAY && !name)
            add_patch(set, document, one);
    }
}

static int check_target(const struct set_in *set, const struct set_in_target *target, struct err *err)
{
    if (!target->key || !*target->key)
        return err_set(
            err, ERR_INVALID,
            "%s: LambdaFunction %.100s has no spec.code.s3Key: write one (s3Key: none) in the place "
            "where it shall be",
            set->file, target->name);
    if (target->has_version)
        return err_set(
            err, ERR_INVALID,
            "%s: LambdaFunction %.100s has spec.code.s3ObjectVersion, a version of the object that it "
            "had: remove it, a key made from the content needs none",
            set->file, target->name);
    if (!str_equal(target->key, set->targets[0].key))
        return err_set(err, ERR_INVALID,
                       "%s: LambdaFunctions %.100s and %.100s have different keys: say which one with --name",
                       set->file, set->targets[0].name, target->name);
    return 0;
}

/* Says what was found instead, where that can be mended. */
static int nothing_found(const struct set_in *set, const char *name, struct err *err)
{
    const struct json *first = json_first(set->documents);

    if (json_get(first, "patches"))
        return err_set(
            err, ERR_NOT_FOUND,
            "%s is a kustomization: move the patch into a file of its own (path: patch.yaml), and name that",
            set->file);
    if (json_type(first) == JSON_ARRAY)
        return err_set(err, ERR_NOT_FOUND, "%s is a patch %s", set->file,
                       name ? "without names: leave --name out"
                            : "that does not set /spec/code/s3Key: add an operation that does");
    return err_set(err, ERR_NOT_FOUND, "%s has no LambdaFunction%s%.100s", set->file, name ? " called " : "",
                   name ? name : "");
}

int set_in_read(const char *file, const char *name, struct set_in *ret_set, struct err *err)
{
    *ret_set = (struct set_in){.file = file, .changed = STR_INIT((size_t)2 * YAML_MAX_BYTES)};
    int r = file_map(file, YAML_MAX_BYTES, &ret_set->text, err);

    if (r < 0)
        return r;
    r = yaml_parse(ret_set->text, &ret_set->documents, err);
    if (r < 0)
        return err_wrap(err, "%s", file);
    find_targets(ret_set, name);
    if (ret_set->count == 0)
        return nothing_found(ret_set, name, err);
    for (size_t i = 0; r == 0 && i < ret_set->count; i++)
        r = check_target(ret_set, &ret_set->targets[i], err);
    return r;
}

/* --- the new text ------------------------------------------------------------------------- */

struct path { /* of an edit, with the memory that it points to */
    char index[INDEX_SIZE];
    const char *keys[PATH_MAX_KEYS];
};

static void make_path(const struct set_in_text *text, struct path *ret_path)
{
    size_t count = 0;

    if (text->item >= 0) {
        snprintf(ret_path->index, sizeof(ret_path->index), "[%ld]", text->item);
        if (text->list)
            ret_path->keys[count++] = text->list;
        ret_path->keys[count++] = ret_path->index;
    }
    for (size_t i = 0; i < ARRAY_LEN(text->rest) && text->rest[i]; i++)
        ret_path->keys[count++] = text->rest[i];
    ret_path->keys[count] = NULL;
}

static const struct json *item_of(const struct json *list, size_t item)
{
    const struct json *one = json_first(list);

    while (one && item-- > 0)
        one = json_next(one);
    return one;
}

/* What was written must say what was meant, whatever the text was. */
static int check_result(const struct set_in *set, const char *bucket, const char *key, struct err *err)
{
    _cleanup_(json_freep) struct json *documents = NULL;
    int r = yaml_parse(str_view_of(&set->changed), &documents, err);

    for (size_t i = 0; r == 0 && i < set->text_count; i++) {
        const struct set_in_text *text = &set->texts[i];
        const struct json *found = item_of(documents, text->document);

        if (text->item >= 0)
            found = item_of(text->list ? json_get(found, text->list) : found, (size_t)text->item);
        for (size_t n = 0; n < ARRAY_LEN(text->rest) && text->rest[n]; n++)
            found = json_get(found, text->rest[n]);
        if (!str_equal(json_str(found), text->is_bucket ? bucket : key))
            r = err_set(err, ERR_INVALID, "the key cannot be replaced in this text");
    }
    return r;
}

int set_in_make(struct set_in *set, const char *bucket, const char *key, struct err *err)
{
    _cleanup_(freep) struct path *paths = xcalloc(set->text_count, sizeof(*paths));
    _cleanup_(freep) struct yaml_edit *edits = xcalloc(set->text_count, sizeof(*edits));
    size_t count = 0;

    for (size_t i = 0; i < set->text_count; i++) {
        const struct set_in_text *text = &set->texts[i];
        const char *after = text->is_bucket ? bucket : key;

        if (str_equal(text->before, after))
            continue;
        make_path(text, &paths[count]);
        edits[count] = (struct yaml_edit){text->document, paths[count].keys, after};
        count++;
    }
    str_clear(&set->changed);
    int r = yaml_replace(set->text, edits, count, &set->changed, err);

    if (r == 0)
        r = check_result(set, bucket, key, err);
    return r < 0 ? err_wrap(err, "%s", set->file) : 0;
}

bool set_in_changes(const struct set_in *set)
{
    return set->changed.len != set->text.len ||
           memcmp(str_text(&set->changed), set->text.ptr, set->text.len) != 0;
}

int set_in_save(struct set_in *set, struct err *err)
{
    return set_in_changes(set) ? file_save(set->file, str_view_of(&set->changed), err) : 0;
}
