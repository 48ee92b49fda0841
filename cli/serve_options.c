/* The options of `kubelambda serve`: one table for parsing and help. */
#include "cli/serve_options.h"

#include "cli/cli.h"

#include "cli/options.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <stddef.h>

enum {
    CERT_LIFETIME_MIN_MS = 20 * 1000 /* what is looked after every five seconds must not expire meanwhile */
};

#define DNS_LABEL "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

static const struct option_row rows[] = {
#define TEXT(name, value, member, otherwise, help)                                                           \
    {                                                                                                        \
        name, 0, value, OPTION_TEXT, offsetof(struct serve_options, member), otherwise, help                 \
    }
#define SWITCH(name, member, help)                                                                           \
    {                                                                                                        \
        name, 0, NULL, OPTION_SWITCH, offsetof(struct serve_options, member), NULL, help                     \
    }
    TEXT("kubeconfig", "FILE", kubeconfig, NULL,
         "how to reach the API server; else $KUBECONFIG, the pod's service account, ~/.kube/config"),
    TEXT("listen", "ADDRESS", listen, "0.0.0.0:9443", "where the webhook is served over TLS"),
    TEXT("webhook-url", "URL", webhook_url, NULL,
         "https://HOST:PORT under which the API server reaches the webhook; the webhook configurations are "
         "written for it"),
    TEXT("service", "NS/NAME", service, NULL,
         "the Service that the installed webhook configurations name, instead of --webhook-url; their "
         "caBundle "
         "is kept right"),
    TEXT("cert-dir", "DIR", cert_dir, NULL,
         "a mounted certificate: tls.crt, tls.key and ca.crt, read again when they change; else our own"),
    TEXT("client-ca-file", "FILE", client_ca_file, NULL,
         "the authorities by one of which the API server's client certificate must be, read again when they "
         "change; "
         "else everybody may ask"),
    TEXT("client-name", "NAME", client_name, NULL, "the common name that it must have, too"),
    TEXT("cert-lifetime", "TIME", cert_lifetime, NULL,
         "how long our own certificate is valid, such as 168h; it is renewed after two thirds of that; else "
         "30 days"),
    TEXT("ca-settle", "TIME", ca_settle, "1m",
         "how long a new certificate authority is in both webhook configurations before it signs"),
    TEXT("namespace", "NAME", namespace, NULL,
         "where the Secret kubelambda-ca and the Lease of the leader's election are; else the pod's "
         "namespace, "
         "else kubelambda-system"),
    TEXT("environment", "NAME", environment, NULL,
         "prefix of function names in namespaces without the label kubelambda.io/environment"),
    TEXT("region", "REGION", region, NULL, "AWS region of functions that name none; else AWS_REGION"),
    TEXT("workers", "N", workers, "8", "resources that are worked on at the same time, 1 to 64"),
    TEXT("resync", "TIME", resync, "10m",
         "how often AWS's list of functions is compared with what is declared, such as 30s, 10m, 1h"),
    TEXT(
        "rotation", "TIME", rotation, "24h",
        "how often each function is compared with all that such a list does not show: tags, concurrency, the "
        "archive in S3, …"),
    TEXT("cluster-id", "ID", cluster_id, NULL,
         "this cluster's part of the owner tag; else the UID of the namespace kube-system"),
    TEXT("artifact-unavailable", "allow|reject", artifact_unavailable, "allow",
         "what admission does when S3 cannot be asked whether the code exists"),
    TEXT("runtimes-file", "FILE", runtimes_file, NULL,
         "runtimes and their dates that replace or join the built-in ones, read again when it changes"),
    SWITCH("no-controller", no_controller, "serve the webhook only"),
    SWITCH("no-webhook", no_webhook, "run the controller only"),
    TEXT("health-listen", "ADDRESS", health_listen, "0.0.0.0:8081", "where /healthz and /readyz are served"),
    TEXT("metrics-listen", "ADDRESS", metrics_listen, "127.0.0.1:8080", "where /metrics is served"),
    TEXT("log-level", "LEVEL", log_level, "info", "debug, info, warn or error"),
    SWITCH("help", help, "this text"),
#undef TEXT
#undef SWITCH
};

