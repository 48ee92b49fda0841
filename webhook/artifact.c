/* Questions to S3: which are known, under way, or have to wait; all behind one lock, which is never held
 * while somebody is called. Any thread; answers and deadlines come on the http thread. */
#include "webhook/artifact.h"

#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"

#include <pthread.h>
#include <stdio.h>

enum {
    REMEMBER_MS = 60 * 1000,
    REMEMBER_ENTRIES = 4096,
    DEADLINE_CHECK_MS = 50,
    SHORTEST_MS = 100,
    STOP_POLL_MS = 5,
};

/* What was found, and when. */
struct known {
    int64_t seen_ms;
    struct s3_object object;
};

struct waiter {
    artifact_fn *done;
    void *arg;
    int64_t deadline_ms;
    struct waiter *next;
};

struct question {
    struct artifacts *artifacts;
    struct aws *aws; /* whose credentials ask */
    char *name, *region, *bucket, *key, *version;
    struct waiter *waiters; /* may be empty: all gave up */
    int64_t deadline_ms;    /* of what was sent */
    bool sent;
    struct question *next; /* in the queue, or to be sent */
};

struct artifacts {
    struct aws *aws;
    struct http *http;
    pthread_mutex_t lock;
    struct map known;   /* name -> struct known */
    struct map pending; /* name -> struct question */
    struct question *queue;
    unsigned in_flight;
    struct http_timer timer; /* the http thread's own */
};

/* --- names and memory --------------------------------------------------------------------- */

struct artifacts *artifacts_new(struct aws *aws)
{
    struct artifacts *artifacts = xcalloc(1, sizeof(*artifacts));

    artifacts->aws = aws;
    artifacts->http = aws_http(aws);
    pthread_mutex_init(&artifacts->lock, NULL);
    return artifacts;
}

static void forget_all(struct artifacts *artifacts)
{
    const struct map_slot *slot;

    for (size_t cursor = 0; (slot = map_next(&artifacts->known, &cursor));)
        free(slot->value);
    map_done(&artifacts->known);
}

static void question_free(struct question *question)
{
    free(question->name);
    free(question->region);
    free(question->bucket);
    free(question->key);
    free(question->version);
    free(question);
}

/* Keys may hold any character but a line end is no part of a bucket, region or version id. */
static char *question_name(const struct json *spec, const char *role)
{
    const char *version = json_str_at(spec, "code.s3ObjectVersion");

    return xasprintf("%s\n%s\n%s\n%s\n%s", role ? role : "", json_str_at(spec, "region"),
                     json_str_at(spec, "code.s3Bucket"), version ? version : "",
                     json_str_at(spec, "code.s3Key"));
}

static struct question *question_new(struct artifacts *artifacts, const struct json *spec, const char *role,
                                     const char *name)
{
    struct question *question = xcalloc(1, sizeof(*question));

    *question = (struct question){.artifacts = artifacts,
                                  .aws = role ? aws_for_role(artifacts->aws, role) : artifacts->aws,
                                  .name = xstrdup(name),
                                  .region = xstrdup(json_str_at(spec, "region")),
                                  .bucket = xstrdup(json_str_at(spec, "code.s3Bucket")),
                                  .key = xstrdup(json_str_at(spec, "code.s3Key")),
                                  .version = xstrdup(json_str_at(spec, "code.s3ObjectVersion"))};
    return question;
}

/* Under the lock. */
static void remember(struct artifacts *artifacts, const char *name, const struct s3_object *object)
{
    const struct known known = {clock_mono_ms(), *object};

    if (artifacts->known.count >= REMEMBER_ENTRIES)
        forget_all(artifacts); /* rare, and costs one question each */
    free(map_put(&artifacts->known, name, xmemdup(&known, sizeof(known))));
}

static void count(const char *result)
{
    series_add(
        metric_series(metric(METRIC_COUNTER, "kubelambda_artifact_checks_total",
                             "Answers to the question whether an S3 object exists, by result.", "result"),
                      result, NULL, NULL),
        1);
}

/* --- what S3 says ------------------------------------------------------------------------- */

/* The reason without the "s3://bucket/key: " before it: the finding names the object, and in a short
 * warning there is no room for both. */
static const char *reason(const char *message)
{
    const char *end = str_starts_with(message, "s3://") ? strstr(message, ": ") : NULL;

    return end ? end + 2 : message;
}

static const char *const results[] = {
    [ARTIFACT_UNASKED] = "unasked",     [ARTIFACT_FOUND] = "found",
    [ARTIFACT_MISSING] = "missing",     [ARTIFACT_UNREADABLE] = "denied",
    [ARTIFACT_ELSEWHERE] = "elsewhere", [ARTIFACT_BAD_VERSION] = "invalid",
    [ARTIFACT_ARCHIVED] = "archived",   [ARTIFACT_UNAVAILABLE] = "unavailable"};

