/* Runs reviews: on a worker thread until a fact is missing, then on the http thread when it arrives.
 * An admission is owned by its exchange and touched by one thread at a time. */
#include "webhook/server.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/function/function.h"
#include "webhook/access.h"
#include "webhook/artifact.h"
#include "webhook/review.h"

#include <stdatomic.h>
#include <stdio.h>

enum {
    MAX_REVIEW_BYTES = 7 << 20, /* two objects of up to 3 MiB and what is around them */
    DEFAULT_TIMEOUT_MS = 10 * 1000,
    MAX_TIMEOUT_MS = 30 * 1000, /* the longest that a webhook configuration may ask for */
    MARGIN_MS = 1000,           /* of the API server's timeout, kept for the way back */
    SHORTEST_MS = 100,
    STOP_POLL_MS = 5,
    COPIES = 2,               /* of what was parsed: with its defaults it may be another one */
    NAMESPACE_SETTLED_S = 60, /* a younger one is read live: its labels may be newer than our copy */
};

struct webhook {
    struct webhook_options options;
    struct http_server *server;
    struct artifacts *artifacts;
    struct metric *requests;
    struct series *answered[2], *latency[2], *in_flight[2]; /* by phase */
    atomic_int suspended; /* admissions that another thread will answer: they need us until then */
};

/* One review on its way. */
struct admission {
    struct webhook *webhook;
    struct http_exchange *exchange;
    enum review_phase phase;
    struct review_request request;
    struct review_facts facts;
    struct review_verdict verdict;
    struct policy_effective *policy;
    char *environment, *namespace_error, *holder, *access_error; /* behind the facts */
    struct json *access;                                         /* the same */
    char *access_to;                                             /* is being asked about */
    struct artifact_answer artifact;                             /* the same */
    char today[CLOCK_TEXT_SIZE];
    int64_t started_ms, deadline_ms;
    bool suspended;
};

static void admission_free(void *data)
{
    struct admission *admission = data;

    review_verdict_done(&admission->verdict);
    review_request_done(&admission->request);
    policy_effective_unref(admission->policy);
    free(admission->environment);
    free(admission->namespace_error);
    free(admission->holder);
    json_free(admission->access);
    free(admission->access_to);
    free(admission->access_error);
    free(admission);
}

static char *key_of(const struct review_request *request)
{
    return xasprintf("%s/%s", request->namespace ? request->namespace : "",
                     request->name ? request->name : "");
}

/* The uid of the function that a review is about; NULL: our copy has none. The caller frees. */
static char *function_uid(const struct admission *admission)
{
    _cleanup_(freep) char *key = key_of(&admission->request);
    _cleanup_(kube_object_unrefp) struct kube_object *copy =
        informer_get(admission->webhook->options.functions, key);
    _cleanup_(json_freep) struct json *function = NULL;

    if (!copy || json_parse(view(copy->json), &function, NULL) < 0)
        return NULL;
    return xstrdup(json_str_at(function, "metadata.uid"));
}

/* Who deletes gets the refusal; whoever looks after the function finds it there. Whoever reaches our port can
 * make a review up: it must not have us write about what is not there. */
static void record_refusal(const struct admission *admission, const struct review_verdict *verdict)
{
    const struct review_request *request = &admission->request;
    _cleanup_(str_done) struct str note = STR_INIT(16 << 10);

    if (verdict->allowed || request->dry_run || !request->ours || !str_equal(request->operation, "DELETE") ||
        !verdict->findings.errors)
        return;
    _cleanup_(freep) char *uid = function_uid(admission);

    if (!uid)
        return;
    findings_summary(&verdict->findings, &note);
    events_record(admission->webhook->options.events, &(struct event){.api_version = KUBE_API_VERSION,
                                                                      .kind = "LambdaFunction",
                                                                      .namespace = request->namespace,
                                                                      .name = request->name,
                                                                      .uid = uid,
                                                                      .warning = true,
                                                                      .reason = "DeletionRefused",
                                                                      .note = str_text(&note)});
}

