/* Writes the AdmissionReview that answers a request. Pure. */
#include "common/base/encode.h"
#include "common/base/mem.h"
#include "webhook/review.h"

enum {
    WARNING_BYTES = 120, /* the API server cuts longer ones when there are many */
    NAME_BYTES = 253,    /* longer it is no name */
};

static void add_member(struct str *out, const char *key, const char *text)
{
    str_add(out, ",\"");
    str_add(out, key);
    str_add(out, "\":");
    str_add_json(out, text);
}

static void add_warnings(const struct findings *findings, struct str *out)
{
    bool any = false;

    for (size_t i = 0; i < findings->count; i++) {
        struct err cut; /* its cut never leaves half a character */

        if (!findings->items[i].warning)
            continue;
        err_set(&cut, ERR_INVALID, "%s: %s", findings->items[i].field, findings->items[i].message);
        for (size_t end = WARNING_BYTES; strlen(cut.msg) > WARNING_BYTES; end--)
            if (((unsigned char)cut.msg[end] & 0xC0) != 0x80)
                cut.msg[end] = '\0';
        str_add(out, any ? "," : ",\"warnings\":[");
        str_add_json(out, cut.msg);
        any = true;
    }
    if (any)
        str_add(out, "]");
}

static void add_causes(const struct findings *findings, struct str *out)
{
    bool any = false;

    str_add(out, ",\"causes\":[");
    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *finding = &findings->items[i];

        if (finding->warning)
            continue;
        str_addf(out, "%s{\"reason\":\"%s\"", any ? "," : "", finding_cause(finding->reason));
        add_member(out, "message", finding->message);
        add_member(out, "field", finding->field);
        str_add(out, "}");
        any = true;
    }
    str_add(out, "]");
}

/* 422 Invalid in the API server's own form, so that kubectl prints it as its own; 403 Forbidden when there
 * is nothing wrong but what the cluster's admin does not want. */
static void add_status(const struct review_request *request, const struct review_verdict *verdict,
                       struct str *out)
{
    /* The API server checks the name only later: it may be of any length and hold control characters. */
    const char *sent = request->name ? request->name : "";
    _cleanup_(freep) char *name = xstrndup(sent, strnlen(sent, NAME_BYTES));
    _cleanup_(str_done) struct str message = STR_INIT(1 << 20);

    if (verdict->message) {
        str_add(out, ",\"status\":{\"status\":\"Failure\",\"code\":503,\"reason\":\"ServiceUnavailable\"");
        add_member(out, "message", verdict->message);
        str_add(out, "}");
        return;
    }
    const char *kind = request->policy ? "LambdaPolicy" : "LambdaFunction";
    bool forbidden = findings_by_policies(&verdict->findings);

    str_addf(&message, "%s.kubelambda.io ", kind);
    str_add_json(&message, name);
    str_add(&message, forbidden ? " is forbidden: " : " is invalid: ");
    findings_summary(&verdict->findings, &message);
    str_addf(out, ",\"status\":{\"status\":\"Failure\",\"code\":%d,\"reason\":\"%s\"", forbidden ? 403 : 422,
             forbidden ? "Forbidden" : "Invalid");
    add_member(out, "message", str_text(&message));
    str_addf(out, ",\"details\":{\"group\":\"kubelambda.io\",\"kind\":\"%s\"", kind);
    add_member(out, "name", name);
    add_causes(&verdict->findings, out);
    str_add(out, "}}");
}

static void add_review(const struct review_request *request, const struct review_verdict *verdict,
                       struct str *out)
{
    str_add(out,
            "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":");
    str_add_json(out, request->uid);
    str_addf(out, ",\"allowed\":%s", verdict->allowed ? "true" : "false");
    if (verdict->allowed && verdict->patch.len) {
        str_add(out, ",\"patchType\":\"JSONPatch\",\"patch\":\"");
        base64_encode(str_view_of(&verdict->patch), out);
        str_add(out, "\"");
    }
    if (!verdict->allowed)
        add_status(request, verdict, out);
    add_warnings(&verdict->findings, out);
    str_add(out, "}}");
}

void review_response(const struct review_request *request, const struct review_verdict *verdict,
                     struct str *out)
{
    static char too_long[] = "kubelambda's answer would be too long; send a smaller object";

    add_review(request, verdict, out);
    if (!out->overflow)
        return;
    str_clear(out);
    add_review(request, &(struct review_verdict){.message = too_long}, out);
}
