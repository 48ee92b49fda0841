/* Calls to AWS. Any thread: settings do not change after aws_new, credentials are snapshots, the
 * clock's offset is atomic. */
#include "common/aws/client.h"

#include "common/aws/credentials.h"
#include "common/aws/endpoints.h"
#include "common/aws/limiter.h"
#include "common/aws/sts.h"
#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    URL_MAX_BYTES = 64 * 1024, /* fifty tag keys of 128 characters, encoded */
    HEADERS_MAX_BYTES = 64 * 1024,
    HEADERS_MAX = 16,
    CLOCK_TOLERANCE_S = 4 * 60, /* AWS's own is 5 minutes */
    FIRST_FETCH_MS = 15 * 1000,
};

/* What does not depend on who calls. */
struct settings {
    struct http *http;
    char *region;  /* or NULL */
    char *ca_file; /* or NULL */
    struct endpoints endpoints;
    atomic_llong clock_offset_s; /* AWS's clock less ours, 0 while they agree */
    pthread_mutex_t lock;        /* of `roles` */
    struct map roles;            /* ARN -> struct aws */
    struct limiter *limiter;
};

struct aws {
    struct settings *settings; /* shared with the clients of its roles */
    struct credentials_store *credentials;
    char *role_account; /* of a role's client; else NULL */
};

static int load_settings(struct settings *settings, const char *region, struct err *err)
{
    _cleanup_(profile_done) struct profile profile = {0};
    int result = profile_load(&profile, err);

    if (result == 0)
        result = endpoints_load(&profile, &settings->endpoints, err);
    if (result < 0)
        return result;
    const char *const regions[] = {region, environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"),
                                   profile_get(&profile, "region")};

    for (size_t i = 0; i < ARRAY_LEN(regions) && !settings->region; i++)
        if (regions[i] && *regions[i])
            settings->region = xstrdup(regions[i]);

    const char *ca_file = environment("AWS_CA_BUNDLE");

    settings->ca_file = xstrdup(ca_file ? ca_file : profile_get(&profile, "ca_bundle"));
    if (settings->ca_file && access(settings->ca_file, R_OK) < 0)
        return err_set(err, ERR_FATAL, "%s=%s cannot be read: %s", ca_file ? "AWS_CA_BUNDLE" : "ca_bundle",
                       settings->ca_file, strerror(errno));
    return 0;
}

int aws_new(struct http *http, const struct aws_options *options, struct aws **ret_aws, struct err *err)
{
    struct settings *settings = xcalloc(1, sizeof(*settings));
    struct aws *aws = xcalloc(1, sizeof(*aws));

    settings->http = http;
    pthread_mutex_init(&settings->lock, NULL);
    aws->settings = settings;
    settings->limiter = limiter_new();
    int result = load_settings(settings, options ? options->region : NULL, err);

    if (result < 0) {
        aws_free(aws);
        return err_wrap(err, "AWS settings");
    }
    aws->credentials =
        credentials_store_new(&(struct credentials_settings){.http = http,
                                                             .endpoints = &settings->endpoints,
                                                             .ca_file = settings->ca_file,
                                                             .region = settings->region,
                                                             .clock_offset_s = &settings->clock_offset_s});
    *ret_aws = aws;
    return 0;
}

void aws_free(struct aws *aws)
{
    size_t cursor = 0;

    if (!aws)
        return;
    struct settings *settings = aws->settings;

    credentials_store_free(aws->credentials);
    for (const struct map_slot *slot; (slot = map_next(&settings->roles, &cursor));) {
        free(((struct aws *)slot->value)->role_account);
        free(slot->value);
    }
    map_done(&settings->roles);
    pthread_mutex_destroy(&settings->lock);
    free(settings->region);
    free(settings->ca_file);
    endpoints_done(&settings->endpoints);
    limiter_free(settings->limiter);
    free(settings);
    free(aws);
}

struct http *aws_http(struct aws *aws)
{
    return aws->settings->http;
}

struct aws *aws_for_role(struct aws *aws, const char *role_arn)
{
    struct settings *settings = aws->settings;

