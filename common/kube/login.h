/* Credentials that a kubeconfig's exec plugin gives (client.authentication.k8s.io/v1 and v1beta1). The plugin
 * is run by a thread of its own: ahead of the expiry that it names, and after the API server refused.
 * Source: Kubernetes, "client-go credential plugins". */
#pragma once

#include "common/base/json.h"

struct login;

/* What a plugin says; PEM texts. */
struct login_credential {
    char *token;       /* or NULL */
    char *cert, *key;  /* both or none */
    int64_t expires_s; /* 0: not said */
};
void login_credential_done(struct login_credential *credential);

/* Reads user.exec, in the directory of its kubeconfig (to which a command with a slash is relative), and runs
 * it for the first time: blocks. ERR_FATAL says what is wrong, with the plugin's own hint where there is no
 * such program. */
int login_start(const struct json *exec, const char *directory, struct login **ret_login, struct err *err)
    __attribute__((warn_unused_result));
void login_free(struct login *login); /* accepts NULL; waits for the plugin when it is running */

/* Copies of what is in force, which the caller frees: a token, and files with certificate and key. NULL:
 * none. The files stay readable until the plugin has been run twice more. */
void login_get(struct login *login, char **ret_token, char **ret_cert_file, char **ret_key_file);

/* The API server answered 401: runs the plugin again, soon, and waits for that up to `wait_ms` (0 on the http
 * thread). True when it gave something since. */
bool login_renew(struct login *login, int64_t wait_ms);

/* Pure: the plugin's output. `version` is the one that was asked for. No message shows a secret. */
int login_read(struct str_view output, const char *version, struct login_credential *ret_credential,
               struct err *err) __attribute__((warn_unused_result));

/* Pure: when to run the plugin again, in ms; INT64_MAX: when it is asked for. */
int64_t login_schedule_ms(int64_t now_s, int64_t expires_s, unsigned failures);

/* Puts bytes into a memory file, to be read by its path: what libcurl takes are paths. */
int memory_file(struct str_view bytes, int *ret_fd, char **ret_path, struct err *err)
    __attribute__((warn_unused_result));
