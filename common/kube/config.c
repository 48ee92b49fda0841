/* A kubeconfig, or the pod's service account, as a struct kube_config. Any thread; the result is the
 * caller's. Secrets in the file stay out of every message. */
#include "common/kube/config.h"

#include "common/base/encode.h"
#include "common/base/file.h"
#include "common/base/mem.h"
#include "common/base/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 1 << 20 };

static const char POD_DIRECTORY[] = "/var/run/secrets/kubernetes.io/serviceaccount";

/* A kubeconfig that is being read. */
struct source {
    const char *path;
    const struct json *root, *cluster, *user;
    struct kube_config *config;
    struct err *err;
};

/* A path in a kubeconfig is relative to the file that it stands in. */
static char *resolve_path(const struct source *source, const char *path)
{
    const char *slash = strrchr(source->path, '/');

    if (*path == '/' || !slash)
        return xstrdup(path);
    return xasprintf("%.*s/%s", (int)(slash - source->path), source->path, path);
}

/* The file named by `member`, or the inline data of `member`-data, which wins as it does in kubectl. */
static int read_credential(const struct source *source, const struct json *owner, const char *member,
                           int *ret_fd, char **ret_path)
{
    _cleanup_(freep) char *data_member = xasprintf("%s-data", member);
    _cleanup_(str_done) struct str bytes = STR_INIT(MAX_FILE_BYTES);
    const char *data = json_str(json_get(owner, data_member)), *path = json_str(json_get(owner, member));

    if (data && *data) {
        if (base64_decode(view(data), &bytes, source->err) < 0 || bytes.overflow)
            return err_set(source->err, ERR_FATAL, "%s is not base64", data_member);
        int r = memory_file(str_view_of(&bytes), ret_fd, ret_path, source->err);

        explicit_bzero(bytes.ptr, bytes.len);
        return r;
    }
    if (!path || !*path)
        return 0;
    _cleanup_(freep) char *full = resolve_path(source, path);

    if (access(full, R_OK) != 0)
        return err_set(source->err, ERR_FATAL, "%s: cannot read %s: %s", member, full, strerror(errno));
    *ret_path = take(full);
    return 0;
}

/* lists[].name == name -> lists[].<member> */
static const struct json *find_named(const struct json *list, const char *name, const char *member)
{
    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (str_equal(json_str(json_get(item, "name")), name))
            return json_get(item, member);
    return NULL;
}

static int read_server(const struct source *source)
{
    const char *server = json_str(json_get(source->cluster, "server")) ?: "";
    const char *host = str_starts_with(server, "https://")  ? server + strlen("https://")
                       : str_starts_with(server, "http://") ? server + strlen("http://")
                                                            : "";

    if (!*host || *host == '/')
        return err_set(source->err, ERR_FATAL, "cluster.server is %s; it must be an https:// URL",
                       *server ? server : "missing");
    size_t len = strlen(server);

    while (len && server[len - 1] == '/')
        len--;
    source->config->server = xstrndup(server, len);
    return 0;
}

static int refuse_unsupported(const struct source *source)
{
    static const struct {
        bool of_user;
        const char *member, *message;
    } unsupported[] = {
        {false, "insecure-skip-tls-verify",
         "cluster.insecure-skip-tls-verify is not supported; give certificate-authority(-data) instead"},
        {false, "tls-server-name", "cluster.tls-server-name is not supported; use the name in `server`"},
        {false, "proxy-url", "cluster.proxy-url is not supported; set HTTPS_PROXY instead"},
        {true, "auth-provider", "user.auth-provider is not supported; use a token or a client certificate"},
        {true, "username", "user.username is not supported; use a token or a client certificate"},
        {true, "as", "user.as (impersonation) is not supported; use that user's own credentials"},
    };

    for (size_t i = 0; i < ARRAY_LEN(unsupported); i++) {
        const struct json *owner = unsupported[i].of_user ? source->user : source->cluster;
        const struct json *member = json_get(owner, unsupported[i].member);

        if (json_type(member) == JSON_OBJECT || json_is_true(member) ||
            (json_str(member) && *json_str(member)))
            return err_set(source->err, ERR_FATAL, "%s", unsupported[i].message);
    }
    return 0;
}

