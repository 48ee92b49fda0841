/* The shell around certs/rotation: sees the configurations and the Secret, asks what is to be done, does it.
 * The ticker's, but for what certs_missing and certs_certificate read. */
#include "certs/certs.h"

#include "certs/inject.h"
#include "certs/secret.h"
#include "certs/serving.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/metrics.h"

#include <arpa/inet.h>
#include <stdatomic.h>

enum { CALM_EVERY_MS = 5 * 1000, TRIES = 3 /* at the Secret, when others write it, too */ };

struct certs {
    struct kube *kube;
    struct events *events;
    char *namespace;
    struct inject *inject; /* NULL: the configurations are somebody else's */
    bool installed;        /* they name a service */
    struct serving *serving;
    int64_t settle_s, lifetime_s, next_ms;
    bool hurry; /* look again at the next tick */

    bool own; /* not a mounted pair; then: */
    char *dns[3], *ips[2];
    struct authorities authorities;
    bool usable; /* they are in the Secret, or there can be none */
    bool shared; /* they are in the Secret */
    int64_t leaf_renew_s, shown_since_s;

    char *complained; /* what was logged last, so that it is not repeated each time */
    _Atomic(const char *) missing;
    atomic_bool was_ready;
    struct metric *changes;
    struct series *ca_expiry;
};

/* --- telling ------------------------------------------------------------------------------ */

static void count(struct certs *certs, const char *what)
{
    series_add(metric_series(certs->changes, what, NULL, NULL), 1);
}

/* In an event of the Secret. */
static void record(const struct certs *certs, const char *reason, const char *note)
{
    events_record(certs->events, &(struct event){.api_version = "v1",
                                                 .kind = "Secret",
                                                 .name = SECRET_NAME,
                                                 .namespace = certs->namespace,
                                                 .reason = reason,
                                                 .note = note});
}

static void complain(struct certs *certs, const char *what)
{
    if (str_equal(what, certs->complained))
        return;
    free(certs->complained);
    certs->complained = xstrdup(what);
    if (what)
        log_warn("certificates", "error", what);
}

/* --- the authorities ---------------------------------------------------------------------- */

static void adopt(struct certs *certs, struct authorities *authorities)
{
    if (!str_equal(certs->authorities.current.certificate, authorities->current.certificate))
        certs->shown_since_s = 0;
    authorities_done(&certs->authorities);
    certs->authorities = *authorities;
    *authorities = (struct authorities){0};
}

/* A new authority; everything that is trusted now goes on being trusted. */
static int succeed(const struct certs *certs, struct authorities *ret_authorities, struct err *err)
{
    const char *const trusted[] = {
        certs->usable ? certs->authorities.current.certificate : NULL,
        certs->usable ? certs->authorities.previous : NULL,
        certs->inject ? inject_bundle(certs->inject, INJECT_MUTATING) : NULL,
        certs->inject ? inject_bundle(certs->inject, INJECT_VALIDATING) : NULL,
    };

    return rotation_succeed(trusted, ARRAY_LEN(trusted), clock_wall_s(), ret_authorities, err);
}

/* Puts a new authority into the Secret. `secret` NULL: there is none. */
static int replace(struct certs *certs, const struct json *secret, const char *why, struct err *err)
{
    _cleanup_(authorities_done) struct authorities made = {0};
    int r = succeed(certs, &made, err);

    if (r == 0)
        r = secret_write(certs->kube, certs->namespace, secret, &made, err);
    if (r < 0)
        return r;
    _cleanup_(freep) char *message = xasprintf(
        "A new certificate authority was made: the Secret %s/" SECRET_NAME " %s", certs->namespace, why);

    log_info("a new certificate authority was made", "secret", SECRET_NAME, "namespace", certs->namespace,
             "because it", why);
    record(certs, "NewAuthority", message);
    count(certs, "authority");
    certs->usable = certs->shared = true;
    adopt(certs, &made);
    return 0;
}

static int share_once(struct certs *certs, struct err *err)
{
    _cleanup_(json_freep) struct json *secret = NULL;
    _cleanup_(authorities_done) struct authorities found = {0};
    struct err wrong;
    int r = secret_read(certs->kube, certs->namespace, &secret, err);

    if (r == ERR_NOT_FOUND)
        return replace(certs, NULL, "was not there", err);
    if (r < 0)
        return r;
    if (secret_parse(secret, &found, &wrong) < 0) {
        _cleanup_(freep) char *why = xasprintf("was damaged: %s", wrong.msg);

        return replace(certs, secret, why, err);
    }
    certs->usable = certs->shared = true;
    adopt(certs, &found);
    const char *why = rotation_reason(&certs->authorities, clock_wall_s());

    return why ? replace(certs, secret, why, err) : 0;
}

