/* The plan of a dry run: AWS is taken to be as the old object declares. Pure. */
#include "webhook/preview.h"

#include "common/base/mem.h"
#include "common/function/versions.h"

enum { SUMMARY_MAX_BYTES = 4096 };

#define SOMEBODY "owner" /* the same on both sides: whose it is does not matter here */

static bool differs(const struct json *spec, const struct json *old_spec, const char *path)
{
    return !json_equal(json_at(spec, path), json_at(old_spec, path));
}

static void summarize_changes(const struct review_request *request, const struct review_facts *facts,
                              struct str *summary)
{
    const struct json *spec = json_get(request->object, "spec");
    const struct json *old_spec = json_get(request->old_object, "spec");
    const struct json *status = json_get(request->old_object, "status");
    _cleanup_(json_freep) struct json *observed =
        plan_observed_from(old_spec, SOMEBODY, json_str_at(status, "deployed.codeSha256"));
    _cleanup_(json_freep) struct json *managed = plan_managed(old_spec, json_get(status, "managed"));
    _cleanup_(json_freep) struct json *deployed = plan_deployed(old_spec, observed, NULL);
    _cleanup_(plan_done) struct plan plan = {0};

    versions_observed_from(old_spec, status, observed);
    plan_make(&(struct plan_input){.spec = spec,
                                   .deployed = deployed,
                                   .managed = managed,
                                   .observed = observed,
                                   .owner = SOMEBODY,
                                   .artifact_sha256 = facts->artifact_sha256,
                                   .version = json_str_at(status, "version")},
              &plan);
    plan_summary(&plan, summary);
    if (differs(spec, old_spec, "environment.valueFrom"))
        str_addf(summary, "%schanges environment.valueFrom", summary->len ? "; " : "");
    if (!summary->len && differs(spec, old_spec, "code"))
        str_add(summary, "changes nothing in AWS: the code has the same content");
}

void preview(const struct review_request *request, const struct review_facts *facts,
             struct findings *findings)
{
    const struct json *spec = json_get(request->object, "spec");
    _cleanup_(str_done) struct str summary = STR_INIT(SUMMARY_MAX_BYTES);
    bool deployed = json_at(request->old_object, "status.functionArn") != NULL;

    if (json_is_true(json_get(spec, "suspend")))
        str_add(&summary, "changes nothing in AWS while spec.suspend is true");
    else if (!deployed)
        str_addf(&summary, "creates the function %.64s", json_str_at(spec, "functionName"));
    else
        summarize_changes(request, facts, &summary);
    if (summary.len)
        findings_add(findings, FINDING_INVALID, true, "spec", NULL, "applying this %s", str_text(&summary));
}
