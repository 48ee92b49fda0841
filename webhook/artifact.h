/* The question to S3 whether an artifact is there, with a short memory.
 *
 * Only "it is there" is remembered: a remembered 404 would refuse the upload that follows. Reviews that ask
 * for the same object at the same time share one question, and no more than ARTIFACT_QUESTIONS_MAX are under
 * way; what has to wait is answered by its own deadline, whatever becomes of the question. */
#pragma once

#include "common/aws/s3.h"
#include "webhook/review.h"

enum { ARTIFACT_QUESTIONS_MAX = 64 };

struct artifacts;

struct artifact_answer {
    enum artifact_state state;
    char detail[200];        /* see review_facts */
    struct s3_object object; /* for ARTIFACT_FOUND */
    bool passing;            /* S3 answered that it cannot answer now: asking again may help */
};

struct artifacts *artifacts_new(struct aws *aws); /* `aws` must outlive it */

/* Nobody may wait for an answer any more; waits for the questions that are under way. Not on the http thread.
 */
void artifacts_free(struct artifacts *artifacts);

/* Puts the answer, which must outlive the facts, into them. */
void artifact_to_facts(const struct artifact_answer *answer, struct review_facts *facts);

/* Called once; the answer is valid during the call. */
typedef void artifact_fn(void *arg, const struct artifact_answer *answer);

/* Asks about spec.code in spec.region, with the credentials of `role` (NULL: our own), since AWS will read
 * the code with those. Does not wait for S3; `done` runs on the http thread, or at once when
 * nothing can be sent. Any thread. */
void artifact_ask(struct artifacts *artifacts, const struct json *spec, const char *role, int64_t timeout_ms,
                  artifact_fn *done, void *arg);

/* Was the artifact there a short time ago? What it was then. */
bool artifact_known(struct artifacts *artifacts, const struct json *spec, const char *role,
                    struct artifact_answer *ret_answer);
