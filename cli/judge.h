/* The reviews of a set of resources, as the API server would have them done. Private to declared. */
#pragma once

#include "cli/declared.h"

/* Adds what admission finds, and sets each function's spec with its defaults. Asks S3 unless offline. What is
 * in `old`, too, is updated from there; the rest is created. */
void judge(const struct declared_settings *settings, const struct declared_set *old,
           struct declared_set *set);
