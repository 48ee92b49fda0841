/* The certificate that the webhook serves now: one that our own authority signed and that is kept in memory,
 * or a mounted pair that somebody else (cert-manager) renews.
 *
 * serving_certificate is for any thread, everything else for one, the ticker. */
#pragma once

#include "certs/authority.h"
#include "common/http/certificate.h"

struct serving;

/* Without a certificate: serving_set gives the first one, before a server is started. */
struct serving *serving_new(void);

/* A directory with tls.crt, tls.key and, if clients cannot know the authority otherwise, ca.crt.
 * ERR_FATAL says which file is wrong and how. */
int serving_dir(const char *dir, struct serving **ret_serving, struct err *err)
    __attribute__((warn_unused_result));

void serving_free(struct serving *serving); /* accepts NULL; the server must have been stopped */

/* From now on this one is served to new connections. On failure the old one stays. */
int serving_set(struct serving *serving, const struct pem_pair *leaf, struct err *err)
    __attribute__((warn_unused_result));

/* The http_certificate_fn of the server; `serving` is the struct serving. */
struct http_certificate *serving_certificate(void *serving);

/* What is served, the server's own certificate first, and the ca.crt of a mounted pair (NULL: there is none);
 * PEM, until the next serving_set or serving_tick. */
const char *serving_chain(const struct serving *serving);
const char *serving_ca(const struct serving *serving);

/* To be called every few seconds. Reads a mounted pair again and serves it when it has changed, or keeps the
 * old one when the new one cannot be used, and logs either. Sets the expiry metric. */
void serving_tick(struct serving *serving, int64_t wall_s);
