/* Steps as calls: which operation, on what, with which body. Any thread, no state. */
#include "controller/steps.h"

#include "common/base/mem.h"
#include "controller/attached.h"

static const struct {
    enum lambda_operation operation;
    bool by_arn;     /* tags hang on ARNs */
    bool guarded;    /* takes a RevisionId */
    bool by_tag_key; /* the body is a list that goes into the query */
    bool by_item;    /* the item is what the call is about: a mapping, by its UUID or ARN */
    bool named;      /* the item's name is in the body */
    bool part;       /* never of the function as a whole */
} calls[PLAN_STEP_KINDS] = {
    [PLAN_CREATE] = {LAMBDA_CREATE_FUNCTION, .by_arn = false},
    [PLAN_UPDATE_CODE] = {LAMBDA_UPDATE_FUNCTION_CODE, .guarded = true},
    [PLAN_UPDATE_CONFIGURATION] = {LAMBDA_UPDATE_FUNCTION_CONFIGURATION, .guarded = true},
    [PLAN_TAG] = {LAMBDA_TAG_RESOURCE, .by_arn = true},
    [PLAN_UNTAG] = {LAMBDA_UNTAG_RESOURCE, .by_arn = true, .by_tag_key = true},
    [PLAN_DELETE] = {LAMBDA_DELETE_FUNCTION, .by_arn = false},
    [PLAN_PUT_CONCURRENCY] = {LAMBDA_PUT_FUNCTION_CONCURRENCY, .by_arn = false},
    [PLAN_CLEAR_CONCURRENCY] = {LAMBDA_DELETE_FUNCTION_CONCURRENCY, .by_arn = false},
    [PLAN_PUT_EVENT_INVOKE] = {LAMBDA_PUT_FUNCTION_EVENT_INVOKE_CONFIG, .by_arn = false},
    [PLAN_CLEAR_EVENT_INVOKE] = {LAMBDA_DELETE_FUNCTION_EVENT_INVOKE_CONFIG, .by_arn = false},
    [PLAN_PUT_RECURSION] = {LAMBDA_PUT_FUNCTION_RECURSION_CONFIG, .by_arn = false},
    [PLAN_PUT_RUNTIME_MANAGEMENT] = {LAMBDA_PUT_RUNTIME_MANAGEMENT_CONFIG, .by_arn = false},
    [PLAN_PUT_CODE_SIGNING] = {LAMBDA_PUT_FUNCTION_CODE_SIGNING_CONFIG, .by_arn = false},
    [PLAN_CLEAR_CODE_SIGNING] = {LAMBDA_DELETE_FUNCTION_CODE_SIGNING_CONFIG, .by_arn = false},
    [PLAN_CREATE_URL] = {LAMBDA_CREATE_FUNCTION_URL_CONFIG, .by_arn = false},
    [PLAN_UPDATE_URL] = {LAMBDA_UPDATE_FUNCTION_URL_CONFIG, .by_arn = false},
    [PLAN_DELETE_URL] = {LAMBDA_DELETE_FUNCTION_URL_CONFIG, .by_arn = false},
    [PLAN_ADD_PERMISSION] = {LAMBDA_ADD_PERMISSION, .named = true},
    [PLAN_REMOVE_PERMISSION] = {LAMBDA_REMOVE_PERMISSION, .by_arn = false},
    [PLAN_CREATE_EVENT_SOURCE] = {LAMBDA_CREATE_EVENT_SOURCE_MAPPING, .named = true},
    [PLAN_UPDATE_EVENT_SOURCE] = {LAMBDA_UPDATE_EVENT_SOURCE_MAPPING, .by_item = true},
    [PLAN_DELETE_EVENT_SOURCE] = {LAMBDA_DELETE_EVENT_SOURCE_MAPPING, .by_item = true},
    [PLAN_TAG_EVENT_SOURCE] = {LAMBDA_TAG_RESOURCE, .by_item = true},
    [PLAN_UNTAG_EVENT_SOURCE] = {LAMBDA_UNTAG_RESOURCE, .by_item = true, .by_tag_key = true},
    [PLAN_PUBLISH] = {LAMBDA_PUBLISH_VERSION, .guarded = true},
    [PLAN_CREATE_ALIAS] = {LAMBDA_CREATE_ALIAS, .named = true},
    [PLAN_UPDATE_ALIAS] = {LAMBDA_UPDATE_ALIAS, .part = true},
    [PLAN_DELETE_ALIAS] = {LAMBDA_DELETE_ALIAS, .part = true},
    [PLAN_PUT_PROVISIONED] = {LAMBDA_PUT_PROVISIONED_CONCURRENCY_CONFIG, .part = true},
    [PLAN_CLEAR_PROVISIONED] = {LAMBDA_DELETE_PROVISIONED_CONCURRENCY_CONFIG, .part = true},
    [PLAN_PUT_ALIAS_INVOKE] = {LAMBDA_PUT_FUNCTION_EVENT_INVOKE_CONFIG, .part = true},
    [PLAN_CLEAR_ALIAS_INVOKE] = {LAMBDA_DELETE_FUNCTION_EVENT_INVOKE_CONFIG, .part = true},
    [PLAN_DELETE_VERSION] = {LAMBDA_DELETE_FUNCTION, .part = true},
};

