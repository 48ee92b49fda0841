/* The decision about one AdmissionReview. Pure. */
#include "webhook/review.h"

#include "common/base/mem.h"
#include "common/function/check.h"
#include "common/function/fields.h"
#include "webhook/access.h"
#include "webhook/mutate.h"
#include "webhook/preview.h"

enum {
    UNPACKED_MAX_BYTES = 262144000,
    MAX_VALUES = 100000, /* before anything is allocated for them: 9 MB on each worker */
    MAX_UID_BYTES = 128, /* real ones have 36; it is part of the answer */
};

/* --- reading the request ------------------------------------------------------------------ */

static bool is_kind(const struct json *kind, const char *name)
{
    return str_equal(json_str_at(kind, "group"), "kubelambda.io") &&
           str_equal(json_str_at(kind, "kind"), name);
}

static const struct json_unwanted in_metadata[] = {
    {.key = "managedFields"}, {.key = "annotations"}, {.key = "labels"}, {.key = "ownerReferences"}, {0}};
static const struct json_unwanted in_object[] = {
    {.key = "metadata", .below = in_metadata}, {.key = "status"}, {0}};
static const struct json_unwanted in_old_object[] = {{.key = "metadata", .below = in_metadata}, {0}};
static const struct json_unwanted in_request[] = {{.key = "object", .below = in_object, .strict = true},
                                                  {.key = "oldObject", .below = in_old_object},
                                                  {.key = "resource"},
                                                  {.key = "requestKind"},
                                                  {.key = "requestResource"},
                                                  {.key = "options"},
                                                  {0}};
static const struct json_unwanted in_review[] = {{.key = "request", .below = in_request}, {0}};

int review_parse(struct str_view body, struct review_request *ret_request, struct err *err)
{
    _cleanup_(json_freep) struct json *root = NULL;
    int r = json_parse_without(body, in_review, MAX_VALUES, &root, err);

    if (r < 0)
        return err_wrap(err, "the body is no AdmissionReview");
    const char *version = json_str_at(root, "apiVersion");

    if (!str_equal(json_str_at(root, "kind"), "AdmissionReview") ||
        !str_equal(version, "admission.k8s.io/v1"))
        return err_set(err, ERR_INVALID, "expected an AdmissionReview of admission.k8s.io/v1");
    const struct json *request = json_get(root, "request"), *kind = json_get(request, "kind");
    const char *uid = json_str_at(request, "uid"), *operation = json_str_at(request, "operation");

    if (!uid || !operation)
        return err_set(err, ERR_INVALID, "the AdmissionReview has no request with a uid and an operation");
    if (strlen(uid) > MAX_UID_BYTES)
        return err_set(err, ERR_INVALID, "the uid of the AdmissionReview is longer than %d bytes",
                       MAX_UID_BYTES);
    const struct json *object = json_get(request, "object"), *old = json_get(request, "oldObject");
    const char *name = json_str_at(request, "name");

    if (!name || !*name)
        name = json_str_at(object, "metadata.name");
    if (is_kind(kind, "LambdaFunction") && !json_str_at(request, "namespace"))
        return err_set(err, ERR_INVALID, "the AdmissionReview of a LambdaFunction names no namespace");
    *ret_request = (struct review_request){
        .uid = uid,
        .operation = operation,
        .namespace = json_str_at(request, "namespace"),
        .name = name && *name ? name : NULL,
        .object = json_type(object) == JSON_OBJECT ? object : NULL,
        .old_object = json_type(old) == JSON_OBJECT ? old : NULL,
        .user = json_get(request, "userInfo"),
        .dry_run = json_is_true(json_get(request, "dryRun")),
        .ours = is_kind(kind, "LambdaFunction"),
        .policy = is_kind(kind, "LambdaPolicy"),
        .root = take(root),
    };
    return 0;
}

void review_request_done(struct review_request *request)
{
    json_free(request->root);
    *request = (struct review_request){0};
}

/* --- deciding ----------------------------------------------------------------------------- */

