/* Finds the functions in a manifest and writes it anew. Main thread; owns text and documents. */
#include "cli/set_in.h"

#include "cli/save.h"
#include "common/base/mem.h"
#include "common/base/yaml.h"
#include "common/base/yaml_edit.h"

#include <stdio.h>

enum { INDEX_SIZE = 24, PATH_MAX_KEYS = 6 };

void set_in_done(struct set_in *set)
{
    file_unmap(set->text);
    json_free(set->documents);
    free(set->targets);
    str_done(&set->changed);
    *set = (struct set_in){0};
}

static void add(struct set_in *set, size_t document, long item, const struct json *object, const char *wanted)
{
    const char *api = json_str_at(object, "apiVersion"), *name = json_str_at(object, "metadata.name");

    if (!api || !str_starts_with(api, "kubelambda.io/") ||
        !str_equal(json_str_at(object, "kind"), "LambdaFunction") || (wanted && !str_equal(name, wanted)))
        return;
    set->targets = xrealloc(set->targets, (set->count + 1) * sizeof(*set->targets));
    set->targets[set->count++] =
        (struct set_in_target){document, item, name ? name : "", json_get(object, "spec")};
}

static int check_target(const struct set_in *set, const struct set_in_target *target, struct err *err)
{
    const char *key = json_str_at(target->spec, "code.s3Key"), *name = target->name;

    if (!key || !*key)
        return err_set(
            err, ERR_INVALID,
            "%s: LambdaFunction %.100s has no spec.code.s3Key: write one (s3Key: none) in the place "
            "where it shall be",
            set->file, name);
    if (json_at(target->spec, "code.s3ObjectVersion"))
        return err_set(
            err, ERR_INVALID,
            "%s: LambdaFunction %.100s has spec.code.s3ObjectVersion, a version of the object that it "
            "had: remove it, a key made from the content needs none",
            set->file, name);
    if (!str_equal(key, json_str_at(set->targets[0].spec, "code.s3Key")))
        return err_set(err, ERR_INVALID,
                       "%s: LambdaFunctions %.100s and %.100s have different keys: say which one with --name",
                       set->file, set->targets[0].name, name);
    return 0;
}

int set_in_read(const char *file, const char *name, struct set_in *ret_set, struct err *err)
{
    size_t document = 0;

    *ret_set = (struct set_in){.file = file, .changed = STR_INIT((size_t)2 * YAML_MAX_BYTES)};
    int r = file_map(file, YAML_MAX_BYTES, &ret_set->text, err);

    if (r < 0)
        return r;
    r = yaml_parse(ret_set->text, &ret_set->documents, err);
    if (r < 0)
        return err_wrap(err, "%s", file);
    for (const struct json *one = json_first(ret_set->documents); one; one = json_next(one), document++) {
        long index = 0;

        add(ret_set, document, -1, one, name);
        if (json_type(json_get(one, "items")) == JSON_ARRAY)
            for (const struct json *item = json_first(json_get(one, "items")); item; item = json_next(item))
                add(ret_set, document, index++, item, name);
    }
    if (ret_set->count == 0)
        return err_set(err, ERR_NOT_FOUND, "%s has no LambdaFunction%s%.100s", file, name ? " called " : "",
                       name ? name : "");
    for (size_t i = 0; r == 0 && i < ret_set->count; i++)
        r = check_target(ret_set, &ret_set->targets[i], err);
    return r;
}

/* One edit with the memory that it points to. */
struct prepared {
    char index[INDEX_SIZE];
    const char *path[PATH_MAX_KEYS];
};

static void prepare(const struct set_in_target *target, const char *member, struct prepared *ret_prepared)
{
    size_t i = 0;

    if (target->item >= 0) {
        snprintf(ret_prepared->index, sizeof(ret_prepared->index), "[%ld]", target->item);
        ret_prepared->path[i++] = "items";
        ret_prepared->path[i++] = ret_prepared->index;
    }
    ret_prepared->path[i++] = "spec";
    ret_prepared->path[i++] = "code";
    ret_prepared->path[i++] = member;
    ret_prepared->path[i] = NULL;
}

/* What was written must say what was meant, whatever the text was. */
static int check_result(const struct set_in *set, const char *key, struct err *err)
{
    _cleanup_(json_freep) struct json *documents = NULL;
    int r = yaml_parse(str_view_of(&set->changed), &documents, err);

    for (size_t i = 0; r == 0 && i < set->count; i++) {
        const struct set_in_target *target = &set->targets[i];
        const struct json *object = json_first(documents);

        for (size_t n = target->document; object && n > 0; n--)
            object = json_next(object);
        if (target->item >= 0) {
            object = json_first(json_get(object, "items"));
            for (long n = target->item; object && n > 0; n--)
                object = json_next(object);
        }
        if (!str_equal(json_str_at(object, "spec.code.s3Key"), key))
            r = err_set(err, ERR_INVALID, "the key cannot be replaced in this text");
    }
    return r;
}

int set_in_make(struct set_in *set, const char *bucket, const char *key, struct err *err)
{
    _cleanup_(freep) struct prepared *prepared = xcalloc(2 * set->count, sizeof(*prepared));
    _cleanup_(freep) struct yaml_edit *edits = xcalloc(2 * set->count, sizeof(*edits));
    size_t count = 0;

    for (size_t i = 0; i < set->count; i++) {
        const char *had_bucket = json_str_at(set->targets[i].spec, "code.s3Bucket");
        const struct {
            const char *member, *before, *after;
        } members[] = {{"s3Key", json_str_at(set->targets[i].spec, "code.s3Key"), key},
                       {"s3Bucket", had_bucket, bucket}};

        for (size_t m = 0; m < ARRAY_LEN(members); m++) {
            if (!members[m].before || str_equal(members[m].before, members[m].after))
                continue;
            prepare(&set->targets[i], members[m].member, &prepared[count]);
            edits[count] =
                (struct yaml_edit){set->targets[i].document, prepared[count].path, members[m].after};
            count++;
        }
    }
    str_clear(&set->changed);
    int r = yaml_replace(set->text, edits, count, &set->changed, err);

    if (r == 0)
        r = check_result(set, key, err);
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