    pthread_mutex_lock(&settings->lock);
    struct aws *found = map_get(&settings->roles, role_arn);

    if (!found) {
        found = xcalloc(1, sizeof(*found));
        *found = (struct aws){settings, credentials_store_for_role(aws->credentials, role_arn),
                              arn_account(role_arn)};
        map_put(&settings->roles, role_arn, found);
    }
    pthread_mutex_unlock(&settings->lock);
    return found;
}

void aws_rest_roles(struct aws *aws, bool (*named)(void *arg, const char *role_arn), void *arg)
{
    struct settings *settings = aws->settings;
    size_t cursor = 0;

    pthread_mutex_lock(&settings->lock);
    for (const struct map_slot *slot; (slot = map_next(&settings->roles, &cursor));)
        if (!named(arg, slot->key))
            credentials_rest(((struct aws *)slot->value)->credentials);
    pthread_mutex_unlock(&settings->lock);
}

const char *aws_default_region(struct aws *aws)
{
    return credentials_region(aws->credentials);
}

char *aws_account(struct aws *aws)
{
    return credentials_account(aws->credentials);
}

char *aws_known_account(struct aws *aws)
{
    return aws->role_account ? xstrdup(aws->role_account) : credentials_known_account(aws->credentials);
}

struct limiter *aws_limiter(const struct aws *aws)
{
    return aws->settings->limiter;
}

const char *aws_role_account(const struct aws *aws)
{
    return aws->role_account;
}

int aws_check_credentials(struct aws *aws, struct err *err)
{
    struct credentials *credentials;
    int r = credentials_get(aws->credentials, FIRST_FETCH_MS, &credentials, err);

    if (r == 0)
        credentials_unref(credentials);
    return r;
}

/* One request on its way, possibly sent twice. */
struct call {
    struct aws *aws;
    const struct aws_request *request;
    int64_t deadline_ms;      /* of clock_mono_ms */
    int64_t wait_ms;          /* at most that long credentials may be waited for; 0 on the http thread */
    struct credentials *used; /* for the last attempt */
    bool repeated;
};

static struct call call_begin(struct aws *aws, const struct aws_request *request)
{
    return (struct call){
        .aws = aws, .request = request, .deadline_ms = clock_mono_ms() + request->timeout_ms};
}

static void call_done(struct call *call)
{
    credentials_unref(call->used);
}

/* A signed request in the form that the transport takes; it points into itself and the aws_request. */
struct signed_request {
    struct str url, lines;
    const char *headers[HEADERS_MAX + 1];
    struct http_request http;
};

static void signed_request_done(struct signed_request *out)
{
    str_done(&out->url);
    str_done(&out->lines);
}

/* Lists the caller's headers and, line by line, the signer's. */
static int list_headers(const char *const *callers, struct signed_request *out, struct err *err)
{
    size_t count = 0;

    for (; callers && *callers && count < HEADERS_MAX; callers++)
        out->headers[count++] = *callers;
    for (char *line = out->lines.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        if (count == HEADERS_MAX)
            return err_set(err, ERR_INVALID, "a request to AWS with too many headers");
        *end = '\0';
        out->headers[count++] = line;
    }
    return 0;
}

static void add_url(const struct endpoint *endpoint, const char *path, const struct aws_request *request,
                    struct str *url)
{
    str_addf(url, "%s%s", endpoint->origin, path);
    if (request->query_count > 0) {
        str_add(url, "?");
        sign_query_string(request->query, request->query_count, url);
    }
}

