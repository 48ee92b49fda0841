/* A resource, an API server and a Lambda that are one small server in the test's program. */
#pragma once

#include "controller/reconcile.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/function/function.h"
#include "common/http/server.h"
#include "controller/run.h"

#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { RESYNC_MS = 600 * 1000 };

static const struct runtimes_now runtimes = {&runtimes_builtin};

struct scene {
    pthread_mutex_t lock;
    struct json *object;   /* the LambdaFunction, with status */
    struct json *function; /* what GetFunction answers; NULL: absent */
    struct json *versions; /* what ListVersionsByFunction answers */
    struct json *policy;   /* what GetPolicy answers; NULL: there is none */
    const char *sha256;    /* of what CreateFunction and UpdateFunctionCode deploy */
    struct str calls;      /* "finalizer status CreateFunction …" since the last look */
    bool ignores_configuration;
    int version;
    int refuse_status; /* of the next calls to `refuse` */
    const char *refuse, *refusal;
    const char *slow; /* this call takes eight seconds */

    atomic_bool tells_account; /* STS answers */
    struct http_server *server;
    struct http *http;
    struct kube_config config;
    struct kube *kube;
    struct aws *aws;
    atomic_bool stopping;
    _Atomic int64_t lead_until_ms;
    const char *ends_at; /* at this call the controller is stopped, or the lead is over where there is one */
    struct reconciler with;
    struct memory *memory;
};

/* --- the server ----------------------------------------------------------------------------- */

static inline struct json *parse_view(struct str_view text)
{
    struct json *json = NULL;
    struct err err;

    return json_parse(text, &json, &err) < 0 ? json_new_object() : json;
}

static const char *call_name(const char *method, const char *path)
{
    static const struct {
        const char *method, *path_part, *name;
    } calls[] = {
        {"PATCH", "/status", "status"},
        {"PATCH", "/apis/", "finalizer"},
        {"GET", "/versions", "ListVersionsByFunction"},
        {"POST", "/versions", "PublishVersion"},
        {"GET", "/aliases", "ListAliases"},
        {"GET", "/policy", "GetPolicy"},
        {"POST", "/policy", "AddPermission"},
        {"DELETE", "/policy/", "RemovePermission"},
        {"PUT", "/code", "UpdateFunctionCode"},
        {"PUT", "/configuration", "UpdateFunctionConfiguration"},
        {"POST", "/tags/", "TagResource"},
        {"POST", "/functions", "CreateFunction"},
        {"GET", "/functions/", "GetFunction"},
        {"DELETE", "/functions/", "DeleteFunction"},
        {"GET", "/event-source-mappings", "ListEventSourceMappings"},
        {"POST", "/event-source-mappings", "CreateEventSourceMapping"},
        {"PATCH", "/events/", "Event"},
        {"HEAD", "/", "HeadObject"},
    };

    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (str_equal(method, calls[i].method) && strstr(path, calls[i].path_part))
            return calls[i].name;
    return "unknown";
}

static inline void merge(struct json *into, const struct json *from)
{
    for (const struct json *item = json_first(from); item; item = json_next(item))
        json_set(into, json_key(item), json_copy(item));
}

static inline void new_version(struct scene *scene)
{
    char version[16];

    snprintf(version, sizeof(version), "%d", ++scene->version);
    json_set_str(json_make_object(scene->object, "metadata"), "resourceVersion", version);
}

static inline void create_function(struct scene *scene, const struct json *body)
{
    scene->function = json_new_object();
    struct json *configuration = json_make_object(scene->function, "Configuration");

    merge(configuration, body);
    json_set(scene->function, "Tags", json_copy(json_get(body, "Tags")));
    json_set_str(configuration, "State", "Active");
    json_set_str(configuration, "LastUpdateStatus", "Successful");
    json_set_str(configuration, "CodeSha256", scene->sha256);
    json_set_str(configuration, "FunctionArn", "arn:aws:lambda:us-east-1:123456789012:function:f");
}

