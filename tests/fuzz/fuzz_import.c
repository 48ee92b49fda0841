/* What AWS says of a function, into a manifest: {"observed": {…}}. Its YAML is read again as the same, and
 * there is a plan for it. */
#include "common/base/mem.h"
#include "common/base/yaml.h"
#include "common/base/yaml_print.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_import.h"
#include "tests/fuzz/fuzz.h"

static void comes_back(const struct json *spec)
{
    _cleanup_(json_freep) struct json *documents = NULL;
    _cleanup_(str_done) struct str text = STR_INIT(8 << 20);
    struct err err;

    yaml_print(spec, &text);
    must_hold(yaml_parse(str_view_of(&text), &documents, &err) == 0);
    must_hold(json_size(documents) == 1 && json_equal(json_first(documents), spec));
}

/* Comments are lines of their own: what AWS says never leaves one. */
static void are_comments(const struct str *comments)
{
    for (const char *line = str_text(comments), *end; (end = strchr(line, '\n')); line = end + 1)
        must_hold(str_starts_with(line, "# "));
}

/* What hangs on the function is ours by then: maps that plan_attached's `read` made of the answers. */
static void keep_maps(struct json *observed)
{
    for (size_t i = 0; i < plan_attached_count; i++)
        if (json_type(json_get(observed, plan_attached[i].answer)) != JSON_OBJECT)
            json_set(observed, plan_attached[i].answer, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(json_freep) struct json *root = NULL;
    _cleanup_(str_done) struct str comments = STR_INIT(4 << 20);
    _cleanup_(plan_done) struct plan plan = {0};
    struct err err;

    if (json_parse(view_of_input(data, size), &root, &err) < 0)
        return 0;
    const struct json *observed = json_get(root, "observed");

    if (json_type(observed) == JSON_OBJECT)
        keep_maps((struct json *)(uintptr_t)observed); /* the tree is the test's own */
    const char *function_name = json_str_at(observed, "Configuration.FunctionName");
    _cleanup_(json_freep) struct json *code = plan_import_code(observed);
    _cleanup_(json_freep) struct json *spec = plan_import(observed, code, "us-east-1", &comments);
    _cleanup_(freep) char *name = plan_import_name(function_name ? function_name : "", "pre-");

    comes_back(spec);
    are_comments(&comments);
    must_hold(*name && strlen(name) <= 63 &&
              name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0');
    plan_make(&(struct plan_input){.spec = spec, .deployed = code, .observed = observed, .owner = "c/n/f"},
              &plan);
    return 0;
}
