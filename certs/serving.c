/* The certificate that is served now, swapped as a whole under a mutex. The ticker writes, under the
 * mutex what others read; a certificate that a connection holds lives as long as the connection. */
#include "certs/serving.h"

#include "common/base/clock.h"
#include "common/base/encode.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"

#include <pthread.h>

enum { MAX_FILE_BYTES = 1 << 20 };

struct serving {
    pthread_mutex_t lock; /* over `current` */
    struct http_certificate *current;
    char *chain, *ca; /* PEM; the ticker's */

    char *dir;                        /* of a mounted pair; NULL: our own */
    unsigned char seen[SHA256_BYTES]; /* of the mounted files that were last tried */

    struct series *expiry, *reads, *failures;
};

/* Takes all over. */
static void swap(struct serving *serving, struct http_certificate *certificate, char *chain, char *ca)
{
    pthread_mutex_lock(&serving->lock);
    struct http_certificate *old = serving->current;

    serving->current = certificate;
    pthread_mutex_unlock(&serving->lock);
    http_certificate_unref(old);
    free(serving->chain);
    free(serving->ca);
    serving->chain = chain;
    serving->ca = ca;
}

struct http_certificate *serving_certificate(void *arg)
{
    struct serving *serving = arg;

    pthread_mutex_lock(&serving->lock);
    struct http_certificate *certificate = http_certificate_ref(serving->current);

    pthread_mutex_unlock(&serving->lock);
    return certificate;
}

const char *serving_chain(const struct serving *serving)
{
    return serving->chain;
}

const char *serving_ca(const struct serving *serving)
{
    return serving->ca;
}

struct serving *serving_new(void)
{
    struct serving *serving = xcalloc(1, sizeof(*serving));

    pthread_mutex_init(&serving->lock, NULL);
    serving->expiry = metric_series(metric(METRIC_GAUGE, "kubelambda_certificate_expiry_seconds",
                                           "Seconds until the serving certificate expires.", ""),
                                    NULL, NULL, NULL);
    serving->reads = metric_series(metric(METRIC_COUNTER, "certwatcher_read_certificate_total",
                                          "Serving certificates read or made.", ""),
                                   NULL, NULL, NULL);
    serving->failures = metric_series(metric(METRIC_COUNTER, "certwatcher_read_certificate_errors_total",
                                             "Serving certificates that could not be used.", ""),
                                      NULL, NULL, NULL);
    return serving;
}

void serving_free(struct serving *serving)
{
    if (!serving)
        return;
    http_certificate_unref(serving->current);
    free(serving->chain);
    free(serving->ca);
    free(serving->dir);
    pthread_mutex_destroy(&serving->lock);
    free(serving);
}

/* --- our own ------------------------------------------------------------------------------ */

int serving_set(struct serving *serving, const struct pem_pair *leaf, struct err *err)
{
    struct http_certificate *certificate;
    char until[CLOCK_TEXT_SIZE];
    int r = http_certificate_new(view(leaf->certificate), view(leaf->key), &certificate, err);

    if (r != 0) {
        series_add(serving->failures, 1);
        return r;
    }
    series_add(serving->reads, 1);
    swap(serving, certificate, xstrdup(leaf->certificate), NULL);
    clock_rfc3339(certificate->not_after_s, until);
    log_info("a new certificate is served", "notAfter", until);
    return 0;
}

/* --- a mounted pair ----------------------------------------------------------------------- */

struct mounted {
    struct str certificate, key, ca;
    bool has_ca;
};

static void mounted_done(struct mounted *mounted)
{
    if (mounted->key.ptr)
        explicit_bzero(mounted->key.ptr, mounted->key.len);
    str_done(&mounted->certificate);
    str_done(&mounted->key);
    str_done(&mounted->ca);
}

static int read_file(const char *dir, const char *name, struct str *out, struct err *err)
{
    _cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);

    *out = STR_INIT(MAX_FILE_BYTES);
    return file_read(path, out, err);
}

static int read_mounted(const char *dir, struct mounted *mounted, struct err *err)
{
    int r = read_file(dir, "tls.crt", &mounted->certificate, err);

    if (r == 0)
        r = read_file(dir, "tls.key", &mounted->key, err);
    if (r < 0)
        return r;
    r = read_file(dir, "ca.crt", &mounted->ca, err);
    mounted->has_ca = r == 0 && mounted->ca.len > 0;
    return r == ERR_NOT_FOUND ? 0 : r;
}

static void digest_of(const struct mounted *mounted, unsigned char ret_digest[SHA256_BYTES])
{
    unsigned char each[3][SHA256_BYTES];

    sha256(str_view_of(&mounted->certificate), each[0]);
    sha256(str_view_of(&mounted->key), each[1]);
    sha256(str_view_of(&mounted->ca), each[2]);
    sha256((struct str_view){(const char *)each, sizeof(each)}, ret_digest);
}

/* One that has expired is served all the same: our clock may be wrong, and not to serve mends nothing. */
static void log_mounted(const struct http_certificate *certificate)
{
    char until[CLOCK_TEXT_SIZE];

    clock_rfc3339(certificate->not_after_s, until);
    if (certificate->not_after_s > clock_wall_s())
        log_info("the mounted certificate is served", "notAfter", until);
    else
        log_warn("the mounted certificate has expired: the API server refuses it until it is renewed",
                 "notAfter", until);
}

/* Reads the files and serves them unless they are those that were tried last. Contents are compared
 * and not times: a mount swaps a symlink, and the three files are small. */
static int load_mounted(struct serving *serving, struct err *err)
{
    _cleanup_(mounted_done) struct mounted mounted = {0};
    unsigned char digest[SHA256_BYTES];
    struct http_certificate *certificate = NULL;
    int r = read_mounted(serving->dir, &mounted, err);

    digest_of(&mounted, digest);
    if (memcmp(digest, serving->seen, sizeof(digest)) == 0)
        return 0;
    memcpy(serving->seen, digest, sizeof(digest));
    series_add(serving->reads, 1);
    if (r >= 0) {
        r = http_certificate_new(str_view_of(&mounted.certificate), str_view_of(&mounted.key), &certificate,
                                 err);
        if (r < 0)
            err_wrap(err, "%s: tls.crt and tls.key", serving->dir);
    }
    if (r < 0) {
        series_add(serving->failures, 1);
        return r;
    }
    swap(serving, certificate, str_take(&mounted.certificate), mounted.has_ca ? str_take(&mounted.ca) : NULL);
    log_mounted(serving->current);
    return 0;
}

static void tick_mounted(struct serving *serving)
{
    struct err err;

    if (load_mounted(serving, &err) < 0)
        log_warn("the mounted certificate cannot be used; the old one is kept", "error", err.msg);
}

int serving_dir(const char *dir, struct serving **ret_serving, struct err *err)
{
    struct serving *serving = serving_new();
    struct err why;

    serving->dir = xstrdup(dir);
    if (load_mounted(serving, &why) < 0) {
        serving_free(serving);
        return err_set(err, ERR_FATAL, "cannot serve TLS: %s", why.msg);
    }
    *ret_serving = serving;
    return 0;
}

void serving_tick(struct serving *serving, int64_t wall_s)
{
    if (serving->dir)
        tick_mounted(serving);
    series_set(serving->expiry, (double)(serving->current->not_after_s - wall_s));
}