static int read_exec(const struct source *source, const struct json *exec)
{
    const char *slash = strrchr(source->path, '/');
    _cleanup_(freep) char *directory =
        slash ? xstrndup(source->path, (size_t)(slash - source->path)) : xstrdup(".");

    return login_start(exec, directory, &source->config->login, source->err);
}

static int read_user(const struct source *source)
{
    struct kube_config *config = source->config;
    const char *token = json_str(json_get(source->user, "token"));
    const char *token_file = json_str(json_get(source->user, "tokenFile"));
    const struct json *exec = json_get(source->user, "exec");
    int r;

    if (json_type(exec) == JSON_OBJECT)
        return read_exec(source, exec);
    if (token_file && *token_file) {
        config->token_file = resolve_path(source, token_file);
        if (access(config->token_file, R_OK) != 0)
            return err_set(source->err, ERR_FATAL, "tokenFile: cannot read %s: %s", config->token_file,
                           strerror(errno));
    } else if (token && *token) {
        if (strpbrk(token, "\r\n"))
            return err_set(source->err, ERR_FATAL, "user.token has a line break in it");
        config->token = xstrdup(token);
    }
    r = read_credential(source, source->user, "client-certificate", &config->memory_files[1],
                        &config->cert_file);
    if (r == 0)
        r = read_credential(source, source->user, "client-key", &config->memory_files[2], &config->key_file);
    if (r == 0 && !config->cert_file != !config->key_file)
        return err_set(source->err, ERR_FATAL, "user has %s but no %s",
                       config->cert_file ? "a client-certificate" : "a client-key",
                       config->cert_file ? "client-key" : "client-certificate");
    return r;
}

/* Follows current-context to its cluster and user. */
static int read_context(struct source *source)
{
    const char *name = json_str(json_get(source->root, "current-context"));
    const struct json *context = find_named(json_get(source->root, "contexts"), name, "context");
    const char *cluster = json_str(json_get(context, "cluster")), *user = json_str(json_get(context, "user"));

    if (!name || !*name)
        return err_set(source->err, ERR_FATAL, "no current-context; `kubectl config use-context` sets it");
    if (!context)
        return err_set(source->err, ERR_FATAL, "current-context \"%s\" is not in contexts", name);
    source->cluster = cluster ? find_named(json_get(source->root, "clusters"), cluster, "cluster") : NULL;
    if (!source->cluster)
        return err_set(source->err, ERR_FATAL, "context \"%s\": its cluster \"%s\" is not in clusters", name,
                       cluster ? cluster : "");
    source->user = user ? find_named(json_get(source->root, "users"), user, "user") : NULL;
    if (user && *user && !source->user)
        return err_set(source->err, ERR_FATAL, "context \"%s\": its user \"%s\" is not in users", name, user);
    source->config->namespace = xstrdup(json_str(json_get(context, "namespace")));
    return 0;
}

static int read_kubeconfig(struct source *source)
{
    int r = read_context(source);

    if (r == 0)
        r = refuse_unsupported(source);
    if (r == 0)
        r = read_server(source);
    if (r == 0)
        r = read_credential(source, source->cluster, "certificate-authority",
                            &source->config->memory_files[0], &source->config->ca_file);
    return r == 0 ? read_user(source) : r;
}

static struct kube_config empty_config(void)
{
    return (struct kube_config){.memory_files = {-1, -1, -1}};
}

