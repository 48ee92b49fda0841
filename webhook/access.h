/* May the requester read the Secrets that the spec takes values from? Else whoever can write a
 * LambdaFunction could read every Secret of the namespace through a function of their own. Pure. */
#pragma once

#include "webhook/review.h"

#define ACCESS_TO_ALL "*" /* no Secret is called so */

/* The Secret that the API server has to be asked about next, ACCESS_TO_ALL for all of the namespace; NULL
 * when the facts suffice. Secrets that the old spec names are not asked about. */
const char *access_wanted(const struct json *spec, const struct json *old_spec,
                          const struct review_facts *facts);

/* Adds a finding for each Secret that may not be read. */
void access_judge(const struct review_request *request, const struct json *spec, const struct json *old_spec,
                  const struct review_facts *facts, struct findings *findings);

/* The SubjectAccessReview to create, and what its answer says. */
void access_question(const struct review_request *request, const char *secret, struct str *out);
bool access_allowed(const struct json *answer);