/* Signs the request anew, with the credentials and the time of now. */
static int sign_call(struct call *call, struct signed_request *out, struct err *err)
{
    const struct aws_request *request = call->request;
    struct aws *aws = call->aws;
    const char *region = request->region ? request->region : aws_default_region(aws);
    _cleanup_(endpoint_done) struct endpoint endpoint = {0};
    struct credentials *credentials = NULL;

    *out = (struct signed_request){.url = STR_INIT(URL_MAX_BYTES), .lines = STR_INIT(HEADERS_MAX_BYTES)};
    if (!region)
        return err_set(err, ERR_INVALID, "no AWS region: set AWS_REGION");
    int result =
        endpoint_find(&aws->settings->endpoints, request->service, region, request->bucket, &endpoint, err);

    if (result < 0)
        return result;
    result = credentials_get(aws->credentials, call->wait_ms, &credentials, err);
    if (result < 0)
        return result;
    assert(credentials);
    credentials_unref(call->used);
    call->used = credentials;

    _cleanup_(freep) char *path = xasprintf("%s%s", endpoint.path, request->path);
    const struct sign_request sign = {
        .method = request->method,
        .host = endpoint.host,
        .path = path,
        .query = request->query,
        .query_count = request->query_count,
        .headers = request->headers,
        .body = request->body,
        .service = request->service,
        .region = region,
        .access_key_id = credentials->access_key_id,
        .secret_access_key = credentials->secret_access_key,
        .session_token = credentials->session_token,
        .wall_s = clock_wall_s() + atomic_load(&aws->settings->clock_offset_s),
    };

    add_url(&endpoint, path, request, &out->url);
    sign_headers(&sign, &out->lines);
    if (out->url.overflow || out->lines.overflow)
        return err_set(err, ERR_INVALID, "a request to AWS with a path, query or token that is too long");
    int64_t left_ms = call->deadline_ms - clock_mono_ms();

    out->http = (struct http_request){
        .method = request->method,
        .url = str_text(&out->url),
        .headers = out->headers,
        .body = request->body,
        .tls = {.ca_file = aws->settings->ca_file},
        .timeout_ms = left_ms > 1 ? left_ms : 1,
        .send_before_ms = request->send_before_ms,
        .sent_bytes = request->sent_bytes,
    };
    return list_headers(request->headers, out, err);
}

void aws_count(const char *service, const char *operation, const struct http_response *response)
{
    struct metric *requests =
        metric(METRIC_COUNTER, "kubelambda_aws_requests_total",
               "Requests to AWS by answer; code \"error\" is one that got none.", "service,operation,code");
    char code[16] = "error";

    if (response)
        snprintf(code, sizeof(code), "%d", response->status);
    series_add(metric_series(requests, service, operation, code), 1);
}

static void count(const struct call *call, const struct http_response *response)
{
    aws_count(call->request->service, call->request->operation, response);
}

/* Takes AWS's time from the answer. True when ours was so far off that it explains a refusal. */
static bool adjust_clock(atomic_llong *offset_s, const struct http_response *response)
{
    char date[64];
    struct tm utc = {0};

    if (!http_header(response, "date", date, sizeof(date)) ||
        !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &utc))
        return false;
    long long ours = clock_wall_s(), theirs = timegm(&utc);
    long long off = theirs - (ours + atomic_load(offset_s));

    if (off >= -CLOCK_TOLERANCE_S && off <= CLOCK_TOLERANCE_S)
        return false;
    atomic_store(offset_s, theirs - ours);
    return true;
}

static bool blames_clock(const char *code)
{
    static const char *const names[] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                                        "RequestTimeTooSkewed", "RequestExpired"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_equal(code, names[i]))
            return true;
    return false;
}

bool aws_clock_learn(atomic_llong *offset_s, const struct http_response *response)
{
    struct err err;

    aws_error(response, &err);
    return blames_clock(err.code) && adjust_clock(offset_s, response);
}

/* Is it worth sending again, once? The answer to a HEAD has no code: 403 may be the clock, 400 the
 * token. */
static bool is_worth_repeating(struct call *call, const struct http_response *response)
{
    atomic_llong *offset_s = &call->aws->settings->clock_offset_s;
    struct err err;

    if (call->repeated || response->status < 400 || response->status >= 500)
        return false;
    aws_error(response, &err);
    bool unknown = !err.code[0] && str_equal(call->request->method, "HEAD");

    if (str_starts_with(err.code, "ExpiredToken") || (unknown && response->status == 400))
        call->repeated = credentials_renew(call->aws->credentials, call->used, call->wait_ms);
    else if (unknown && response->status == 403)
        call->repeated = adjust_clock(offset_s, response);
    else
        call->repeated = aws_clock_learn(offset_s, response);
    return call->repeated;
}

