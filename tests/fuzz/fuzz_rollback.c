/* A function as the API server has it, rolled back: {"function": {…}, "back": 1, "alias": "live"}. The patch
 * applies to it, and makes of it what the manifest is to say. */
#include "cli/rollback_choose.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/patch.h"

/* Is the alias in the list? */
static bool lists(const struct json *list, const struct json *alias)
{
    for (const struct json *one = json_first(list); one; one = json_next(one))
        if (json_equal(one, alias))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(json_freep) struct json *root = NULL;
    _cleanup_(rollback_done) struct rollback rollback = {0};
    struct err err;

    if (json_parse(view_of_input(data, size), &root, &err) < 0)
        return 0;
    const struct json *function = json_get(root, "function");
    const char *alias = json_str_at(root, "alias");

    if (rollback_choose(function, json_int_at(root, "back", 0), alias, &rollback, &err) < 0)
        return 0;
    must_hold(rollback.commit && rollback.from && rollback.to);
    if (!rollback.patch)
        return 0;
    _cleanup_(json_freep) struct json *patched = patch_apply(function, rollback.patch);

    must_hold(patched);
    if (alias)
        must_hold(
            lists(json_at(patched, "spec.aliases"), json_first(json_at(rollback.commit, "spec.aliases"))));
    else
        must_hold(json_equal(json_at(patched, "spec.code"), json_at(rollback.commit, "spec.code")));
    return 0;
}
