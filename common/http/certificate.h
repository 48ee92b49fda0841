/* What a TLS server hands out: a certificate chain with its key, immutable and reference-counted.
 * A new one replaces the old one as a whole, so that no session ever sees half of a change. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

#include <gnutls/abstract.h>

struct http_certificate {
    gnutls_pcert_st *chain; /* the server's own certificate first */
    unsigned chain_len;
    gnutls_privkey_t key;
    int64_t not_after_s; /* when the server's own certificate expires */
    int references;
};

/* Reads PEM text; the caller owns the one reference. ERR_INVALID when either text cannot be read or
 * the key is not the certificate's. */
int http_certificate_new(struct str_view chain_pem, struct str_view key_pem,
                         struct http_certificate **ret_certificate, struct err *err)
    __attribute__((warn_unused_result));

/* Any thread. */
struct http_certificate *http_certificate_ref(struct http_certificate *certificate);
void http_certificate_unref(struct http_certificate *certificate); /* accepts NULL */
static inline void http_certificate_unrefp(struct http_certificate **certificate)
{
    http_certificate_unref(*certificate);
}
