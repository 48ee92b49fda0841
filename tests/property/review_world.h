/* The review with somebody who knows the facts, for the property tests and the fuzzer.
 *
 * A question is {"phase": "mutate" | "validate", "facts": {…}, "plans": true} beside the body of the request
 * to the webhook. A fact is withheld until the review asks for it; asking again for what was told aborts. The
 * answer is {"status": 400, "error": …}, or {"status": 200, "asked": […], "response": …} with the
 * AdmissionReview and, where plans are wanted and the resource is let through, the calls to AWS by which it
 * would be created, changed from the least that is possible, and changed back. */
#pragma once

#include "common/base/json.h"

void review_world_answer(const struct json *question, struct str_view body, struct str *out);
