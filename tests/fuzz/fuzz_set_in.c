/* A manifest in which a key is set: what is read afterwards is what was there, but for the key and bucket. */
#include "cli/set_in.h"
#include "common/base/mem.h"
#include "common/base/yaml.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

static const struct json *item_of(const struct json *list, size_t item)
{
    const struct json *one = json_first(list);

    while (one && item-- > 0)
        one = json_next(one);
    return one;
}

/* Puts one text in the place of each that was set: then both are equal. */
static void level(const struct set_in *set, const struct json *documents)
{
    for (size_t i = 0; i < set->text_count; i++) {
        const struct set_in_text *text = &set->texts[i];
        const struct json *place = item_of(documents, text->document);
        size_t part = 0;

        if (text->item >= 0)
            place = item_of(text->list ? json_get(place, text->list) : place, (size_t)text->item);
        for (; part + 1 < ARRAY_LEN(text->rest) && text->rest[part + 1]; part++)
            place = json_get(place, text->rest[part]);
        must_hold(json_str(json_get(place, text->rest[part])));
        /* The trees are the test's own. */
        json_set_str((struct json *)(uintptr_t)place, text->rest[part], "");
    }
}

static void set(const char *file, const char *name)
{
    _cleanup_(set_in_done) struct set_in set = {0};
    _cleanup_(json_freep) struct json *before = NULL, *after = NULL;
    struct err err;

    if (set_in_read(file, name, &set, &err) < 0)
        return;
    must_hold(yaml_parse(set.text, &before, &err) == 0);
    if (set_in_make(&set, "new-bucket", "app/0123: #'\"é.zip", &err) < 0)
        return;
    must_hold(yaml_parse(str_view_of(&set.changed), &after, &err) == 0);
    level(&set, before);
    level(&set, after);
    must_hold(json_equal(before, after));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz_set_in", MFD_CLOEXEC);
    _cleanup_(freep) char *file = xasprintf("/proc/self/fd/%d", fd);

    must_hold(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    set(file, NULL);
    set(file, "app");
    close(fd);
    return 0;
}
