/* The decision about one AdmissionReview. Pure: no I/O, no clock, no threads.
 *
 * review() answers with a verdict or names the one fact that it still needs; the caller fetches it
 * and asks again. Called by the webhook's server, by tests and by the fuzzer. */
#pragma once

#include "common/base/json.h"
#include "common/function/findings.h"
#include "common/function/policy.h"
#include "common/function/runtimes.h"

enum review_phase { REVIEW_MUTATE, REVIEW_VALIDATE };

struct review_request { /* views into `root`, which it owns */
    struct json *root;
    const char *uid, *operation, *namespace, *name; /* name may be NULL: generateName */
    const struct json *object, *old_object;         /* NULL where the operation has none */
    const struct json *user;                        /* who asks: username, groups, uid, extra */
    bool dry_run;
    bool ours;   /* a LambdaFunction of our version */
    bool policy; /* a LambdaPolicy of our version */
};

/* ERR_INVALID when the body is no AdmissionReview v1: answered with HTTP 400. */
int review_parse(struct str_view body, struct review_request *ret_request, struct err *err)
    __attribute__((warn_unused_result));
void review_request_done(struct review_request *request);

enum artifact_state {
    ARTIFACT_UNASKED,
    ARTIFACT_FOUND,
    ARTIFACT_MISSING,     /* S3 says that it does not exist */
    ARTIFACT_UNREADABLE,  /* missing or not readable: S3 does not tell which */
    ARTIFACT_ELSEWHERE,   /* the bucket is in another region */
    ARTIFACT_BAD_VERSION, /* the version id is malformed or names a delete marker */
    ARTIFACT_ARCHIVED,    /* it is there, but Lambda cannot read it before it is restored */
    ARTIFACT_UNAVAILABLE, /* S3 did not answer in time */
};

struct review_facts {
    const char *today; /* "2026-11-24" */
    const struct runtimes *runtimes;
    const char *default_environment, *default_region; /* of the installation; may be NULL */

    bool namespace_known;
    bool namespace_deleting;
    const char *environment;               /* the namespace's label, or NULL */
    const struct policy_effective *policy; /* what holds in the namespace; NULL: no policies */
    const char *namespace_error;           /* why the namespace could not be read, or NULL */

    bool holder_known;
    const char *holder; /* "namespace/name" of another resource that has the function's name, or NULL */

    const struct json *access; /* Secret -> may the requester read it? as far as was asked; may be NULL */
    const char *access_error;  /* why no more could be asked, or NULL */

    enum artifact_state artifact;
    const char *artifact_detail; /* the region for ELSEWHERE, the class for ARCHIVED, why for UNAVAILABLE */
    const char *artifact_sha256; /* base64, of what was FOUND; NULL or "": not known */
    int64_t artifact_bytes;      /* of what was FOUND; 0 or less: not known, see artifact_empty */
    bool artifact_empty;
    bool artifact_required; /* refuse when S3 does not answer, else a warning; a policy may say otherwise */
};

enum review_need {
    REVIEW_NEEDS_NOTHING,
    REVIEW_NEEDS_NAMESPACE,
    REVIEW_NEEDS_HOLDER,
    REVIEW_NEEDS_ACCESS, /* to the Secret in `access_to` */
    REVIEW_NEEDS_ARTIFACT,
};

struct review_verdict {
    enum { REVIEW_BEGUN, REVIEW_FILLED, REVIEW_JUDGED } stage; /* how far the review of a spec has come */
    bool allowed;
    char *message;    /* of a refusal with 503, because a fact could not be had; else NULL: see findings */
    struct str patch; /* JSON Patch, "" for none */
    struct findings findings;
    const struct json *spec; /* with its defaults; also set when a fact is needed: what to ask about */
    struct json *filled;     /* that, where it is not the request's own */
    char *access_to;         /* for REVIEW_NEEDS_ACCESS: see access.h */
};

/* *verdict is zeros at first. Where a fact is needed, the caller adds it and calls again with the verdict as
 * it is: what was judged already is not judged anew. It ends the verdict with review_verdict_done. */
enum review_need review(enum review_phase phase, const struct review_request *request,
                        const struct review_facts *facts, struct review_verdict *verdict);
void review_verdict_done(struct review_verdict *verdict);

/* The AdmissionReview that answers the request. */
void review_response(const struct review_request *request, const struct review_verdict *verdict,
                     struct str *out);
