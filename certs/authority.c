/* A certificate authority over GnuTLS. Any thread, no state. */
#include "certs/authority.h"

#include "common/base/mem.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>

enum { SERIAL_BYTES = 16 };

/* A certificate with its key while it is being made or used. */
struct pair {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

static void pair_done(struct pair *pair)
{
    if (pair->certificate)
        gnutls_x509_crt_deinit(pair->certificate);
    if (pair->key)
        gnutls_x509_privkey_deinit(pair->key);
}

void pem_pair_done(struct pem_pair *pair)
{
    free(pair->certificate);
    if (pair->key)
        explicit_bzero(pair->key, strlen(pair->key));
    free(pair->key);
    *pair = (struct pem_pair){0};
}

static gnutls_datum_t datum(const char *text)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
}

static char *take_datum(gnutls_datum_t *datum)
{
    char *text = xstrndup((const char *)datum->data, datum->size);

    explicit_bzero(datum->data, datum->size);
    gnutls_free(datum->data);
    return text;
}

static int export(const struct pair *pair, struct pem_pair *ret_pair)
{
    gnutls_datum_t certificate = {0}, key = {0};
    int r = gnutls_x509_crt_export2(pair->certificate, GNUTLS_X509_FMT_PEM, &certificate);

    if (r >= 0)
        r = gnutls_x509_privkey_export2_pkcs8(pair->key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key);
    if (r < 0) {
        gnutls_free(certificate.data);
        return r;
    }
    *ret_pair = (struct pem_pair){
        .certificate = take_datum(&certificate),
        .key = take_datum(&key),
        .not_before_s = (int64_t)gnutls_x509_crt_get_activation_time(pair->certificate),
        .not_after_s = (int64_t)gnutls_x509_crt_get_expiration_time(pair->certificate),
    };
    return 0;
}

/* A key and a certificate for it with what every one of ours has; not yet signed. */
static int begin(const char *common_name, int64_t not_before_s, int64_t not_after_s, struct pair *pair)
{
    unsigned char serial[SERIAL_BYTES], id[64];
    size_t id_len = sizeof(id);
    int r;

    if ((r = gnutls_x509_privkey_init(&pair->key)) < 0 || (r = gnutls_x509_crt_init(&pair->certificate)) < 0)
        return r;
    if ((r = gnutls_x509_privkey_generate(pair->key, GNUTLS_PK_ECDSA,
                                          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0)) < 0)
        return r;
    if ((r = gnutls_rnd(GNUTLS_RND_RANDOM, serial, sizeof(serial))) < 0)
        return r;
    serial[0] = (serial[0] & 0x7F) | 0x40; /* positive, and never with a leading zero byte */

    gnutls_x509_crt_t made = pair->certificate;

    if ((r = gnutls_x509_crt_set_version(made, 3)) < 0 ||
        (r = gnutls_x509_crt_set_serial(made, serial, sizeof(serial))) < 0 ||
        (r = gnutls_x509_crt_set_dn_by_oid(made, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
                                           (unsigned)strlen(common_name))) < 0 ||
        (r = gnutls_x509_crt_set_activation_time(made, (time_t)not_before_s)) < 0 ||
        (r = gnutls_x509_crt_set_expiration_time(made, (time_t)not_after_s)) < 0 ||
        (r = gnutls_x509_crt_set_key(made, pair->key)) < 0 ||
        (r = gnutls_x509_crt_get_key_id(made, 0, id, &id_len)) < 0)
        return r;
    return gnutls_x509_crt_set_subject_key_id(made, id, id_len);
}

static int make_authority(int64_t wall_s, struct pair *pair)
{
    int r = begin(AUTHORITY_NAME, wall_s - AUTHORITY_EARLIER_S, wall_s + AUTHORITY_LIFETIME_S, pair);

    if (r < 0 || (r = gnutls_x509_crt_set_basic_constraints(pair->certificate, 1, 0)) < 0 ||
        (r = gnutls_x509_crt_set_key_usage(pair->certificate, GNUTLS_KEY_KEY_CERT_SIGN)) < 0)
        return r;
    return gnutls_x509_crt_sign2(pair->certificate, pair->certificate, pair->key, GNUTLS_DIG_SHA256, 0);
}

int authority_make(int64_t wall_s, struct pem_pair *ret_authority, struct err *err)
{
    _cleanup_(pair_done) struct pair pair = {0};
    int r = make_authority(wall_s, &pair);

    if (r >= 0)
        r = export(&pair, ret_authority);
    return r < 0 ? err_set(err, ERR_FATAL, "cannot make a certificate authority: %s", gnutls_strerror(r)) : 0;
}