static int load_file(const char *path, struct kube_config *ret_config, struct err *err)
{
    _cleanup_(str_done) struct str text = STR_INIT(MAX_FILE_BYTES);
    _cleanup_(json_freep) struct json *documents = NULL;
    _cleanup_(kube_config_done) struct kube_config config = empty_config();
    struct source source = {.path = path, .config = &config, .err = err};
    struct err why;

    if (file_read(path, &text, &why) < 0)
        return err_set(err, ERR_FATAL, "kubeconfig: cannot read %s", why.msg);
    int r = yaml_parse(str_view_of(&text), &documents, err);

    source.root = json_first(documents);
    if (r == 0)
        r = read_kubeconfig(&source);
    if (r < 0) {
        err_wrap(err, "kubeconfig %s", path);
        if (err)
            err->class = ERR_FATAL;
        return ERR_FATAL;
    }
    *ret_config = config;
    config = empty_config();
    return 0;
}

int kube_config_load_pod(const char *directory, struct kube_config *ret_config, struct err *err)
{
    _cleanup_(kube_config_done) struct kube_config config = empty_config();
    _cleanup_(str_done) struct str namespace = STR_INIT(256);
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");

    if (!directory)
        directory = POD_DIRECTORY;
    if (!host || !*host || !port || !*port)
        return err_set(err, ERR_FATAL,
                       "KUBERNETES_SERVICE_HOST and _PORT are not set: not in a pod; give --kubeconfig");
    config.server = xasprintf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port);
    config.in_pod = true;
    config.token_file = xasprintf("%s/token", directory);
    config.ca_file = xasprintf("%s/ca.crt", directory);
    _cleanup_(freep) char *namespace_file = xasprintf("%s/namespace", directory);

    if (access(config.token_file, R_OK) != 0 || access(config.ca_file, R_OK) != 0)
        return err_set(err, ERR_FATAL,
                       "the pod has no readable token and ca.crt in %s; is automountServiceAccountToken off?",
                       directory);
    if (file_read(namespace_file, &namespace, NULL) == 0 && namespace.len)
        config.namespace = xstrndup(str_text(&namespace), strcspn(str_text(&namespace), " \r\n"));
    *ret_config = config;
    config = empty_config();
    return 0;
}

/* The first file of a list with colons that exists, or NULL. */
static char *first_existing(const char *list)
{
    while (*list) {
        size_t len = strcspn(list, ":");
        _cleanup_(freep) char *path = xstrndup(list, len);

        if (len && access(path, F_OK) == 0)
            return take(path);
        list += len + (list[len] == ':');
    }
    return NULL;
}

int kube_config_load(const char *path, struct kube_config *ret_config, struct err *err)
{
    const char *list = getenv("KUBECONFIG"), *home = getenv("HOME"), *pod = getenv("KUBERNETES_SERVICE_HOST");

    if (path)
        return load_file(path, ret_config, err);
    if (list && *list) {
        _cleanup_(freep) char *first = first_existing(list);

        if (!first)
            return err_set(err, ERR_FATAL, "KUBECONFIG is %s: there is no such file", list);
        return load_file(first, ret_config, err);
    }
    if (pod && *pod)
        return kube_config_load_pod(NULL, ret_config, err);
    _cleanup_(freep) char *usual = xasprintf("%s/.kube/config", home ? home : "");

    if (access(usual, F_OK) != 0)
        return err_set(err, ERR_FATAL, "no cluster: no --kubeconfig, no KUBECONFIG, not in a pod, no %s",
                       usual);
    return load_file(usual, ret_config, err);
}

void kube_config_done(struct kube_config *config)
{
    if (config->token)
        explicit_bzero(config->token, strlen(config->token));
    login_free(config->login);
    free(config->server);
    free(config->token);
    free(config->token_file);
    free(config->namespace);
    free(config->ca_file);
    free(config->cert_file);
    free(config->key_file);
    for (size_t i = 0; i < ARRAY_LEN(config->memory_files); i++)
        if (config->memory_files[i] >= 0)
            close(config->memory_files[i]);
    *config = empty_config();
}
