/* The choice between the states that the status tells of, as a patch of the spec. Pure. */
#include "cli/rollback_choose.h"

#include "common/base/mem.h"
#include "common/function/versions.h"
#include "controller/history.h"

void rollback_done(struct rollback *rollback)
{
    json_free(rollback->patch);
    json_free(rollback->commit);
    free(rollback->from);
    free(rollback->to);
    *rollback = (struct rollback){0};
}

static void add_operation(struct json *patch, const char *operation, const char *path, struct json *value)
{
    struct json *item = json_new_object();

    json_set_str(item, "op", operation);
    json_set_str(item, "path", path);
    if (value)
        json_set(item, "value", value);
    json_append(patch, item);
}

/* A patch of the object as it was read, and of no other. */
static struct json *start_patch(const struct json *function)
{
    struct json *patch = json_new_array();

    add_operation(patch, "test", "/metadata/resourceVersion",
                  json_new_string(json_str_at(function, "metadata.resourceVersion")));
    return patch;
}

/* --- code ----------------------------------------------------------------------------------- */

/* Entries with the same code one after the other are one state, of which the newest is told. NULL: the
 * history does not go back so far, only *ret_gone. */
static const struct json *state_at(const struct json *history, int64_t back, int64_t *ret_gone)
{
    const struct json *entry = json_first(history), *next;
    int64_t gone = 0;

    for (; gone < back && (next = json_next(entry)); entry = next)
        gone += !history_same_code(entry, next);
    *ret_gone = gone;
    return gone == back ? entry : NULL;
}

static bool is_in_force(const struct json *function)
{
    return history_declares(json_first(json_at(function, "status.history")), json_get(function, "spec"));
}

static char *describe(const struct json *entry)
{
    const char *key = json_str_at(entry, "key"), *image = json_str_at(entry, "imageUri"),
               *version = json_str_at(entry, "version"), *time = json_str_at(entry, "time");

    return xasprintf("%s%s%s (in force since %s)",
                     key     ? key
                     : image ? image
                             : "?",
                     version ? ", version " : "", version ? version : "", time ? time : "?");
}

static char *describe_declared(const struct json *function)
{
    const char *key = json_str_at(function, "spec.code.s3Key"),
               *image = json_str_at(function, "spec.code.imageUri");

    return is_in_force(function) ? describe(json_first(json_at(function, "status.history")))
                                 : xasprintf("%s (declared, not in force)", key     ? key
                                                                            : image ? image
                                                                                    : "?");
}

