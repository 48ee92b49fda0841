/* `kubelambda serve`: wires the parts together and hands each the facts of the others. The main thread
 * starts, waits for a signal and stops; the ticker thread does what time asks for. */
#include "certs/certs.h"
#include "cli/cli.h"
#include "cli/runtimes_file.h"
#include "cli/serve_options.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/base/thread.h"
#include "controller/leader.h"
#include "webhook/server.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    TICK_MS = 1000,
    DRAIN_MS = 10 * 1000,
    PLAIN_CONNECTIONS = 32, /* of those who look after our health, or our metrics */
    DESCRIPTORS = 4096,
};

struct serve {
    struct serve_options options;
    struct http *http;
    struct kube_config kube_config;
    struct kube *kube;
    struct events *events;
    struct aws *aws;
    struct registry *names; /* in use, as the functions' informer tells */
    struct runtimes_file *runtimes;
    struct policies *policies; /* as their informer tells */
    struct informer *functions, *namespaces;
    _Atomic(struct informer *) policy_objects; /* its own `changed` looks at it, perhaps before it is here */
    struct certs *certs;
    struct http_trust *trust;
    struct webhook *webhook;
    struct leader *leader;
    bool elects; /* the ticker's: the leader has been started */
    struct http_server *health, *metrics;

    pthread_t ticker;
    bool ticking;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* `stopping` became true */
    bool stopping;
    atomic_bool broken; /* the ticker found that this cannot work */
};

/* --- what time asks for ------------------------------------------------------------------- */

static void complain(const char *what, const struct err *err)
{
    log_warn(what, "error", err->msg);
}

static void tick_certificates(struct serve *serve)
{
    struct err err;

    if (serve->certs && certs_tick(serve->certs, &err) < 0) {
        atomic_store(&serve->broken, true);
        kill(getpid(), SIGTERM);
    }
}

/* Where our Lease and our Secret are. */
static const char *own_namespace(const struct serve *serve)
{
    if (serve->options.namespace)
        return serve->options.namespace;
    return serve->kube_config.in_pod && serve->kube_config.namespace ? serve->kube_config.namespace
                                                                     : "kubelambda-system";
}

/* What we judge by and have not read yet; NULL when all is there. */
static const char *unread(const void *arg)
{
    const struct serve *serve = arg;

    if (!informer_synced(serve->functions))
        return "the LambdaFunctions have not been read yet";
    if (!informer_synced(serve->namespaces))
        return "the namespaces have not been read yet";
    if (!informer_synced(serve->policy_objects))
        return "the LambdaPolicies have not been read yet";
    return NULL;
}

/* We stand for election once our facts are complete. */
static void tick_leader(struct serve *serve)
{
    const struct serve_options *options = &serve->options;
    struct err err;

    if (options->no_controller || serve->elects || unread(serve))
        return;
    int r =
        leader_start(serve->leader,
                     &(struct leader_options){.controller = {.kube = serve->kube,
                                                             .aws = serve->aws,
                                                             .events = serve->events,
                                                             .functions = serve->functions,
                                                             .namespaces = serve->namespaces,
                                                             .policy_objects = serve->policy_objects,
                                                             .policies = serve->policies,
                                                             .default_environment = options->environment,
                                                             .cluster_id = options->cluster_id,
                                                             .runtimes = runtimes_file_now(serve->runtimes),
                                                             .workers = options->worker_count,
                                                             .resync_ms = options->resync_ms,
                                                             .rotation_ms = options->rotation_ms},
                                              .namespace = own_namespace(serve)},
                     &err);

    serve->elects = r == 0;
    if (r < 0)
        complain("the controller cannot start yet", &err);
}

static void *tick(void *arg)
{
    struct serve *serve = arg;

    for (;;) {
        tick_certificates(serve);
        runtimes_file_tick(serve->runtimes);
        http_trust_tick(serve->trust);
        tick_leader(serve);

        int64_t due_ms = clock_mono_ms() + TICK_MS;

        pthread_mutex_lock(&serve->lock);
        while (!serve->stopping && thread_wait_until(&serve->wake, &serve->lock, due_ms))
            ;
        bool stop = serve->stopping;

        pthread_mutex_unlock(&serve->lock);
        if (stop)
            return NULL;
    }
}

static void function_changed(void *arg, const char *key, const struct kube_object *object)
{
    struct serve *serve = arg;
    _cleanup_(json_freep) struct json *resource = NULL;

    if (!object || json_parse(view(object->json), &resource, NULL) == 0)
        registry_follow(serve->names, key, json_get(resource, "spec"));
    leader_enqueue(serve->leader, key);
}

static void namespace_changed(void *arg, const char *key, const struct kube_object *object)
{
    struct serve *serve = arg;

    (void)object;
    leader_reconsider(serve->leader, key); /* its labels may be others now */
}

static bool is_named(void *policies, const char *role_arn)
{
    return policies_name_role(policies, role_arn);
}

