/* The list of authorities is replaced as a whole under a mutex. libmicrohttpd only asks a client for a
 * certificate: what came is looked at here, once a connection. */
#include "common/http/trust.h"

#include "common/base/encode.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <gnutls/x509.h>
#include <pthread.h>

enum { MAX_FILE_BYTES = 1 << 20, MAX_CHAIN = 8, MAX_NAME_BYTES = 256 };

struct http_trust {
    char *path, *name;
    unsigned char seen[SHA256_BYTES]; /* of the text that was tried last */
    pthread_mutex_t lock;             /* over `authorities` */
    gnutls_x509_trust_list_t authorities;
};

static void swap(struct http_trust *trust, gnutls_x509_trust_list_t authorities)
{
    pthread_mutex_lock(&trust->lock);
    gnutls_x509_trust_list_t old = trust->authorities;

    trust->authorities = authorities;
    pthread_mutex_unlock(&trust->lock);
    if (old)
        gnutls_x509_trust_list_deinit(old, 1);
}

static int parse(const char *path, const struct str *pem, gnutls_x509_trust_list_t *ret_list, struct err *err)
{
    const gnutls_datum_t text = {(unsigned char *)pem->ptr, (unsigned)pem->len};
    gnutls_x509_trust_list_t list;

    if (gnutls_x509_trust_list_init(&list, 0) < 0)
        abort(); /* only when memory is out */
    if (pem->len == 0 ||
        gnutls_x509_trust_list_add_trust_mem(list, &text, NULL, GNUTLS_X509_FMT_PEM, 0, 0) < 1) {
        gnutls_x509_trust_list_deinit(list, 1);
        return err_set(err, ERR_FATAL, "%s: holds no certificate in PEM form", path);
    }
    *ret_list = list;
    return 0;
}

/* Reads the file; *ret_news: it is not the one that was tried last. */
static int load(struct http_trust *trust, bool *ret_news, struct err *err)
{
    _cleanup_(str_done) struct str pem = STR_INIT(MAX_FILE_BYTES);
    unsigned char digest[SHA256_BYTES];
    gnutls_x509_trust_list_t list = NULL;
    int r = file_read(trust->path, &pem, err);

    sha256(str_view_of(&pem), digest);
    *ret_news = memcmp(digest, trust->seen, sizeof(digest)) != 0;
    if (!*ret_news)
        return 0;
    memcpy(trust->seen, digest, sizeof(digest));
    if (r == 0)
        r = parse(trust->path, &pem, &list, err);
    if (r < 0)
        return r;
    swap(trust, list);
    return 0;
}

int http_trust_open(const char *path, const char *name, struct http_trust **ret_trust, struct err *err)
{
    struct http_trust *trust = xcalloc(1, sizeof(*trust));
    bool news;

    pthread_mutex_init(&trust->lock, NULL);
    trust->path = xstrdup(path);
    trust->name = xstrdup(name);
    if (load(trust, &news, err) < 0) {
        http_trust_free(trust);
        err->class = ERR_FATAL;
        return ERR_FATAL;
    }
    *ret_trust = trust;
    return 0;
}

void http_trust_free(struct http_trust *trust)
{
    if (!trust)
        return;
    swap(trust, NULL);
    pthread_mutex_destroy(&trust->lock);
    free(trust->path);
    free(trust->name);
    free(trust);
}

void http_trust_tick(struct http_trust *trust)
{
    struct err err;
    bool news;

    if (!trust)
        return;
    int r = load(trust, &news, &err);

    if (r < 0)
        log_warn("the clients' authorities cannot be read; the old ones are kept", "error", err.msg);
    else if (news)
        log_info("the clients' authorities were read again", "file", trust->path);
}

static bool is_named(const char *name, gnutls_x509_crt_t certificate)
{
    char found[MAX_NAME_BYTES];
    size_t len = sizeof(found);

    return !name ||
           (gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, found, &len) >= 0 &&
            strlen(found) == len && str_equal(found, name));
}

bool http_trust_accepts(struct http_trust *trust, gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    gnutls_x509_crt_t chain[MAX_CHAIN];
    unsigned sent = 0, count = 0, status = GNUTLS_CERT_INVALID;
    const gnutls_datum_t *peers = gnutls_certificate_get_peers(session, &sent);
    bool accepted = peers && sent > 0 && sent <= MAX_CHAIN;

    while (accepted && count < sent) {
        if (gnutls_x509_crt_init(&chain[count]) < 0)
            abort(); /* only when memory is out */
        accepted = gnutls_x509_crt_import(chain[count], &peers[count], GNUTLS_X509_FMT_DER) >= 0;
        count++;
    }
    if (accepted) {
        pthread_mutex_lock(&trust->lock);
        accepted = gnutls_x509_trust_list_verify_crt2(trust->authorities, chain, count, &purpose, 1, 0,
                                                      &status, NULL) >= 0 &&
                   status == 0 && is_named(trust->name, chain[0]);
        pthread_mutex_unlock(&trust->lock);
    }
    while (count > 0)
        gnutls_x509_crt_deinit(chain[--count]);
    return accepted;
}
