/* The exec plugin of a kubeconfig. The thread runs it; the lock guards what it gave. */
#include "common/kube/login.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/process.h"
#include "common/base/thread.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    TIMEOUT_MS = 20 * 1000,
    OUTPUT_MAX_BYTES = 256 << 10,
    AHEAD_S = 60,
    RETRY_MAX_MS = 60 * 1000,
    RENEW_PAUSE_MS = 5 * 1000,
    GENERATIONS = 3, /* of memory files that are kept open */
};

#define NEVER_MS INT64_MAX
#define GROUP "client.authentication.k8s.io/"

struct login {
    char **argv, **env; /* NULL-terminated */
    char *version;      /* "client.authentication.k8s.io/v1" */
    char *install_hint; /* or NULL */

    pthread_mutex_t lock; /* of everything below */
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping;
    char *token, *cert_file, *key_file;
    int files[GENERATIONS][2]; /* the newest first; -1: none */
    int64_t due_ms;
    int64_t run_ms; /* when it was run last */
    unsigned tries, runs, failures;
};

void login_credential_done(struct login_credential *credential)
{
    char **const wiped[] = {&credential->token, &credential->cert, &credential->key};

    for (size_t i = 0; i < ARRAY_LEN(wiped); i++) {
        if (*wiped[i])
            explicit_bzero(*wiped[i], strlen(*wiped[i]));
        free(*wiped[i]);
    }
    *credential = (struct login_credential){0};
}

int memory_file(struct str_view bytes, int *ret_fd, char **ret_path, struct err *err)
{
    int fd = memfd_create("kubeconfig", MFD_CLOEXEC);

    if (fd < 0)
        return err_set(err, ERR_FATAL, "cannot make a memory file: %s", strerror(errno));
    for (size_t done = 0; done < bytes.len;) {
        ssize_t wrote = write(fd, bytes.ptr + done, bytes.len - done);

        if (wrote < 0) {
            err_set(err, ERR_FATAL, "cannot write a memory file: %s", strerror(errno));
            close(fd);
            return ERR_FATAL;
        }
        done += (size_t)wrote;
    }
    *ret_fd = fd;
    *ret_path = xasprintf("/proc/self/fd/%d", fd);
    return 0;
}

/* --- what the plugin says ----------------------------------------------------------------- */

static int read_status(const struct json *status, struct login_credential *ret_credential, struct err *err)
{
    const char *token = json_str(json_get(status, "token"));
    const char *cert = json_str(json_get(status, "clientCertificateData"));
    const char *key = json_str(json_get(status, "clientKeyData"));
    const char *expires = json_str(json_get(status, "expirationTimestamp"));
    int64_t expires_s = 0;

    token = token && *token ? token : NULL;
    cert = cert && *cert ? cert : NULL;
    key = key && *key ? key : NULL;
    if (!token && !cert)
        return err_set(err, ERR_FATAL, "its status has neither token nor clientCertificateData");
    if (!cert != !key)
        return err_set(err, ERR_FATAL, "its status has %s but no %s",
                       cert ? "clientCertificateData" : "clientKeyData",
                       cert ? "clientKeyData" : "clientCertificateData");
    for (const char *c = token; c && *c; c++)
        if (*c <= ' ' || *c > '~')
            return err_set(err, ERR_FATAL, "status.token has a blank or a line end in it");
    if (expires && !clock_parse(expires, &expires_s))
        return err_set(err, ERR_FATAL, "status.expirationTimestamp is %.40s: not a time", expires);
    *ret_credential = (struct login_credential){xstrdup(token), xstrdup(cert), xstrdup(key), expires_s};
    return 0;
}

int login_read(struct str_view output, const char *version, struct login_credential *ret_credential,
               struct err *err)
{
    _cleanup_(json_freep) struct json *answer = NULL;

    if (json_parse(output, &answer, NULL) < 0) /* its message could show a piece of it */
        return err_set(err, ERR_FATAL, "its output is not JSON");
    const char *kind = json_str(json_get(answer, "kind")), *got = json_str(json_get(answer, "apiVersion"));

    if (!str_equal(kind, "ExecCredential") || !str_equal(got, version))
        return err_set(err, ERR_FATAL, "its output is %.60s %.40s, not %s ExecCredential",
                       got ? got : "nothing", kind ? kind : "", version);
    return read_status(json_get(answer, "status"), ret_credential, err);
}

int64_t login_schedule_ms(int64_t now_s, int64_t expires_s, unsigned failures)
{
    int64_t retry_ms = 1000LL << (failures > 16 ? 16 : failures > 0 ? failures - 1 : 0);
    int64_t left_s = expires_s - now_s;

    if (failures > 0)
        return retry_ms < RETRY_MAX_MS ? retry_ms : RETRY_MAX_MS;
    if (expires_s == 0)
        return NEVER_MS;
    int64_t wait_s = left_s > 2 * AHEAD_S ? left_s - AHEAD_S : left_s / 2;

    return wait_s > 0 ? wait_s * 1000 : 1000;
}

