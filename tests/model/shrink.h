/* A schedule that fails made as small as it can be. */
#pragma once

#include "tests/model/schedule.h"

/* Takes out of `kept` every action without which the schedule still fails, with whatever. What the smallest
 * one complains about; the caller frees. */
char *shrink(const struct schedule *schedule, bool kept[SCHEDULE_MAX]);
