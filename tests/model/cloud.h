/* A model of AWS Lambda and S3, as much of them as the schedules need: functions with code, configuration,
 * states, revisions, tags, versions and aliases. It is told the time, does no I/O and knows nothing of the
 * controller. Facts: the service's model, and recorded answers. One thread. */
#pragma once

#include "common/aws/sign.h"
#include "common/base/json.h"
#include "tests/model/schedule.h"

struct cloud_function {
    struct json *shown;  /* as GetFunction answers; NULL: there is none */
    struct json *before; /* what reads show until `before_until_ms`; NULL: no function */
    int64_t before_until_ms;
    struct json *invoke;   /* as GetFunctionEventInvokeConfig answers; NULL: none */
    struct json *versions; /* configurations, the oldest first */
    struct json *aliases;
    int64_t next_version;
    int64_t settles_ms;   /* when what is under way ends; 0: nothing is */
    struct json *revert;  /* the configuration that comes back then, as the update fails */
    unsigned meddled;     /* counts what somebody else did to it */
    unsigned moved;       /* what that was when an alias was moved */
    struct json *touched; /* paths in `shown` that somebody else set */
    bool broken;          /* an update revives it */
    bool inherited;       /* it was there before its owner took it over, with whatever it had */
    bool retained;        /* its resource went and left it */
    bool served_stale;    /* a read showed what was before */
};

struct cloud {
    int64_t now_ms;
    struct cloud_function functions[FUNCTIONS]; /* named "f", "g" */
    unsigned contents[ARCHIVES];                /* of "a.zip", …: counts how often each was overwritten */
    bool tells_sha256;                          /* S3 knows the archives' hashes */
    int64_t create_ms, update_ms;               /* how long each takes */
    int64_t lags_until_ms, lag_ms, refuses_role_until_ms, ignores_updates_until_ms, fails_updates_until_ms,
        fails_creations_until_ms;
    unsigned revisions;
    unsigned changes; /* by whomever */
};

void cloud_done(struct cloud *cloud);

struct cloud_request {
    const char *operation; /* "CreateFunction" */
    const char *name;      /* of the function; NULL: it is in the body */
    const char *item;      /* an alias's name or a version, where the operation is about one; else NULL */
    const struct sign_query *query;
    size_t query_count;
    const struct json *body;
};

/* NULL: there is no such function, or none of that name. */
struct cloud_function *cloud_find(struct cloud *cloud, const char *name);

/* The owner's tag; NULL: none. */
const char *cloud_owner(const struct cloud_function *function);

/* Does the operation change anything? */
bool cloud_writes(const char *operation);

/* Does what is asked for. The HTTP status; *ret_answer (the caller frees) may be NULL. */
int cloud_serve(struct cloud *cloud, const struct cloud_request *request, struct json **ret_answer);

/* Somebody else does something. */
void cloud_meddle(struct cloud *cloud, const struct action *action);

/* "a.zip/2": the archive's content, which stands for all of its hashes; the caller frees. */
char *cloud_content(const struct cloud *cloud, const char *key);

/* For the parts of the model itself. */
void cloud_note_change(struct cloud *cloud, struct cloud_function *function, bool settles);
int cloud_refuse(struct json **ret_answer, int status, const char *code, const char *message);
void cloud_merge(struct json *into, const struct json *from);
int cloud_serve_versions(struct cloud *cloud, struct cloud_function *function,
                         const struct cloud_request *request, struct json **ret_answer);
