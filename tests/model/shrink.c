/* Leaves out large parts first, then smaller ones, down to single actions, until nothing more can go. */
#include "tests/model/shrink.h"

#include "common/base/mem.h"
#include "tests/model/world.h"

/* What the schedule without `size` of its actions from the i-th kept one on complains about; NULL: nothing.
 */
static char *run_without(const struct schedule *schedule, const bool *kept, size_t from, size_t size,
                         bool ret_rest[SCHEDULE_MAX])
{
    size_t place = 0, removed = 0;

    for (size_t i = 0; i < schedule->count; i++) {
        ret_rest[i] = kept[i] && !(place >= from && place < from + size);
        removed += kept[i] && !ret_rest[i];
        place += kept[i];
    }
    return removed ? world_run(schedule, ret_rest, NULL) : NULL;
}

/* One pass; true: something went. */
static bool leave_out(const struct schedule *schedule, bool kept[SCHEDULE_MAX], size_t size, char **complaint)
{
    bool done = false;

    for (size_t from = 0; from < schedule->count;) {
        bool rest[SCHEDULE_MAX] = {false};
        char *found = run_without(schedule, kept, from, size, rest);

        if (!found) {
            from += size;
            continue;
        }
        free(*complaint);
        *complaint = found;
        memcpy(kept, rest, sizeof(rest));
        done = true;
    }
    return done;
}

char *shrink(const struct schedule *schedule, bool kept[SCHEDULE_MAX])
{
    char *complaint = world_run(schedule, kept, NULL);

    for (size_t size = SCHEDULE_MAX / 2; size > 0; size /= 2)
        (void)leave_out(schedule, kept, size, &complaint);
    while (leave_out(schedule, kept, 1, &complaint))
        ;
    return complaint;
}
