/* The webhook's HTTPS side: /mutate and /validate. Fetches the facts that a review asks for without
 * blocking a request thread: the exchange is suspended, the question asked on the http thread. */
#pragma once

#include "common/aws/client.h"
#include "common/function/policies.h"
#include "common/function/registry.h"
#include "common/function/runtimes.h"
#include "common/http/server.h"
#include "common/kube/events.h"
#include "common/kube/informer.h"

struct webhook;

struct webhook_options { /* everything must outlive the webhook */
    struct kube *kube;
    struct aws *aws;
    struct events *events;
    struct informer *functions, *namespaces;
    struct policies *policies;
    struct registry *names; /* in use */
    /* What has not been read yet of the functions, namespaces and policies, in words; NULL: nothing. Until
     * then no function is judged. Any thread. */
    const char *(*unread)(const void *arg);
    const void *unread_arg;
    const struct runtimes_now *runtimes;
    const char *listen;              /* "0.0.0.0:9443" */
    const char *default_environment; /* may be NULL */
    bool artifact_required;          /* refuse when S3 does not answer */
    http_certificate_fn *certificate;
    void *certificate_arg;
    struct http_trust *trust; /* NULL: everybody may ask */
};

int webhook_start(const struct webhook_options *options, struct webhook **ret_webhook, struct err *err)
    __attribute__((warn_unused_result));
void webhook_tick(struct webhook *webhook); /* every second; accepts NULL */
int webhook_port(const struct webhook *webhook);

/* As http_server_stop; accepts NULL. */
void webhook_stop(struct webhook *webhook, int64_t drain_ms);

/* After webhook_stop. Blocks until no question is open any more whose answer would continue a review, no
 * longer than the timeout that the API server gave with it: up to 29 s. Accepts NULL. */
void webhook_free(struct webhook *webhook);
