/* The Lambda API (2015-03-31) as a table of operations.
 * Source: the service's model; statuses as recorded from AWS. */
#pragma once

#include "common/aws/client.h"
#include "common/aws/limiter.h"

enum lambda_operation {
    LAMBDA_CREATE_FUNCTION,
    LAMBDA_UPDATE_FUNCTION_CODE,
    LAMBDA_UPDATE_FUNCTION_CONFIGURATION,
    LAMBDA_DELETE_FUNCTION,
    LAMBDA_GET_FUNCTION,
    LAMBDA_LIST_FUNCTIONS,
    LAMBDA_TAG_RESOURCE,   /* `resource` is the function's ARN */
    LAMBDA_UNTAG_RESOURCE, /* the same, with `tagKeys` in the query */
    LAMBDA_PUT_FUNCTION_CONCURRENCY,
    LAMBDA_DELETE_FUNCTION_CONCURRENCY,
    LAMBDA_GET_FUNCTION_EVENT_INVOKE_CONFIG,
    LAMBDA_PUT_FUNCTION_EVENT_INVOKE_CONFIG,
    LAMBDA_DELETE_FUNCTION_EVENT_INVOKE_CONFIG,
    LAMBDA_GET_FUNCTION_RECURSION_CONFIG,
    LAMBDA_PUT_FUNCTION_RECURSION_CONFIG,
    LAMBDA_GET_RUNTIME_MANAGEMENT_CONFIG,
    LAMBDA_PUT_RUNTIME_MANAGEMENT_CONFIG,
    LAMBDA_GET_FUNCTION_CODE_SIGNING_CONFIG,
    LAMBDA_PUT_FUNCTION_CODE_SIGNING_CONFIG,
    LAMBDA_DELETE_FUNCTION_CODE_SIGNING_CONFIG,
    LAMBDA_CREATE_FUNCTION_URL_CONFIG,
    LAMBDA_UPDATE_FUNCTION_URL_CONFIG,
    LAMBDA_GET_FUNCTION_URL_CONFIG,
    LAMBDA_DELETE_FUNCTION_URL_CONFIG,
    LAMBDA_ADD_PERMISSION,
    LAMBDA_REMOVE_PERMISSION,
    LAMBDA_GET_POLICY,
    LAMBDA_CREATE_EVENT_SOURCE_MAPPING, /* without `resource`; the following with the mapping's UUID */
    LAMBDA_UPDATE_EVENT_SOURCE_MAPPING,
    LAMBDA_DELETE_EVENT_SOURCE_MAPPING,
    LAMBDA_LIST_EVENT_SOURCE_MAPPINGS, /* without `resource`, with FunctionName in the query */
    LAMBDA_LIST_TAGS,                  /* `resource` is an ARN */
    LAMBDA_PUBLISH_VERSION,
    LAMBDA_LIST_VERSIONS_BY_FUNCTION,
    LAMBDA_CREATE_ALIAS,
    LAMBDA_UPDATE_ALIAS,
    LAMBDA_DELETE_ALIAS,
    LAMBDA_LIST_ALIASES,
    LAMBDA_GET_PROVISIONED_CONCURRENCY_CONFIG,
    LAMBDA_PUT_PROVISIONED_CONCURRENCY_CONFIG,
    LAMBDA_DELETE_PROVISIONED_CONCURRENCY_CONFIG,
    LAMBDA_OPERATIONS
};

const char *lambda_operation_name(enum lambda_operation operation); /* "CreateFunction" */

struct lambda_call {
    enum lambda_operation operation;
    const char *region;
    const char *resource; /* function name or ARN, raw; NULL for ListFunctions, CreateFunction */
    /* What of the function it is about: where the operation's path ends with it, an alias's name or a
       statement's id; else the alias or version that goes into the query as Qualifier. NULL: the function
       itself. */
    const char *item;
    const struct json *body;        /* NULL: none */
    const struct sign_query *query; /* not with a qualifier */
    size_t query_count;
    enum limiter_priority priority;
    const atomic_bool *stop; /* true: not sent if it still waits for its turn; see lambda_wake. May be NULL */
    const _Atomic int64_t *send_before_ms; /* as in struct http_request */
};

/* Waits for its turn (10 s at the most), before it is signed, then blocks up to 30 s. The answer's JSON in
 * *ret_answer (NULL when it is empty); the caller frees. Errors by aws_error and limiter_wait; the message
 * starts with the operation's name. Messages are filtered: AWS echoes environment values in some ("String
 * measured: …"). */
int lambda_call(struct aws *aws, const struct lambda_call *call, struct json **ret_answer, struct err *err)
    __attribute__((warn_unused_result));

/* Lets the calls that wait for their turn look at their `stop`. */
void lambda_wake(struct aws *aws);
