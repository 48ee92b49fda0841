/* The Lambda API's operations. Any thread, no state. */
#include "common/aws/lambda.h"

#include "common/base/mem.h"

enum { TIMEOUT_MS = 30 * 1000, PATH_MAX_BYTES = 4096, BODY_MAX_BYTES = 8 << 20 };

/* Every 2xx is a success: the service does not keep to the statuses of its own model (DeleteFunction
 * is 200 there and 204 in practice). */
static const struct {
    const char *name, *method;
    const char *before, *after; /* the path around the resource; `after` NULL: it has none. One that ends with
                                   a slash is followed by the item */
} operations[LAMBDA_OPERATIONS] = {
    [LAMBDA_CREATE_FUNCTION] = {"CreateFunction", "POST", "/2015-03-31/functions", NULL},
    [LAMBDA_UPDATE_FUNCTION_CODE] = {"UpdateFunctionCode", "PUT", "/2015-03-31/functions/", "/code"},
    [LAMBDA_UPDATE_FUNCTION_CONFIGURATION] = {"UpdateFunctionConfiguration", "PUT", "/2015-03-31/functions/",
                                              "/configuration"},
    [LAMBDA_DELETE_FUNCTION] = {"DeleteFunction", "DELETE", "/2015-03-31/functions/", ""},
    [LAMBDA_GET_FUNCTION] = {"GetFunction", "GET", "/2015-03-31/functions/", ""},
    [LAMBDA_LIST_FUNCTIONS] = {"ListFunctions", "GET", "/2015-03-31/functions", NULL},
    [LAMBDA_TAG_RESOURCE] = {"TagResource", "POST", "/2017-03-31/tags/", ""},
    [LAMBDA_UNTAG_RESOURCE] = {"UntagResource", "DELETE", "/2017-03-31/tags/", ""},
    [LAMBDA_PUT_FUNCTION_CONCURRENCY] = {"PutFunctionConcurrency", "PUT", "/2017-10-31/functions/",
                                         "/concurrency"},
    [LAMBDA_DELETE_FUNCTION_CONCURRENCY] = {"DeleteFunctionConcurrency", "DELETE", "/2017-10-31/functions/",
                                            "/concurrency"},
    [LAMBDA_GET_FUNCTION_EVENT_INVOKE_CONFIG] = {"GetFunctionEventInvokeConfig", "GET",
                                                 "/2019-09-25/functions/", "/event-invoke-config"},
    [LAMBDA_PUT_FUNCTION_EVENT_INVOKE_CONFIG] = {"PutFunctionEventInvokeConfig", "PUT",
                                                 "/2019-09-25/functions/", "/event-invoke-config"},
    [LAMBDA_DELETE_FUNCTION_EVENT_INVOKE_CONFIG] = {"DeleteFunctionEventInvokeConfig", "DELETE",
                                                    "/2019-09-25/functions/", "/event-invoke-config"},
    [LAMBDA_GET_FUNCTION_RECURSION_CONFIG] = {"GetFunctionRecursionConfig", "GET", "/2024-08-31/functions/",
                                              "/recursion-config"},
    [LAMBDA_PUT_FUNCTION_RECURSION_CONFIG] = {"PutFunctionRecursionConfig", "PUT", "/2024-08-31/functions/",
                                              "/recursion-config"},
    [LAMBDA_GET_RUNTIME_MANAGEMENT_CONFIG] = {"GetRuntimeManagementConfig", "GET", "/2021-07-20/functions/",
                                              "/runtime-management-config"},
    [LAMBDA_PUT_RUNTIME_MANAGEMENT_CONFIG] = {"PutRuntimeManagementConfig", "PUT", "/2021-07-20/functions/",
                                              "/runtime-management-config"},
    [LAMBDA_GET_FUNCTION_CODE_SIGNING_CONFIG] = {"GetFunctionCodeSigningConfig", "GET",
                                                 "/2020-06-30/functions/", "/code-signing-config"},
    [LAMBDA_PUT_FUNCTION_CODE_SIGNING_CONFIG] = {"PutFunctionCodeSigningConfig", "PUT",
                                                 "/2020-06-30/functions/", "/code-signing-config"},
    [LAMBDA_DELETE_FUNCTION_CODE_SIGNING_CONFIG] = {"DeleteFunctionCodeSigningConfig", "DELETE",
                                                    "/2020-06-30/functions/", "/code-signing-config"},
    [LAMBDA_CREATE_FUNCTION_URL_CONFIG] = {"CreateFunctionUrlConfig", "POST", "/2021-10-31/functions/",
                                           "/url"},
    [LAMBDA_UPDATE_FUNCTION_URL_CONFIG] = {"UpdateFunctionUrlConfig", "PUT", "/2021-10-31/functions/",
                                           "/url"},
    [LAMBDA_GET_FUNCTION_URL_CONFIG] = {"GetFunctionUrlConfig", "GET", "/2021-10-31/functions/", "/url"},
    [LAMBDA_DELETE_FUNCTION_URL_CONFIG] = {"DeleteFunctionUrlConfig", "DELETE", "/2021-10-31/functions/",
                                           "/url"},
    [LAMBDA_ADD_PERMISSION] = {"AddPermission", "POST", "/2015-03-31/functions/", "/policy"},
    [LAMBDA_REMOVE_PERMISSION] = {"RemovePermission", "DELETE", "/2015-03-31/functions/", "/policy/"},
    [LAMBDA_GET_POLICY] = {"GetPolicy", "GET", "/2015-03-31/functions/", "/policy"},
    [LAMBDA_CREATE_EVENT_SOURCE_MAPPING] = {"CreateEventSourceMapping", "POST",
                                            "/2015-03-31/event-source-mappings", NULL},
    [LAMBDA_UPDATE_EVENT_SOURCE_MAPPING] = {"UpdateEventSourceMapping", "PUT",
                                            "/2015-03-31/event-source-mappings/", ""},
    [LAMBDA_DELETE_EVENT_SOURCE_MAPPING] = {"DeleteEventSourceMapping", "DELETE",
                                            "/2015-03-31/event-source-mappings/", ""},
    [LAMBDA_LIST_EVENT_SOURCE_MAPPINGS] = {"ListEventSourceMappings", "GET",
                                           "/2015-03-31/event-source-mappings", NULL},
    [LAMBDA_LIST_TAGS] = {"ListTags", "GET", "/2017-03-31/tags/", ""},
    [LAMBDA_PUBLISH_VERSION] = {"PublishVersion", "POST", "/2015-03-31/functions/", "/versions"},
    [LAMBDA_LIST_VERSIONS_BY_FUNCTION] = {"ListVersionsByFunction", "GET", "/2015-03-31/functions/",
                                          "/versions"},
    [LAMBDA_CREATE_ALIAS] = {"CreateAlias", "POST", "/2015-03-31/functions/", "/aliases"},
    [LAMBDA_UPDATE_ALIAS] = {"UpdateAlias", "PUT", "/2015-03-31/functions/", "/aliases/"},
    [LAMBDA_DELETE_ALIAS] = {"DeleteAlias", "DELETE", "/2015-03-31/functions/", "/aliases/"},
    [LAMBDA_LIST_ALIASES] = {"ListAliases", "GET", "/2015-03-31/functions/", "/aliases"},
    [LAMBDA_GET_PROVISIONED_CONCURRENCY_CONFIG] = {"GetProvisionedConcurrencyConfig", "GET",
                                                   "/2019-09-30/functions/", "/provisioned-concurrency"},
    [LAMBDA_PUT_PROVISIONED_CONCURRENCY_CONFIG] = {"PutProvisionedConcurrencyConfig", "PUT",
                                                   "/2019-09-30/functions/", "/provisioned-concurrency"},
    [LAMBDA_DELETE_PROVISIONED_CONCURRENCY_CONFIG] = {"DeleteProvisionedConcurrencyConfig", "DELETE",
                                                      "/2019-09-30/functions/", "/provisioned-concurrency"},
};

