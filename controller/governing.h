/* Which policies govern a resource: those of its namespace, as the informers know them. */
#pragma once

#include "controller/run.h"

/* Sets run->policy, and run->aws by its role. False: the namespace is not known, so that nobody can tell. */
bool governing_look(struct run *run);

/* An informer's copy, parsed; the caller frees. NULL: there is none. */
struct json *governing_read(struct informer *informer, const char *key);
