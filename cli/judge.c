/* Reviews by webhook/review. The questions to S3 are asked on the http thread, a few at a time; everything
 * else is this thread's. */
#include "cli/judge.h"

#include "cli/repeat.h"
#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/mem.h"
#include "common/function/function.h"
#include "common/function/policies.h"
#include "common/function/registry.h"
#include "webhook/artifact.h"
#include "webhook/review.h"

#include <pthread.h>

enum { QUESTIONS_AT_ONCE = 8, QUESTION_TIMEOUT_MS = 10 * 1000 };

/* One review on its way, and what is behind its facts. */
struct task {
    struct declared *declared;
    const struct json *old; /* the resource that it replaces; NULL: none */
    struct review_facts facts;
    char *key, *holder;
    struct artifact_answer answer;
    struct policy_effective *policy;
    struct json *access;
    struct questions *questions;
    bool waits; /* for S3 */
};

struct questions {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    unsigned open;
};

/* What the cluster would know beside the resource under review. */
struct world {
    const struct declared_settings *settings;
    struct map labels; /* a namespace's name -> its labels, owned */
    struct map old;    /* a resource's key -> as it is stored, owned */
    struct policies *policies;
    struct registry *names;
};

/* --- the facts ---------------------------------------------------------------------------- */

/* A namespace that is not among the manifests is taken to be labelled as --environment says. */
static struct json *make_labels(const struct declared_settings *settings, const char *name)
{
    const struct json *found = NULL;

    for (size_t i = 0; i < settings->manifests->count; i++) /* of several the last one applied stays */
        if (manifest_is(&settings->manifests->items[i], "", "Namespace") &&
            str_equal(json_str_at(settings->manifests->items[i].object, "metadata.name"), name))
            found = settings->manifests->items[i].object;
    const struct json *written = json_at(found, "metadata.labels");
    struct json *labels = json_type(written) == JSON_OBJECT ? json_copy(written) : json_new_object();

    json_set_str(labels, "kubernetes.io/metadata.name", name); /* the API server's own */
    if (!found)
        json_set_str(labels, FUNCTION_ENVIRONMENT_LABEL, settings->environment);
    return labels;
}

static const struct json *labels_of(struct world *world, const char *namespace)
{
    struct json *labels = map_get(&world->labels, namespace);

    if (!labels) {
        labels = make_labels(world->settings, namespace);
        map_put(&world->labels, namespace, labels);
    }
    return labels;
}

static void world_done(struct world *world)
{
    const struct map_slot *slot;

    for (size_t cursor = 0; (slot = map_next(&world->labels, &cursor));)
        json_free(slot->value);
    for (size_t cursor = 0; (slot = map_next(&world->old, &cursor));)
        json_free(slot->value);
    map_done(&world->labels);
    map_done(&world->old);
    policies_free(world->policies);
    registry_free(world->names);
}

/* --- one review --------------------------------------------------------------------------- */

static bool said(const struct findings *findings, const struct finding *one)
{
    for (size_t i = 0; i < findings->count; i++)
        if (str_equal(findings->items[i].field, one->field) &&
            str_equal(findings->items[i].message, one->message))
            return true;
    return false;
}

/* Takes the findings over; what was said already is not repeated. */
static void take_findings(struct findings *into, struct findings *from)
{
    for (size_t i = 0; i < from->count; i++) {
        struct finding *one = &from->items[i];

        if (!said(into, one))
            findings_move(into, one);
    }
    findings_done(from);
}

/* Supplies the fact that a review asks for; false when S3 has to be asked. */
static bool supply(struct task *task, struct registry *names, enum review_need need,
                   const struct review_verdict *verdict)
{
    switch (need) {
    case REVIEW_NEEDS_HOLDER: /* among the manifests before this one; what the cluster holds is not known */
        task->holder = registry_holder(names, task->key, verdict->spec);
        task->facts.holder = task->holder;
        task->facts.holder_known = true;
        return true;
    case REVIEW_NEEDS_ACCESS: /* who will apply is not known */
        json_set(task->access, verdict->access_to, json_new_bool(true));
        return true;
    case REVIEW_NEEDS_ARTIFACT:
        return false;
    case REVIEW_NEEDS_NOTHING:
    case REVIEW_NEEDS_NAMESPACE: /* known from the start */
        break;
    }
    abort();
}

