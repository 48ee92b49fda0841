/* The authority and the certificate that is served. */
#include "certs/authority.h"
#include "certs/serving.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"
#include "tests/unit/captured_log.h"
#include "tests/unit/texts.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <sys/stat.h>

static const int64_t NOW = 1764000000, HOUR = 3600, DAY = 24 * 3600;

static const char *const dns[] = {"kubelambda.kubelambda-system.svc", "localhost", NULL};
static const char *const ips[] = {"127.0.0.1", "::1", NULL};
static const struct authority_names names = {dns, ips};

static gnutls_x509_crt_t read_certificate(const char *pem)
{
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};
    gnutls_x509_crt_t certificate;

    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    assert_int_equal(gnutls_x509_crt_import(certificate, &text, GNUTLS_X509_FMT_PEM), 0);
    return certificate;
}

static void make_pair(int64_t wall_s, struct pem_pair *ret_authority, struct pem_pair *ret_leaf)
{
    struct err err;

    assert_int_equal(authority_make(wall_s, ret_authority, &err), 0);
    assert_int_equal(authority_sign(ret_authority, &names, wall_s, 30 * DAY, ret_leaf, &err), 0);
}

/* --- authority ------------------------------------------------------------------------------ */

static void an_authority_may_sign_certificates_for_a_year_and_nothing_else(void **state)
{
    struct pem_pair authority;
    unsigned usage = 0, critical = 0, is_ca = 0, bits = 0;
    int path_len = -1;
    char name[64];
    size_t len = sizeof(name);
    struct err err;

    (void)state;
    assert_int_equal(authority_make(NOW, &authority, &err), 0);
    gnutls_x509_crt_t certificate = read_certificate(authority.certificate);

    assert_int_equal(
        gnutls_x509_crt_get_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &len), 0);
    assert_string_equal(name, "kubelambda-ca");
    assert_int_equal(gnutls_x509_crt_get_pk_algorithm(certificate, &bits), GNUTLS_PK_ECDSA);
    assert_int_equal(bits, 256);
    assert_true(gnutls_x509_crt_get_basic_constraints(certificate, &critical, &is_ca, &path_len) >= 0);
    assert_true(is_ca && path_len == 0);
    assert_true(gnutls_x509_crt_get_key_usage(certificate, &usage, &critical) >= 0);
    assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN);
    assert_int_equal(authority.not_before_s, NOW - HOUR);
    assert_int_equal(authority.not_after_s, NOW + 365 * DAY);
    gnutls_x509_crt_deinit(certificate);
    pem_pair_done(&authority);
}

static void two_authorities_have_different_serials(void **state)
{
    unsigned char serial[2][32];
    size_t len[2] = {32, 32};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct pem_pair authority;
        struct err err;

        assert_int_equal(authority_make(NOW, &authority, &err), 0);
        gnutls_x509_crt_t certificate = read_certificate(authority.certificate);

        assert_int_equal(gnutls_x509_crt_get_serial(certificate, serial[i], &len[i]), 0);
        assert_int_equal(len[i], 16);
        gnutls_x509_crt_deinit(certificate);
        pem_pair_done(&authority);
    }
    assert_memory_not_equal(serial[0], serial[1], 16);
}

static void a_leaf_carries_every_name_and_address_and_no_other(void **state)
{
    struct pem_pair authority, leaf;
    unsigned char address[16];

    (void)state;
    make_pair(NOW, &authority, &leaf);
    gnutls_x509_crt_t certificate = read_certificate(leaf.certificate);

    assert_true(gnutls_x509_crt_check_hostname(certificate, "kubelambda.kubelambda-system.svc"));
    assert_true(gnutls_x509_crt_check_hostname(certificate, "localhost"));
    assert_false(gnutls_x509_crt_check_hostname(certificate, "kubelambda"));
    inet_pton(AF_INET, "127.0.0.1", address);
    assert_true(gnutls_x509_crt_check_ip(certificate, address, 4, 0));
    inet_pton(AF_INET6, "::1", address);
    assert_true(gnutls_x509_crt_check_ip(certificate, address, 16, 0));
    inet_pton(AF_INET, "127.0.0.2", address);
    assert_false(gnutls_x509_crt_check_ip(certificate, address, 4, 0));
    assert_int_equal(leaf.not_before_s, NOW - HOUR);
    assert_int_equal(leaf.not_after_s, NOW + 30 * DAY);
    gnutls_x509_crt_deinit(certificate);
    pem_pair_done(&authority);
    pem_pair_done(&leaf);
}

