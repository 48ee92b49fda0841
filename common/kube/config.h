/* Where the API server is and who we are: a kubeconfig, or the pod's service account. */
#pragma once

#include "common/base/err.h"
#include "common/http/client.h"
#include "common/kube/login.h"

struct kube_config {
    char *server;                         /* "https://10.0.0.1:443", no slash at the end */
    char *token;                          /* fixed bearer token, or NULL */
    char *token_file;                     /* read again each minute and after a 401, or NULL */
    struct login *login;                  /* of an exec plugin, instead of the former; or NULL */
    char *namespace;                      /* the context's or the pod's, or NULL */
    bool in_pod;                          /* it is the pod's service account that speaks */
    char *ca_file, *cert_file, *key_file; /* inline data is put in memory files: /proc/self/fd/N */
    int memory_files[3];                  /* descriptors behind them, -1: none */
};

/* `path` NULL: the first existing file of $KUBECONFIG, else the pod's service account, else ~/.kube/config.
 * Runs the exec plugin when there is one. ERR_FATAL says which file, which member and what is wrong. */
int kube_config_load(const char *path, struct kube_config *ret_config, struct err *err)
    __attribute__((warn_unused_result));

/* The service account of the pod that we run in, by the files in `directory` (NULL: where a pod has
 * them) and $KUBERNETES_SERVICE_HOST and _PORT. */
int kube_config_load_pod(const char *directory, struct kube_config *ret_config, struct err *err)
    __attribute__((warn_unused_result));

void kube_config_done(struct kube_config *config);