static enum artifact_state state_of(const struct err *err)
{
    switch (err->class) {
    case ERR_NOT_FOUND:
        return ARTIFACT_MISSING;
    case ERR_DENIED: /* without a status nothing was sent: there are no credentials to ask with */
        return err->status ? ARTIFACT_UNREADABLE : ARTIFACT_UNAVAILABLE;
    case ERR_CONFLICT:
        return ARTIFACT_ELSEWHERE;
    case ERR_INVALID:
        return err->status ? ARTIFACT_BAD_VERSION : ARTIFACT_UNAVAILABLE;
    default:
        return ARTIFACT_UNAVAILABLE;
    }
}

static void read_answer(const struct s3_object *object, const struct err *err,
                        struct artifact_answer *ret_answer)
{
    struct artifact_answer answer = {0};
    const char *detail = "";

    if (object) {
        answer.state = object->archived ? ARTIFACT_ARCHIVED : ARTIFACT_FOUND;
        answer.object = *object;
        detail = object->storage_class;
    } else {
        answer.state = state_of(err);
        answer.passing = err->status && (err->class == ERR_THROTTLED || err->class == ERR_RETRY);
        detail = answer.state == ARTIFACT_ELSEWHERE ? err->code : reason(err->msg);
    }
    snprintf(answer.detail, sizeof(answer.detail), "%s", detail);
    *ret_answer = answer;
}

void artifact_to_facts(const struct artifact_answer *answer, struct review_facts *facts)
{
    facts->artifact = answer->state;
    facts->artifact_detail = answer->detail;
    facts->artifact_sha256 = answer->object.sha256;
    facts->artifact_bytes = answer->object.size_bytes;
    facts->artifact_empty = answer->state == ARTIFACT_FOUND && answer->object.size_bytes == 0;
}

/* --- asking ------------------------------------------------------------------------------- */

static void answered(void *arg, const struct s3_object *object, const struct err *err);

/* What cannot be sent is answered at once, and its answer sends the next: whoever sends already on this
 * thread goes on with that one, so that the stack does not grow with the queue. */
static void send(struct question *question, int64_t deadline_ms)
{
    static _Thread_local struct question *to_send;
    static _Thread_local bool sending;

    question->deadline_ms = deadline_ms;
    question->next = to_send;
    to_send = question;
    if (sending)
        return;
    sending = true;
    while ((question = to_send)) {
        int64_t left_ms = question->deadline_ms - clock_mono_ms();

        to_send = question->next;
        s3_head(question->aws, question->region, question->bucket, question->key, question->version,
                left_ms > SHORTEST_MS ? left_ms : SHORTEST_MS, answered, question);
    }
    sending = false;
}

static int64_t last_deadline(const struct question *question)
{
    int64_t last_ms = 0;

    for (const struct waiter *waiter = question->waiters; waiter; waiter = waiter->next)
        last_ms = waiter->deadline_ms > last_ms ? waiter->deadline_ms : last_ms;
    return last_ms;
}

/* The first in the queue may be sent now. Under the lock; NULL when there is none. */
static struct question *dequeue(struct artifacts *artifacts)
{
    struct question *question = artifacts->queue;

    if (!question || artifacts->in_flight >= ARTIFACT_QUESTIONS_MAX)
        return NULL;
    artifacts->queue = question->next;
    artifacts->in_flight++;
    question->sent = true;
    return question;
}

/* Calls and frees them. */
static void tell(struct waiter *waiters, const struct artifact_answer *answer)
{
    while (waiters) {
        struct waiter *next = waiters->next;

        count(results[answer->state]);
        waiters->done(waiters->arg, answer);
        free(waiters);
        waiters = next;
    }
}

static void answered(void *arg, const struct s3_object *object, const struct err *err)
{
    struct question *question = arg, *next;
    struct artifacts *artifacts = question->artifacts;
    struct artifact_answer answer;

    read_answer(object, err, &answer);
    pthread_mutex_lock(&artifacts->lock);
    int64_t now_ms = clock_mono_ms(), last_ms = last_deadline(question);

    /* The time was up of who asked first; one who joined later has some left. */
    bool again = answer.state == ARTIFACT_UNAVAILABLE && now_ms >= question->deadline_ms &&
                 last_ms > now_ms + SHORTEST_MS;

    if (again) {
        pthread_mutex_unlock(&artifacts->lock);
        send(question, last_ms);
        return;
    }
    if (answer.state == ARTIFACT_FOUND)
        remember(artifacts, question->name, object);
    map_remove(&artifacts->pending, question->name);
    artifacts->in_flight--;
    next = dequeue(artifacts);
    int64_t next_deadline_ms = next ? last_deadline(next) : 0;

    pthread_mutex_unlock(&artifacts->lock);
    if (next)
        send(next, next_deadline_ms);
    tell(question->waiters, &answer);
    question_free(question);
}

