/* Whose client certificates a TLS server takes: those by the authorities in a file, which is read again when
 * it changes. Any thread. */
#pragma once

#include "common/base/err.h"

#include <gnutls/gnutls.h>
#include <stdbool.h>

struct http_trust;

/* `name`: what the certificate's common name must be; NULL: any. Both are copied. ERR_FATAL says what is
 * wrong with the file. */
int http_trust_open(const char *path, const char *name, struct http_trust **ret_trust, struct err *err)
    __attribute__((warn_unused_result));
void http_trust_free(struct http_trust *trust); /* accepts NULL; its servers must have been stopped */

/* To be called every few seconds: takes a changed file in, or keeps the old authorities, and logs either.
 * Accepts NULL. */
void http_trust_tick(struct http_trust *trust);

/* Has the client of this session, whose handshake is over, such a certificate? */
bool http_trust_accepts(struct http_trust *trust, gnutls_session_t session);
