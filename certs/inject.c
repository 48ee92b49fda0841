/* Our two webhook configurations: the document, the comparison, and the repair. With a URL the whole is ours,
 * by server-side apply. With a service only caBundle is, by a JSON patch: that can neither create a
 * configuration nor come to own a part of an entry, which would then outlive the rest of it. One thread. */
#include "certs/inject.h"

#include "common/base/encode.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#define API_VERSION "admissionregistration.k8s.io/v1"
#define NAME "kubelambda"

enum { MAX_BUNDLE_BYTES = 1 << 20, MAX_URL_BYTES = 1024, TIMEOUT_S = 5 };

static const struct {
    const char *kind, *resource, *webhook, *path;
} kinds[] = {
    [INJECT_MUTATING] = {"MutatingWebhookConfiguration", "mutatingwebhookconfigurations",
                         "mutate." KUBE_GROUP, "/mutate"},
    [INJECT_VALIDATING] = {"ValidatingWebhookConfiguration", "validatingwebhookconfigurations",
                           "validate." KUBE_GROUP, "/validate"},
};

struct inject {
    struct kube *kube;
    char *url;              /* NULL: a service */
    char *namespace, *name; /* of the service */
    struct json *live[2];   /* as they were read or written last; NULL: there is none */
    char *bundles[2];       /* their caBundles, PEM; NULL: none */
    bool right[2];
};

/* --- the document ------------------------------------------------------------------------- */

static struct json *list_of(const char *first, const char *second)
{
    struct json *list = json_new_array();

    json_append(list, json_new_string(first));
    if (second)
        json_append(list, json_new_string(second));
    return list;
}

static struct json *list_of_one(struct json *item)
{
    struct json *list = json_new_array();

    json_append(list, item);
    return list;
}

static struct json *client_config(enum inject_kind kind, const char *url, const char *ca_pem)
{
    struct json *config = json_new_object();
    _cleanup_(str_done) struct str address = STR_INIT(2 * MAX_URL_BYTES);
    _cleanup_(str_done) struct str bundle = STR_INIT(2 * MAX_BUNDLE_BYTES);

    str_addf(&address, "%s%s", url, kinds[kind].path);
    json_set_str(config, "url", str_text(&address));
    if (ca_pem) {
        base64_encode(view(ca_pem), &bundle);
        json_set_str(config, "caBundle", str_text(&bundle));
    }
    return config;
}

static struct json *rule(const char *resource, const char *scope, struct json *operations)
{
    struct json *made = json_new_object();

    json_set(made, "apiGroups", list_of(KUBE_GROUP, NULL));
    json_set(made, "apiVersions", list_of(KUBE_VERSION, NULL));
    json_set(made, "resources", list_of(resource, NULL));
    json_set(made, "operations", operations);
    json_set_str(made, "scope", scope);
    return made;
}

/* Only the validating webhook is asked about deletions: there is nothing to fill in. */
static struct json *rules(enum inject_kind kind)
{
    struct json *operations = list_of("CREATE", "UPDATE"), *list;

    if (kind == INJECT_VALIDATING)
        json_append(operations, json_new_string("DELETE"));
    list = list_of_one(rule("lambdafunctions", "Namespaced", operations));
    json_append(list, rule("lambdapolicies", "Cluster", list_of("CREATE", "UPDATE")));
    return list;
}

/* Labels, finalizers and status never pass through the webhook, also when it is down. */
static struct json *spec_changed(void)
{
    struct json *condition = json_new_object();

    json_set_str(condition, "name", "spec-changed");
    json_set_str(condition, "expression", "request.operation != 'UPDATE' || object.spec != oldObject.spec");
    return condition;
}

static struct json *webhook(enum inject_kind kind, const char *url, const char *ca_pem)
{
    struct json *made = json_new_object();

    json_set_str(made, "name", kinds[kind].webhook);
    json_set(made, "admissionReviewVersions", list_of("v1", NULL));
    json_set(made, "clientConfig", client_config(kind, url, ca_pem));
    json_set(made, "rules", rules(kind));
    json_set(made, "matchConditions", list_of_one(spec_changed()));
    json_set_str(made, "matchPolicy", "Equivalent");
    json_set_str(made, "failurePolicy", "Fail");
    json_set_str(made, "sideEffects", "None");
    json_set(made, "timeoutSeconds", json_new_int(TIMEOUT_S));
    if (kind == INJECT_MUTATING)
        json_set_str(made, "reinvocationPolicy", "Never");
    return made;
}

struct json *inject_document(enum inject_kind kind, const char *url, const char *ca_pem)
{
    struct json *document = json_new_object();