/* --- deadlines ---------------------------------------------------------------------------- */

/* Takes those out whose time is up. Under the lock. */
static struct waiter *take_late(struct question *question, int64_t now_ms)
{
    struct waiter *late = NULL;

    for (struct waiter **at = &question->waiters; *at;) {
        struct waiter *waiter = *at;

        if (waiter->deadline_ms > now_ms) {
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        waiter->next = late;
        late = waiter;
    }
    return late;
}

/* What nobody waits for any more and was not sent is dropped. Under the lock. */
static void drop_idle(struct artifacts *artifacts)
{
    for (struct question **at = &artifacts->queue; *at;) {
        struct question *question = *at;

        if (question->waiters) {
            at = &question->next;
            continue;
        }
        *at = question->next;
        map_remove(&artifacts->pending, question->name);
        question_free(question);
    }
}

static void check_deadlines(void *arg)
{
    struct artifacts *artifacts = arg;
    struct waiter *late = NULL;
    const struct artifact_answer answer = {.state = ARTIFACT_UNAVAILABLE, .detail = "no answer in time"};
    const struct map_slot *slot;
    int64_t now_ms = clock_mono_ms();

    pthread_mutex_lock(&artifacts->lock);
    for (size_t cursor = 0; (slot = map_next(&artifacts->pending, &cursor));) {
        struct waiter *some = take_late(slot->value, now_ms), **end = &some;

        while (*end)
            end = &(*end)->next;
        *end = late;
        late = some;
    }
    drop_idle(artifacts);
    bool more = artifacts->pending.count > 0;

    pthread_mutex_unlock(&artifacts->lock);
    if (more)
        http_timer_set(artifacts->http, &artifacts->timer, DEADLINE_CHECK_MS);
    tell(late, &answer);
}

static void start_timer(void *arg)
{
    struct artifacts *artifacts = arg;

    if (!artifacts->timer.set) {
        artifacts->timer.fire = check_deadlines;
        artifacts->timer.arg = artifacts;
        http_timer_set(artifacts->http, &artifacts->timer, DEADLINE_CHECK_MS);
    }
}

static void stop_timer(void *arg)
{
    struct artifacts *artifacts = arg;

    http_timer_clear(artifacts->http, &artifacts->timer);
}

void artifacts_free(struct artifacts *artifacts)
{
    if (!artifacts)
        return;
    for (bool idle = false; !idle;) { /* no longer than a question's own timeout */
        pthread_mutex_lock(&artifacts->lock);
        idle = artifacts->in_flight == 0;
        pthread_mutex_unlock(&artifacts->lock);
        if (!idle)
            clock_sleep_ms(STOP_POLL_MS);
    }
    http_run(artifacts->http, stop_timer, artifacts);
    forget_all(artifacts);
    map_done(&artifacts->pending);
    pthread_mutex_destroy(&artifacts->lock);
    free(artifacts);
}

/* --- for the reviews ---------------------------------------------------------------------- */

bool artifact_known(struct artifacts *artifacts, const struct json *spec, const char *role,
                    struct artifact_answer *ret_answer)
{
    _cleanup_(freep) char *name = question_name(spec, role);

    pthread_mutex_lock(&artifacts->lock);
    const struct known *known = map_get(&artifacts->known, name);
    bool fresh = known && clock_mono_ms() - known->seen_ms < REMEMBER_MS;

    if (fresh)
        *ret_answer = (struct artifact_answer){.state = ARTIFACT_FOUND, .object = known->object};
    pthread_mutex_unlock(&artifacts->lock);
    return fresh;
}

void artifact_ask(struct artifacts *artifacts, const struct json *spec, const char *role, int64_t timeout_ms,
                  artifact_fn *done, void *arg)
{
    _cleanup_(freep) char *name = question_name(spec, role);
    struct waiter *waiter = xcalloc(1, sizeof(*waiter));
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;

    *waiter = (struct waiter){.done = done, .arg = arg, .deadline_ms = deadline_ms};
    pthread_mutex_lock(&artifacts->lock);
    struct question *question = map_get(&artifacts->pending, name), *to_send = NULL;
    bool alone = !question;

    if (alone) {
        struct question **end = &artifacts->queue;

        question = question_new(artifacts, spec, role, name);
        map_put(&artifacts->pending, name, question);
        while (*end)
            end = &(*end)->next;
        *end = question;
    }
    waiter->next = question->waiters;
    question->waiters = waiter;
    to_send = dequeue(artifacts);
    bool own = to_send == question;

    pthread_mutex_unlock(&artifacts->lock);
    /* One that is alone is answered by its own request's timeout; the others need a look at the clock. It is
     * set before anything is sent: an answer frees the question. */
    if (!own)
        http_run(artifacts->http, start_timer, artifacts);
    if (to_send)
        send(to_send, deadline_ms);
}