static bool code_changed(const struct json *spec, const struct json *old_spec)
{
    return !json_equal(json_get(spec, "code"), json_get(old_spec, "code"));
}

/* Is there enough to ask S3 with, and anything new to ask about? */
static bool wants_artifact(const struct json *spec, const struct json *old_spec)
{
    const char *bucket = json_str_at(spec, "code.s3Bucket"), *key = json_str_at(spec, "code.s3Key");
    const char *region = json_str_at(spec, "region");

    return bucket && *bucket && key && *key && region && *region && code_changed(spec, old_spec);
}

static bool artifact_required(const struct review_facts *facts)
{
    enum policy_unavailable said =
        facts->policy ? facts->policy->artifact_unavailable : POLICY_UNAVAILABLE_UNSAID;

    return said == POLICY_UNAVAILABLE_UNSAID ? facts->artifact_required : said == POLICY_UNAVAILABLE_REJECT;
}

/* The size is that of the archive; AWS counts what is in it, so that it can only be a warning. */
static void judge_size(const char *key, const struct review_facts *facts, struct findings *findings)
{
    if (facts->artifact_empty)
        findings_add(findings, FINDING_INVALID, true, "spec.code.s3Key", key,
                     "the object is empty; AWS takes a zip archive");
    else if (facts->artifact_bytes > UNPACKED_MAX_BYTES)
        findings_add(findings, FINDING_INVALID, true, "spec.code.s3Key", key,
                     "%lld bytes; AWS takes at most %d unpacked, with all layers",
                     (long long)facts->artifact_bytes, UNPACKED_MAX_BYTES);
}

static void judge_artifact(const struct json *spec, const struct review_facts *facts,
                           struct findings *findings)
{
    const char *bucket = json_str_at(spec, "code.s3Bucket"), *key = json_str_at(spec, "code.s3Key");
    const char *version = json_str_at(spec, "code.s3ObjectVersion");

    switch (facts->artifact) {
    case ARTIFACT_UNASKED:
        return;
    case ARTIFACT_FOUND:
        judge_size(key, facts, findings);
        return;
    case ARTIFACT_MISSING:
        if (version && *version)
            findings_add(findings, FINDING_NOT_FOUND, false, "spec.code.s3ObjectVersion", version,
                         "the bucket %s has no such version of %s", bucket, key);
        else if (*key == '/' || str_starts_with(key, "s3://"))
            findings_add(findings, FINDING_NOT_FOUND, false, "spec.code.s3Key", key,
                         "there is no such object in the bucket %s; write only the key, which begins after "
                         "the bucket and a slash",
                         bucket);
        else
            findings_add(findings, FINDING_NOT_FOUND, false, "spec.code.s3Key", key,
                         "there is no such object in the bucket %s; upload it first", bucket);
        return;
    case ARTIFACT_UNREADABLE:
        findings_add(
            findings, FINDING_NOT_FOUND, false, "spec.code.s3Key", key,
            "missing in the bucket %s, or not readable with kubelambda's credentials; S3 tells which "
            "when they may also s3:ListBucket",
            bucket);
        return;
    case ARTIFACT_ELSEWHERE:
        findings_add(findings, FINDING_INVALID, false, "spec.code.s3Bucket", bucket,
                     "the bucket is in %s, the function in %s; use a bucket of the function's region",
                     facts->artifact_detail && *facts->artifact_detail ? facts->artifact_detail
                                                                       : "another region",
                     json_str_at(spec, "region"));
        return;
    case ARTIFACT_BAD_VERSION:
        findings_add(findings, FINDING_INVALID, false, "spec.code.s3ObjectVersion", version,
                     "S3 refuses it: no version id of %s in the bucket %s, or a delete marker", key, bucket);
        return;
    case ARTIFACT_ARCHIVED:
        findings_add(
            findings, FINDING_INVALID, false, "spec.code.s3Key", key,
            "Lambda cannot read it from the storage class %s; restore it, or upload it again as STANDARD",
            facts->artifact_detail && *facts->artifact_detail ? facts->artifact_detail : "of an archive");
        return;
    case ARTIFACT_UNAVAILABLE:
        if (artifact_required(facts))
            findings_add(findings, FINDING_INVALID, false, "spec.code.s3Key", key,
                         "S3 could not be asked whether it exists (%s); try again", facts->artifact_detail);
        else
            findings_add(findings, FINDING_INVALID, true, "spec.code.s3Key", NULL,
                         "not checked, S3 could not be asked (%.60s)", facts->artifact_detail);
        return;
    }
}

