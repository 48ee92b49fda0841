/* Certificates as a whole: what is served, by which authority, and that the webhook configurations trust it.
 * Nobody leads: every replica does the same with the Secret that they share, as certs/rotation decides.
 *
 * certs_tick is for one thread, the ticker; certs_missing and certs_certificate for any. */
#pragma once

#include "common/base/err.h"
#include "common/http/certificate.h"
#include "common/kube/client.h"
#include "common/kube/events.h"

struct certs;

struct certs_options {
    struct kube *kube;     /* must outlive it, like… */
    struct events *events; /* …this; what is done is told in events of the Secret */
    const char *namespace; /* of the Secret; copied */
    const char *url;       /* https://HOST:PORT; the webhook configurations are written for it. Or: */
    const char *service;   /* "NS/NAME"; the installed configurations get our caBundle. Or neither */
    const char *dir;       /* a mounted pair is served; NULL: our own certificate */
    int64_t lifetime_ms;   /* of our own certificate, renewed after two thirds of it; 0: 30 days */
    int64_t settle_ms;     /* a new authority is shown by both configurations for so long before it signs */
};

/* There is a certificate to serve when it returns; the API server is not asked yet. ERR_FATAL says which
 * option or file is wrong. */
int certs_start(const struct certs_options *options, struct certs **ret_certs, struct err *err)
    __attribute__((warn_unused_result));
void certs_free(struct certs *certs); /* accepts NULL; the server must have been stopped */

/* The http_certificate_fn of the server; `certs` is the struct certs. */
struct http_certificate *certs_certificate(void *certs);

/* To be called every second; blocks on the API server and logs what goes wrong, to be tried again. ERR_FATAL:
 * it never will be right. */
int certs_tick(struct certs *certs, struct err *err) __attribute__((warn_unused_result));

/* What is missing before requests should be sent here; NULL: nothing. Once that was so it stays: a bundle
 * that somebody reverts must not take every replica out of service. */
const char *certs_missing(struct certs *certs);