/* Where nobody installed us there may be no Secret for us either: then one process is all there is. */
static int keep_in_memory(struct certs *certs, struct err *err)
{
    _cleanup_(authorities_done) struct authorities made = {0};

    if (!certs->usable)
        log_info("the certificate authority is kept in memory", "because", err->msg);
    certs->usable = true;
    if (!rotation_reason(&certs->authorities, clock_wall_s()))
        return 0;
    int r = succeed(certs, &made, err);

    if (r == 0)
        adopt(certs, &made);
    return r;
}

static int share(struct certs *certs, struct err *err)
{
    int r = ERR_CONFLICT;

    for (int i = 0; i < TRIES && r == ERR_CONFLICT; i++)
        r = share_once(certs, err);
    if ((r == ERR_DENIED || r == ERR_NOT_FOUND) && !certs->installed && !certs->shared)
        return keep_in_memory(certs, err);
    return r;
}

/* --- the leaf ----------------------------------------------------------------------------- */

static struct rotation_view look(const struct certs *certs)
{
    return (struct rotation_view){
        .wall_s = clock_wall_s(),
        .settle_s = certs->settle_s,
        .authorities = &certs->authorities,
        .leaf = serving_chain(certs->serving),
        .leaf_renew_s = certs->leaf_renew_s,
        .bundles = {inject_bundle(certs->inject, INJECT_MUTATING),
                    inject_bundle(certs->inject, INJECT_VALIDATING)},
        .shown_since_s = certs->shown_since_s,
    };
}

static int sign(struct certs *certs, int64_t wall_s, struct err *err)
{
    const struct authority_names names = {(const char *const *)certs->dns, (const char *const *)certs->ips};
    _cleanup_(pem_pair_done) struct pem_pair leaf = {0};
    int r = authority_sign(&certs->authorities.current, &names, wall_s, certs->lifetime_s, &leaf, err);

    if (r == 0)
        r = serving_set(certs->serving, &leaf, err);
    if (r < 0)
        return r;
    certs->leaf_renew_s = wall_s + (leaf.not_after_s - wall_s) * 2 / 3;
    count(certs, "leaf");
    return 0;
}

static int keep_leaf(struct certs *certs, struct err *err)
{
    struct rotation_view now = look(certs);

    certs->shown_since_s = now.shown_since_s = rotation_shown_since(&now);
    series_set(certs->ca_expiry, (double)(certs->authorities.current.not_after_s - now.wall_s));
    const char *why = rotation_sign(&now);

    if (!why)
        return 0;
    log_info("our certificate is replaced", "because", why);
    return sign(certs, now.wall_s, err);
}

/* --- the configurations ------------------------------------------------------------------- */

static int write_bundles(struct certs *certs, const char *ca, struct err *err)
{
    unsigned written;
    int r = inject_write(certs->inject, ca, &written, err);

    certs->hurry = written > 0; /* who did it once may do it again */
    if (written > 0)
        count(certs, "bundle");
    /* At the start it is the ordinary thing, later somebody else did what they should not. */
    if (written > 0 && atomic_load(&certs->was_ready) && certs->shown_since_s)
        record(certs, "BundleRepaired",
               "The caBundle of the webhook configurations was changed by somebody else and put back");
    return r;
}

/* Our own certificate. While the Secret cannot be had, what it held last goes on; while a configuration
 * cannot be written, the other one goes on needing a leaf that is valid. */
static int keep_own(struct certs *certs, struct err *err)
{
    int r = inject_read(certs->inject, err);

    if (r < 0)
        return r;
    r = share(certs, err);
    if (r < 0 && !certs->usable)
        return r;
    struct err later;
    _cleanup_(freep) char *ca = authorities_bundle(&certs->authorities, clock_wall_s());
    int w = write_bundles(certs, ca, &later), l = keep_leaf(certs, w < 0 ? NULL : &later);

    if (w == 0)
        w = l;
    if (w < 0) {
        *err = later;
        return w;
    }
    struct rotation_view now = look(certs);

    atomic_store(&certs->missing, rotation_missing(&now));
    return r;
}

/* A mounted one: its authority is written where the whole configuration is ours. In the cluster whoever makes
 * the certificate (cert-manager) writes the caBundle, too. */