static void finish(struct admission *admission, const struct review_verdict *verdict)
{
    struct webhook *webhook = admission->webhook;
    bool suspended = admission->suspended;
    _cleanup_(str_done) struct str body = STR_INIT(8 << 20);
    double seconds = (double)(clock_mono_ms() - admission->started_ms) / 1000;

    review_response(&admission->request, verdict, &body);
    record_refusal(admission, verdict);
    series_observe(webhook->latency[admission->phase], seconds);
    series_add(webhook->answered[admission->phase], 1);
    series_add(webhook->in_flight[admission->phase], -1);
    http_exchange_answer(admission->exchange, 200, "application/json", str_view_of(&body));
    if (suspended)
        atomic_fetch_sub(&webhook->suspended, 1);
}

static void proceed(struct admission *admission);

/* Before the first question that leaves the thread; the exchange is then continued by its answer. */
static void suspend(struct admission *admission)
{
    if (admission->suspended)
        return;
    admission->suspended = true;
    atomic_fetch_add(&admission->webhook->suspended, 1);
    http_exchange_suspend(admission->exchange);
}

static int64_t time_left(const struct admission *admission)
{
    int64_t left_ms = admission->deadline_ms - clock_mono_ms();

    return left_ms > SHORTEST_MS ? left_ms : SHORTEST_MS;
}

/* --- the namespace ------------------------------------------------------------------------ */

static void set_namespace(struct admission *admission, const struct json *namespace)
{
    const struct json *labels = json_at(namespace, "metadata.labels");

    admission->environment = xstrdup(json_str(json_get(labels, FUNCTION_ENVIRONMENT_LABEL)));
    admission->facts.environment = admission->environment;
    admission->policy = policies_effective(admission->webhook->options.policies, labels);
    admission->facts.policy = admission->policy;
    admission->facts.namespace_deleting = json_at(namespace, "metadata.deletionTimestamp") != NULL;
    admission->facts.namespace_known = true;
}

static void set_namespace_error(struct admission *admission, const char *why)
{
    admission->namespace_error = xstrdup(why);
    admission->facts.namespace_error = admission->namespace_error;
}

static void namespace_read(void *arg, struct json *object, const struct err *err)
{
    struct admission *admission = arg;

    set_namespace(admission, object);
    if (err)
        set_namespace_error(admission, err->msg);
    json_free(object);
    proceed(admission);
}

/* Takes the namespace from the informer's copy. False when that is missing, or too young to be trusted with
 * a name that stays for ever: a namespace, its policy and its functions may be applied in one breath. */
static bool namespace_from_copy(struct admission *admission)
{
    _cleanup_(kube_object_unrefp) struct kube_object *copy =
        informer_get(admission->webhook->options.namespaces, admission->request.namespace);
    int64_t created_s;

    if (!copy || !copy->parsed)
        return false;
    const char *created = json_str_at(copy->parsed, "metadata.creationTimestamp");
    bool settled =
        created && clock_parse(created, &created_s) && clock_wall_s() - created_s >= NAMESPACE_SETTLED_S;

    if (!settled && str_equal(admission->request.operation, "CREATE"))
        return false;
    set_namespace(admission, copy->parsed);
    return true;
}

static void read_namespace(struct admission *admission)
{
    struct str path = STR_INIT(4096);

    str_add(&path, "/api/v1/namespaces/");
    str_add_percent(&path, admission->request.namespace, strlen(admission->request.namespace), "");
    kube_submit(
        admission->webhook->options.kube,
        &(struct kube_request){.method = "GET", .path = str_text(&path), .timeout_ms = time_left(admission)},
        namespace_read, admission);
    str_done(&path);
}

/* --- names in use ------------------------------------------------------------------------- */

/* What was created a moment ago may not have reached the registry: see registry.h. */
static void look_up_holder(struct admission *admission, const struct json *spec)
{
    _cleanup_(freep) char *key = key_of(&admission->request);

    admission->holder = registry_holder(admission->webhook->options.names, key, spec);
    admission->facts.holder = admission->holder;
    admission->facts.holder_known = true;
}

/* --- access to Secrets -------------------------------------------------------------------- */

