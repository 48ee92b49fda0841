/* Reads and writes the Secret. No state. */
#include "certs/secret.h"

#include "common/base/encode.h"
#include "common/base/mem.h"

enum { MAX_PEM_BYTES = 64 << 10 };

/* --- its text ----------------------------------------------------------------------------- */

static void wipe(struct str *text)
{
    if (text->ptr)
        explicit_bzero(text->ptr, text->len);
    str_done(text);
}

/* The decoded text of a member of `data`. */
static int member(const struct json *secret, const char *name, struct str *out, struct err *err)
{
    const char *text = json_str(json_get(json_get(secret, "data"), name));

    *out = STR_INIT(MAX_PEM_BYTES);
    if (!text)
        return err_set(err, ERR_INVALID, "it has no %s", name);
    if (base64_decode(view(text), out, NULL) < 0 || out->overflow)
        return err_set(err, ERR_INVALID, "its %s is not base64 of at most 64 KiB", name);
    return 0;
}

int secret_parse(const struct json *secret, struct authorities *ret_authorities, struct err *err)
{
    _cleanup_(wipe) struct str certificate = {0};
    _cleanup_(wipe) struct str key = {0};
    _cleanup_(str_done) struct str previous = {0};
    struct authorities read = {0};
    int r = member(secret, "ca.crt", &certificate, err);

    if (r == 0)
        r = member(secret, "ca.key", &key, err);
    if (r == 0)
        r = authority_read(str_text(&certificate), str_text(&key), &read.current, err);
    if (r < 0)
        return r;
    if (member(secret, "previous.crt", &previous, NULL) == 0 && previous.len > 0)
        read.previous = str_take(&previous);
    *ret_authorities = read;
    return 0;
}

static void set_member(struct json *data, const char *name, const char *pem)
{
    _cleanup_(wipe) struct str text = STR_INIT(2 * MAX_PEM_BYTES);

    base64_encode(view(pem), &text);
    json_set_str(data, name, str_text(&text));
}

struct json *secret_document(const struct json *secret, const struct authorities *authorities)
{
    struct json *document = json_new_object(), *data = json_new_object();

    json_set_str(document, "apiVersion", "v1");
    json_set_str(document, "kind", "Secret");
    json_set_at(document, "metadata.name", json_new_string(SECRET_NAME));
    if (secret)
        json_set_at(document, "metadata.resourceVersion",
                    json_copy(json_at(secret, "metadata.resourceVersion")));
    set_member(data, "ca.crt", authorities->current.certificate);
    set_member(data, "ca.key", authorities->current.key);
    /* In a patch "" takes the place of what was there, in a new object it says nothing. */
    set_member(data, "previous.crt", authorities->previous ? authorities->previous : "");
    json_set(document, "data", data);
    return document;
}

/* --- the API server ----------------------------------------------------------------------- */

int secret_read(struct kube *kube, const char *namespace, struct json **ret_secret, struct err *err)
{
    _cleanup_(freep) char *path = xasprintf("/api/v1/namespaces/%s/secrets/" SECRET_NAME, namespace);
    const struct kube_request request = {.method = "GET", .path = path};
    int r = kube_call(kube, &request, ret_secret, err);

    return r < 0 ? err_wrap(err, "Secret %s/" SECRET_NAME, namespace) : 0;
}

int secret_write(struct kube *kube, const char *namespace, const struct json *secret,
                 const struct authorities *authorities, struct err *err)
{
    _cleanup_(json_freep) struct json *document = secret_document(secret, authorities);
    _cleanup_(freep) char *path = xasprintf("/api/v1/namespaces/%s/secrets%s?fieldManager=kubelambda-certs",
                                            namespace, secret ? "/" SECRET_NAME : "");
    char *body = json_text(document);
    const struct kube_request request = {.method = secret ? "PATCH" : "POST",
                                         .path = path,
                                         .content_type = secret ? KUBE_MERGE_PATCH : NULL,
                                         .body = view(body)};
    int r = kube_call(kube, &request, NULL, err);

    explicit_bzero(body, strlen(body));
    free(body);
    return r < 0 ? err_wrap(err, "Secret %s/" SECRET_NAME, namespace) : 0;
}
