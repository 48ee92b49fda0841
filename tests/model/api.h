/* A model of the API server: LambdaFunctions with their generation, version, status and finalizers. It does
 * no I/O and knows nothing of the controller. One thread. */
#pragma once

#include "common/base/json.h"
#include "tests/model/schedule.h"

struct api {
    struct json *objects[RESOURCES]; /* "n/a", "n/b"; NULL: there is none */
    int64_t version, uids;
    unsigned status_writes;
    struct json *gone[RESOURCES]; /* as the last one of that name was when it went */
};

void api_done(struct api *api);

/* What users do; nothing where there is such an object, or none. */
void api_create(struct api *api, size_t which, const char *function_name);
void api_edit(struct api *api, size_t which, const char *merge_patch);
void api_delete(struct api *api, size_t which);

/* A PATCH of the controller. The HTTP status; *ret_answer (the caller frees) is the object or a Status. */
int api_patch(struct api *api, const char *path, const struct json *body, struct json **ret_answer);

/* The resource in ".../lambdafunctions/a/status". */
size_t api_which(const char *path);
