/* Time, and what happens in it. */
#include "tests/model/world.h"

#include "common/base/mem.h"
#include "common/kube/lease.h"
#include "tests/model/replica.h"
#include "tests/model/rules.h"

#include <stdarg.h>
#include <stdio.h>

enum {
    BEGIN_MS = 1000 * 1000,
    SETTLE_MS = 2 * ROTATION_MS + 2 * RESYNC_MS, /* until all is found that nobody told of */
    STILL_MS = ROTATION_MS + RESYNC_MS,
    DEPTH_MAX = 3,
    CALLS_MAX = 20000,
};

static struct world *present;

struct world *world_now(void)
{
    return present;
}

void world_complain(struct world *world, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    world_tell(world, "WRONG: %s", text);
    if (!world->complaint.len)
        str_add(&world->complaint, text);
}

void world_tell(struct world *world, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!world->tells)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    str_addf(&world->story, "%10lld ms %*s%s\n", (long long)(world->now_ms - BEGIN_MS), (int)world->depth * 2,
             "", text);
}

/* --- time ----------------------------------------------------------------------------------- */

/* Leases are renewed meanwhile. */
static void jump(struct world *world, int64_t to_ms)
{
    const bool renews[2] = {replica_renews(&world->replicas[0]), replica_renews(&world->replicas[1])};

    if (to_ms > world->now_ms)
        world->now_ms = to_ms;
    world->cloud.now_ms = world->now_ms;
    for (size_t i = 0; i < 2; i++) {
        if (!renews[i])
            continue;
        world->replicas[i].until_ms = world->now_ms + LEASE_DEADLINE_MS;
        if (world->leader == &world->replicas[i])
            world->lease_ms = world->now_ms + LEASE_DURATION_MS;
    }
}

static const struct action *next_action(struct world *world)
{
    while (world->next < world->schedule->count && !world->kept[world->next])
        world->next++;
    return world->next < world->schedule->count ? &world->schedule->actions[world->next] : NULL;
}

static int64_t next_ms(struct world *world)
{
    const struct action *action = next_action(world);
    int64_t ms = action ? BEGIN_MS + action->at_ms : INT64_MAX;

    if (!world->leader || !replica_renews(world->leader))
        ms = world->lease_ms < ms ? world->lease_ms : ms;
    for (size_t i = 0; i < 2; i++) {
        const struct replica *replica = &world->replicas[i];
        int64_t its_ms = replica_is_awake(replica) ? replica_next_ms(replica) : INT64_MAX;

        ms = its_ms < ms ? its_ms : ms;
    }
    return ms > world->now_ms ? ms : world->now_ms;
}

/* --- who leads ------------------------------------------------------------------------------ */

/* A controller whose lead is over goes once its looks have ended; after a SIGTERM the lease is free then. */
static void end_leads(struct world *world)
{
    for (size_t i = 0; i < 2; i++) {
        struct replica *replica = &world->replicas[i];

        if (!replica->leads || replica->frozen || replica_is_busy(replica) ||
            (!replica->crashed && !replica->stopping && world->now_ms < replica->until_ms))
            continue;
        if (replica->stopping && !replica->crashed && world->leader == replica)
            world->lease_ms = world->now_ms + LEASE_RETRY_MS;
        replica_end(replica);
    }
}

static bool elect(struct world *world)
{
    if (world->now_ms < world->lease_ms || (world->leader && replica_renews(world->leader)))
        return false;
    for (size_t i = 0; i < 2; i++) {
        struct replica *replica = &world->replicas[world->leader == &world->replicas[0] ? 1 - i : i];

        if (replica->leads || replica->frozen || world->now_ms < replica->cut_until_ms ||
            world->now_ms < replica->back_ms)
            continue;
        world->leader = replica;
        world->lease_ms = world->now_ms + LEASE_DURATION_MS;
        replica_lead(replica);
        world_tell(world, "replica %d leads", (int)(replica - world->replicas));
        return true;
    }
    world->lease_ms = world->now_ms + LEASE_RETRY_MS;
    return true;
}

/* --- what happens --------------------------------------------------------------------------- */

static void pass(struct world *world, int64_t ms);

static void harm_replica(struct world *world, const struct action *action, struct replica *replica)
{
    int64_t until_ms = world->now_ms + action->ms;

    switch ((int)action->kind) {
    case REPLICA_CRASHES:
        replica->crashed = true;
        replica->back_ms = until_ms;
        break;
    case REPLICA_STOPS:
        replica->stopping = true;
        break;
    case REPLICA_IS_CUT_OFF:
        replica->cut_until_ms = until_ms;
        break;
    case INFORMER_LAGS:
        replica->lags_until_ms = until_ms;
        break;
    case REPLICA_FREEZES:
        replica->frozen = true;
        pass(world, action->ms);
        replica->frozen = false;
        break;
    case REPLICA_IS_SLOW:
        pass(world, action->ms);
        break;
    default:
        replica->fault = action->kind;
    }
}

static void harm_cloud(struct world *world, const struct action *action)
{
    int64_t until_ms = world->now_ms + action->ms;

    switch ((int)action->kind) {
    case AWS_LAGS:
        world->cloud.lag_ms = action->ms;
        world->cloud.lags_until_ms = world->now_ms + RESYNC_MS;
        break;
    case AWS_REFUSES_ROLE:
        world->cloud.refuses_role_until_ms = until_ms;
        break;
    case AWS_IGNORES_UPDATES:
        world->cloud.ignores_updates_until_ms = until_ms;
        break;
    case AWS_FAILS_UPDATES:
        world->cloud.fails_updates_until_ms = until_ms;
        break;
    default:
        world->cloud.fails_creations_until_ms = until_ms;
    }
}