const struct option_table cli_serve_table = {
    .usage = "kubelambda serve [OPTION…]",
    .before = "Runs the admission webhook and the controller.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .after =
        "Examples:\n"
        "  kubelambda serve --webhook-url https://192.0.2.1:9443 --region eu-central-1   # outside a "
        "cluster\n"
        "  kubelambda serve --service kubelambda-system/kubelambda                       # as manifests/ do\n"
        "  kubelambda serve --no-webhook --resync 1m                                     # the controller "
        "only\n"
        "\n"
        "AWS credentials, region and endpoints come from the standard environment variables and files;\n"
        "docs/operating.md tells how it is installed. SIGTERM ends it in good order.",
};

/* Values that are more than text. */
static int convert(struct serve_options *options, struct err *err)
{
    int64_t workers;

    if (!parse_int(options->workers, 1, 64, &workers))
        return err_set(err, ERR_INVALID, "--workers %s: must be a number from 1 to 64", options->workers);
    options->worker_count = (unsigned)workers;
    if (!parse_duration(options->resync, &options->resync_ms) || options->resync_ms < 1000)
        return err_set(err, ERR_INVALID, "--resync %s: must be a time of at least 1s, such as 10m",
                       options->resync);
    if (!parse_duration(options->rotation, &options->rotation_ms) || options->rotation_ms < 1000)
        return err_set(err, ERR_INVALID, "--rotation %s: must be a time of at least 1s, such as 24h",
                       options->rotation);
    options->artifact_required = str_equal(options->artifact_unavailable, "reject");
    if (!options->artifact_required && !str_equal(options->artifact_unavailable, "allow"))
        return err_set(err, ERR_INVALID, "--artifact-unavailable %s: must be allow or reject",
                       options->artifact_unavailable);
    if (!log_set_level(options->log_level))
        return err_set(err, ERR_INVALID, "--log-level %s: must be debug, info, warn or error",
                       options->log_level);
    if (options->no_controller && options->no_webhook)
        return err_set(err, ERR_INVALID, "--no-controller and --no-webhook together leave nothing to run");
    if (!parse_duration(options->ca_settle, &options->ca_settle_ms))
        return err_set(err, ERR_INVALID, "--ca-settle %s: must be a time such as 1m", options->ca_settle);
    if (options->cert_lifetime && (!parse_duration(options->cert_lifetime, &options->cert_lifetime_ms) ||
                                   options->cert_lifetime_ms < CERT_LIFETIME_MIN_MS))
        return err_set(err, ERR_INVALID, "--cert-lifetime %s: must be a time of at least 20s, such as 168h",
                       options->cert_lifetime);
    if (options->service && options->webhook_url)
        return err_set(err, ERR_INVALID,
                       "--service and --webhook-url exclude each other: the API server finds the webhook by "
                       "one of them");
    if (options->service && !matches(DNS_LABEL "/" DNS_LABEL, options->service))
        return err_set(err, ERR_INVALID, "--service %.140s: must be NAMESPACE/NAME", options->service);
    if (!options->no_webhook && !options->webhook_url && !options->service && !options->cert_dir)
        return err_set(err, ERR_INVALID,
                       "give --webhook-url, so that the API server learns where the webhook is; --service "
                       "where manifests/ installed it; or --cert-dir where its configurations are kept by "
                       "somebody else");
    if (options->client_name && !options->client_ca_file)
        return err_set(err, ERR_INVALID, "--client-name says nothing without --client-ca-file");
    if (options->namespace && !matches(DNS_LABEL, options->namespace))
        return err_set(err, ERR_INVALID,
                       "--namespace %.64s: must be at most 63 lower-case letters, digits and inner hyphens",
                       options->namespace);
    if (options->environment && !matches("[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?", options->environment))
        return err_set(err, ERR_INVALID, "--environment %.64s: must be letters, digits and inner hyphens",
                       options->environment);
    return 0;
}

int serve_options_parse(int argc, char **argv, struct serve_options *ret_options, struct err *err)
{
    struct serve_options options = {0};
    int r = options_parse(&cli_serve_table, argc, argv, &options, err);

    if (r == 0 && !options.help)
        r = convert(&options, err);
    if (r == 0)
        *ret_options = options;
    return r;
}

void serve_options_help(void)
{
    options_help(&cli_serve_table);
}