    json_set_str(document, "apiVersion", API_VERSION);
    json_set_str(document, "kind", kinds[kind].kind);
    json_set_at(document, "metadata.name", json_new_string(NAME));
    json_set(document, "webhooks", list_of_one(webhook(kind, url, ca_pem)));
    return document;
}

/* --- the comparison ----------------------------------------------------------------------- */

static const struct json *webhook_named(const struct json *configuration, const char *name)
{
    for (const struct json *item = json_first(json_get(configuration, "webhooks")); item;
         item = json_next(item))
        if (str_equal(json_str_at(item, "name"), name))
            return item;
    return NULL;
}

/* What we set is there as we set it; what others added (a selector, another webhook) is theirs. */
static bool in_force(const struct json *document, const struct json *live)
{
    for (const struct json *wanted = json_first(json_get(document, "webhooks")); wanted;
         wanted = json_next(wanted)) {
        const struct json *found = webhook_named(live, json_str_at(wanted, "name"));

        for (const struct json *member = json_first(wanted); member; member = json_next(member))
            if (!json_equal(member, json_get(found, json_key(member))))
                return false;
    }
    return true;
}

/* The entry of our webhook is there and points to us. */
static int check_target(const struct inject *inject, enum inject_kind kind, struct err *err)
{
    const struct json *live = inject->live[kind];
    const struct json *config = json_get(webhook_named(live, kinds[kind].webhook), "clientConfig");
    const char *namespace = json_str_at(config, "service.namespace");
    const char *name = json_str_at(config, "service.name"), *url = json_str_at(config, "url");

    if (inject->url && name)
        return err_set(err, ERR_FATAL,
                       "points to the service %s/%s, not to a URL: this webhook is installed in the cluster. "
                       "Use --service instead of --webhook-url, or delete the configuration",
                       namespace ? namespace : "?", name);
    if (inject->url)
        return 0;
    if (!config)
        return err_set(err, ERR_NOT_FOUND, "%s; apply manifests/webhook.yaml",
                       live ? "has no webhook of ours" : "is not installed");
    if (!str_equal(namespace, inject->namespace) || !str_equal(name, inject->name))
        return err_set(
            err, ERR_INVALID,
            "points to %s%s%s, not to the service %s/%s of --service; delete the configuration and "
            "apply manifests/webhook.yaml",
            url         ? url
            : namespace ? namespace
                        : "?",
            url ? "" : "/",
            url    ? ""
            : name ? name
                   : "?",
            inject->namespace, inject->name);
    return 0;
}

/* --- reading and writing ------------------------------------------------------------------ */

static struct inject *new_inject(struct kube *kube)
{
    struct inject *inject = xcalloc(1, sizeof(*inject));

    inject->kube = kube;
    return inject;
}

int inject_url(struct kube *kube, const char *url, struct inject **ret_inject, struct err *err)
{
    size_t len = strlen(url);

    if (!str_starts_with(url, "https://") || len > MAX_URL_BYTES || strpbrk(url, "?#@ ") ||
        url[strlen("https://")] == '\0' || url[strlen("https://")] == '/')
        return err_set(err, ERR_FATAL, "--webhook-url \"%.200s\": write https://HOST:PORT", url);
    while (url[len - 1] == '/')
        len--;
    *ret_inject = new_inject(kube);
    (*ret_inject)->url = xstrndup(url, len);
    return 0;
}

struct inject *inject_service(struct kube *kube, const char *namespace, const char *name)
{
    struct inject *inject = new_inject(kube);

    inject->namespace = xstrdup(namespace);
    inject->name = xstrdup(name);
    return inject;
}

void inject_free(struct inject *inject)
{
    if (!inject)
        return;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        json_free(inject->live[i]);
        free(inject->bundles[i]);
    }
    free(inject->url);
    free(inject->namespace);
    free(inject->name);
    free(inject);
}

/* Takes the object over. What is no base64 counts as no bundle. */
static void saw(struct inject *inject, enum inject_kind kind, struct json *live)
{
    const char *text = json_str_at(webhook_named(live, kinds[kind].webhook), "clientConfig.caBundle");
    _cleanup_(str_done) struct str pem = STR_INIT(MAX_BUNDLE_BYTES);

    json_free(inject->live[kind]);
    free(inject->bundles[kind]);
    inject->live[kind] = live;
    inject->bundles[kind] =
        text && base64_decode(view(text), &pem, NULL) == 0 && !pem.overflow ? str_take(&pem) : NULL;
}

static int wrap(enum inject_kind kind, struct err *err)
{
    return err_wrap(err, "%s \"" NAME "\"", kinds[kind].kind);
}