/* A function that was left behind with its owner's tag is its owner's when that one comes back. */
static void create(struct world *world, const struct action *action)
{
    const char function_name[] = {(char)('f' + (char)action->value), '\0'};
    struct cloud_function *function = cloud_find(&world->cloud, function_name);

    if (function && !world->api.objects[action->which])
        function->inherited = true;
    api_create(&world->api, action->which, function_name);
}

static void happen(struct world *world, const struct action *action, struct replica *replica)
{
    _cleanup_(str_done) struct str text = STR_INIT(512);

    action_print(action, &text);
    world_tell(world, "%s", strstr(str_text(&text), ": ") + 2);
    if (action->kind == USER_CREATES)
        create(world, action);
    else if (action->kind == USER_EDITS)
        api_edit(&world->api, action->which, schedule_edits[action->value]);
    else if (action->kind == USER_DELETES)
        api_delete(&world->api, action->which);
    else if (action->kind <= SOMEBODY_MOVES_ALIAS)
        cloud_meddle(&world->cloud, action);
    else if (action->kind >= AWS_LAGS && action->kind <= AWS_FAILS_CREATIONS)
        harm_cloud(world, action);
    else if (replica)
        harm_replica(world, action, replica);
}

void world_in_call(struct world *world, struct replica *replica, bool after)
{
    replica->fault = ACTION_KINDS;
    if (!after && ++world->calls > CALLS_MAX)
        world_complain(world, "calls without an end");
    if (world->complaint.len)
        replica->crashed = true; /* enough */
    for (size_t i = 0; i < world->armed_count && !after; i++)
        world->armed[i].calls -= world->armed[i].calls > 0;
    world->depth++;
    for (size_t i = 0; i < world->armed_count && world->depth <= DEPTH_MAX;) {
        const struct action *action = world->armed[i].action;

        if (world->armed[i].calls > 0 || action->after != after) {
            i++;
            continue;
        }
        world->armed[i] = world->armed[--world->armed_count];
        happen(world, action, replica);
        i = 0; /* others may have happened in it */
    }
    world->depth--;
}

static bool act(struct world *world)
{
    const struct action *action = next_action(world);

    if (!action || world->now_ms < BEGIN_MS + action->at_ms)
        return false;
    world->next++;
    if (action->call)
        world->armed[world->armed_count++] = (struct armed){action, action->call};
    else
        happen(world, action, world->leader);
    return true;
}

static bool step(struct world *world)
{
    end_leads(world);
    bool done = act(world) || elect(world);

    for (size_t i = 0; i < 2 && !done; i++)
        done = replica_is_awake(&world->replicas[i]) && replica_step(&world->replicas[i]);
    return done;
}

static void pass(struct world *world, int64_t ms)
{
    int64_t until_ms = world->now_ms + ms;

    while (!world->complaint.len && next_ms(world) <= until_ms) {
        jump(world, next_ms(world));
        while (!world->complaint.len && step(world))
            ;
    }
    jump(world, until_ms);
}

/* --- a run ---------------------------------------------------------------------------------- */

static void begin(struct world *world)
{
    static const int64_t lasts_ms[] = {0, 0, 700, 4000, 20000};
    struct dice *dice = &world->dice;

    world->cloud.tells_sha256 = dice_percent(dice, 50);
    world->cloud.create_ms = lasts_ms[dice_below(dice, ARRAY_LEN(lasts_ms))];
    world->cloud.update_ms = lasts_ms[dice_below(dice, ARRAY_LEN(lasts_ms))];
    for (size_t i = 0; i < 2; i++)
        replica_init(&world->replicas[i], world);
    jump(world, BEGIN_MS);
    world->lease_ms = BEGIN_MS;
}

static void end_faults(struct world *world)
{
    struct cloud *cloud = &world->cloud;

    world->armed_count = 0;
    cloud->lags_until_ms = cloud->refuses_role_until_ms = 0;
    cloud->ignores_updates_until_ms = cloud->fails_updates_until_ms = cloud->fails_creations_until_ms = 0;
    for (size_t i = 0; i < 2; i++)
        world->replicas[i].cut_until_ms = world->replicas[i].lags_until_ms = world->replicas[i].back_ms = 0;
    world_tell(world, "from now on nothing happens any more");
}

/* Once all is in force nothing is written any more. */
static void stay_still(struct world *world)
{
    unsigned changes = world->cloud.changes, writes = world->api.status_writes;

    pass(world, STILL_MS);
    if (!world->complaint.len && world->cloud.changes != changes)
        world_complain(world, "AWS is changed although nothing happens");
    if (!world->complaint.len && world->api.status_writes != writes)
        world_complain(world, "a status is written although nothing happens");
}

static void end(struct world *world)
{
    for (size_t i = 0; i < 2; i++)
        replica_end(&world->replicas[i]);
    api_done(&world->api);
    cloud_done(&world->cloud);
}

char *world_run(const struct schedule *schedule, const bool *kept, struct str *story)
{
    struct world world = {.dice = {~schedule->seed},
                          .schedule = schedule,
                          .kept = kept,
                          .tells = story != NULL,
                          .story = STR_INIT(1 << 20),
                          .complaint = STR_INIT(4096)};
    const struct action *last = &schedule->actions[schedule->count - 1];

    present = &world;
    begin(&world);
    pass(&world, last->at_ms + RESYNC_MS);
    end_faults(&world);
    pass(&world, SETTLE_MS);
    if (!world.complaint.len)
        rules_at_end(&world);
    if (!world.complaint.len)
        stay_still(&world);
    end(&world);
    present = NULL;
    if (story)
        str_add(story, str_text(&world.story));
    str_done(&world.story);
    if (world.complaint.len)
        return str_take(&world.complaint);
    str_done(&world.complaint);
    return NULL;
}
