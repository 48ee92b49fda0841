/* What LambdaPolicies say of one namespace: defaults, the environment, the name's prefix, and whether a
 * LambdaFunction keeps to all of it. Pure.
 *
 * A policy and an effect are immutable once made and reference-counted: any thread may read them. */
#pragma once

#include "common/base/json.h"
#include "common/function/findings.h"
#include "common/function/runtimes.h"

struct policy {
    char *name;
    struct json *spec;
    int64_t priority;
    bool warns; /* enforcement: Warn */
    int references;
};

/* Copies both. Any object is taken, also one that admission did not see: what is unreadable says nothing. */
struct policy *policy_new(const char *name, const struct json *spec);
struct policy *policy_ref(struct policy *policy);
void policy_unref(struct policy *policy); /* accepts NULL */

/* Of a namespace's labels, which may be NULL. */
bool policy_selects(const struct policy *policy, const struct json *labels);

/* Negative when `a` comes first: the higher priority, of equals the first by name. */
int policy_compare(const struct policy *a, const struct policy *b);

enum policy_unavailable { POLICY_UNAVAILABLE_UNSAID, POLICY_UNAVAILABLE_REJECT, POLICY_UNAVAILABLE_ALLOW };

/* All policies that select one namespace, put together. The texts belong to the policies. */
struct policy_effective {
    struct policy **policies; /* in policy_compare's order; holds references */
    size_t count;
    struct json *defaults;               /* members of a LambdaFunction's spec; an object, may be empty */
    const char *environment;             /* NULL: none says so */
    const struct policy *names;          /* the one that says what names begin with; NULL: none */
    bool prepend;                        /* it adds a missing prefix instead of refusing */
    const struct policy *names_on_trial; /* the one that would, if it did not only warn; NULL: none */
    const char *deletion_protection;     /* the enforced policy that forbids to delete; NULL: none does */
    const struct policy *artifact;       /* the one that says what follows; NULL: none */
    enum policy_unavailable artifact_unavailable;
    const struct policy *images;  /* one that says which there may be, if possible an enforced one */
    const struct policy *assumer; /* the one that says which role reaches the functions; NULL: none */
    const char *assume_role;      /* its ARN */
    int references;
};

/* What those of `policies` (in order) that select the labels say together. Never NULL. */
struct policy_effective *policy_effect(struct policy *const *policies, size_t count,
                                       const struct json *labels);
struct policy_effective *policy_effective_ref(struct policy_effective *effective);
void policy_effective_unref(struct policy_effective *effective); /* accepts NULL */
static inline void policy_effective_unrefp(struct policy_effective **effective)
{
    policy_effective_unref(*effective);
}

struct policy_subject {
    const struct json *spec;     /* of the LambdaFunction, after defaults */
    const struct json *old_spec; /* in force; NULL when it is new. What is unchanged only warns */
    const char *environment;     /* of the namespace as decided; NULL: none */
};

/* Appends what breaks the policies, each finding with the policy's name in finding.policy. */
void policy_judge(const struct policy_effective *effective, const struct policy_subject *subject,
                  struct findings *findings);

/* What functions' names begin with under effective->names, which may be NULL: its prefix, or the environment
 * and a hyphen, or "". Without any, it is only filled in. The caller frees. */
char *policy_prefix(const struct policy *names, const char *environment);

/* Calls `add` for every default that the spec has no value for: of a map for every entry, with its key (else
 * NULL). Passes over what is below a value of a wrong type, and what this spec may not have (the runtime of
 * an image). `add` is to add it to *spec, which it may replace by a copy. */
typedef void policy_default_fn(void *arg, const char *path, const char *key, const struct json *value);
void policy_each_default(const struct json *defaults, const struct json *const *spec, policy_default_fn *add,
                         void *arg);

/* Is a policy itself right? Each field, then whether it contradicts itself. `today` as for check_spec. */
void policy_check(const struct json *spec, const struct json *old_spec, const struct runtimes *runtimes,
                  const char *today, struct findings *findings);

/* For the documentation: the member of a policy that a rule is about, and the fields of a function that it
 * reads (NULL-terminated when fewer than three). NULL: no such rule. */
const char *policy_rule_at(size_t index, const char *const **ret_fields);
