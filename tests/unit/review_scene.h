/* A review of the LambdaFunction team/hello: what is known, what is asked, what is answered. */
#pragma once

#include "common/base/mem.h"
#include "tests/unit/texts.h"
#include "webhook/review.h"

/* Of a namespace that has been read; nobody else has the name, and the artifact is there. */
static inline struct review_facts facts(void)
{
    return (struct review_facts){.today = "2026-11-24",
                                 .runtimes = &runtimes_builtin,
                                 .default_region = "us-east-1",
                                 .namespace_known = true,
                                 .environment = "preview",
                                 .holder_known = true,
                                 .artifact = ARTIFACT_FOUND,
                                 .artifact_bytes = 7};
}

/* `rest` are further members of the AdmissionReview's request, each after a comma. */
static inline struct review_request request_of(const char *kind, const char *operation, const char *rest)
{
    _cleanup_(freep) char *body = xasprintf(
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u1\","
        "\"kind\":{\"group\":\"kubelambda.io\",\"version\":\"v1alpha1\",\"kind\":\"%s\"},"
        "\"userInfo\":{\"username\":\"alice\",\"uid\":\"7\",\"groups\":[\"devs\"],\"extra\":{\"a\":[\"b\"]}},"
        "\"operation\":\"%s\",\"namespace\":\"team\",\"name\":\"hello\"%s}}",
        kind, operation, rest);
    struct review_request parsed;
    struct err err;

    if (review_parse(view(body), &parsed, &err) < 0)
        fail_msg("%s", err.msg);
    return parsed;
}

/* A member of the request: an object with the members `spec`; "" without them. The caller frees. */
static inline char *with_spec(const char *member, const char *spec)
{
    return spec ? xasprintf(",\"%s\":{\"metadata\":{\"name\":\"hello\"},\"spec\":{%s}}", member, spec)
                : xstrdup("");
}

static inline struct review_request request_about(const char *kind, const char *operation, const char *spec,
                                                  const char *old_spec)
{
    _cleanup_(freep) char *object = with_spec("object", spec), *old = with_spec("oldObject", old_spec);
    _cleanup_(freep) char *rest = xasprintf("%s%s", object, old);

    return request_of(kind, operation, rest);
}

static inline struct review_request request(const char *operation, const char *spec, const char *old_spec)
{
    return request_about("LambdaFunction", operation, spec, old_spec);
}

/* The whole answer as text, once nothing more is needed. Ends the request; the caller frees. */
static inline char *answer(enum review_phase phase, struct review_request asked,
                           const struct review_facts *known)
{
    struct review_verdict verdict = {0};
    struct str text = STR_INIT(1 << 20);

    assert_int_equal(review(phase, &asked, known, &verdict), REVIEW_NEEDS_NOTHING);
    review_response(&asked, &verdict, &text);
    review_verdict_done(&verdict);
    review_request_done(&asked);
    return str_take(&text);
}