static void a_leaf_verifies_by_its_own_authority_while_it_is_valid(void **state)
{
    struct pem_pair authority, leaf, stranger, strange_leaf;

    (void)state;
    make_pair(NOW, &authority, &leaf);
    make_pair(NOW, &stranger, &strange_leaf);
    _cleanup_(freep) char *both = xasprintf("%s%s", stranger.certificate, authority.certificate);

    assert_true(authority_verifies(authority.certificate, leaf.certificate, NOW));
    assert_true(authority_verifies(both, leaf.certificate, NOW));
    assert_true(authority_verifies(authority.certificate, leaf.certificate, NOW - HOUR));
    assert_false(authority_verifies(stranger.certificate, leaf.certificate, NOW));
    assert_false(authority_verifies(authority.certificate, leaf.certificate, NOW - HOUR - 1));
    assert_false(authority_verifies(authority.certificate, leaf.certificate, NOW + 30 * DAY));
    assert_false(authority_verifies("", leaf.certificate, NOW));
    assert_false(authority_verifies(authority.certificate, "no certificate", NOW));
    pem_pair_done(&authority);
    pem_pair_done(&leaf);
    pem_pair_done(&stranger);
    pem_pair_done(&strange_leaf);
}

static void a_leaf_never_outlives_its_authority(void **state)
{
    struct pem_pair authority, leaf;
    struct err err;

    (void)state;
    assert_int_equal(authority_make(NOW, &authority, &err), 0);
    assert_int_equal(authority_sign(&authority, &names, NOW + 360 * DAY, 30 * DAY, &leaf, &err), 0);
    assert_int_equal(leaf.not_after_s, authority.not_after_s);
    pem_pair_done(&leaf);
    assert_int_equal(authority_sign(&authority, &names, NOW + 365 * DAY, DAY, &leaf, &err), ERR_INVALID);
    pem_pair_done(&authority);
}

static void a_leaf_for_a_wrong_address_or_for_no_name_is_refused(void **state)
{
    const char *const wrong[] = {"10.0.0.256", NULL}, *const none[] = {NULL};
    const struct authority_names bad = {.ips = wrong}, empty = {.dns = none};
    struct pem_pair authority, leaf;
    struct err err;

    (void)state;
    assert_int_equal(authority_make(NOW, &authority, &err), 0);
    assert_int_equal(authority_sign(&authority, &bad, NOW, DAY, &leaf, &err), ERR_INVALID);
    assert_string_equal(err.msg, "\"10.0.0.256\" is not an IP address");
    assert_int_equal(authority_sign(&authority, &empty, NOW, DAY, &leaf, &err), ERR_INVALID);
    pem_pair_done(&authority);
}

/* --- serving our own -------------------------------------------------------------------------- */

/* The certificate that a new connection would get; the caller frees. */
static char *served(struct serving *serving)
{
    struct http_certificate *certificate = serving_certificate(serving);
    gnutls_datum_t pem;

    assert_int_equal(gnutls_pem_base64_encode2("CERTIFICATE", &certificate->chain[0].cert, &pem), 0);
    char *text = xstrndup((const char *)pem.data, pem.size);

    gnutls_free(pem.data);
    http_certificate_unref(certificate);
    return text;
}

static bool verifies(struct serving *serving, const char *ca, int64_t wall_s)
{
    _cleanup_(freep) char *leaf = served(serving);

    return authority_verifies(ca, leaf, wall_s);
}

static void a_connection_keeps_the_certificate_that_it_began_with(void **state)
{
    struct serving *serving = serving_new();
    struct pem_pair authority[2], leaf[2];
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++)
        make_pair(NOW, &authority[i], &leaf[i]);
    assert_int_equal(serving_set(serving, &leaf[0], &err), 0);
    assert_string_equal(serving_chain(serving), leaf[0].certificate);
    struct http_certificate *held = serving_certificate(serving);

    assert_int_equal(serving_set(serving, &leaf[1], &err), 0);
    assert_true(verifies(serving, authority[1].certificate, NOW));
    assert_int_equal(held->references, 1); /* only ours is left: a connection's, until it ends */
    http_certificate_unref(held);

    pem_pair_done(&leaf[0]);
    leaf[0] = (struct pem_pair){.certificate = xstrdup("rubbish"), .key = xstrdup("rubbish")};
    assert_int_equal(serving_set(serving, &leaf[0], &err), ERR_INVALID);
    assert_true(verifies(serving, authority[1].certificate, NOW));
    for (int i = 0; i < 2; i++) {
        pem_pair_done(&authority[i]);
        pem_pair_done(&leaf[i]);
    }
    serving_free(serving);
}