static char *name_not_valid(const char *name)
{
    struct str message = STR_INIT(4096);

    str_add(&message, "Invalid value: ");
    str_add_json(&message, name);
    str_add(&message, ": made from metadata.name, but AWS takes 1 to 64 letters, digits, hyphens and "
                      "underscores; write a spec.functionName");
    return str_take(&message);
}

/* A function name that cannot be made, or that we made and that is not valid, is explained by its source. */
static void judge_name(const struct review_request *request, const struct json *spec,
                       struct findings *findings)
{
    bool generated = json_str_at(request->object, "metadata.generateName") != NULL;
    bool written = json_type(json_at(request->object, "spec.functionName")) > JSON_NULL ||
                   json_type(json_at(request->old_object, "spec.functionName")) > JSON_NULL;

    for (size_t i = 0; i < findings->count; i++) {
        struct finding *finding = &findings->items[i];

        if (written || !str_equal(finding->field, "spec.functionName"))
            continue;
        free(finding->message);
        if (generated && finding->reason == FINDING_REQUIRED)
            finding->message =
                xstrdup("Required value: metadata.generateName gives no name to derive it from; "
                        "write spec.functionName, or metadata.name instead");
        else if (finding->reason == FINDING_REQUIRED)
            finding->message = xstrdup("Required value: write the name that the function has in AWS");
        else
            finding->message = name_not_valid(json_str_at(spec, "functionName"));
    }
}

/* One function cannot follow two resources. Where it came to that, what does not make it worse passes. */
static void judge_holder(const struct json *spec, const struct json *old_spec,
                         const struct review_facts *facts, struct findings *findings)
{
    const char *name = json_str_at(spec, "functionName");
    bool unchanged = str_equal(name, json_str_at(old_spec, "functionName"));

    if (facts->holder)
        findings_add(findings, FINDING_INVALID, unchanged, "spec.functionName", name,
                     "is used by the LambdaFunction %s in this account and region; choose another name",
                     facts->holder);
}

/* Another mutating webhook may still fill in what is absent, so the mutating phase refuses only for what
 * is there and wrong. */
static bool refuses(enum review_phase phase, const struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (!findings->items[i].warning &&
            (phase == REVIEW_VALIDATE || findings->items[i].reason != FINDING_REQUIRED))
            return true;
    return false;
}

/* What is no name of a bucket or a region is told as such, and means nothing to S3. */
static bool misnames_artifact(const struct findings *findings)
{
    static const char *const names[] = {"spec.code.s3Bucket", "spec.code.s3Key", "spec.region"};

    for (size_t i = 0; i < findings->count; i++)
        for (size_t j = 0; j < ARRAY_LEN(names) && !findings->items[i].warning; j++)
            if (str_equal(findings->items[i].field, names[j]))
                return true;
    return false;
}

/* What others have to say of this spec, and has not been asked yet. */
static enum review_need ask(const struct json *spec, const struct json *old_spec,
                            const struct review_facts *facts, struct review_verdict *verdict)
{
    free(verdict->access_to);
    verdict->access_to = xstrdup(access_wanted(spec, old_spec, facts));
    if (verdict->access_to)
        return REVIEW_NEEDS_ACCESS;
    return facts->artifact == ARTIFACT_UNASKED && wants_artifact(spec, old_spec) &&
                   !misnames_artifact(&verdict->findings)
               ? REVIEW_NEEDS_ARTIFACT
               : REVIEW_NEEDS_NOTHING;
}

