/* The thread around lease.h. What is in struct elector is the thread's own, but for what is under the
 * lock. */
#include "common/kube/elector.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "common/base/thread.h"
#include "common/kube/lease.h"

#include <stdatomic.h>
#include <sys/random.h>
#include <unistd.h>

struct elector {
    struct elector_options options;
    char *name, *identity;
    char *collection, *path; /* where leases are created, and ours */
    struct lease lease;
    bool complained; /* about what keeps us from the lease, since it went well */
    struct series *master;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* `stopping` became true */
    bool stopping;
};

/* Of this process alone: a container that was started again has the same host name. */
static char *make_identity(void)
{
    char host[256] = "";
    uint64_t random = 0;

    if (gethostname(host, sizeof(host) - 1) != 0 || !host[0])
        memcpy(host, "unknown", sizeof("unknown"));
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        random = (uint64_t)clock_boot_ms() << 20 ^ (uint64_t)getpid();
    return xasprintf("%s_%016llx", host, (unsigned long long)random);
}

/* As a MicroTime, for people. */
static void now_text(char ret_text[CLOCK_TEXT_SIZE])
{
    clock_rfc3339(clock_wall_s(), ret_text);
    memcpy(ret_text + strlen("2026-11-24T08:00:00"), ".000000Z", sizeof(".000000Z"));
}

/* Back before the lease is over, so that this is noticed in time. */
static int64_t time_limit_ms(const struct elector *elector, int64_t now_ms)
{
    int64_t left_ms = lease_deadline_ms(&elector->lease) - now_ms;

    return elector->lease.leads && left_ms < LEASE_CALL_MS ? left_ms : LEASE_CALL_MS;
}

static int call(struct elector *elector, const char *method, const char *path, struct json *body,
                int64_t limit_ms, struct json **ret_object, struct err *err)
{
    _cleanup_(freep) char *text = body ? json_text(body) : NULL;

    json_free(body);
    return kube_call(
        elector->options.kube,
        &(struct kube_request){.method = method,
                               .path = path,
                               .content_type = str_equal(method, "PATCH") ? KUBE_MERGE_PATCH : NULL,
                               .body = view(text),
                               .timeout_ms = limit_ms},
        ret_object, err);
}

/* Once for each stretch of trouble; that another one was faster is none. */
static void complain(struct elector *elector, int class, const struct err *err)
{
    if (class == ERR_CONFLICT || elector->complained)
        return;
    elector->complained = true;
    log_warn("the leader's lease cannot be read or written", "lease", elector->path, "error", err->msg);
}

/* Asks for what lease_next wants, and tells it the answer. */
static void act(struct elector *elector, enum lease_action action, int64_t sent_ms)
{
    _cleanup_(json_freep) struct json *object = NULL;
    struct lease *lease = &elector->lease;
    char now[CLOCK_TEXT_SIZE];
    struct err err;
    int r;

    now_text(now);
    if (action == LEASE_READ)
        r = call(elector, "GET", elector->path, NULL, time_limit_ms(elector, sent_ms), &object, &err);
    else
        r = call(elector, action == LEASE_CREATE ? "POST" : "PATCH",
                 action == LEASE_CREATE ? elector->collection : elector->path,
                 lease_body(lease, action, elector->name, now), time_limit_ms(elector, sent_ms), &object,
                 &err);
    if (r < 0 && !(action == LEASE_READ && r == ERR_NOT_FOUND)) {
        complain(elector, r, &err);
        lease_failed(lease, r, sent_ms, clock_boot_ms());
        return;
    }
    elector->complained = false;
    if (action == LEASE_READ)
        lease_follow(lease, object, clock_boot_ms());
    else
        lease_wrote(lease, object, sent_ms, clock_boot_ms());
}

static void lose(struct elector *elector, const char *why)
{
    atomic_store(elector->options.deadline_ms, 0);
    series_set(elector->master, 0);
    log_info(why, "lease", elector->path, "holder", elector->lease.holder);
    elector->options.lost(elector->options.arg);
}

/* A request, and what follows from it for whoever waits for us to lead. */
static void take_turn(struct elector *elector, enum lease_action action, int64_t now_ms)
{
    bool led = elector->lease.leads;

    act(elector, action, now_ms);
    if (!elector->lease.leads)
        return;
    atomic_store(elector->options.deadline_ms, lease_deadline_ms(&elector->lease));
    if (led)
        return;
    series_set(elector->master, 1);
    log_info("this replica leads", "lease", elector->path, "identity", elector->identity);
    elector->options.gained(elector->options.arg);
}

/* Until that time, or until the elector is to stop: true. */
static bool rest(struct elector *elector, int64_t until_ms)
{
    int64_t due_ms = clock_mono_ms() + (until_ms - clock_boot_ms());

    pthread_mutex_lock(&elector->lock);
    while (!elector->stopping && thread_wait_until(&elector->wake, &elector->lock, due_ms))
        ;
    bool stopping = elector->stopping;

    pthread_mutex_unlock(&elector->lock);
    return stopping;
}

/* Says in the lease that nobody holds it. If that fails it runs out by itself. */
static void release(struct elector *elector)
{
    char now[CLOCK_TEXT_SIZE];
    struct err err;

    if (!elector->lease.version || clock_boot_ms() >= lease_deadline_ms(&elector->lease))
        return;
    now_text(now);
    if (call(elector, "PATCH", elector->path, lease_release(&elector->lease, now), LEASE_CALL_MS, NULL,
             &err) < 0)
        log_info("the lease could not be released", "lease", elector->path, "error", err.msg);
}

static void *run(void *arg)
{
    struct elector *elector = arg;
    int64_t wake_ms = 0;

    while (!rest(elector, wake_ms)) {
        int64_t now_ms = clock_boot_ms();
        enum lease_action action = lease_next(&elector->lease, now_ms);

        if (action == LEASE_STEP_DOWN)
            lose(elector, "this replica does not lead any more");
        else if (action != LEASE_WAIT)
            take_turn(elector, action, now_ms);
        wake_ms = action == LEASE_WAIT ? lease_wake_ms(&elector->lease) : 0;
    }
    if (elector->lease.leads) {
        lose(elector, "the lead is given up");
        release(elector);
    }
    return NULL;
}

struct elector *elector_start(const struct elector_options *options)
{
    struct elector *elector = xcalloc(1, sizeof(*elector));

    elector->options = *options;
    elector->name = xstrdup(options->name);
    elector->identity = make_identity();
    elector->collection = xasprintf("/apis/coordination.k8s.io/v1/namespaces/%s/leases", options->namespace);
    elector->path = xasprintf("%s/%s", elector->collection, options->name);
    elector->master = metric_series(
        metric(METRIC_GAUGE, "leader_election_master_status", "1 where this replica leads, else 0.", "name"),
        elector->name, NULL, NULL);
    series_set(elector->master, 0);
    lease_init(&elector->lease, elector->identity);
    pthread_mutex_init(&elector->lock, NULL);
    thread_cond_init(&elector->wake);
    thread_must_start(&elector->thread, "lease", run, elector);
    return elector;
}

void elector_stop(struct elector *elector)
{
    if (!elector)
        return;
    pthread_mutex_lock(&elector->lock);
    elector->stopping = true;
    pthread_cond_signal(&elector->wake);
    pthread_mutex_unlock(&elector->lock);
    pthread_join(elector->thread, NULL);
    lease_done(&elector->lease);
    pthread_cond_destroy(&elector->wake);
    pthread_mutex_destroy(&elector->lock);
    free(elector->name);
    free(elector->identity);
    free(elector->collection);
    free(elector->path);
    free(elector);
}