/* --- running it --------------------------------------------------------------------------- */

static int run_plugin(const struct login *login, struct login_credential *ret_credential, struct err *err)
{
    _cleanup_(str_done) struct str output = STR_INIT(OUTPUT_MAX_BYTES);
    const struct process process = {.argv = (const char *const *)login->argv,
                                    .env = (const char *const *)login->env,
                                    .timeout_ms = TIMEOUT_MS};
    int result = process_run(&process, &output, err);

    if (result == 0)
        result = login_read(str_view_of(&output), login->version, ret_credential, err);
    if (output.ptr)
        explicit_bzero(output.ptr, output.len);
    if (result == 0)
        return 0;
    err_wrap(err, "exec plugin %s", login->argv[0]);
    if (result == ERR_NOT_FOUND && login->install_hint && err) {
        _cleanup_(freep) char *said = xstrdup(err->msg);

        err_set(err, ERR_FATAL, "%s. %.300s", said, login->install_hint);
    }
    return ERR_FATAL;
}

static void close_files(int files[2])
{
    for (int i = 0; i < 2; i++) {
        if (files[i] >= 0)
            close(files[i]);
        files[i] = -1;
    }
}

/* Under the lock, except at the start. */
static int put_in_force(struct login *login, struct login_credential *credential, struct err *err)
{
    int files[2] = {-1, -1};
    char *cert_file = NULL, *key_file = NULL;

    if (credential->cert) {
        int result = memory_file(view(credential->cert), &files[0], &cert_file, err);

        if (result == 0)
            result = memory_file(view(credential->key), &files[1], &key_file, err);
        if (result < 0) {
            close_files(files);
            free(cert_file);
            return result;
        }
    }
    close_files(login->files[GENERATIONS - 1]);
    memmove(login->files[1], login->files[0], sizeof(login->files[0]) * (GENERATIONS - 1));
    memcpy(login->files[0], files, sizeof(files));
    if (login->token)
        explicit_bzero(login->token, strlen(login->token));
    free(login->token);
    free(login->cert_file);
    free(login->key_file);
    login->token = take(credential->token);
    login->cert_file = cert_file;
    login->key_file = key_file;
    return 0;
}

/* Under the lock, which it leaves while the plugin runs. */
static void run_again(struct login *login)
{
    struct login_credential credential = {0};
    struct err err;

    login->due_ms = NEVER_MS;
    pthread_mutex_unlock(&login->lock);
    int result = run_plugin(login, &credential, &err);

    pthread_mutex_lock(&login->lock);
    if (result == 0)
        result = put_in_force(login, &credential, &err);
    if (result == 0) {
        login->failures = 0;
        login->runs++;
    } else if (login->failures++ == 0) {
        log_warn("no new credentials for the API server; trying again", "error", err.msg);
    }
    login->tries++;
    login->run_ms = clock_mono_ms();
    int64_t wait_ms = login_schedule_ms(clock_wall_s(), credential.expires_s, login->failures);

    if (wait_ms != NEVER_MS && login->run_ms + wait_ms < login->due_ms)
        login->due_ms = login->run_ms + wait_ms;
    login_credential_done(&credential);
    pthread_cond_broadcast(&login->changed);
}

static void *work(void *arg)
{
    struct login *login = arg;

    pthread_mutex_lock(&login->lock);
    while (!login->stopping) {
        if (login->due_ms <= clock_mono_ms())
            run_again(login);
        else
            thread_wait_until(&login->changed, &login->lock, login->due_ms);
    }
    pthread_mutex_unlock(&login->lock);
    return NULL;
}

static void start_thread(struct login *login)
{
    thread_must_start(&login->thread, "login", work, login);
    login->started = true;
}

/* --- what the kubeconfig says ------------------------------------------------------------- */

static int read_version(const struct json *exec, struct login *login, struct err *err)
{
    const char *version = json_str(json_get(exec, "apiVersion")), *mode;

    if (!str_equal(version, GROUP "v1") && !str_equal(version, GROUP "v1beta1"))
        return err_set(err, ERR_FATAL, "exec.apiVersion is %.60s; it must be " GROUP "v1 or " GROUP "v1beta1",
                       version ? version : "missing");
    if (json_is_true(json_get(exec, "provideClusterInfo")))
        return err_set(err, ERR_FATAL,
                       "exec.provideClusterInfo is not supported; write what the plugin needs "
                       "into exec.args");
    mode = json_str(json_get(exec, "interactiveMode"));
    if (str_equal(mode, "Always"))
        return err_set(err, ERR_FATAL, "exec.interactiveMode is Always: nobody is here to answer it");
    login->version = xstrdup(version);
    login->install_hint = xstrdup(json_str(json_get(exec, "installHint")));
    return 0;
}