static void fill_in(enum review_phase phase, const struct review_request *request,
                    const struct review_facts *facts, struct review_verdict *verdict)
{
    struct mutate_result mutated = {.spec = json_get(request->object, "spec")};

    if (phase == REVIEW_MUTATE)
        mutate(request, facts, &mutated);
    verdict->spec = mutated.spec;
    verdict->filled = mutated.filled;
    verdict->patch = mutated.patch;
    verdict->stage = REVIEW_FILLED;
}

static void judge(const struct review_request *request, const struct review_facts *facts,
                  struct review_verdict *verdict)
{
    struct findings *findings = &verdict->findings;
    const struct json *spec = verdict->spec, *old_spec = json_get(request->old_object, "spec");

    check_spec(&(struct check){spec, old_spec, facts->runtimes, facts->today,
                               json_get(request->old_object, "status")},
               findings);
    judge_name(request, spec, findings);
    policy_judge(facts->policy, &(struct policy_subject){spec, old_spec, mutate_environment(facts)},
                 findings);
    judge_holder(spec, old_spec, facts, findings);
    verdict->stage = REVIEW_JUDGED;
}

/* Collects all findings, or says what has to be asked first and goes on from there with the answer. */
static enum review_need judge_all(enum review_phase phase, const struct review_request *request,
                                  const struct review_facts *facts, struct review_verdict *verdict)
{
    struct findings *findings = &verdict->findings;
    const struct json *spec = verdict->spec, *old_spec = json_get(request->old_object, "spec");

    if (json_type(spec) != JSON_OBJECT) {
        findings_add(
            findings, FINDING_TYPE, false, "spec", NULL,
            "must be an object with code and role, for a zip archive with runtime and handler, not %s",
            json_type_name(spec));
        return REVIEW_NEEDS_NOTHING;
    }
    if (!facts->holder_known)
        return REVIEW_NEEDS_HOLDER;
    if (verdict->stage == REVIEW_FILLED)
        judge(request, facts, verdict);
    /* The mutating phase asks others only to make a refusal complete; the validating one always does. */
    if (phase == REVIEW_MUTATE && !refuses(phase, findings))
        return REVIEW_NEEDS_NOTHING;
    enum review_need need = ask(spec, old_spec, facts, verdict);

    if (need != REVIEW_NEEDS_NOTHING)
        return need;
    access_judge(request, spec, old_spec, facts, findings);
    if (wants_artifact(spec, old_spec))
        judge_artifact(spec, facts, findings);
    return REVIEW_NEEDS_NOTHING;
}

static enum review_need review_spec(enum review_phase phase, const struct review_request *request,
                                    const struct review_facts *facts, struct review_verdict *verdict)
{
    if (facts->namespace_error) {
        verdict->message =
            xasprintf("the namespace %s, which says the environment and the policies, cannot be read (%s); "
                      "try again",
                      request->namespace, facts->namespace_error);
        return REVIEW_NEEDS_NOTHING;
    }
    if (!facts->namespace_known)
        return REVIEW_NEEDS_NAMESPACE;
    if (verdict->stage == REVIEW_BEGUN)
        fill_in(phase, request, facts, verdict);
    enum review_need need = judge_all(phase, request, facts, verdict);

    verdict->allowed = !refuses(phase, &verdict->findings);
    if (need != REVIEW_NEEDS_NOTHING)
        return need;
    if (phase == REVIEW_VALIDATE && verdict->allowed && request->dry_run)
        preview(request, facts, &verdict->findings);
    findings_cap(&verdict->findings);
    return REVIEW_NEEDS_NOTHING;
}

/* Does `a` have a member that is not so in `b`? How to leave a function alone does not count. */
static bool has_other_members(const struct json *a, const struct json *b)
{
    for (const struct json *member = json_first(a); member; member = json_next(member)) {
        const char *key = json_key(member);

        if (!str_equal(key, "deletionPolicy") && !str_equal(key, "suspend") &&
            !json_equal(member, json_get(b, key)))
            return true;
    }
    return false;
}