const char *lambda_operation_name(enum lambda_operation operation)
{
    return operations[operation].name;
}

/* An empty name would be another operation, and "." or ".." another path. */
static bool is_name(const char *text)
{
    return text && *text && !str_equal(text, ".") && !str_equal(text, "..");
}

static bool ends_with_item(enum lambda_operation operation)
{
    const char *after = operations[operation].after;

    return after && *after && after[strlen(after) - 1] == '/';
}

static int add_path(const struct lambda_call *call, struct str *path, struct err *err)
{
    const char *resource = call->resource, *after = operations[call->operation].after;

    str_add(path, operations[call->operation].before);
    if (!after)
        return 0;
    if (!is_name(resource))
        return err_set(err, ERR_INVALID, "'%s' is not the name or ARN of a function",
                       resource ? resource : "");
    str_add_percent(path, resource, strlen(resource), "");
    str_add(path, after);
    if (ends_with_item(call->operation)) {
        if (!is_name(call->item))
            return err_set(err, ERR_INVALID, "'%s' is not the name of anything that a function has",
                           call->item ? call->item : "");
        str_add_percent(path, call->item, strlen(call->item), "");
    }
    if (path->overflow)
        return err_set(err, ERR_INVALID, "the name or ARN of the function is too long: '%.80s…'", resource);
    return 0;
}

