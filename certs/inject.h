/* Our two webhook configurations: reads them, and writes what of them is ours. Outside a cluster that is the
 * whole, with the URL under which the API server reaches us; in a cluster they are installed, name a service,
 * and only their caBundle is ours.
 *
 * For one thread, the ticker. */
#pragma once

#include "common/base/json.h"
#include "common/kube/client.h"

struct inject;

enum inject_kind { INJECT_MUTATING, INJECT_VALIDATING };

/* The configuration that ought to be there for a URL, complete as it is applied. `ca_pem` NULL: no caBundle,
 * the API server then trusts its system's authorities. The caller frees. */
struct json *inject_document(enum inject_kind kind, const char *url, const char *ca_pem);

/* `url` is https://HOST:PORT, to which /mutate and /validate are added; ERR_FATAL when it is not.
 * The client must outlive it. */
int inject_url(struct kube *kube, const char *url, struct inject **ret_inject, struct err *err)
    __attribute__((warn_unused_result));
struct inject *inject_service(struct kube *kube, const char *namespace, const char *name);
void inject_free(struct inject *inject); /* accepts NULL */

/* Reads both; one that is not there is no error. Blocks on the API server, whose errors it returns. */
int inject_read(struct inject *inject, struct err *err) __attribute__((warn_unused_result));

/* The caBundle as it was read or written last, PEM; NULL: none. Valid until the next read or write. */
const char *inject_bundle(const struct inject *inject, enum inject_kind kind);

/* Writes what differs from how it ought to be; how many that were in *ret_written, also on failure. `ca_pem`
 * NULL: with a URL as in inject_document, with a service the caBundle is left alone. Blocks on the API
 * server. ERR_FATAL: with a URL, one of that name points to a service. With a service, ERR_NOT_FOUND: it is
 * not installed; ERR_INVALID: it points elsewhere. Otherwise the API server's errors. The second is written
 * although the first cannot be, unless that is ERR_FATAL; the first error is told. */
int inject_write(struct inject *inject, const char *ca_pem, unsigned *ret_written, struct err *err)
    __attribute__((warn_unused_result));

/* The last inject_write found or left both as they ought to be. */
bool inject_right(const struct inject *inject);
