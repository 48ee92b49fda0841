/* The question whether the requester may read a Secret, and what follows from its answer. Pure. */
#include "webhook/access.h"

#include "common/base/mem.h"
#include "common/function/fields.h"

static const struct json *references(const struct json *spec)
{
    return field_list("environment.valueFrom", spec);
}

static const char *secret_of(const struct json *reference)
{
    const char *name = json_str_at(reference, "secretKeyRef.name");

    return name && *name ? name : NULL;
}

static bool names(const struct json *list, const char *secret)
{
    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (str_equal(secret_of(item), secret))
            return true;
    return false;
}

/* The Secret of an item, unless the old spec named it already. */
static const char *new_secret(const struct json *item, const struct json *old_list)
{
    const char *secret = secret_of(item);

    return secret && !names(old_list, secret) ? secret : NULL;
}

const char *access_wanted(const struct json *spec, const struct json *old_spec,
                          const struct review_facts *facts)
{
    const struct json *list = references(spec), *old_list = references(old_spec);
    const char *first = NULL;

    if (facts->access_error || json_is_true(json_get(facts->access, ACCESS_TO_ALL)))
        return NULL;
    for (const struct json *item = json_first(list); item; item = json_next(item)) {
        const char *secret = new_secret(item, old_list);

        if (!secret || json_get(facts->access, secret))
            continue;
        /* Several: most people who may read one may read all, and that is a single question. */
        if (first && !str_equal(first, secret) && !json_get(facts->access, ACCESS_TO_ALL))
            return ACCESS_TO_ALL;
        if (!first)
            first = secret;
    }
    return first;
}

void access_judge(const struct review_request *request, const struct json *spec, const struct json *old_spec,
                  const struct review_facts *facts, struct findings *findings)
{
    const struct json *old_list = references(old_spec);
    const char *user = json_str_at(request->user, "username");
    size_t index = 0;

    if (json_is_true(json_get(facts->access, ACCESS_TO_ALL)))
        return;
    for (const struct json *item = json_first(references(spec)); item; item = json_next(item), index++) {
        const char *secret = new_secret(item, old_list);
        const struct json *known = json_get(facts->access, secret ? secret : "");
        _cleanup_(freep) char *where = xasprintf("spec.environment.valueFrom[%zu].secretKeyRef.name", index);

        if (!secret || json_is_true(known))
            continue;
        if (known)
            findings_add(
                findings, FINDING_FORBIDDEN, false, where, secret,
                "%.200s may not get this Secret in the namespace %.64s, and a function would show its "
                "values; have it applied by somebody who may, or get a Role that allows it",
                user ? user : "the requester", request->namespace);
        else
            findings_add(findings, FINDING_FORBIDDEN, false, where, secret,
                         "the API server could not be asked whether %.200s may get this Secret (%.200s); try "
                         "again",
                         user ? user : "the requester",
                         facts->access_error ? facts->access_error : "no answer");
    }
}

static void copy(struct json *to, const char *to_key, const struct json *from, const char *key)
{
    const struct json *value = json_get(from, key);

    if (json_type(value) > JSON_NULL)
        json_set(to, to_key, json_copy(value));
}

void access_question(const struct review_request *request, const char *secret, struct str *out)
{
    _cleanup_(json_freep) struct json *review = json_new_object();
    struct json *spec, *what;

    json_set_str(review, "apiVersion", "authorization.k8s.io/v1");
    json_set_str(review, "kind", "SubjectAccessReview");
    spec = json_make_object(review, "spec");
    copy(spec, "user", request->user, "username");
    copy(spec, "uid", request->user, "uid");
    copy(spec, "groups", request->user, "groups");
    copy(spec, "extra", request->user, "extra");
    what = json_make_object(spec, "resourceAttributes");
    json_set_str(what, "verb", "get");
    json_set_str(what, "version", "v1");
    json_set_str(what, "resource", "secrets");
    json_set_str(what, "namespace", request->namespace);
    if (!str_equal(secret, ACCESS_TO_ALL))
        json_set_str(what, "name", secret);
    json_print(review, out);
}

bool access_allowed(const struct json *answer)
{
    return json_is_true(json_at(answer, "status.allowed")) && !json_is_true(json_at(answer, "status.denied"));
}
