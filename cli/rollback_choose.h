/* What a rollback puts back: an entry of the history into spec.code, or another version behind an alias.
 * Pure. */
#pragma once

#include "common/base/json.h"

struct rollback {
    struct json *patch;  /* for the API server, a JSON patch; NULL: it is so already */
    struct json *commit; /* the part of the manifest that has to say so, too */
    char *from, *to;     /* "app/2.zip (version 2)", for people */
};

/* `back`: how many states of other code back, from 1, counted from what is in force; 0: one, and none where
 * what is declared is not in force. Of an alias the number of the version, 0: the one before. `alias` NULL:
 * the code. ERR_NOT_FOUND: there is no such state, version or alias; the message says what there is.
 * ERR_INVALID: the object is no function as an API server has it. */
int rollback_choose(const struct json *function, int64_t back, const char *alias,
                    struct rollback *ret_rollback, struct err *err) __attribute__((warn_unused_result));
void rollback_done(struct rollback *rollback);