int aws_call(struct aws *aws, const struct aws_request *request, struct http_response *ret_response,
             struct err *err)
{
    _cleanup_(call_done) struct call call = call_begin(aws, request);

    call.wait_ms = request->timeout_ms;
    for (;;) {
        _cleanup_(signed_request_done) struct signed_request out;
        struct http_response response = {0};
        int result = sign_call(&call, &out, err);

        if (result < 0)
            return result;
        result = http_call(aws->settings->http, &out.http, &response, err);
        count(&call, result == 0 ? &response : NULL);
        if (result < 0)
            return result;
        if (!is_worth_repeating(&call, &response)) {
            *ret_response = response;
            return 0;
        }
        http_response_done(&response);
    }
}

/* A submitted call with its own copy of the request. */
struct submitted {
    struct call call;
    struct aws_request request;
    struct sign_query *query;
    char **headers;
    http_done_fn *done;
    void *arg;
};

static struct submitted *submitted_new(struct aws *aws, const struct aws_request *request)
{
    struct submitted *own = xcalloc(1, sizeof(*own));
    size_t headers = 0;

    own->query = xcalloc(request->query_count, sizeof(*own->query));
    for (size_t i = 0; i < request->query_count; i++)
        own->query[i] =
            (struct sign_query){xstrdup(request->query[i].name), xstrdup(request->query[i].value)};
    while (request->headers && request->headers[headers])
        headers++;
    own->headers = xcalloc(headers + 1, sizeof(*own->headers));
    for (size_t i = 0; i < headers; i++)
        own->headers[i] = xstrdup(request->headers[i]);
    own->request = (struct aws_request){
        .service = xstrdup(request->service),
        .operation = xstrdup(request->operation),
        .region = xstrdup(request->region),
        .method = xstrdup(request->method),
        .bucket = xstrdup(request->bucket),
        .path = xstrdup(request->path),
        .query = own->query,
        .query_count = request->query_count,
        .headers = (const char *const *)own->headers,
        .body = {xmemdup(request->body.ptr, request->body.len), request->body.len},
        .timeout_ms = request->timeout_ms,
        .send_before_ms = request->send_before_ms,
    };
    own->call = call_begin(aws, &own->request);
    return own;
}

static void free_text(const char *text)
{
    free((void *)(uintptr_t)text);
}

static void submitted_free(struct submitted *own)
{
    for (size_t i = 0; i < own->request.query_count; i++) {
        free_text(own->query[i].name);
        free_text(own->query[i].value);
    }
    for (char **header = own->headers; *header; header++)
        free(*header);
    free(own->query);
    free(own->headers);
    free_text(own->request.service);
    free_text(own->request.operation);
    free_text(own->request.region);
    free_text(own->request.method);
    free_text(own->request.bucket);
    free_text(own->request.path);
    free_text(own->request.body.ptr);
    call_done(&own->call);
    free(own);
}

static void send_submitted(struct submitted *own);

static void submitted_answered(void *arg, struct http_response *response, const struct err *err)
{
    struct submitted *own = arg;

    count(&own->call, response);
    if (response && is_worth_repeating(&own->call, response)) {
        send_submitted(own);
        return;
    }
    own->done(own->arg, response, err);
    submitted_free(own);
}

static void send_submitted(struct submitted *own)
{
    _cleanup_(signed_request_done) struct signed_request out;
    struct err err;

    if (sign_call(&own->call, &out, &err) < 0) {
        own->done(own->arg, NULL, &err);
        submitted_free(own);
        return;
    }
    http_submit(own->call.aws->settings->http, &out.http, submitted_answered, own);
}

void aws_submit(struct aws *aws, const struct aws_request *request, http_done_fn *done, void *arg)
{
    struct submitted *own = submitted_new(aws, request);

    own->done = done;
    own->arg = arg;
    send_submitted(own);
}
