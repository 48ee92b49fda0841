/* What was in force. Pure. */
#include "controller/history.h"

#include "common/base/mem.h"

/* What makes one state another. */
static const char *const code[] = {"bucket", "key", "versionId", "imageUri", "codeSha256"};

static bool is_same(const struct json *item, const struct history_entry *entry)
{
    const char *version = json_str_at(item, "version");

    for (size_t i = 0; i < ARRAY_LEN(code); i++)
        if (!str_equal(json_str_at(item, code[i]), json_str_at(entry->deployed, code[i])))
            return false;
    return !version || !entry->version || str_equal(version, entry->version);
}

static struct json *item_of(const struct history_entry *entry)
{
    struct json *item = json_new_object();

    json_set_str(item, "time", entry->time);
    json_set(item, "generation", json_new_int(entry->generation));
    for (size_t i = 0; i < ARRAY_LEN(code); i++)
        json_set_str(item, code[i], json_str_at(entry->deployed, code[i]));
    json_set_str(item, "version", entry->version);
    return item;
}

struct json *history_with(const struct json *old, const struct history_entry *entry)
{
    const struct json *newest = json_first(old);
    struct json *history = json_new_array(), *first;
    size_t count = 1;

    if (newest && is_same(newest, entry)) {
        first = json_copy(newest);
        json_set_str(first, "version", entry->version);
        newest = json_next(newest);
    } else {
        first = item_of(entry);
    }
    json_append(history, first);
    for (const struct json *item = newest; item && count < HISTORY_MAX; item = json_next(item), count++)
        json_append(history, json_copy(item));
    return history;
}

bool history_declares(const struct json *item, const struct json *spec)
{
    static const struct {
        const char *declared, *item;
    } places[] = {{"code.s3Bucket", "bucket"}, {"code.s3Key", "key"}, {"code.imageUri", "imageUri"}};
    const char *version = json_str_at(spec, "code.s3ObjectVersion");

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (!str_equal(json_str_at(spec, places[i].declared), json_str_at(item, places[i].item)))
            return false;
    return !version || str_equal(version, json_str_at(item, "versionId"));
}

const struct json *history_earlier(const struct json *history, const struct json *spec)
{
    const struct json *item = json_first(history);

    if (!item || history_declares(item, spec))
        return NULL;
    do
        item = json_next(item);
    while (item && !history_declares(item, spec));
    return item;
}

bool history_same_code(const struct json *item, const struct json *other)
{
    const char *sha256 = json_str_at(item, "codeSha256");

    return sha256 && str_equal(sha256, json_str_at(other, "codeSha256"));
}