static int import_authority(const struct pem_pair *authority, struct pair *pair)
{
    gnutls_datum_t certificate = datum(authority->certificate), key = datum(authority->key);
    int r;

    if ((r = gnutls_x509_crt_init(&pair->certificate)) < 0 ||
        (r = gnutls_x509_privkey_init(&pair->key)) < 0 ||
        (r = gnutls_x509_crt_import(pair->certificate, &certificate, GNUTLS_X509_FMT_PEM)) < 0)
        return r;
    return gnutls_x509_privkey_import2(pair->key, &key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
}

int authority_read(const char *certificate_pem, const char *key_pem, struct pem_pair *ret_authority,
                   struct err *err)
{
    const struct pem_pair text = {.certificate = (char *)(uintptr_t)certificate_pem,
                                  .key = (char *)(uintptr_t)key_pem};
    _cleanup_(pair_done) struct pair pair = {0};
    unsigned char of_certificate[64], of_key[64];
    size_t certificate_len = sizeof(of_certificate), key_len = sizeof(of_key);
    int r = import_authority(&text, &pair);

    if (r >= 0)
        r = gnutls_x509_crt_get_key_id(pair.certificate, 0, of_certificate, &certificate_len);
    if (r >= 0)
        r = gnutls_x509_privkey_get_key_id(pair.key, 0, of_key, &key_len);
    if (r < 0)
        return err_set(err, ERR_INVALID, "the certificate authority cannot be read: %s", gnutls_strerror(r));
    if (certificate_len != key_len || memcmp(of_certificate, of_key, key_len) != 0)
        return err_set(err, ERR_INVALID, "the key is not that of the certificate authority");
    if (gnutls_x509_crt_get_ca_status(pair.certificate, NULL) != 1)
        return err_set(err, ERR_INVALID, "the certificate is not an authority's");
    /* As we would have written it: the text may hold more than that one certificate. */
    r = export(&pair, ret_authority);
    return r < 0
               ? err_set(err, ERR_INVALID, "the certificate authority cannot be read: %s", gnutls_strerror(r))
               : 0;
}

static int add_name(gnutls_x509_crt_t leaf, gnutls_x509_subject_alt_name_t type, const void *name, size_t len,
                    struct err *err)
{
    int r = gnutls_x509_crt_set_subject_alt_name(leaf, type, name, (unsigned)len, GNUTLS_FSAN_APPEND);

    return r < 0 ? err_set(err, ERR_FATAL, "cannot put a name into a certificate: %s", gnutls_strerror(r))
                 : 0;
}

static int add_names(gnutls_x509_crt_t leaf, const struct authority_names *names, struct err *err)
{
    int r = 0;

    for (const char *const *name = names->dns; name && *name && r == 0; name++)
        r = add_name(leaf, GNUTLS_SAN_DNSNAME, *name, strlen(*name), err);
    for (const char *const *name = names->ips; name && *name && r == 0; name++) {
        unsigned char address[16];

        if (inet_pton(AF_INET, *name, address) == 1)
            r = add_name(leaf, GNUTLS_SAN_IPADDRESS, address, 4, err);
        else if (inet_pton(AF_INET6, *name, address) == 1)
            r = add_name(leaf, GNUTLS_SAN_IPADDRESS, address, 16, err);
        else
            r = err_set(err, ERR_INVALID, "\"%.100s\" is not an IP address", *name);
    }
    return r;
}

static int sign_leaf(const struct pair *authority, gnutls_x509_crt_t leaf)
{
    unsigned char id[64];
    size_t id_len = sizeof(id);
    int r;

    if ((r = gnutls_x509_crt_set_basic_constraints(leaf, 0, -1)) < 0 ||
        (r = gnutls_x509_crt_set_key_usage(leaf, GNUTLS_KEY_DIGITAL_SIGNATURE)) < 0 ||
        (r = gnutls_x509_crt_set_key_purpose_oid(leaf, GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0 ||
        (r = gnutls_x509_crt_get_subject_key_id(authority->certificate, id, &id_len, NULL)) < 0 ||
        (r = gnutls_x509_crt_set_authority_key_id(leaf, id, id_len)) < 0)
        return r;
    return gnutls_x509_crt_sign2(leaf, authority->certificate, authority->key, GNUTLS_DIG_SHA256, 0);
}

int authority_sign(const struct pem_pair *authority, const struct authority_names *names, int64_t wall_s,
                   int64_t lifetime_s, struct pem_pair *ret_leaf, struct err *err)
{
    _cleanup_(pair_done) struct pair signer = {0};
    _cleanup_(pair_done) struct pair leaf = {0};
    int r = import_authority(authority, &signer);

    if (r < 0)
        return err_set(err, ERR_INVALID, "the certificate authority cannot be read: %s", gnutls_strerror(r));
    int64_t last_s = (int64_t)gnutls_x509_crt_get_expiration_time(signer.certificate);
    int64_t until_s = last_s - wall_s < lifetime_s ? last_s : wall_s + lifetime_s;

    if (until_s <= wall_s)
        return err_set(err, ERR_INVALID, "the certificate authority has expired");
    if (!(names->dns && *names->dns) && !(names->ips && *names->ips))
        return err_set(err, ERR_INVALID, "a server certificate needs a DNS name or an IP address");
    r = begin("kubelambda", wall_s - AUTHORITY_EARLIER_S, until_s, &leaf);
    if (r >= 0) {
        int named = add_names(leaf.certificate, names, err);

        if (named < 0)
            return named;
        r = sign_leaf(&signer, leaf.certificate);
    }
    if (r >= 0)
        r = export(&leaf, ret_leaf);
    return r < 0 ? err_set(err, ERR_FATAL, "cannot sign a server certificate: %s", gnutls_strerror(r)) : 0;
}

/* --- verifying ---------------------------------------------------------------------------- */

struct crt_list {
    gnutls_x509_crt_t *items;
    unsigned count;
};

static void crt_list_done(struct crt_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        gnutls_x509_crt_deinit(list->items[i]);
    gnutls_free(list->items);
}

static bool read_list(const char *pem, struct crt_list *list)
{
    gnutls_datum_t text = datum(pem);

    return gnutls_x509_crt_list_import2(&list->items, &list->count, &text, GNUTLS_X509_FMT_PEM, 0) >= 0 &&
           list->count > 0;
}

static bool valid_at(gnutls_x509_crt_t certificate, int64_t wall_s)
{
    return wall_s >= (int64_t)gnutls_x509_crt_get_activation_time(certificate) &&
           wall_s < (int64_t)gnutls_x509_crt_get_expiration_time(certificate);
}

static bool is_among(gnutls_x509_crt_t certificate, const struct crt_list *list)
{
    for (unsigned i = 0; i < list->count; i++)
        if (gnutls_x509_crt_equals(certificate, list->items[i]))
            return true;
    return false;
}

bool authority_among(const char *certificate_pem, const char *pem)
{
    _cleanup_(crt_list_done) struct crt_list wanted = {0};
    _cleanup_(crt_list_done) struct crt_list list = {0};

    return read_list(certificate_pem, &wanted) && read_list(pem, &list) && is_among(wanted.items[0], &list);
}

static bool is_ours(gnutls_x509_crt_t certificate)
{
    char name[64];
    size_t len = sizeof(name);

    return gnutls_x509_crt_get_ca_status(certificate, NULL) == 1 &&
           gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len) == 0 &&
           str_equal(name, AUTHORITY_NAME);
}

/* Appends what is worth keeping and not there yet. */
static void keep(const struct crt_list *found, const char *except, int64_t wall_s, size_t *count,
                 struct str *kept)
{
    for (unsigned i = 0; i < found->count && *count < AUTHORITY_MAX_KEPT; i++) {
        gnutls_datum_t pem = {0};

        if (!is_ours(found->items[i]) || !valid_at(found->items[i], wall_s) ||
            gnutls_x509_crt_export2(found->items[i], GNUTLS_X509_FMT_PEM, &pem) < 0)
            continue;
        _cleanup_(freep) char *text = take_datum(&pem);

        if ((except && authority_among(text, except)) || authority_among(text, str_text(kept)))
            continue;
        str_add(kept, text);
        ++*count;
    }
}

char *authority_valid_of(const char *const *pems, size_t count, const char *except, int64_t wall_s)
{
    struct str kept = STR_INIT(1 << 20);
    size_t kept_count = 0;

    for (size_t i = 0; i < count; i++) {
        _cleanup_(crt_list_done) struct crt_list found = {0};

        if (pems[i] && read_list(pems[i], &found))
            keep(&found, except, wall_s, &kept_count, &kept);
    }
    if (kept_count > 0)
        return str_take(&kept);
    str_done(&kept);
    return NULL;
}

bool authority_verifies(const char *ca_pem, const char *leaf_pem, int64_t wall_s)
{
    _cleanup_(crt_list_done) struct crt_list authorities = {0};
    _cleanup_(crt_list_done) struct crt_list chain = {0};
    gnutls_typed_vdata_st server = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                    .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER};
    gnutls_x509_trust_list_t trusted = NULL;
    unsigned verdict = ~0u;

    if (!read_list(ca_pem, &authorities) || !read_list(leaf_pem, &chain))
        return false;
    for (unsigned i = 0; i < chain.count; i++)
        if (!valid_at(chain.items[i], wall_s))
            return false;
    if (gnutls_x509_trust_list_init(&trusted, 0) < 0)
        return false;
    for (unsigned i = 0; i < authorities.count; i++)
        if (valid_at(authorities.items[i], wall_s))
            (void)gnutls_x509_trust_list_add_cas(trusted, &authorities.items[i], 1, 0);
    /* The library would compare with its own clock; the times were compared with ours above. */
    int r = gnutls_x509_trust_list_verify_crt2(
        trusted, chain.items, chain.count, &server, 1,
        GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS, &verdict, NULL);

    gnutls_x509_trust_list_deinit(trusted, 0);
    return r >= 0 && verdict == 0;
}