static void policy_changed(void *arg, const char *key, const struct kube_object *object)
{
    struct serve *serve = arg;
    const struct informer *objects = serve->policy_objects;
    _cleanup_(json_freep) struct json *resource = NULL;

    if (object && json_parse(view(object->json), &resource, NULL) < 0)
        return;
    const char *role = json_str_at(resource, "spec.aws.assumeRoleArn");

    if (role) /* its credentials start being fetched, before somebody waits for them */
        free(aws_account(aws_for_role(serve->aws, role)));
    if (policies_follow(serve->policies, key, json_get(resource, "spec"))) {
        if (objects && informer_synced(objects)) /* before that all are new */
            aws_rest_roles(serve->aws, is_named, serve->policies);
        leader_reconsider(serve->leader, NULL);
    } else if (object && !json_get(resource, "status"))
        leader_count(serve->leader);
}

/* --- health and metrics ------------------------------------------------------------------- */

/* What is missing before requests should be sent here; NULL when nothing is. */
static const char *missing(struct serve *serve)
{
    pthread_mutex_lock(&serve->lock);
    bool stopping = serve->stopping;

    pthread_mutex_unlock(&serve->lock);
    if (stopping)
        return "shutting down";
    const char *not_read = unread(serve);

    if (not_read)
        return not_read;
    return serve->certs ? certs_missing(serve->certs) : NULL;
}

static void answer_health(void *arg, struct http_exchange *exchange)
{
    const char *path = http_exchange_path(exchange), *not_ready = NULL;
    bool ready_asked = str_equal(path, "/readyz");

    if (!ready_asked && !str_equal(path, "/healthz")) {
        http_exchange_answer(exchange, 404, "text/plain",
                             view("only /healthz and /readyz are served here\n"));
        return;
    }
    if (ready_asked)
        not_ready = missing(arg);
    _cleanup_(freep) char *text = xasprintf("%s\n", not_ready ? not_ready : "ok");

    http_exchange_answer(exchange, not_ready ? 503 : 200, "text/plain", view(text));
}