static int read_arguments(const struct json *exec, const char *directory, struct login *login,
                          struct err *err)
{
    const struct json *args = json_get(exec, "args");
    const char *command = json_str(json_get(exec, "command"));
    size_t n = 0;

    if (!command || !*command)
        return err_set(err, ERR_FATAL, "exec.command is missing");
    login->argv = xcalloc(json_size(args) + 2, sizeof(*login->argv));
    login->argv[n++] =
        *command != '/' && strchr(command, '/') ? xasprintf("%s/%s", directory, command) : xstrdup(command);
    for (const struct json *item = json_first(args); item; item = json_next(item)) {
        if (!json_str(item))
            return err_set(err, ERR_FATAL, "exec.args must be strings");
        login->argv[n++] = xstrdup(json_str(item));
    }
    return 0;
}

static int read_environment(const struct json *exec, struct login *login, struct err *err)
{
    const struct json *env = json_get(exec, "env");
    size_t n = 0;

    login->env = xcalloc(json_size(env) + 2, sizeof(*login->env));
    login->env[n++] = xasprintf("KUBERNETES_EXEC_INFO={\"apiVersion\":\"%s\",\"kind\":\"ExecCredential\","
                                "\"spec\":{\"interactive\":false}}",
                                login->version);
    for (const struct json *item = json_first(env); item; item = json_next(item)) {
        const char *name = json_str(json_get(item, "name")), *value = json_str(json_get(item, "value"));

        if (!name || !*name || strchr(name, '=') || !value)
            return err_set(err, ERR_FATAL, "exec.env must be a list of {name, value}");
        login->env[n++] = xasprintf("%s=%s", name, value);
    }
    return 0;
}

static struct login *login_new(void)
{
    struct login *login = xcalloc(1, sizeof(*login));

    memset(login->files, -1, sizeof(login->files));
    thread_cond_init(&login->changed);
    pthread_mutex_init(&login->lock, NULL);
    return login;
}

int login_start(const struct json *exec, const char *directory, struct login **ret_login, struct err *err)
{
    struct login *login = login_new();
    struct login_credential credential = {0};
    int result = read_version(exec, login, err);

    if (result == 0)
        result = read_arguments(exec, directory, login, err);
    if (result == 0)
        result = read_environment(exec, login, err);
    if (result == 0)
        result = run_plugin(login, &credential, err);
    if (result == 0)
        result = put_in_force(login, &credential, err);
    if (result < 0) {
        login_credential_done(&credential);
        login_free(login);
        return result;
    }
    int64_t wait_ms = login_schedule_ms(clock_wall_s(), credential.expires_s, 0);

    login->run_ms = clock_mono_ms();
    login->due_ms = wait_ms == NEVER_MS ? NEVER_MS : login->run_ms + wait_ms;
    login_credential_done(&credential);
    start_thread(login);
    *ret_login = login;
    return 0;
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void login_free(struct login *login)
{
    if (!login)
        return;
    pthread_mutex_lock(&login->lock);
    login->stopping = true;
    pthread_cond_broadcast(&login->changed);
    pthread_mutex_unlock(&login->lock);
    if (login->started)
        pthread_join(login->thread, NULL);
    for (size_t i = 0; i < GENERATIONS; i++)
        close_files(login->files[i]);
    if (login->token)
        explicit_bzero(login->token, strlen(login->token));
    free(login->token);
    free(login->cert_file);
    free(login->key_file);
    free_list(login->argv);
    free_list(login->env);
    free(login->version);
    free(login->install_hint);
    pthread_cond_destroy(&login->changed);
    pthread_mutex_destroy(&login->lock);
    free(login);
}

/* --- for those who make requests ---------------------------------------------------------- */

void login_get(struct login *login, char **ret_token, char **ret_cert_file, char **ret_key_file)
{
    pthread_mutex_lock(&login->lock);
    *ret_token = xstrdup(login->token);
    *ret_cert_file = xstrdup(login->cert_file);
    *ret_key_file = xstrdup(login->key_file);
    pthread_mutex_unlock(&login->lock);
}

bool login_renew(struct login *login, int64_t wait_ms)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;

    pthread_mutex_lock(&login->lock);
    unsigned runs = login->runs, tries = login->tries;

    if (clock_mono_ms() - login->run_ms >= RENEW_PAUSE_MS) {
        login->due_ms = 0;
        pthread_cond_broadcast(&login->changed);
        while (login->tries == tries && !login->stopping && clock_mono_ms() < deadline_ms)
            thread_wait_until(&login->changed, &login->lock, deadline_ms);
    }
    bool renewed = login->runs != runs;

    pthread_mutex_unlock(&login->lock);
    return renewed;
}