static inline const struct json *publish(struct scene *scene, const struct json *configuration,
                                         const struct json *body)
{
    const struct json *before = json_get(scene->versions, "Versions");
    struct json *versions = before ? json_copy(before) : json_new_array(),
                *version = json_copy(configuration);
    _cleanup_(freep) char *number = xasprintf("%zu", json_size(versions) + 1);

    merge(version, body);
    json_set_str(version, "Version", number);
    json_append(versions, version);
    json_set(scene->versions, "Versions", versions);
    return version;
}

static inline void earlier(int64_t *time_ms, int64_t ms)
{
    if (*time_ms)
        *time_ms -= ms;
}

/* Time passes: as far as anybody remembers, everything happened earlier. */
static inline void pass(struct scene *scene, int64_t ms)
{
    earlier(&scene->memory->due_ms, ms);
    earlier(&scene->memory->role_ms, ms);
    earlier(&scene->memory->busy_ms, ms);
    earlier(&scene->memory->missed_ms, ms);
    earlier(&scene->memory->sent_ms, ms);
    earlier(&scene->memory->earlier_ms, ms);
    for (size_t i = 0; i < scene->memory->ran_count; i++)
        earlier(&scene->memory->ran[i].at_ms, ms);
}

/* Does what the call asks for; the status to answer with, and what. */
static inline int serve(struct scene *scene, const char *call, const struct json *body,
                        const struct json **ret_answer)
{
    struct json *configuration = scene->function ? json_make_object(scene->function, "Configuration") : NULL;

    *ret_answer = NULL;
    if (str_equal(call, "status")) {
        json_set(scene->object, "status", json_copy(json_get(body, "status")));
        new_version(scene);
        *ret_answer = scene->object;
    } else if (str_equal(call, "finalizer")) {
        json_set(json_make_object(scene->object, "metadata"), "finalizers",
                 json_copy(json_at(body, "metadata.finalizers")));
        new_version(scene);
        *ret_answer = scene->object;
    } else if (str_equal(call, "CreateFunction") && !scene->function) {
        create_function(scene, body);
        *ret_answer = json_get(scene->function, "Configuration");
        return 201;
    } else if (str_equal(call, "CreateFunction")) {
        return 409;
    } else if (!scene->function) {
        return 404;
    } else if (str_equal(call, "DeleteFunction")) {
        json_free(take(scene->function));
        return 204;
    } else if (str_equal(call, "GetFunction")) {
        *ret_answer = scene->function;
    } else if (str_equal(call, "PublishVersion")) {
        *ret_answer = publish(scene, configuration, body);
    } else if (str_equal(call, "ListVersionsByFunction")) {
        *ret_answer = scene->versions;
    } else if (str_equal(call, "GetPolicy")) {
        *ret_answer = scene->policy;
        return scene->policy ? 200 : 404;
    } else if (str_equal(call, "UpdateFunctionCode")) {
        json_set_str(configuration, "CodeSha256", scene->sha256);
        *ret_answer = configuration;
    } else {
        if (!scene->ignores_configuration)
            merge(configuration, body);
        *ret_answer = configuration;
    }
    return 200;
}