static void answer_metrics(void *arg, struct http_exchange *exchange)
{
    _cleanup_(str_done) struct str text = STR_INIT(16 << 20);
    struct serve *serve = arg;

    if (!str_equal(http_exchange_path(exchange), "/metrics")) {
        http_exchange_answer(exchange, 404, "text/plain", view("only /metrics is served here\n"));
        return;
    }
    leader_measure(serve->leader);
    metrics_print(&text);
    http_exchange_answer(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", str_view_of(&text));
}

static int listen_plain(const char *address, http_handler_fn *handler, struct serve *serve,
                        struct http_server **ret_server, struct err *err)
{
    return http_server_start(&(struct http_server_options){.listen = address,
                                                           .workers = 1,
                                                           .max_connections = PLAIN_CONNECTIONS,
                                                           .max_body_bytes = 1024,
                                                           .handler = handler,
                                                           .handler_arg = serve},
                             ret_server, err);
}

/* --- start and stop ----------------------------------------------------------------------- */

static int start_webhook(struct serve *serve, struct err *err)
{
    if (serve->options.no_webhook)
        return 0;
    int r = certs_start(&(struct certs_options){.kube = serve->kube,
                                                .events = serve->events,
                                                .namespace = own_namespace(serve),
                                                .url = serve->options.webhook_url,
                                                .service = serve->options.service,
                                                .dir = serve->options.cert_dir,
                                                .lifetime_ms = serve->options.cert_lifetime_ms,
                                                .settle_ms = serve->options.ca_settle_ms},
                        &serve->certs, err);

    if (r == 0 && serve->options.client_ca_file)
        r = http_trust_open(serve->options.client_ca_file, serve->options.client_name, &serve->trust, err);
    if (r < 0)
        return r;
    return webhook_start(&(struct webhook_options){.kube = serve->kube,
                                                   .aws = serve->aws,
                                                   .events = serve->events,
                                                   .functions = serve->functions,
                                                   .namespaces = serve->namespaces,
                                                   .policies = serve->policies,
                                                   .names = serve->names,
                                                   .unread = unread,
                                                   .unread_arg = serve,
                                                   .runtimes = runtimes_file_now(serve->runtimes),
                                                   .listen = serve->options.listen,
                                                   .default_environment = serve->options.environment,
                                                   .artifact_required = serve->options.artifact_required,
                                                   .certificate = certs_certificate,
                                                   .certificate_arg = serve->certs,
                                                   .trust = serve->trust},
                         &serve->webhook, err);
}

static int start(struct serve *serve, struct err *err)
{
    const struct serve_options *options = &serve->options;
    int r = runtimes_file_open(options->runtimes_file, &serve->runtimes, err);

    if (r < 0)
        return r;
    r = http_start(&serve->http, err);
    if (r < 0)
        return r;
    r = kube_config_load(options->kubeconfig, &serve->kube_config, err);
    if (r < 0)
        return r;
    serve->kube = kube_new(serve->http, &serve->kube_config);
    serve->events = events_new(serve->kube);
    r = aws_new(serve->http, &(struct aws_options){.region = options->region}, &serve->aws, err);
    if (r < 0)
        return r;
    /* What has to be found out over the network starts being found out. */
    (void)aws_default_region(serve->aws);
    free(aws_account(serve->aws));
    serve->names = registry_new();
    serve->leader = leader_new();
    serve->policies = policies_new();
    serve->policy_objects = informer_start(
        serve->kube,
        &(struct informer_options){.path = KUBE_POLICIES_PATH, .changed = policy_changed, .arg = serve});
    serve->functions =
        informer_start(serve->kube, &(struct informer_options){.path = KUBE_FUNCTIONS_PATH,
                                                               .annotation_prefix = KUBE_GROUP "/",
                                                               .changed = function_changed,
                                                               .arg = serve});
    serve->namespaces = informer_start(serve->kube, &(struct informer_options){.path = "/api/v1/namespaces",
                                                                               .parsed = true,
                                                                               .changed = namespace_changed,
                                                                               .arg = serve});
    r = start_webhook(serve, err);
    if (r < 0)
        return r;
    r = listen_plain(options->health_listen, answer_health, serve, &serve->health, err);
    if (r < 0)
        return r;
    r = listen_plain(options->metrics_listen, answer_metrics, serve, &serve->metrics, err);
    if (r < 0)
        return r;
    r = thread_start(&serve->ticker, "ticker", tick, serve, err);
    serve->ticking = r == 0;
    return r;
}

/* In the order in which nobody loses what another still needs; parts that never started are NULL. */
static void stop(struct serve *serve)
{
    pthread_mutex_lock(&serve->lock);
    serve->stopping = true;
    pthread_cond_broadcast(&serve->wake);
    pthread_mutex_unlock(&serve->lock);

    webhook_stop(serve->webhook, DRAIN_MS);
    if (serve->ticking)
        pthread_join(serve->ticker, NULL);
    leader_stop(serve->leader);
    webhook_free(serve->webhook); /* what may take long comes after the Lease was given up */
    informer_stop(serve->functions);
    informer_stop(serve->namespaces);
    informer_stop(serve->policy_objects);
    http_server_stop(serve->metrics, 0);
    leader_free(serve->leader);
    policies_free(serve->policies);
    registry_free(serve->names);
    runtimes_file_free(serve->runtimes);
    http_server_stop(serve->health, 0);
    certs_free(serve->certs);
    http_trust_free(serve->trust);
    aws_free(serve->aws);
    events_free(serve->events);
    kube_free(serve->kube);
    http_stop(serve->http);
    kube_config_done(&serve->kube_config);
    pthread_cond_destroy(&serve->wake);
    pthread_mutex_destroy(&serve->lock);
}

static void init_lock(struct serve *serve)
{
    thread_cond_init(&serve->wake);
    pthread_mutex_init(&serve->lock, NULL);
}

/* A core would hold keys, tokens and values of Secrets. One byte is too little for a file, and the one limit
 * that also keeps the kernel from piping a core to a program (fs/coredump.c). */
static void forbid_cores(void)
{
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){1, 1});
}

/* As many as we may, up to what is of use: the soft limit is low so that select() goes on working. */
static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
        return;
    limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Here and not in the ticker, which waits for the API server now and then: clients that dawdle must not gain
 * by that. */
static int wait_for_signal(struct serve *serve, const sigset_t *signals)
{
    const struct timespec second = {.tv_sec = 1};
    int signal;

    while ((signal = sigtimedwait(signals, NULL, &second)) < 0) {
        webhook_tick(serve->webhook);
        http_server_tick(serve->health);
        http_server_tick(serve->metrics);
    }
    return signal;
}

int cli_serve(int argc, char **argv)
{
    struct serve serve = {.kube_config = {.memory_files = {-1, -1, -1}}};
    struct err err;
    sigset_t signals;

    if (serve_options_parse(argc, argv, &serve.options, &err) < 0) {
        fprintf(stderr, "kubelambda serve: %s\n", err.msg);
        return EXIT_USAGE;
    }
    if (serve.options.help) {
        serve_options_help();
        return EXIT_SUCCESS;
    }
    /* Blocked before any thread starts, so that only the wait below receives them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);

    forbid_cores();
    raise_descriptors();
    init_lock(&serve);
    int r = start(&serve, &err);

    if (r < 0) {
        log_error("cannot start", "error", err.msg);
    } else {
        log_info("serving", "webhook", serve.webhook ? serve.options.listen : NULL, "health",
                 serve.options.health_listen, "metrics", serve.options.metrics_listen);
        log_info("stopping", "signal", wait_for_signal(&serve, &signals) == SIGINT ? "SIGINT" : "SIGTERM");
    }
    stop(&serve);
    return r < 0 || atomic_load(&serve.broken) ? EXIT_FAILURE : EXIT_SUCCESS;
}
