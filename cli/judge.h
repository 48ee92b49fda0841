/* The reviews of a set of resources, as the API server would have them done. Private to declared. */
#pragma once

#include "cli/declared.h"

/* Adds what admission finds, and sets each function's spec with its defaults. Asks S3 unless offline. */
void judge(const struct declared_settings *settings, struct declared_set *set);
