/* The model's controllers around the real reconcile. */
#include "tests/model/replica.h"

#include "common/base/mem.h"
#include "common/kube/lease.h"

static const struct runtimes_now runtimes = {&runtimes_builtin};

void replica_init(struct replica *replica, struct world *world)
{
    *replica = (struct replica){.world = world, .fault = ACTION_KINDS};
    /* Handles that only the model's own calls look into. */
    replica->with = (struct reconciler){.kube = (struct kube *)replica,
                                        .aws = (struct aws *)replica,
                                        .cluster_id = CLUSTER_ID,
                                        .runtimes = &runtimes,
                                        .resync_ms = RESYNC_MS,
                                        .rotation_ms = ROTATION_MS,
                                        .stopping = &replica->stopping,
                                        .lead_until_ms = &replica->until_ms};
}

static void forget(struct work *work)
{
    json_free(take(work->informed));
    memory_free(take(work->memory));
    free(work->revision);
    *work = (struct work){.due_ms = INT64_MAX};
}

void replica_end(struct replica *replica)
{
    replica->leads = false;
    for (size_t i = 0; i < RESOURCES; i++)
        forget(&replica->works[i]);
}

void replica_lead(struct replica *replica)
{
    replica_end(replica);
    replica->leads = true;
    replica->crashed = false;
    replica->stopping = false;
    replica->until_ms = replica->world->now_ms + LEASE_DEADLINE_MS;
    replica->search_ms = replica->world->now_ms + RESYNC_MS;
}

bool replica_is_busy(const struct replica *replica)
{
    return replica->works[0].given || replica->works[1].given;
}

bool replica_is_awake(const struct replica *replica)
{
    return replica->leads && !replica->crashed && !replica->frozen && !replica->stopping &&
           replica->world->now_ms < replica->until_ms;
}

bool replica_renews(const struct replica *replica)
{
    return replica_is_awake(replica) && replica->world->now_ms >= replica->cut_until_ms;
}

/* --- the informer --------------------------------------------------------------------------- */

static bool is_informed(const struct replica *replica)
{
    return replica->world->now_ms >= replica->lags_until_ms &&
           replica->world->now_ms >= replica->cut_until_ms;
}

static bool is_newest(const struct work *work, const struct json *object)
{
    return str_equal(json_str_at(work->informed, "metadata.resourceVersion"),
                     json_str_at(object, "metadata.resourceVersion"));
}

static bool follow(struct replica *replica, size_t which)
{
    struct work *work = &replica->works[which];
    const struct json *object = replica->world->api.objects[which];

    if (!is_informed(replica) || is_newest(work, object))
        return false;
    json_free(work->informed);
    work->informed = object ? json_copy(object) : NULL;
    work->ready = true;
    return true;
}

/* --- the queue ------------------------------------------------------------------------------ */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t replica_next_ms(const struct replica *replica)
{
    int64_t now_ms = replica->world->now_ms, next_ms = replica->search_ms;

    if (replica->cut_until_ms > now_ms)
        next_ms = earlier(next_ms, replica->cut_until_ms);
    if (replica->lags_until_ms > now_ms)
        next_ms = earlier(next_ms, replica->lags_until_ms);
    for (size_t i = 0; i < RESOURCES; i++) {
        const struct work *work = &replica->works[i];

        if (work->given)
            continue;
        if (work->ready || (is_informed(replica) && !is_newest(work, replica->world->api.objects[i])))
            return now_ms;
        next_ms = earlier(next_ms, work->due_ms);
    }
    return next_ms;
}

static void wait_for(struct replica *replica, struct work *work, const struct reconcile_next *next)
{
    int64_t ms = next->after_ms, now_ms = replica->world->now_ms;

    if (next->backoff) {
        int64_t pause_ms = next->backoff->first_ms << (work->retries < 20 ? work->retries : 20);

        work->retries++;
        ms = earlier(queue_jitter(pause_ms, 25), next->backoff->max_ms);
        ms = ms > next->after_ms ? ms : next->after_ms;
    } else if (!next->rests) {
        work->retries = 0;
    }
    if (ms > 0)
        work->due_ms = earlier(work->due_ms, now_ms + ms);
    memory_set_due(work->memory, ms > 0 ? now_ms + ms : INT64_MAX);
}

static void look(struct replica *replica, size_t which)
{
    struct work *work = &replica->works[which], *before = replica->current;
    _cleanup_(freep) char *text = json_text(work->informed),
                          *version = xstrdup(json_str_at(work->informed, "metadata.resourceVersion"));
    char key[] = {'n', '/', (char)('a' + (char)which), '\0'};
    const struct kube_object object = {.key = key, .resource_version = version, .json = text};

    if (!work->memory)
        work->memory = memory_new();
    if (work->suspect)
        memory_suspect(work->memory);
    work->suspect = work->blurred = false;
    work->given = json_copy(work->informed);
    replica->current = work;
    struct reconcile_next next = reconcile(&replica->with, &object, work->memory);

    replica->current = before;
    json_free(take(work->given));
    if (replica->leads)
        wait_for(replica, work, &next);
}

static bool look_at(struct replica *replica, size_t which)
{
    struct work *work = &replica->works[which];

    if (work->given)
        return false;
    if (replica->world->now_ms >= work->due_ms) {
        work->due_ms = INT64_MAX;
        work->ready = true;
    }
    if (!work->ready)
        return false;
    work->ready = false;
    if (work->informed)
        look(replica, which);
    else
        forget(work);
    return true;
}

/* What is in force is looked at once in a while. */
static bool search(struct replica *replica)
{
    if (replica->world->now_ms < replica->search_ms)
        return false;
    replica->search_ms = replica->world->now_ms + RESYNC_MS;
    for (size_t i = 0; i < RESOURCES; i++)
        if (status_phase(json_get(replica->works[i].informed, "status")) == STATUS_READY)
            replica->works[i].suspect = replica->works[i].ready = true;
    return true;
}

bool replica_step(struct replica *replica)
{
    bool done = false;

    for (size_t i = 0; i < RESOURCES; i++)
        done |= follow(replica, i);
    done |= search(replica);
    for (size_t i = 0; i < RESOURCES && !done; i++)
        done = look_at(replica, i);
    return done;
}