static bool same_place(const struct json *a, const struct json *b)
{
    static const char *const members[] = {"bucket", "key", "imageUri"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (!str_equal(json_str_at(a, members[i]), json_str_at(b, members[i])))
            return false;
    return true;
}

/* Was other code in force from the same place since? */
static bool is_overwritten(const struct json *entry, const struct json *history)
{
    const struct json *newest = json_first(history);

    while (newest != entry && !same_place(newest, entry))
        newest = json_next(newest);
    return newest != entry && !history_same_code(newest, entry);
}

/* Another object under the key that is declared now, or was since, would not be seen without its version. */
static struct json *code_of(const struct json *entry, const struct json *code, bool overwritten)
{
    struct json *back = json_copy(code);
    const char *image = json_str_at(entry, "imageUri");
    bool same_key = str_equal(json_str_at(entry, "key"), json_str_at(code, "s3Key")) &&
                    str_equal(json_str_at(entry, "bucket"), json_str_at(code, "s3Bucket"));

    if (image) {
        json_set_str(back, "imageUri", image);
        return back;
    }
    json_set_str(back, "s3Bucket", json_str_at(entry, "bucket"));
    json_set_str(back, "s3Key", json_str_at(entry, "key"));
    bool pinned = json_get(code, "s3ObjectVersion") != NULL;

    json_set(back, "s3ObjectVersion", NULL);
    if (pinned || same_key || overwritten)
        json_set_str(back, "s3ObjectVersion", json_str_at(entry, "versionId"));
    return back;
}

static int choose_code(const struct json *function, int64_t back, struct rollback *rollback, struct err *err)
{
    const struct json *history = json_at(function, "status.history"), *code = json_at(function, "spec.code");
    int64_t gone;
    const struct json *entry = state_at(history, back, &gone);

    if (!json_first(history))
        return err_set(err, ERR_NOT_FOUND,
                       "nothing was in force yet, so there is no state to go back to; declare other code");
    if (!entry)
        return err_set(err, ERR_NOT_FOUND, "the history goes %lld states back, not %lld", (long long)gone,
                       (long long)back);
    bool overwritten = is_overwritten(entry, history);
    struct json *declared = code_of(entry, code, overwritten);

    rollback->commit = json_new_object();
    json_set_at(rollback->commit, "spec.code", declared);
    rollback->from = describe_declared(function);
    rollback->to = describe(entry);
    if (overwritten && !json_get(declared, "s3ObjectVersion"))
        return err_set(
            err, ERR_NOT_FOUND,
            "%s was overwritten since, where no versions are kept; put that code under another name "
            "and declare it",
            rollback->to);
    if (!json_equal(declared, code)) {
        rollback->patch = start_patch(function);
        add_operation(rollback->patch, "replace", "/spec/code", json_copy(declared));
    }
    return 0;
}

/* --- aliases -------------------------------------------------------------------------------- */

static const struct json *named(const struct json *list, const char *name, size_t *ret_index)
{
    const struct json *item = json_type(list) == JSON_ARRAY ? json_first(list) : NULL;

    for (*ret_index = 0; item && !str_equal(json_str_at(item, "name"), name); ++*ret_index)
        item = json_next(item);
    return item;
}

/* The version that was published last before that one, by the history; NULL: none is known. */
static const char *version_before(const struct json *history, int64_t number)
{
    int64_t best = 0, one;
    const char *found = NULL;

    for (const struct json *entry = json_first(history); entry; entry = json_next(entry)) {
        const char *version = json_str_at(entry, "version");

        if (version && parse_int(version, 1, INT64_MAX, &one) && one < number && one > best) {
            best = one;
            found = version;
        }
    }
    return found;
}

static int choose_version(const struct json *function, int64_t number, const char *alias, const char *now,
                          char **ret_version, struct err *err)
{
    const char *ranges = json_str_at(function, "status.versions"), *before = NULL;
    int64_t current = 0;

    if (number > 0) {
        if (ranges && version_known(ranges, number) != VERSION_THERE)
            return err_set(err, ERR_NOT_FOUND, "there is no version %lld; there are %s", (long long)number,
                           ranges);
        *ret_version = xasprintf("%lld", (long long)number);
        return 0;
    }
    if (now && parse_int(now, 1, INT64_MAX, &current))
        before = version_before(json_at(function, "status.history"), current);
    if (!before)
        return err_set(
            err, ERR_NOT_FOUND,
            "the history knows no version before the one that the alias %s points to; name one with --to",
            alias);
    *ret_version = xstrdup(before);
    return 0;
}

static int choose_alias(const struct json *function, int64_t number, const char *name,
                        struct rollback *rollback, struct err *err)
{
    size_t index, other;
    const struct json *declared = named(json_at(function, "spec.aliases"), name, &index);
    const char *now = json_str_at(named(json_at(function, "status.aliases"), name, &other), "version");
    _cleanup_(freep) char *version = NULL;

    if (!declared)
        return err_set(err, ERR_NOT_FOUND, "spec.aliases has no %s", name);
    int r = choose_version(function, number, name, now, &version, err);

    if (r < 0)
        return r;
    struct json *back = json_copy(declared), *list = json_new_array();

    json_set_str(back, "version", version);
    json_set(back, "additionalVersions", NULL);
    rollback->from =
        xasprintf("%s at version %s (%s)", name, now ? now : "?", json_str_at(declared, "version"));
    rollback->to = xasprintf("%s at version %s", name, version);
    if (!json_equal(back, declared)) {
        _cleanup_(freep) char *path = xasprintf("/spec/aliases/%zu", index);

        rollback->patch = start_patch(function);
        add_operation(rollback->patch, "replace", path, json_copy(back));
    }
    rollback->commit = json_new_object();
    json_append(list, back);
    json_set_at(rollback->commit, "spec.aliases", list);
    return 0;
}

int rollback_choose(const struct json *function, int64_t back, const char *alias,
                    struct rollback *ret_rollback, struct err *err)
{
    struct rollback made = {0};

    if (!json_str_at(function, "metadata.resourceVersion") ||
        json_type(json_at(function, "spec.code")) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "the API server's answer is no LambdaFunction");
    int r = alias ? choose_alias(function, back, alias, &made, err)
                  : choose_code(function, back ? back : is_in_force(function), &made, err);

    if (r < 0)
        rollback_done(&made);
    else
        *ret_rollback = made;
    return r;
}