static inline void handle(void *arg, struct http_exchange *exchange)
{
    struct scene *scene = arg;
    const char *call = call_name(http_exchange_method(exchange), http_exchange_path(exchange));
    const char *error = NULL;
    static const char identity[] =
        "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
        "</GetCallerIdentityResult></GetCallerIdentityResponse>";
    _cleanup_(json_freep) struct json *body = NULL;
    _cleanup_(freep) char *text = NULL;
    const struct json *answer = NULL;
    int status;

    if (str_equal(http_exchange_path(exchange), "/")) {
        bool knows = atomic_load(&scene->tells_account);

        http_exchange_answer(exchange, knows ? 200 : 503, "text/xml", view(knows ? identity : ""));
        return;
    }
    if (str_equal(call, "DeleteFunction") && http_exchange_query(exchange, "Qualifier"))
        call = "DeleteVersion";
    body = parse_view(http_exchange_body(exchange));
    pthread_mutex_lock(&scene->lock);
    str_addf(&scene->calls, "%s%s", scene->calls.len ? " " : "", call);
    if (str_equal(call, scene->ends_at)) {
        atomic_store(&scene->stopping, !scene->with.lead_until_ms);
        atomic_store(&scene->lead_until_ms, 0);
    }
    if (str_equal(call, scene->slow))
        pass(scene, 8000);
    if (scene->refuse_status && str_equal(call, scene->refuse)) {
        status = scene->refuse_status;
        error = scene->refusal;
    } else {
        status = serve(scene, call, body, &answer);
        error = status == 404   ? "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"none\"}"
                : status == 409 ? "{\"__type\":\"ResourceConflictException\",\"message\":\"already exist\"}"
                                : NULL;
    }
    text = error ? xstrdup(error) : answer ? json_text(answer) : xstrdup("");
    pthread_mutex_unlock(&scene->lock);
    http_exchange_answer(exchange, status, "application/json", view(text));
}

/* --- the scene ------------------------------------------------------------------------------ */

