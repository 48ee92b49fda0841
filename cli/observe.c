/* GetFunction and the side calls. Any thread, no state. */
#include "cli/observe.h"

#include "common/base/mem.h"
#include "controller/attached.h"
#include "controller/sides.h"
#include "controller/versions.h"

static bool is_wanted(const struct plan_side *side, const struct observe_target *target,
                      const struct json *observed)
{
    const struct field *field = field_find(side->path);
    bool image = str_equal(json_str_at(observed, "Configuration.PackageType"), "Image");

    if (sides_get(side->call) == LAMBDA_OPERATIONS)
        return false;
    if (target->spec)
        return plan_side_ours(side, target->spec, target->managed);
    return !(field->forbidden & (image ? FOR_IMAGE : FOR_ZIP));
}

static int observe_sides(struct aws *aws, const struct observe_target *target, struct json *observed,
                         struct err *err)
{
    for (size_t i = 0; i < plan_side_count; i++) {
        struct json *answer = NULL;
        const struct lambda_call call = {
            .operation = sides_get(plan_sides[i].call), .region = target->region, .resource = target->name};

        if (!is_wanted(&plan_sides[i], target, observed))
            continue;
        int r = lambda_call(aws, &call, &answer, err);

        if (r < 0 && r != ERR_NOT_FOUND)
            return r;
        json_set(observed, plan_sides[i].answer, answer ? answer : json_new_object());
    }
    return 0;
}

/* The function itself and its aliases. */
static struct json *all_qualifiers(const struct json *observed)
{
    struct json *qualifiers = json_new_array();

    json_append(qualifiers, json_new_string(""));
    for (const struct json *alias = json_first(json_get(observed, ALIASES)); alias;
         alias = json_next(alias)) {
        const char *name = json_str(json_get(alias, "Name"));

        if (name && matches(field_find("aliases[].name")->pattern, name))
            json_append(qualifiers, json_new_string(name));
    }
    return qualifiers;
}

static int observe_attached(struct aws *aws, const struct observe_target *target, struct json *observed,
                            struct err *err)
{
    const struct attached_target of = {.region = target->region,
                                       .name = target->name,
                                       .owner =
                                           json_str(json_get(json_get(observed, "Tags"), PLAN_OWNER_TAG))};
    int r = 0;

    for (size_t i = 0; i < plan_attached_count && r == 0; i++) {
        const struct plan_attached *kind = &plan_attached[i];
        _cleanup_(json_freep) struct json *qualifiers =
            target->spec ? plan_attached_qualifiers(kind, target->spec, target->managed)
                         : all_qualifiers(observed);

        if (json_size(qualifiers) > 0)
            r = attached_ask(aws, &of, kind, qualifiers, observed, NULL, err);
    }
    return r;
}

/* Without the permission to read them the rest is told all the same. */
static int observe_aliases(struct aws *aws, const struct lambda_call *like, struct json *observed,
                           struct err *err)
{
    enum lambda_operation failed;
    int r = versions_read_aliases(aws, like, observed, &failed, err);

    if (r != ERR_DENIED)
        return r;
    json_set(observed, ALIASES, NULL);
    json_set_str(observed, OBSERVE_ALIASES_ERROR, err->msg);
    return 0;
}

static int observe_once(struct aws *aws, const struct observe_target *target, struct json **ret_observed,
                        struct err *err)
{
    _cleanup_(json_freep) struct json *answer = NULL;
    const struct lambda_call call = {
        .operation = LAMBDA_GET_FUNCTION, .region = target->region, .resource = target->name};
    enum lambda_operation failed;
    int r = lambda_call(aws, &call, &answer, err);

    if (r == ERR_NOT_FOUND) {
        *ret_observed = NULL;
        return 0;
    }
    if (r == 0 && !json_get(answer, "Configuration"))
        r = err_set(err, ERR_RETRY, "GetFunction: an answer without a Configuration");
    if (r == 0)
        r = observe_sides(aws, target, answer, err);
    if (r == 0)
        r = target->spec ? versions_read(aws, &call, target->spec, target->managed, answer, &failed, err)
                         : observe_aliases(aws, &call, answer, err);
    if (r == 0)
        r = observe_attached(aws, target, answer, err);
    if (r == 0)
        *ret_observed = take(answer);
    return r;
}

int observe_function(struct aws *aws, struct repeat *repeat, const struct observe_target *target,
                     struct json **ret_observed, struct err *err)
{
    int attempt = 0, r;

    do
        r = observe_once(aws, target, ret_observed, err);
    while (repeat_wait(repeat, ++attempt, r, err));
    return r;
}
