/* A table of runtimes from a file's text, over the built-in one. Pure. */
#include "common/function/runtimes.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/yaml.h"

enum { ROWS_MAX = 1000 };

#define NAME "[a-z][a-z0-9.-]{0,63}"

static const char *const dates[] = {"deprecated", "createBlocked", "updateBlocked"};

static bool is_known_member(const char *key)
{
    bool known = str_equal(key, "name");

    for (size_t i = 0; i < ARRAY_LEN(dates); i++)
        known = known || str_equal(key, dates[i]);
    return known;
}

static int check_dates(const struct json *item, const char *name, struct err *err)
{
    size_t written = 0;
    int64_t seconds;

    for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
        const struct json *value = json_get(item, dates[i]);
        const char *text = json_str(value);

        if (json_type(value) <= JSON_NULL)
            continue;
        if (!text || strlen(text) != strlen("2026-11-24") || !clock_parse(text, &seconds))
            return err_set(err, ERR_INVALID, "runtime %s: %s must be a date such as 2026-11-24", name,
                           dates[i]);
        written++;
    }
    if (written != 0 && written != ARRAY_LEN(dates))
        return err_set(
            err, ERR_INVALID,
            "runtime %s: write all of deprecated, createBlocked and updateBlocked, or none of them", name);
    return 0;
}

static int check_item(const struct json *list, const struct json *item, size_t index, struct err *err)
{
    const char *name = json_str_at(item, "name");

    if (json_type(item) != JSON_OBJECT)
        return err_set(err, ERR_INVALID, "item %zu must be an object, not %s", index, json_type_name(item));
    if (!name || !matches(NAME, name))
        return err_set(err, ERR_INVALID, "item %zu: name must be a runtime's identifier, such as python3.13",
                       index);
    for (const struct json *member = json_first(item); member; member = json_next(member))
        if (!is_known_member(json_key(member)))
            return err_set(err, ERR_INVALID,
                           "runtime %s: there is no member %.64s; write name, deprecated, createBlocked or "
                           "updateBlocked",
                           name, json_key(member));
    for (const struct json *other = json_first(list); other != item; other = json_next(other))
        if (str_equal(json_str_at(other, "name"), name))
            return err_set(err, ERR_INVALID, "runtime %s is there twice; keep one", name);
    return check_dates(item, name, err);
}

static struct runtime row_of(const struct json *item)
{
    return (struct runtime){xstrdup(json_str_at(item, "name")), xstrdup(json_str_at(item, "deprecated")),
                            xstrdup(json_str_at(item, "createBlocked")),
                            xstrdup(json_str_at(item, "updateBlocked"))};
}

static const struct json *item_named(const struct json *list, const char *name)
{
    const struct json *item = json_first(list);

    while (item && !str_equal(json_str_at(item, "name"), name))
        item = json_next(item);
    return item;
}

static struct runtimes *join(const struct json *list)
{
    struct runtime *rows = xcalloc(json_size(list) + runtimes_builtin.count, sizeof(*rows));
    struct runtimes *joined = xcalloc(1, sizeof(*joined));
    size_t count = 0;

    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (!runtime_find(&runtimes_builtin, json_str_at(item, "name")))
            rows[count++] = row_of(item);
    for (size_t i = 0; i < runtimes_builtin.count; i++) {
        const struct runtime *old = &runtimes_builtin.rows[i];
        const struct json *item = item_named(list, old->name);

        rows[count++] = item ? row_of(item)
                             : (struct runtime){xstrdup(old->name), xstrdup(old->deprecated),
                                                xstrdup(old->create_blocked), xstrdup(old->update_blocked)};
    }
    *joined = (struct runtimes){rows, count};
    return joined;
}

int runtimes_parse(struct str_view text, struct runtimes **ret_runtimes, struct err *err)
{
    _cleanup_(json_freep) struct json *documents = NULL;
    size_t index = 0;
    int r = yaml_parse(text, &documents, err);

    if (r < 0)
        return r;
    const struct json *list = json_first(documents);

    if (json_size(documents) != 1 || json_type(list) != JSON_ARRAY)
        return err_set(err, ERR_INVALID,
                       "must be one list of {name, deprecated, createBlocked, updateBlocked}");
    if (json_size(list) > ROWS_MAX)
        return err_set(err, ERR_INVALID, "it has %zu items; at most %d are allowed", json_size(list),
                       ROWS_MAX);
    for (const struct json *item = json_first(list); item; item = json_next(item), index++) {
        r = check_item(list, item, index, err);
        if (r < 0)
            return r;
    }
    *ret_runtimes = join(list);
    return 0;
}

void runtimes_free(struct runtimes *runtimes)
{
    if (!runtimes)
        return;
    for (size_t i = 0; i < runtimes->count; i++) {
        const struct runtime *row = &runtimes->rows[i];

        free((void *)(uintptr_t)row->name);
        free((void *)(uintptr_t)row->deprecated);
        free((void *)(uintptr_t)row->create_blocked);
        free((void *)(uintptr_t)row->update_blocked);
    }
    free((void *)(uintptr_t)runtimes->rows);
    free(runtimes);
}
