/* Random schedules of edits, changes in AWS, faults, crashes and two replicas, run by the real reconcile
 * against models of AWS and of the API server. A schedule that fails is made as small as it can be and
 * printed with the command that repeats it.
 *
 *   MODEL_SEED   of the first schedule; each further one has the next number. Else by chance
 *   SCHEDULES    how many
 *   MODEL_KEEP   "0,3,4": only these actions of the first one, told step by step */
#include "common/base/log.h"
#include "common/base/mem.h"
#include "tests/model/shrink.h"
#include "tests/model/world.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

enum { SCHEDULES = 1000, TEXT_MAX_BYTES = 4 << 20 };

static uint64_t seed_now;

static void print_command(void)
{
    printf("# again: MODEL_SEED=%llu SCHEDULES=1 %s\n", (unsigned long long)seed_now,
           program_invocation_name);
    fflush(stdout);
}

static int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t value;

    if (!text || !*text)
        return otherwise;
    if (parse_int(text, 0, INT64_MAX, &value))
        return value;
    printf("Bail out! %s=%s is not a number\n", name, text);
    exit(2);
}

static void print_schedule(const struct schedule *schedule, const bool *kept)
{
    _cleanup_(str_done) struct str places = STR_INIT(1024);

    for (size_t i = 0; i < schedule->count; i++) {
        _cleanup_(str_done) struct str text = STR_INIT(1024);

        if (!kept[i])
            continue;
        str_addf(&places, "%s%zu", places.len ? "," : "", i);
        action_print(&schedule->actions[i], &text);
        printf("#   %s\n", str_text(&text));
    }
    printf("# step by step: MODEL_SEED=%llu MODEL_KEEP=%s build/test/model\n",
           (unsigned long long)schedule->seed, str_text(&places));
}

static bool run(uint64_t seed)
{
    const struct schedule schedule = schedule_of(seed);
    bool kept[SCHEDULE_MAX];

    memset(kept, true, sizeof(kept));
    seed_now = seed;
    _cleanup_(freep) char *complaint = world_run(&schedule, kept, NULL);

    if (!complaint)
        return true;
    _cleanup_(freep) char *smallest = shrink(&schedule, kept);

    printf("# %s\n# made smaller: %s\n", complaint, smallest);
    print_schedule(&schedule, kept);
    print_command();
    return false;
}

/* One schedule, or what is kept of it, told step by step. */
static bool tell(uint64_t seed, const char *places)
{
    const struct schedule schedule = schedule_of(seed);
    _cleanup_(str_done) struct str story = STR_INIT(TEXT_MAX_BYTES);
    bool kept[SCHEDULE_MAX] = {false};
    int64_t place;

    while (*places) {
        size_t len = strcspn(places, ",");
        _cleanup_(freep) char *text = xstrndup(places, len);

        if (parse_int(text, 0, (int64_t)schedule.count - 1, &place))
            kept[place] = true;
        places += len + (places[len] == ',');
    }
    _cleanup_(freep) char *complaint = world_run(&schedule, kept, &story);

    printf("%s", str_text(&story));
    print_schedule(&schedule, kept);
    return !complaint;
}

int main(void)
{
    uint64_t seed = 0;
    const char *places = getenv("MODEL_KEEP");

    if (!log_set_level("error") || getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return 2;
    seed = (uint64_t)setting("MODEL_SEED", (int64_t)(seed >> 24));
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_set_death_callback(print_command);
#endif
    if (places)
        return tell(seed, places) ? 0 : 1;
    int64_t count = setting("SCHEDULES", SCHEDULES), done = 0;

    printf("1..1\n# MODEL_SEED=%llu SCHEDULES=%lld\n", (unsigned long long)seed, (long long)count);
    while (done < count && run(seed + (uint64_t)done))
        done++;
    printf("%s 1 - random_schedules_end_as_declared\n", done == count ? "ok" : "not ok");
    return done < count;
}