/* Success with an empty body has no answer. */
static int read_answer(const struct http_response *response, struct json **ret_answer, struct err *err)
{
    struct json *answer = NULL;
    struct err problem;

    if (response->status < 200 || response->status > 299)
        return aws_error(response, err);
    if (response->body.len > 0 && json_parse(str_view_of(&response->body), &answer, &problem) < 0)
        return err_set(err, ERR_RETRY, "answered %d, but not with JSON: %s", response->status, problem.msg);
    if (ret_answer)
        *ret_answer = answer;
    else
        json_free(answer);
    return 0;
}

static int send_call(struct aws *aws, const struct lambda_call *call, struct json **ret_answer,
                     struct err *err)
{
    static const char *const json_type[] = {"Content-Type: application/json", NULL};
    _cleanup_(str_done) struct str path = STR_INIT(PATH_MAX_BYTES), body = STR_INIT(BODY_MAX_BYTES);
    _cleanup_(http_response_done) struct http_response response = {0};
    const struct sign_query qualifier = {"Qualifier", call->item};
    bool qualified = call->item && !ends_with_item(call->operation);
    int result = add_path(call, &path, err);

    if (result < 0)
        return result;
    if (call->body)
        json_print(call->body, &body);
    if (body.overflow)
        return err_set(err, ERR_INVALID, "the request is larger than 8 MiB");
    const struct aws_request request = {
        .service = "lambda",
        .operation = operations[call->operation].name,
        .region = call->region,
        .method = operations[call->operation].method,
        .path = str_text(&path),
        .query = qualified ? &qualifier : call->query,
        .query_count = qualified ? 1 : call->query_count,
        .headers = call->body ? json_type : NULL,
        .body = str_view_of(&body),
        .timeout_ms = TIMEOUT_MS,
        .send_before_ms = call->send_before_ms,
    };

    result = aws_call(aws, &request, &response, err);
    return result < 0 ? result : read_answer(&response, ret_answer, err);
}

/* What the answer says about the limits; no answer says nothing. */
static void note_answer(const struct aws *aws, const char *account, const char *region,
                        enum limiter_kind kind, int result, const struct err *err)
{
    bool throttled = result == ERR_THROTTLED;

    if (result == 0 || err->status != 0)
        limiter_note(aws_limiter(aws), account, region, kind, throttled, throttled ? err->retry_after_ms : 0);
}

int lambda_call(struct aws *aws, const struct lambda_call *call, struct json **ret_answer, struct err *err)
{
    enum limiter_kind kind = call->operation == LAMBDA_GET_FUNCTION ? LIMITER_GET_FUNCTION : LIMITER_OTHER;
    const char *region = call->region ? call->region : aws_default_region(aws);
    _cleanup_(freep) char *account = aws_known_account(aws); /* its roles share its limits */
    struct err problem;
    int result = limiter_wait(aws_limiter(aws), account, region, kind, call->priority, call->stop, &problem);

    if (result == 0) {
        result = send_call(aws, call, ret_answer, &problem);
        note_answer(aws, account, region, kind, result, &problem);
    }
    if (result < 0) {
        err_wrap(&problem, "%s", operations[call->operation].name);
        if (err)
            *err = problem;
    }
    return result;
}

void lambda_wake(struct aws *aws)
{
    limiter_wake(aws_limiter(aws));
}
