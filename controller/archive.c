/* Questions to S3 about the code, and what status.deployed remembers of it. Nothing here is fatal: what S3
 * does not tell is decided without it. */
#include "controller/archive.h"

#include "common/base/json_scan.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/function/function.h"
#include "controller/history.h"

enum { HEAD_TIMEOUT_MS = 5 * 1000, TOKEN_MAX_BYTES = 256 };

static bool is_archive(const struct json *spec)
{
    return json_str_at(spec, "code.s3Bucket") && json_str_at(spec, "code.s3Key");
}

static bool ask(const struct run *run, struct s3_object *ret_object)
{
    const struct json *spec = run->resource.spec;
    struct err err;

    if (s3_head_wait(run->aws, run->region, json_str_at(spec, "code.s3Bucket"),
                     json_str_at(spec, "code.s3Key"), json_str_at(spec, "code.s3ObjectVersion"),
                     HEAD_TIMEOUT_MS, ret_object, &err) == 0)
        return true;
    log_debug("the artifact is not known", "function", run->resource.key, "error", err.msg);
    return false;
}

/* Asked for once more what was deployed for, or for the first time. */
static bool is_requested(const struct run *run)
{
    const struct json *deployed = run_deployed(run);

    return run->redeploy && deployed && !str_equal(run->redeploy, json_str_at(deployed, "redeploy"));
}

char *archive_request(const struct resource *resource)
{
    const char *token = json_str(json_get(json_get(resource->metadata, "annotations"), FUNCTION_REDEPLOY));

    return token && *token ? xstrndup(token, utf8_prefix(token, TOKEN_MAX_BYTES)) : NULL;
}

bool archive_ask(struct run *run)
{
    const struct json *spec = run->resource.spec;

    if (run->artifact_asked || !is_archive(spec) ||
        (history_declares(run_deployed(run), spec) && !is_requested(run)))
        return false;
    run->artifact_asked = true;
    if (!ask(run, &run->artifact))
        run->artifact = (struct s3_object){0};
    return true;
}

void archive_look(struct run *run)
{
    const struct json *spec = run->resource.spec;

    if (!run->memory->full || run->found_asked || !is_archive(spec) ||
        json_str_at(spec, "code.s3ObjectVersion") || !history_declares(run_deployed(run), spec))
        return;
    run->found_asked = true;
    run->is_found = ask(run, &run->found);
    if (archive_redeploys(run)) {
        run->artifact = run->found;
        run->artifact_asked = true;
    }
}

/* By what tells most: the hash of the content, else the object's version, else its etag. */
bool archive_is_overwritten(const struct run *run)
{
    const struct json *deployed = run_deployed(run);
    const char *sha256 = json_str_at(deployed, "codeSha256"), *version = json_str_at(deployed, "versionId"),
               *etag = json_str_at(deployed, "etag");

    if (!run->is_found)
        return false;
    if (run->found.sha256[0] && sha256)
        return !str_equal(run->found.sha256, sha256);
    if (run->found.version_id[0] && version)
        return !str_equal(run->found.version_id, version);
    return run->found.etag[0] && etag && !str_equal(run->found.etag, etag);
}

bool archive_redeploys(const struct run *run)
{
    return is_requested(run) ||
           (json_is_true(json_at(run->resource.spec, "code.follow")) && archive_is_overwritten(run));
}

struct json *run_new_deployed(const struct run *run, const struct json *observed, bool just_now)
{
    const struct json *before = run_deployed(run);
    /* Which object AWS took just now only S3 could have told. */
    const char *version = just_now ? NULL : json_str_at(before, "versionId"),
               *etag = just_now ? NULL : json_str_at(before, "etag");

    if (run->artifact_asked) {
        version = run->artifact.version_id;
        etag = run->artifact.sha256[0] ? "" : run->artifact.etag;
    } else if (!just_now && run->is_found && !run->found.sha256[0] && !archive_is_overwritten(run)) {
        version = run->found.version_id; /* from now on another one is known as such */
        etag = run->found.etag;
    }
    struct json *deployed = plan_deployed(run->resource.spec, observed, version);

    if (etag && *etag)
        json_set_str(deployed, "etag", etag);
    json_set_str(deployed, "redeploy", run->redeploy ? run->redeploy : json_str_at(before, "redeploy"));
    return deployed;
}