/* Does the update change anything that could be wrong? Whoever wants to suspend or keep a function is not
 * held up by the rest of its spec. */
static bool changes_something(const struct review_request *request)
{
    const struct json *spec = json_get(request->object, "spec");
    const struct json *old_spec = json_get(request->old_object, "spec");

    if (json_type(spec) != JSON_OBJECT || json_type(old_spec) != JSON_OBJECT)
        return !json_equal(spec, old_spec);
    return has_other_members(spec, old_spec) || has_other_members(old_spec, spec);
}

/* A namespace that is being deleted is not held up: who may delete it may delete what is in it. */
static enum review_need review_deletion(const struct review_request *request,
                                        const struct review_facts *facts, struct review_verdict *verdict)
{
    const char *protects = facts->policy ? facts->policy->deletion_protection : NULL;

    if (json_at(request->old_object, "metadata.deletionTimestamp")) {
        verdict->allowed = true; /* it was allowed before */
        return REVIEW_NEEDS_NOTHING;
    }
    if (facts->namespace_error) {
        verdict->message =
            xasprintf("the namespace %s, which says whether functions may be deleted, cannot be "
                      "read (%s); try again",
                      request->namespace, facts->namespace_error);
    } else if (!facts->namespace_known) {
        return REVIEW_NEEDS_NAMESPACE;
    } else if (protects && !facts->namespace_deleting) {
        findings_add(&verdict->findings, FINDING_FORBIDDEN, false, "metadata.name", NULL,
                     "the LambdaPolicy %s protects the functions of the namespace %s from deletion; whoever "
                     "administers it can lift its deletionProtection",
                     protects, request->namespace);
        verdict->findings.items[verdict->findings.count - 1].policy = xstrdup(protects);
    } else {
        verdict->allowed = true;
    }
    return REVIEW_NEEDS_NOTHING;
}

static void review_policy(enum review_phase phase, const struct review_request *request,
                          const struct review_facts *facts, struct review_verdict *verdict)
{
    const struct json *spec = json_get(request->object, "spec");

    if (json_type(spec) == JSON_OBJECT)
        policy_check(spec, json_get(request->old_object, "spec"), facts->runtimes, facts->today,
                     &verdict->findings);
    else
        findings_add(&verdict->findings, FINDING_TYPE, false, "spec", NULL, "must be an object, not %s",
                     json_type_name(spec));
    verdict->allowed = !refuses(phase, &verdict->findings);
    findings_cap(&verdict->findings);
}

enum review_need review(enum review_phase phase, const struct review_request *request,
                        const struct review_facts *facts, struct review_verdict *verdict)
{
    bool create = str_equal(request->operation, "CREATE"), update = str_equal(request->operation, "UPDATE");
    bool delete = str_equal(request->operation, "DELETE");

    /* Finalizers and labels must always be able to change, whatever the rules say of the spec by now. */
    if (request->ours && request->object && (create || (update && changes_something(request))))
        return review_spec(phase, request, facts, verdict);

    if (request->ours && delete)
        return review_deletion(request, facts, verdict);
    if (request->policy && request->object && (create || update)) {
        review_policy(phase, request, facts, verdict);
        return REVIEW_NEEDS_NOTHING;
    }
    verdict->allowed = true;
    if (!request->ours && !request->policy)
        findings_add(
            &verdict->findings, FINDING_INVALID, true, "kind", NULL,
            "kubelambda was asked about a resource that is not its own; mend the webhook configuration");
    else if (!create && !update && !delete)
        findings_add(&verdict->findings, FINDING_INVALID, true, "operation", request->operation,
                     "not judged by kubelambda; mend the webhook configuration");
    return REVIEW_NEEDS_NOTHING;
}

void review_verdict_done(struct review_verdict *verdict)
{
    free(verdict->message);
    free(verdict->access_to);
    str_done(&verdict->patch);
    json_free(verdict->filled);
    findings_done(&verdict->findings);
    *verdict = (struct review_verdict){0};
}