static void access_answered(void *arg, struct json *object, const struct err *err)
{
    struct admission *admission = arg;

    if (err) {
        admission->access_error = xstrdup(err->msg);
        admission->facts.access_error = admission->access_error;
    } else {
        json_set(admission->access, admission->access_to, json_new_bool(access_allowed(object)));
    }
    json_free(object);
    free(take(admission->access_to));
    proceed(admission);
}

static void ask_for_access(struct admission *admission, const char *secret)
{
    struct str body = STR_INIT(MAX_REVIEW_BYTES);

    if (!admission->access)
        admission->facts.access = admission->access = json_new_object();
    admission->access_to = xstrdup(secret);
    access_question(&admission->request, secret, &body);
    kube_submit(admission->webhook->options.kube,
                &(struct kube_request){.method = "POST",
                                       .path = "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                                       .body = str_view_of(&body),
                                       .timeout_ms = time_left(admission)},
                access_answered, admission);
    str_done(&body);
}

/* --- the artifact ------------------------------------------------------------------------- */

static void set_artifact(struct admission *admission, const struct artifact_answer *answer)
{
    admission->artifact = *answer;
    artifact_to_facts(&admission->artifact, &admission->facts);
}

static void artifact_answered(void *arg, const struct artifact_answer *answer)
{
    set_artifact(arg, answer);
    proceed(arg);
}

/* --- the review --------------------------------------------------------------------------- */

/* Fetches the fact that is missing; true when it was at hand. */
static bool fetch(struct admission *admission, enum review_need need, const struct review_verdict *verdict)
{
    struct webhook *webhook = admission->webhook;
    const char *unread;

    switch (need) {
    case REVIEW_NEEDS_NOTHING:
        return true;
    case REVIEW_NEEDS_NAMESPACE:
        unread = webhook->options.unread(webhook->options.unread_arg);
        if (unread) { /* no policies known is not the same as no policies */
            set_namespace_error(admission, unread);
            return true;
        }
        if (namespace_from_copy(admission))
            return true;
        suspend(admission);
        read_namespace(admission);
        return false;
    case REVIEW_NEEDS_HOLDER:
        look_up_holder(admission, verdict->spec);
        return true;
    case REVIEW_NEEDS_ACCESS:
        suspend(admission);
        ask_for_access(admission, verdict->access_to);
        return false;
    case REVIEW_NEEDS_ARTIFACT:
        break;
    }
    struct artifact_answer answer;
    const char *role = admission->policy ? admission->policy->assume_role : NULL;

    if (artifact_known(webhook->artifacts, verdict->spec, role, &answer)) {
        set_artifact(admission, &answer);
        return true;
    }
    suspend(admission);
    artifact_ask(webhook->artifacts, verdict->spec, role, time_left(admission), artifact_answered, admission);
    return false;
}

/* Reviews with the facts there are until it can answer or has to wait for one. */
static void proceed(struct admission *admission)
{
    struct review_verdict *verdict = &admission->verdict;
    enum review_need need;

    do {
        need = review(admission->phase, &admission->request, &admission->facts, verdict);
        if (need == REVIEW_NEEDS_NOTHING) {
            finish(admission, verdict);
            return;
        }
    } while (fetch(admission, need, verdict)); /* when false the admission is another thread's */
}

/* The API server says how long it will wait: "?timeout=5s". */
static int64_t deadline(struct http_exchange *exchange, int64_t now_ms)
{
    const char *text = http_exchange_query(exchange, "timeout");
    int64_t timeout_ms = DEFAULT_TIMEOUT_MS;

    if (text && !parse_duration(text, &timeout_ms))
        timeout_ms = DEFAULT_TIMEOUT_MS;
    if (timeout_ms > MAX_TIMEOUT_MS)
        timeout_ms = MAX_TIMEOUT_MS;
    return now_ms + (timeout_ms > 2 * MARGIN_MS ? timeout_ms - MARGIN_MS : timeout_ms / 2);
}

static void refuse(struct http_exchange *exchange, struct webhook *webhook, int status, const char *message)
{
    char code[12];

    snprintf(code, sizeof(code), "%d", status);
    series_add(metric_series(webhook->requests, http_exchange_path(exchange), code, NULL), 1);
    http_exchange_answer(exchange, status, "text/plain; charset=utf-8", view(message));
}