int inject_read(struct inject *inject, struct err *err)
{
    for (enum inject_kind kind = INJECT_MUTATING; kind <= INJECT_VALIDATING; kind++) {
        _cleanup_(freep) char *path = xasprintf("/apis/" API_VERSION "/%s/" NAME, kinds[kind].resource);
        const struct kube_request request = {.method = "GET", .path = path};
        struct json *live = NULL;
        int r = kube_call(inject->kube, &request, &live, err);

        if (r < 0 && r != ERR_NOT_FOUND)
            return wrap(kind, err);
        saw(inject, kind, live);
    }
    return 0;
}

const char *inject_bundle(const struct inject *inject, enum inject_kind kind)
{
    return inject->bundles[kind];
}

static struct json *patch_step(const char *op, const char *path, const char *value)
{
    struct json *step = json_new_object();

    json_set_str(step, "op", op);
    json_set_str(step, "path", path);
    json_set_str(step, "value", value);
    return step;
}

/* The caBundle of our entry, and nothing else; refused by the API server when the entry has moved. */
static struct json *bundle_patch(const struct inject *inject, enum inject_kind kind, const char *bundle)
{
    const struct json *ours = webhook_named(inject->live[kind], kinds[kind].webhook);
    struct json *steps = json_new_array();
    size_t index = 0;

    for (const struct json *item = json_first(json_get(inject->live[kind], "webhooks")); item != ours;
         item = json_next(item))
        index++;
    _cleanup_(freep) char *name = xasprintf("/webhooks/%zu/name", index);
    _cleanup_(freep) char *path = xasprintf("/webhooks/%zu/clientConfig/caBundle", index);

    json_append(steps, patch_step("test", name, kinds[kind].webhook));
    json_append(steps, patch_step("add", path, bundle)); /* or replace */
    return steps;
}

/* What is to be sent so that the configuration becomes right; NULL: it is. */
static struct json *repair(const struct inject *inject, enum inject_kind kind, const char *ca_pem)
{
    if (inject->url) {
        struct json *document = inject_document(kind, inject->url, ca_pem);

        if (!in_force(document, inject->live[kind]))
            return document;
        json_free(document);
        return NULL;
    }
    if (!ca_pem || str_equal(ca_pem, inject->bundles[kind]))
        return NULL;
    _cleanup_(str_done) struct str bundle = STR_INIT(2 * MAX_BUNDLE_BYTES);

    base64_encode(view(ca_pem), &bundle);
    return bundle_patch(inject, kind, str_text(&bundle));
}

static int send_repair(struct inject *inject, enum inject_kind kind, const struct json *body, struct err *err)
{
    _cleanup_(freep) char *path = xasprintf("/apis/" API_VERSION "/%s/" NAME "?fieldManager=kubelambda%s",
                                            kinds[kind].resource, inject->url ? "&force=true" : "-certs");
    _cleanup_(freep) char *text = json_text(body);
    const struct kube_request request = {.method = "PATCH",
                                         .path = path,
                                         .content_type = inject->url ? KUBE_APPLY : KUBE_JSON_PATCH,
                                         .body = view(text)};
    struct json *live;
    int r = kube_call(inject->kube, &request, &live, err);

    if (r < 0)
        return r;
    log_info("webhook configuration written", "kind", kinds[kind].kind, "url", inject->url);
    saw(inject, kind, live);
    return 0;
}

static int keep(struct inject *inject, enum inject_kind kind, const char *ca_pem, unsigned *written,
                struct err *err)
{
    int r = check_target(inject, kind, err);

    if (r < 0)
        return r;
    _cleanup_(json_freep) struct json *body = repair(inject, kind, ca_pem);

    if (body) {
        r = send_repair(inject, kind, body, err);
        if (r < 0)
            return r;
        ++*written;
    }
    _cleanup_(json_freep) struct json *left = repair(inject, kind, ca_pem);

    inject->right[kind] = !left;
    return 0;
}

int inject_write(struct inject *inject, const char *ca_pem, unsigned *ret_written, struct err *err)
{
    int r = 0;

    *ret_written = 0;
    for (enum inject_kind kind = INJECT_MUTATING; kind <= INJECT_VALIDATING && r != ERR_FATAL; kind++) {
        inject->right[kind] = false;
        if (r < 0)
            (void)keep(inject, kind, ca_pem, ret_written, NULL);
        else if (keep(inject, kind, ca_pem, ret_written, err) < 0)
            r = wrap(kind, err);
    }
    return r;
}

bool inject_right(const struct inject *inject)
{
    return inject->right[INJECT_MUTATING] && inject->right[INJECT_VALIDATING];
}