static void the_seconds_to_expiry_are_a_metric(void **state)
{
    _cleanup_(str_done) struct str text = STR_INIT(1 << 16);
    struct serving *serving = serving_new();
    struct pem_pair authority, leaf;
    struct err err;

    (void)state;
    make_pair(NOW, &authority, &leaf);
    assert_int_equal(serving_set(serving, &leaf, &err), 0);
    serving_tick(serving, NOW + DAY);
    metrics_print(&text);
    assert_says(str_text(&text), "\nkubelambda_certificate_expiry_seconds 2505600\n");
    assert_says(str_text(&text), "\ncertwatcher_read_certificate_total ");
    pem_pair_done(&authority);
    pem_pair_done(&leaf);
    serving_free(serving);
}

/* --- serving a mounted pair ------------------------------------------------------------------- */

static void write_file(const char *dir, const char *name, const char *text)
{
    _cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* As the kubelet does it: files in a directory of their own, to which `..data` is swapped. */
static void mount_version(const char *dir, const char *version, const char *certificate, const char *key,
                          const char *ca)
{
    _cleanup_(freep) char *data = xasprintf("%s/%s", dir, version);
    _cleanup_(freep) char *coming = xasprintf("%s/..data_tmp", dir);
    _cleanup_(freep) char *link = xasprintf("%s/..data", dir);

    assert_int_equal(mkdir(data, 0700), 0);
    write_file(data, "tls.crt", certificate);
    write_file(data, "tls.key", key);
    if (ca)
        write_file(data, "ca.crt", ca);
    assert_int_equal(symlink(version, coming), 0);
    assert_int_equal(rename(coming, link), 0);
}

static char *new_mount(void)
{
    static const char *const files[] = {"tls.crt", "tls.key", "ca.crt"};
    char dir[] = "/tmp/test_certs.XXXXXX";

    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        _cleanup_(freep) char *path = xasprintf("%s/%s", dir, files[i]);
        _cleanup_(freep) char *target = xasprintf("..data/%s", files[i]);

        assert_int_equal(symlink(target, path), 0);
    }
    return xstrdup(dir);
}