static struct review_request request_for(const struct task *task, const struct json *object)
{
    const struct declared *declared = task->declared;

    return (struct review_request){.uid = "",
                                   .operation = task->old ? "UPDATE" : "CREATE",
                                   .namespace = declared->namespace,
                                   .name = *declared->name ? declared->name : NULL,
                                   .object = object,
                                   .old_object = task->old,
                                   .ours = !declared->policy,
                                   .policy = declared->policy};
}

static enum review_need review_phase(struct task *task, struct registry *names, enum review_phase phase,
                                     const struct json *object, struct review_verdict *verdict)
{
    const struct review_request request = request_for(task, object);
    enum review_need need;

    do
        need = review(phase, &request, &task->facts, verdict);
    while (need != REVIEW_NEEDS_NOTHING && supply(task, names, need, verdict));
    return need;
}

/* Mutating, then validating what comes of it, as the API server does; it stops at the first refusal. */
static enum review_need review_both(struct task *task, struct registry *names, struct review_verdict *verdict)
{
    const struct json *written = task->declared->manifest->object;
    struct review_verdict mutated = {0};
    enum review_need need = review_phase(task, names, REVIEW_MUTATE, written, &mutated);

    if (need != REVIEW_NEEDS_NOTHING || !mutated.allowed) {
        *verdict = mutated;
        return need;
    }
    _cleanup_(json_freep) struct json *object = json_copy(written);

    if (mutated.spec)
        json_set(object, "spec", json_copy(mutated.spec));
    need = review_phase(task, names, REVIEW_VALIDATE, object, verdict);
    verdict->spec = verdict->filled = json_copy(verdict->spec); /* the object goes */
    if (need == REVIEW_NEEDS_NOTHING)
        take_findings(&verdict->findings, &mutated.findings);
    review_verdict_done(&mutated);
    return need;
}

static void review_task(struct task *task, struct registry *names)
{
    struct declared *declared = task->declared;
    struct review_verdict verdict = {0};

    task->waits = review_both(task, names, &verdict) == REVIEW_NEEDS_ARTIFACT;
    json_free(declared->spec);
    declared->spec = json_copy(verdict.spec);
    if (!task->waits)
        take_findings(&declared->findings, &verdict.findings);
    review_verdict_done(&verdict);
}

/* --- the questions to S3 ------------------------------------------------------------------ */

static void answered(void *arg, const struct artifact_answer *answer)
{
    struct task *task = arg;
    struct questions *questions = task->questions;

    pthread_mutex_lock(&questions->lock);
    task->answer = *answer;
    artifact_to_facts(&task->answer, &task->facts);
    questions->open--;
    pthread_cond_signal(&questions->answered);
    pthread_mutex_unlock(&questions->lock);
}

/* Returns when fewer than `most` questions are open. */
static void wait_below(struct questions *questions, unsigned most)
{
    pthread_mutex_lock(&questions->lock);
    while (questions->open >= most)
        pthread_cond_wait(&questions->answered, &questions->lock);
    pthread_mutex_unlock(&questions->lock);
}

static void ask(struct artifacts *artifacts, struct task *task)
{
    wait_below(task->questions, QUESTIONS_AT_ONCE);
    pthread_mutex_lock(&task->questions->lock);
    task->questions->open++;
    pthread_mutex_unlock(&task->questions->lock);
    artifact_ask(artifacts, task->declared->spec, NULL, QUESTION_TIMEOUT_MS, answered, task);
}

/* What S3 had no answer for at the moment is asked again, all together, with growing pauses. */
static void ask_again(struct artifacts *artifacts, struct task *tasks, size_t count)
{
    bool asked = true;

    for (int attempt = 1; asked; attempt++) {
        int64_t pause_ms = repeat_after_ms(attempt, ERR_THROTTLED, &(struct err){0});

        asked = false;
        for (size_t i = 0; i < count && pause_ms >= 0; i++) {
            if (!tasks[i].waits || !tasks[i].answer.passing)
                continue;
            if (!asked)
                clock_sleep_ms(pause_ms);
            asked = true;
            ask(artifacts, &tasks[i]);
        }
        if (asked)
            wait_below(tasks[0].questions, 1);
    }
}

/* --- all of them -------------------------------------------------------------------------- */

