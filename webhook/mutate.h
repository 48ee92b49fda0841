/* Defaults: adds what is absent, never touches what someone wrote. The one exception is a policy whose admin
 * chose to put a missing prefix before a function's name. Pure. */
#pragma once

#include "webhook/review.h"

struct mutate_result {
    const struct json *spec; /* with its defaults: the request's own where there was nothing to add, else */
    struct json *filled;     /* this copy, which the caller frees */
    struct str patch;        /* JSON Patch that makes it so, "" for none */
};

void mutate(const struct review_request *request, const struct review_facts *facts,
            struct mutate_result *ret_result);

/* The environment of the namespace: a policy's, else the label's, else the installation's; NULL: none. */
const char *mutate_environment(const struct review_facts *facts);
