/* The options of `kubelambda serve`. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct serve_options { /* strings are the arguments themselves, NULL when not given */
    const char *kubeconfig;
    const char *listen, *health_listen, *metrics_listen;
    const char *webhook_url, *service, *cert_dir, *cert_lifetime, *ca_settle;
    const char *client_ca_file, *client_name;
    const char *namespace, *environment, *region, *cluster_id;
    const char *artifact_unavailable, *runtimes_file;
    const char *workers, *resync, *rotation, *log_level;
    bool no_controller, no_webhook, help;

    unsigned worker_count;
    int64_t resync_ms, rotation_ms, ca_settle_ms, cert_lifetime_ms;
    bool artifact_required;
};

/* ERR_INVALID names the option, its value and what is allowed. */
int serve_options_parse(int argc, char **argv, struct serve_options *ret_options, struct err *err)
    __attribute__((warn_unused_result));

void serve_options_help(void); /* on standard output */