static void handle(void *arg, struct http_exchange *exchange)
{
    struct webhook *webhook = arg;
    const char *path = http_exchange_path(exchange);
    bool mutating = str_equal(path, "/mutate");
    struct err err;

    if (!mutating && !str_equal(path, "/validate")) {
        http_exchange_answer(exchange, 404, "text/plain",
                             view("only /mutate and /validate are served here\n"));
        return;
    }
    if (!str_equal(http_exchange_method(exchange), "POST")) {
        refuse(exchange, webhook, 405, "POST an AdmissionReview\n");
        return;
    }
    int64_t now_ms = clock_mono_ms();
    struct admission *admission = xcalloc(1, sizeof(*admission));

    *admission = (struct admission){
        .webhook = webhook,
        .exchange = exchange,
        .phase = mutating ? REVIEW_MUTATE : REVIEW_VALIDATE,
        .started_ms = now_ms,
        .deadline_ms = deadline(exchange, now_ms),
        .facts = {.today = admission->today,
                  .runtimes = runtimes_get(webhook->options.runtimes),
                  .default_environment = webhook->options.default_environment,
                  .default_region = aws_default_region(webhook->options.aws),
                  .artifact_required = webhook->options.artifact_required},
    };
    http_exchange_set_data(exchange, admission, admission_free);
    clock_today(admission->today);
    if (review_parse(http_exchange_body(exchange), &admission->request, &err) < 0) {
        refuse(exchange, webhook, 400, err.msg);
        return;
    }
    if (!http_exchange_hold(exchange, COPIES * json_bytes(admission->request.root)))
        return;
    series_add(webhook->in_flight[admission->phase], 1);
    proceed(admission);
}

static void make_metrics(struct webhook *webhook)
{
    static const char *const paths[] = {[REVIEW_MUTATE] = "/mutate", [REVIEW_VALIDATE] = "/validate"};
    struct metric *latency = metric(METRIC_HISTOGRAM, "controller_runtime_webhook_latency_seconds",
                                    "Time from the whole request to its answer.", "webhook");
    struct metric *in_flight = metric(METRIC_GAUGE, "controller_runtime_webhook_requests_in_flight",
                                      "Admission requests under way.", "webhook");

    webhook->requests = metric(METRIC_COUNTER, "controller_runtime_webhook_requests_total",
                               "Admission requests by HTTP status.", "webhook,code");
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        webhook->answered[i] = metric_series(webhook->requests, paths[i], "200", NULL);
        webhook->latency[i] = metric_series(latency, paths[i], NULL, NULL);
        webhook->in_flight[i] = metric_series(in_flight, paths[i], NULL, NULL);
    }
}

int webhook_start(const struct webhook_options *options, struct webhook **ret_webhook, struct err *err)
{
    struct webhook *webhook = xcalloc(1, sizeof(*webhook));

    webhook->options = *options;
    webhook->artifacts = artifacts_new(options->aws);
    make_metrics(webhook);
    int r = http_server_start(&(struct http_server_options){.listen = options->listen,
                                                            .max_body_bytes = MAX_REVIEW_BYTES,
                                                            .certificate = options->certificate,
                                                            .certificate_arg = options->certificate_arg,
                                                            .trust = options->trust,
                                                            .handler = handle,
                                                            .handler_arg = webhook},
                              &webhook->server, err);

    if (r < 0) {
        artifacts_free(webhook->artifacts);
        free(webhook);
        return r;
    }
    *ret_webhook = webhook;
    return 0;
}

void webhook_tick(struct webhook *webhook)
{
    if (webhook)
        http_server_tick(webhook->server);
}

int webhook_port(const struct webhook *webhook)
{
    return http_server_port(webhook->server);
}

void webhook_stop(struct webhook *webhook, int64_t drain_ms)
{
    if (webhook)
        http_server_stop(take(webhook->server), drain_ms);
}

void webhook_free(struct webhook *webhook)
{
    if (!webhook)
        return;
    while (atomic_load(&webhook->suspended) > 0) /* no longer than a question's own timeout */
        clock_sleep_ms(STOP_POLL_MS);
    artifacts_free(webhook->artifacts);
    free(webhook);
}