static int keep_mounted(struct certs *certs, struct err *err)
{
    int r = inject_read(certs->inject, err);

    if (r == 0)
        r = write_bundles(certs, certs->installed ? NULL : serving_ca(certs->serving), err);
    if (r < 0)
        return r;
    bool trusted = inject_right(certs->inject);

    for (enum inject_kind kind = INJECT_MUTATING; certs->installed && kind <= INJECT_VALIDATING; kind++) {
        const char *bundle = inject_bundle(certs->inject, kind);

        trusted &= bundle && authority_verifies(bundle, serving_chain(certs->serving), clock_wall_s());
    }
    atomic_store(&certs->missing,
                 trusted ? NULL : "the webhook configurations do not trust the mounted certificate yet");
    return 0;
}

int certs_tick(struct certs *certs, struct err *err)
{
    if (clock_mono_ms() < certs->next_ms)
        return 0;
    serving_tick(certs->serving, clock_wall_s());
    int r = 0;

    if (certs->inject)
        r = certs->own ? keep_own(certs, err) : keep_mounted(certs, err);

    if (r == 0 && !atomic_load(&certs->missing))
        atomic_store(&certs->was_ready, true);
    complain(certs, r < 0 ? err->msg : NULL);
    certs->next_ms = atomic_load(&certs->was_ready) && !certs->hurry ? clock_mono_ms() + CALM_EVERY_MS : 0;
    return r == ERR_FATAL ? r : 0;
}

const char *certs_missing(struct certs *certs)
{
    return atomic_load(&certs->was_ready) ? NULL : atomic_load(&certs->missing);
}

struct http_certificate *certs_certificate(void *arg)
{
    struct certs *certs = arg;

    return serving_certificate(certs->serving);
}

/* --- start and end ------------------------------------------------------------------------ */

/* The host of https://HOST:PORT or https://[V6]:PORT, which our certificate must carry. */
static void name_by_url(struct certs *certs, const char *url)
{
    const char *host = url + strlen("https://");
    char *name =
        *host == '[' ? xstrndup(host + 1, strcspn(host + 1, "]")) : xstrndup(host, strcspn(host, ":/"));
    unsigned char address[16];
    bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;

    *(is_address ? certs->ips : certs->dns) = name;
}

static void aim_at_service(struct certs *certs, const char *service)
{
    _cleanup_(freep) char *namespace = xstrndup(service, strcspn(service, "/"));
    const char *name = service + strlen(namespace) + 1;

    certs->installed = true;
    certs->inject = inject_service(certs->kube, namespace, name);
    certs->dns[0] = xasprintf("%s.%s.svc", name, namespace);
    certs->dns[1] = xasprintf("%s.%s.svc.cluster.local", name, namespace);
}

/* So that there is something to serve until the Secret has been read. */
static int begin_own(struct certs *certs, struct err *err)
{
    struct authorities made = {0};
    int r = rotation_succeed(NULL, 0, clock_wall_s(), &made, err);

    if (r < 0)
        return r;
    certs->own = true;
    certs->serving = serving_new();
    adopt(certs, &made);
    return sign(certs, clock_wall_s(), err);
}

int certs_start(const struct certs_options *options, struct certs **ret_certs, struct err *err)
{
    struct certs *certs = xcalloc(1, sizeof(*certs));
    int r = 0;

    certs->kube = options->kube;
    certs->events = options->events;
    certs->namespace = xstrdup(options->namespace);
    certs->settle_s = (options->settle_ms + 999) / 1000;
    certs->lifetime_s = options->lifetime_ms ? options->lifetime_ms / 1000 : ROTATION_LEAF_LIFETIME_S;
    certs->changes =
        metric(METRIC_COUNTER, "kubelambda_certificate_changes_total",
               "New authorities, new serving certificates, and caBundles that were written.", "what");
    if (options->service)
        aim_at_service(certs, options->service);
    else if (options->url)
        r = inject_url(certs->kube, options->url, &certs->inject, err);
    if (r == 0 && options->url)
        name_by_url(certs, options->url);
    if (r == 0)
        r = options->dir ? serving_dir(options->dir, &certs->serving, err) : begin_own(certs, err);
    if (r < 0) {
        certs_free(certs);
        return r;
    }
    certs->ca_expiry = metric_series(metric(METRIC_GAUGE, "kubelambda_ca_expiry_seconds",
                                            "Seconds until our certificate authority expires.", ""),
                                     NULL, NULL, NULL);
    if (certs->inject)
        atomic_store(&certs->missing, "the webhook configurations have not been read yet");
    *ret_certs = certs;
    return 0;
}

void certs_free(struct certs *certs)
{
    if (!certs)
        return;
    serving_free(certs->serving);
    inject_free(certs->inject);
    authorities_done(&certs->authorities);
    for (size_t i = 0; i < ARRAY_LEN(certs->dns); i++)
        free(certs->dns[i]);
    free(certs->ips[0]);
    free(certs->complained);
    free(certs->namespace);
    free(certs);
}
