/* When a call is made again, and after how long. Any thread, no state but the caller's. */
#include "cli/repeat.h"

#include "common/base/clock.h"

enum { ATTEMPTS = 5, FIRST_PAUSE_MS = 500 };

static bool is_passing(int r)
{
    return r == ERR_RETRY || r == ERR_THROTTLED;
}

int64_t repeat_after_ms(int attempt, int r, const struct err *err)
{
    if (!is_passing(r) || attempt >= ATTEMPTS)
        return -1;
    int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << (attempt - 1);

    return pause_ms < err->retry_after_ms ? err->retry_after_ms : pause_ms;
}

bool repeat_is_unreachable(const struct err *err)
{
    return err->class == ERR_RETRY && err->status == 0;
}

bool repeat_wait(struct repeat *repeat, int attempt, int r, const struct err *err)
{
    int64_t pause_ms = repeat_after_ms(attempt, r, err);

    if (pause_ms >= 0 && !atomic_load(&repeat->unreachable)) {
        clock_sleep_ms(pause_ms);
        return true;
    }
    if (r < 0 && repeat_is_unreachable(err))
        atomic_store(&repeat->unreachable, true);
    return false;
}