static void remove_mount(const char *dir, const char *const *versions)
{
    static const char *const files[] = {"tls.crt", "tls.key", "ca.crt", "..data"};

    for (; *versions; versions++) {
        for (size_t i = 0; i < 3; i++) {
            _cleanup_(freep) char *path = xasprintf("%s/%s/%s", dir, *versions, files[i]);

            unlink(path);
        }
        _cleanup_(freep) char *path = xasprintf("%s/%s", dir, *versions);

        rmdir(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        _cleanup_(freep) char *path = xasprintf("%s/%s", dir, files[i]);

        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
}

static void a_mounted_pair_is_read_again_when_it_changes_and_kept_when_the_new_one_is_broken(void **state)
{
    static const char *const versions[] = {"..v1", "..v2", "..v3", "..v4", NULL};
    _cleanup_(freep) char *dir = new_mount();
    struct pem_pair authority[2], leaf[2];
    struct serving *serving;
    struct err err;

    (void)state;
    make_pair(NOW, &authority[0], &leaf[0]);
    make_pair(NOW, &authority[1], &leaf[1]);
    mount_version(dir, "..v1", leaf[0].certificate, leaf[0].key, authority[0].certificate);
    assert_int_equal(serving_dir(dir, &serving, &err), 0);
    assert_true(verifies(serving, authority[0].certificate, NOW));
    assert_string_equal(serving_ca(serving), authority[0].certificate);

    mount_version(dir, "..v2", leaf[1].certificate, leaf[0].key, authority[1].certificate);
    serving_tick(serving, NOW);
    assert_true(verifies(serving, authority[0].certificate, NOW));
    mount_version(dir, "..v3", "half a certific", leaf[1].key, NULL);
    serving_tick(serving, NOW);
    assert_true(verifies(serving, authority[0].certificate, NOW));

    mount_version(dir, "..v4", leaf[1].certificate, leaf[1].key, NULL);
    serving_tick(serving, NOW);
    assert_true(verifies(serving, authority[1].certificate, NOW));
    assert_null(serving_ca(serving));
    serving_free(serving);
    for (int i = 0; i < 2; i++) {
        pem_pair_done(&authority[i]);
        pem_pair_done(&leaf[i]);
    }
    remove_mount(dir, versions);
}

static void a_directory_that_cannot_be_served_says_which_file_is_wrong(void **state)
{
    static const char *const versions[] = {"..v1", NULL};
    _cleanup_(freep) char *dir = new_mount();
    _cleanup_(freep) char *missing =
        xasprintf("cannot serve TLS: %s/tls.crt: No such file or directory", dir);
    _cleanup_(freep) char *mixed = xasprintf(
        "cannot serve TLS: %s: tls.crt and tls.key: the private key is not the one of the certificate", dir);
    struct pem_pair authority, leaf;
    struct serving *serving;
    struct err err;

    (void)state;
    assert_int_equal(serving_dir(dir, &serving, &err), ERR_FATAL);
    assert_string_equal(err.msg, missing);
    make_pair(NOW, &authority, &leaf);
    mount_version(dir, "..v1", leaf.certificate, authority.key, NULL);
    assert_int_equal(serving_dir(dir, &serving, &err), ERR_FATAL);
    assert_string_equal(err.msg, mixed);
    pem_pair_done(&authority);
    pem_pair_done(&leaf);
    remove_mount(dir, versions);
}

/* The clock may be wrong, or whoever renews it late: what is served says so, and is replaced when it can be.
 */
static void a_mounted_pair_that_expired_before_the_start_is_served_with_a_warning(void **state)
{
    static const char *const versions[] = {"..v1", NULL};
    _cleanup_(freep) char *dir = new_mount();
    struct pem_pair authority, leaf;
    struct serving *serving;
    struct err err;

    (void)state;
    assert_true(log_set_level("warn"));
    make_pair(NOW, &authority, &leaf);
    mount_version(dir, "..v1", leaf.certificate, leaf.key, NULL);
    assert_int_equal(serving_dir(dir, &serving, &err), 0);
    _cleanup_(freep) char *log = written();

    assert_says(log, "the mounted certificate has expired");
    assert_says(log, "\"notAfter\":\"2025-12-24T16:00:00Z\"");
    serving_tick(serving, leaf.not_after_s + 7);
    _cleanup_(freep) char *later = written();
    _cleanup_(str_done) struct str metrics = STR_INIT(1 << 16);

    assert_string_equal(later, ""); /* said once */
    metrics_print(&metrics);
    assert_says(str_text(&metrics), "\nkubelambda_certificate_expiry_seconds -7\n");
    assert_true(verifies(serving, authority.certificate, NOW));
    serving_free(serving);
    pem_pair_done(&authority);
    pem_pair_done(&leaf);
    remove_mount(dir, versions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_authority_may_sign_certificates_for_a_year_and_nothing_else),
        cmocka_unit_test(two_authorities_have_different_serials),
        cmocka_unit_test(a_leaf_carries_every_name_and_address_and_no_other),
        cmocka_unit_test(a_leaf_verifies_by_its_own_authority_while_it_is_valid),
        cmocka_unit_test(a_leaf_never_outlives_its_authority),
        cmocka_unit_test(a_leaf_for_a_wrong_address_or_for_no_name_is_refused),
        cmocka_unit_test(a_connection_keeps_the_certificate_that_it_began_with),
        cmocka_unit_test(the_seconds_to_expiry_are_a_metric),
        cmocka_unit_test(a_mounted_pair_is_read_again_when_it_changes_and_kept_when_the_new_one_is_broken),
        cmocka_unit_test(a_directory_that_cannot_be_served_says_which_file_is_wrong),
        cmocka_unit_test_setup_teardown(a_mounted_pair_that_expired_before_the_start_is_served_with_a_warning,
                                        begin_capture, end_capture),
    };

    if (!log_set_level("error"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
