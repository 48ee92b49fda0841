/* Globs: `*` stands for any text, `?` for one character, everything else for itself. */
#pragma once

#include <stdbool.h>

/* Does the glob match the text as a whole? No recursion and no memory; the time is at most the glob's
 * length times the text's, whatever both are. Globs come from the API server's copy of a policy, where their
 * length is capped. */
bool glob_matches(const char *glob, const char *text);
