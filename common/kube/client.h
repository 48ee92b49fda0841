/* Requests to the API server: JSON in, JSON out, errors typed by its Status answers. */
#pragma once

#include "common/base/json.h"
#include "common/kube/config.h"

struct kube;

#define KUBE_GROUP "kubelambda.io"
#define KUBE_VERSION "v1alpha1"
#define KUBE_API_VERSION KUBE_GROUP "/" KUBE_VERSION
#define KUBE_FUNCTIONS_PATH "/apis/" KUBE_API_VERSION "/lambdafunctions"
#define KUBE_POLICIES_PATH "/apis/" KUBE_API_VERSION "/lambdapolicies"

#define KUBE_APPLY "application/apply-patch+yaml"
#define KUBE_MERGE_PATCH "application/merge-patch+json"
#define KUBE_JSON_PATCH "application/json-patch+json"

/* Both must outlive the client. */
struct kube *kube_new(struct http *http, const struct kube_config *config);
void kube_free(struct kube *kube);

struct kube_request {
    const char *method;
    const char *path;         /* with its query */
    const char *content_type; /* of the body; default application/json */
    struct str_view body;
    int64_t timeout_ms; /* of the whole call, also where it is repeated with new credentials; default 10 s */
};

/* The answer's object in *ret_object (may be NULL: not wanted); the caller frees.
 * 404 ERR_NOT_FOUND, 409 ERR_CONFLICT, 401/403 ERR_DENIED, 429 ERR_THROTTLED, 5xx and transport
 * ERR_RETRY, 400/422 ERR_INVALID; `status` is set, `code` is the Status' reason, `msg` its message. */
int kube_call(struct kube *kube, const struct kube_request *request, struct json **ret_object,
              struct err *err) __attribute__((warn_unused_result));

/* The same without blocking; called once, on the http thread. The object is the callee's to free
 * or NULL when `err` is set. */
typedef void kube_done_fn(void *arg, struct json *object, const struct err *err);
void kube_submit(struct kube *kube, const struct kube_request *request, kube_done_fn *done, void *arg);

struct http *kube_http(struct kube *kube); /* the client that it was made with */

/* A GET whose answer arrives piece by piece (a watch); events, silence and closing as for
 * http_stream_open. Its `end` is to call kube_stream_ended, which counts the request and reads the
 * token anew when it was refused. */
struct http_stream *kube_stream_open(struct kube *kube, const char *path, int64_t silence_ms,
                                     const struct http_stream_events *events, void *arg);
void kube_stream_ended(struct kube *kube, const struct err *err);
