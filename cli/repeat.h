/* Calls that are made again where that may help: AWS throttles, or something failed that passes. Any thread.
 */
#pragma once

#include "common/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* For how long to wait after that attempt, from 1, before the next: longer each time, and at least as long as
 * was asked for. -1: there is none, as it went well, would fail the same way, or was tried often enough. */
int64_t repeat_after_ms(int attempt, int r, const struct err *err);

/* Nothing answered. */
bool repeat_is_unreachable(const struct err *err);

/* Of calls to the same side. All zero to begin with. */
struct repeat {
    atomic_bool unreachable; /* one call has found out so, the others do not wait any more */
};

/* Waits. True: the call is to be made again. `attempt` as above. */
bool repeat_wait(struct repeat *repeat, int attempt, int r, const struct err *err);