/* The same resource once more: of the two only the one that is applied last will stay. */
static void note_repeated(struct declared *declared, const struct declared *other)
{
    if (other)
        findings_add(&declared->findings, FINDING_INVALID, true, "metadata.name", NULL,
                     "the same resource is in %.200s:%zu, too; the one that is applied last stays",
                     other->manifest->file, manifest_line(other->manifest, "metadata.name"));
}

/* No namespace has a slash in its name, so a policy is never taken for a function. */
static char *make_key(const struct declared *declared)
{
    return xasprintf("%s/%s", declared->namespace, declared->name);
}

static void task_init(struct task *task, struct world *world, struct declared *declared, const char *today,
                      struct questions *questions)
{
    const struct declared_settings *settings = world->settings;
    const struct json *labels = declared->policy ? NULL : labels_of(world, declared->namespace);

    *task = (struct task){
        .declared = declared,
        .key = make_key(declared),
        .policy = policies_effective(world->policies, labels),
        .access = json_new_object(),
        .questions = questions,
    };
    task->facts = (struct review_facts){
        .today = today,
        .runtimes = settings->runtimes,
        .default_environment = settings->environment,
        .default_region = aws_default_region(settings->aws),
        .namespace_known = true,
        .environment = json_str(json_get(labels, FUNCTION_ENVIRONMENT_LABEL)),
        .policy = task->policy,
        .access = task->access,
        .artifact = settings->offline ? ARTIFACT_FOUND : ARTIFACT_UNASKED,
    };
}

static void task_done(struct task *task)
{
    free(task->key);
    free(task->holder);
    policy_effective_unref(task->policy);
    json_free(task->access);
}

/* From here on a function holds its name, and a policy governs. */
static void follow(struct world *world, const struct task *task, const struct json *spec)
{
    if (task->declared->policy)
        policies_follow(world->policies, task->declared->name, spec);
    else
        registry_follow(world->names, task->key, spec);
}

/* What was applied before is stored with the defaults that are filled in. */
static void keep_old(struct world *world, struct declared *declared, const char *today)
{
    struct json *object = json_copy(declared->manifest->object);
    struct review_verdict verdict = {0};
    struct task task;

    task_init(&task, world, declared, today, NULL);
    const struct review_request request = request_for(&task, object);

    review(REVIEW_MUTATE, &request, &task.facts, &verdict);
    if (verdict.spec) /* perhaps a view into the object */
        json_set(object, "spec", json_copy(verdict.spec));
    follow(world, &task, json_get(object, "spec"));
    json_free(map_put(&world->old, task.key, object));
    review_verdict_done(&verdict);
    task_done(&task);
}

/* As far as that goes without S3. */
static void review_first(struct task *task, struct world *world, struct map *seen)
{
    const struct declared *declared = task->declared;

    review_task(task, world->names);
    if (!declared->policy)
        follow(world, task, declared->spec);
    else if (!declared->findings.errors) /* what is refused is not in force */
        follow(world, task, json_get(declared->manifest->object, "spec"));
    if (*task->declared->name)
        note_repeated(task->declared, map_put(seen, task->key, task->declared));
}

void judge(const struct declared_settings *settings, const struct declared_set *old, struct declared_set *set)
{
    struct task *tasks = xcalloc(set->count + 1, sizeof(*tasks));
    struct artifacts *artifacts = artifacts_new(settings->aws);
    struct world world = {.settings = settings, .policies = policies_new(), .names = registry_new()};
    struct questions questions = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    _cleanup_(map_done) struct map seen = {0};
    char today[CLOCK_TEXT_SIZE];

    clock_today(today);
    for (size_t i = 0; i < old->count; i++)
        keep_old(&world, &old->items[i], today);
    for (size_t i = 0; i < set->count; i++) {
        task_init(&tasks[i], &world, &set->items[i], today, &questions);
        tasks[i].old = map_get(&world.old, tasks[i].key);
        review_first(&tasks[i], &world, &seen);
        if (tasks[i].waits)
            ask(artifacts, &tasks[i]);
    }
    wait_below(&questions, 1);
    ask_again(artifacts, tasks, set->count);
    for (size_t i = 0; i < set->count; i++) {
        if (tasks[i].waits) {
            review_task(&tasks[i], world.names);
            set->items[i].artifact = tasks[i].answer.object;
        }
        task_done(&tasks[i]);
    }
    world_done(&world);
    artifacts_free(artifacts);
    free(tasks);
}