static inline void set_environment(const char *url)
{
    static const char *const unset[] = {
        "http_proxy",         "HTTP_PROXY",  "https_proxy",   "all_proxy",   "ALL_PROXY",
        "AWS_SESSION_TOKEN",  "AWS_PROFILE", "AWS_CA_BUNDLE", "HTTPS_PROXY", "AWS_ENDPOINT_URL_LAMBDA",
        "AWS_ENDPOINT_URL_S3"};

    for (size_t i = 0; i < ARRAY_LEN(unset); i++)
        unsetenv(unset[i]);
    setenv("AWS_ENDPOINT_URL", url, 1);
    setenv("AWS_REGION", "us-east-1", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
}

static inline struct json *parse(const char *text)
{
    return parse_view(view(text));
}

static inline bool account_is_known(struct scene *scene)
{
    _cleanup_(freep) char *account = aws_account(scene->aws);

    return account != NULL;
}

/* Until it is known whose the credentials are. */
static inline void wait_for_account(struct scene *scene)
{
    atomic_store(&scene->tells_account, true);
    for (int i = 0; i < 2000 && !account_is_known(scene); i++)
        clock_sleep_ms(5);
    assert_true(account_is_known(scene));
}

static inline int set_up_without_account(void **state)
{
    struct scene *scene = xcalloc(1, sizeof(*scene));
    const struct http_server_options options = {.listen = "127.0.0.1:0",
                                                .workers = 2,
                                                .max_body_bytes = 1 << 20,
                                                .handler = handle,
                                                .handler_arg = scene};
    struct err err;

    pthread_mutex_init(&scene->lock, NULL);
    scene->calls = STR_INIT(4096);
    scene->versions = json_new_object();
    scene->sha256 = "c2hh";
    scene->object = parse(
        "{\"metadata\":{\"name\":\"f\",\"namespace\":\"n\",\"uid\":\"u\",\"generation\":1,\"finalizers\":["
        "\"theirs\"]},\"spec\":{\"functionName\":\"f\",\"region\":\"us-east-1\",\"code\":{\"s3Bucket\":"
        "\"artifacts\",\"s3Key\":\"a.zip\"},\"runtime\":\"python3.13\",\"handler\":\"app.handler\",\"role\":"
        "\"arn:aws:iam::123456789012:role/fake\"},\"status\":{\"observedGeneration\":-1}}");
    new_version(scene);
    assert_int_equal(http_server_start(&options, &scene->server, &err), 0);
    scene->config.server = xasprintf("http://127.0.0.1:%d", http_server_port(scene->server));
    set_environment(scene->config.server);
    assert_int_equal(http_start(&scene->http, &err), 0);
    scene->kube = kube_new(scene->http, &scene->config);
    if (aws_new(scene->http, &(struct aws_options){0}, &scene->aws, &err) < 0)
        fail_msg("%s", err.msg);
    scene->with = (struct reconciler){.kube = scene->kube,
                                      .aws = scene->aws,
                                      .cluster_id = "cluster",
                                      .runtimes = &runtimes,
                                      .resync_ms = RESYNC_MS,
                                      .rotation_ms = RESYNC_MS,
                                      .stopping = &scene->stopping};
    scene->memory = memory_new();
    *state = scene;
    return 0;
}

static inline int set_up(void **state)
{
    int r = set_up_without_account(state);

    wait_for_account(*state);
    return r;
}

static inline int tear_down(void **state)
{
    struct scene *scene = *state;

    aws_free(scene->aws);
    kube_free(scene->kube);
    http_stop(scene->http);
    http_server_stop(scene->server, 0);
    memory_free(scene->memory);
    json_free(scene->object);
    json_free(scene->function);
    json_free(scene->versions);
    json_free(scene->policy);
    str_done(&scene->calls);
    free(scene->config.server);
    pthread_mutex_destroy(&scene->lock);
    free(scene);
    return 0;
}

/* A look at the object as it is now, and what the controller does with its result. */
static inline struct reconcile_next look_now(struct scene *scene)
{
    _cleanup_(freep) char *text = json_text(scene->object);
    char key[] = "n/f";
    struct kube_object object = {
        .key = key,
        .resource_version = (char *)(uintptr_t)json_str_at(scene->object, "metadata.resourceVersion"),
        .json = text};

    str_clear(&scene->calls);
    struct reconcile_next next = reconcile(&scene->with, &object, scene->memory);
    int64_t wait_ms = next.backoff ? next.backoff->first_ms : next.after_ms;

    memory_set_due(scene->memory, wait_ms ? clock_mono_ms() + wait_ms : INT64_MAX);
    return next;
}

static inline void assert_calls(struct scene *scene, const char *expected)
{
    assert_string_equal(str_text(&scene->calls), expected);
}

static inline void assert_state(struct scene *scene, const char *type, const char *reason)
{
    const struct json *status = json_get(scene->object, "status");

    if (!status_is(status, type, json_int_at(scene->object, "metadata.generation", 0)) ||
        !str_equal(status_reason(status), reason)) {
        _cleanup_(freep) char *text = json_text(status);

        fail_msg("not %s %s: %s", type, reason, text);
    }
}

static inline const char *message(struct scene *scene)
{
    return json_str_at(json_first(json_at(scene->object, "status.conditions")), "message");
}

static inline void set_spec(struct scene *scene, const char *path, struct json *value)
{
    struct json *spec = json_make_object(scene->object, "spec");

    json_set_at(spec, path, value);
    json_set_at(scene->object, "metadata.generation",
                json_new_int(json_int_at(scene->object, "metadata.generation", 0) + 1));
    new_version(scene);
}

static inline void ask_for_the_code_once_more(struct scene *scene, const char *request)
{
    struct json *annotations = json_make_object(json_make_object(scene->object, "metadata"), "annotations");

    json_set_str(annotations, FUNCTION_REDEPLOY, request);
    new_version(scene);
}

static inline void refuse(struct scene *scene, const char *call, int status, const char *refusal)
{
    scene->refuse = call;
    scene->refuse_status = status;
    scene->refusal = refusal;
}

static inline void deploy(struct scene *scene)
{
    look_now(scene);
    assert_state(scene, "Ready", "InForce");
}

static inline void delete_object(struct scene *scene)
{
    json_set_at(scene->object, "metadata.deletionTimestamp", json_new_string("2026-11-24T08:00:00Z"));
    new_version(scene);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