enum lambda_operation step_operation(enum plan_step_kind kind)
{
    return calls[kind].operation;
}

static struct sign_query *tag_keys(const struct json *keys)
{
    struct sign_query *query = xcalloc(json_size(keys), sizeof(*query));
    size_t count = 0;

    for (const struct json *key = json_first(keys); key; key = json_next(key))
        query[count++] = (struct sign_query){"tagKeys", json_str(key)};
    return query;
}

/* A statement is removed only from the policy that was seen, of the alias that it is about. */
static size_t guard_removal(const struct step_target *target, const struct plan_step *step,
                            struct sign_query query[2])
{
    const char *revision = attached_revision(target->observed, step->qualifier);
    size_t count = 0;

    if (step->qualifier)
        query[count++] = (struct sign_query){"Qualifier", step->qualifier};
    if (revision)
        query[count++] = (struct sign_query){"RevisionId", revision};
    return count;
}

int step_run(struct aws *aws, const struct step_target *target, const struct plan_step *step,
             struct json **ret_answer, struct err *err)
{
    const char *revision = json_str_at(target->observed, "Configuration.RevisionId");
    _cleanup_(json_freep) struct json *body = NULL;
    _cleanup_(freep) struct sign_query *query = NULL;
    struct sign_query guard[2];
    bool by_arn = calls[step->kind].by_arn, by_item = calls[step->kind].by_item;
    struct lambda_call call = {
        .operation = step_operation(step->kind),
        .region = target->region,
        .resource = by_arn    ? json_str_at(target->observed, "Configuration.FunctionArn")
                    : by_item ? step->item
                              : target->function_name,
        .priority = target->priority,
        .item = by_item || calls[step->kind].named || !step->item ? step->qualifier : step->item,
        .stop = target->stop,
        .send_before_ms = target->send_before_ms,
    };

    /* Without its item the call that deletes a version would delete the function. */
    if (calls[step->kind].part && !(step->item && *step->item))
        return err_set(err, ERR_INVALID, "%s: a step that says not of what",
                       lambda_operation_name(call.operation));
    if (step->kind == PLAN_REMOVE_PERMISSION) {
        call.query = guard;
        call.query_count = guard_removal(target, step, guard);
    } else if (calls[step->kind].by_tag_key) {
        call.query = query = tag_keys(step->body);
        call.query_count = json_size(step->body);
    } else if (step->body) {
        call.body = body = json_copy(step->body);
        if (calls[step->kind].guarded)
            json_set_str(body, "RevisionId", revision);
    }
    return lambda_call(aws, &call, ret_answer, err);
}
