/* Reference-counted certificates for TLS servers. Any thread; immutable once made. */
#include "common/http/certificate.h"

#include "common/base/mem.h"

#include <gnutls/x509.h>

enum { KEY_ID_BYTES = 32 };

struct http_certificate *http_certificate_ref(struct http_certificate *certificate)
{
    __atomic_add_fetch(&certificate->references, 1, __ATOMIC_RELAXED);
    return certificate;
}

void http_certificate_unref(struct http_certificate *certificate)
{
    if (!certificate || __atomic_sub_fetch(&certificate->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (unsigned i = 0; i < certificate->chain_len; i++)
        gnutls_pcert_deinit(&certificate->chain[i]);
    free(certificate->chain);
    if (certificate->key)
        gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

static gnutls_datum_t datum(struct str_view text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len};
}

/* Fills everything but the key; hands out the id of the public key, which the private one must share. */
static int take_chain(struct http_certificate *certificate, struct str_view pem,
                      unsigned char ret_id[KEY_ID_BYTES], struct err *err)
{
    gnutls_x509_crt_t *certificates = NULL;
    unsigned count = 0;
    gnutls_datum_t text = datum(pem);
    size_t id_len = KEY_ID_BYTES;
    int r = gnutls_x509_crt_list_import2(&certificates, &count, &text, GNUTLS_X509_FMT_PEM, 0);

    if (r < 0 || count == 0)
        return err_set(err, ERR_INVALID, "the certificate cannot be read: %s",
                       r < 0 ? gnutls_strerror(r) : "the text holds none");
    certificate->chain = xcalloc(count, sizeof(*certificate->chain));
    certificate->not_after_s = (int64_t)gnutls_x509_crt_get_expiration_time(certificates[0]);
    r = gnutls_x509_crt_get_key_id(certificates[0], GNUTLS_KEYID_USE_SHA256, ret_id, &id_len);
    for (unsigned i = 0; i < count; i++) {
        if (r >= 0)
            r = gnutls_pcert_import_x509(&certificate->chain[i], certificates[i], 0);
        if (r >= 0)
            certificate->chain_len = i + 1;
        gnutls_x509_crt_deinit(certificates[i]);
    }
    gnutls_free(certificates);
    return r < 0 ? err_set(err, ERR_INVALID, "the certificate cannot be used: %s", gnutls_strerror(r)) : 0;
}

static int take_key(struct http_certificate *certificate, struct str_view pem,
                    const unsigned char wanted_id[KEY_ID_BYTES], struct err *err)
{
    unsigned char id[KEY_ID_BYTES];
    size_t id_len = sizeof(id);
    gnutls_datum_t text = datum(pem);
    gnutls_x509_privkey_t key = NULL;
    int r = gnutls_x509_privkey_init(&key);

    if (r >= 0)
        r = gnutls_x509_privkey_import2(key, &text, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (r >= 0)
        r = gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &id_len);
    if (r >= 0 && memcmp(id, wanted_id, sizeof(id)) != 0) {
        gnutls_x509_privkey_deinit(key);
        return err_set(err, ERR_INVALID, "the private key is not the one of the certificate");
    }
    if (r >= 0)
        r = gnutls_privkey_init(&certificate->key);
    if (r >= 0)
        r = gnutls_privkey_import_x509(certificate->key, key, GNUTLS_PRIVKEY_IMPORT_COPY);
    gnutls_x509_privkey_deinit(key);
    return r < 0 ? err_set(err, ERR_INVALID, "the private key cannot be read: %s", gnutls_strerror(r)) : 0;
}

int http_certificate_new(struct str_view chain_pem, struct str_view key_pem,
                         struct http_certificate **ret_certificate, struct err *err)
{
    _cleanup_(http_certificate_unrefp) struct http_certificate *made = xcalloc(1, sizeof(*made));
    unsigned char id[KEY_ID_BYTES];
    int r;

    made->references = 1;
    if (chain_pem.len > UINT32_MAX || key_pem.len > UINT32_MAX)
        return err_set(err, ERR_INVALID, "a certificate or key of more than 4 GiB");
    r = take_chain(made, chain_pem, id, err);
    if (r == 0)
        r = take_key(made, key_pem, id, err);
    if (r < 0)
        return r;
    *ret_certificate = take(made);
    return 0;
}
