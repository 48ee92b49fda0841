/* The LambdaFunctions and LambdaPolicies of a set of manifests, each reviewed as the API server would have it
 * reviewed: with defaults filled in, then judged as it would be stored. Shared by `check` and `plan`. Main
 * thread. */
#pragma once

#include "cli/manifests.h"
#include "common/aws/s3.h"
#include "common/function/findings.h"
#include "common/function/runtimes.h"

struct declared { /* one LambdaFunction or LambdaPolicy */
    const struct manifest *manifest;
    bool policy;
    const char *namespace; /* "" of a policy */
    const char *name;      /* "" when it has none */
    struct json *spec;     /* of a function, with its defaults; NULL when there is none */
    struct findings findings;
    struct s3_object artifact; /* all empty when S3 was not asked, or it is not there */
};

struct declared_set {
    struct declared *items; /* policies, then what they govern */
    size_t count, function_count;
    const struct manifest **passed_over; /* resources of other kinds */
    size_t passed_over_count;
    struct str notices; /* about the check as a whole, a line each */
};

struct declared_settings { /* what is to be reviewed, and what the cluster would say */
    const struct manifests *manifests;
    const struct manifests *policies; /* only the LambdaPolicies in them count */
    const struct manifests *against;  /* what the cluster has already; the rest is new */
    const struct runtimes *runtimes;
    struct aws *aws;
    const char *environment; /* where a namespace has no label; may be NULL */
    const char *namespace;   /* of resources that name none */
    bool offline;            /* S3 is not asked */
};

/* What has our group or a kind of ours is taken for what is meant by it; what is wrong with the other is
 * found like the rest. */
bool declared_is_policy(const struct manifest *manifest);

/* The manifests must outlive the set, which declared_done frees. */
void declared_review(const struct declared_settings *settings, struct declared_set *ret_set);
void declared_done(struct declared_set *set);

/* "LambdaFunction preview/hello", "LambdaPolicy teams" */
void declared_title(const struct declared *declared, struct str *out);
