/* Requests to the Security Token Service. Any thread that may block; no state. */
#include "common/aws/sts.h"

#include "common/aws/client.h"
#include "common/aws/providers.h"
#include "common/aws/xml.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdio.h>

enum { TIMEOUT_MS = 5 * 1000, FORM_MAX_BYTES = 128 << 10, ANSWER_MAX_BYTES = 64 << 10, HEADERS_MAX = 8 };

#define FORM_TYPE "Content-Type: application/x-www-form-urlencoded"

static void add_field(struct str *form, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    str_addf(form, "&%s=", name);
    str_add_percent(form, value, strlen(value), "");
}

static void begin_form(struct str *form, const char *operation)
{
    *form = STR_INIT(FORM_MAX_BYTES);
    str_addf(form, "Action=%s&Version=2011-06-15", operation);
}

static void begin_role_form(struct str *form, const char *operation, const struct sts_role *role)
{
    begin_form(form, operation);
    add_field(form, "RoleArn", role->arn);
    add_field(form, "RoleSessionName", role->session_name ? role->session_name : "kubelambda");
    add_field(form, "ExternalId", role->external_id);
    add_field(form, "DurationSeconds", role->duration_s);
}

static void sign(const struct sts *sts, const struct endpoint *endpoint, const char *path,
                 const struct credentials *signer, struct str_view form, struct str *lines)
{
    static const char *const headers[] = {FORM_TYPE, NULL};
    const struct sign_request request = {
        .method = "POST",
        .host = endpoint->host,
        .path = path,
        .headers = headers,
        .body = form,
        .service = "sts",
        .region = sts->region,
        .access_key_id = signer->access_key_id,
        .secret_access_key = signer->secret_access_key,
        .session_token = signer->session_token,
        .wall_s = clock_wall_s() + atomic_load(sts->clock_offset_s),
    };

    sign_headers(&request, lines);
}

/* AWS repeats values that it finds wrong, and one of them is the token. */
static int refused(const struct http_response *response, struct err *err)
{
    struct err found;

    aws_error(response, &found);
    char *value = strstr(found.msg, "Value '");

    if (value)
        snprintf(value, sizeof(found.msg) - (size_t)(value - found.msg), "(its text repeats what was sent)");
    if (err)
        *err = found;
    return found.class;
}

/* `signer` NULL: unsigned. An answer of any status is a success. */
static int send_form(const struct sts *sts, const struct credentials *signer, const char *operation,
                     const struct str *form, struct http_response *ret_response, struct err *err)
{
    _cleanup_(endpoint_done) struct endpoint endpoint = {0};
    _cleanup_(str_done) struct str lines = STR_INIT(FORM_MAX_BYTES);
    const char *headers[HEADERS_MAX + 1] = {FORM_TYPE};
    size_t headers_count = 1;

    if (!sts->region)
        return err_set(err, ERR_INVALID, "no AWS region: set AWS_REGION");
    int result = endpoint_find(sts->endpoints, "sts", sts->region, NULL, &endpoint, err);

    if (result < 0)
        return result;
    _cleanup_(freep) char *path = xasprintf("%s/", endpoint.path);
    _cleanup_(freep) char *url = xasprintf("%s%s", endpoint.origin, path);

    if (signer)
        sign(sts, &endpoint, path, signer, str_view_of(form), &lines);
    if (form->overflow || lines.overflow)
        return err_set(err, ERR_INVALID, "a request of more than %d bytes", FORM_MAX_BYTES);
    for (char *line = lines.ptr, *end; line && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (headers_count < HEADERS_MAX)
            headers[headers_count++] = line;
    }
    const struct http_request request = {.method = "POST",
                                         .url = url,
                                         .headers = headers,
                                         .body = str_view_of(form),
                                         .tls = {.ca_file = sts->ca_file},
                                         .timeout_ms = TIMEOUT_MS,
                                         .max_response_bytes = ANSWER_MAX_BYTES};

    result = http_call(sts->http, &request, ret_response, err);
    aws_count("sts", operation, result == 0 ? ret_response : NULL);
    return result;
}

/* Sent once more when AWS finds our clock wrong. */
static int post(const struct sts *sts, const struct credentials *signer, const char *operation,
                const struct str *form, struct http_response *ret_response, struct err *err)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    int result = send_form(sts, signer, operation, form, &response, err);

    if (result == 0 && signer && response.status != 200 && aws_clock_learn(sts->clock_offset_s, &response)) {
        http_response_done(&response);
        response = (struct http_response){0};
        result = send_form(sts, signer, operation, form, &response, err);
    }
    if (result < 0)
        return result;
    if (response.status != 200)
        return refused(&response, err);
    *ret_response = response;
    response = (struct http_response){0};
    return 0;
}

static int read_member(struct str_view xml, const char *operation, const char *member, struct str *out,
                       struct err *err)
{
    _cleanup_(freep) char *path = xasprintf("%sResponse/%sResult/%s", operation, operation, member);

    return xml_text(xml, path, out, err);
}

static bool is_account(const char *text, size_t len)
{
    return len == 12 && strspn(text, "0123456789") >= 12;
}

char *arn_account(const char *arn)
{
    const char *at = arn;

    for (int colons = 0; at && colons < 4; colons++) {
        at = strchr(at, ':');
        at = at ? at + 1 : NULL;
    }
    return at && is_account(at, strcspn(at, ":")) ? xstrndup(at, 12) : NULL;
}

int sts_read_credentials(struct str_view xml, const char *operation, struct credentials **ret_credentials,
                         struct err *err)
{
    static const char *const members[] = {"Credentials/AccessKeyId", "Credentials/SecretAccessKey",
                                          "Credentials/SessionToken", "Credentials/Expiration",
                                          "AssumedRoleUser/Arn"};
    struct str texts[ARRAY_LEN(members)];
    int result = 0;

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        texts[i] = STR_INIT(ANSWER_MAX_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(members) && result == 0; i++)
        result = read_member(xml, operation, members[i], &texts[i], err);
    if (result < 0) {
        err_wrap(err, "answered 200, but without credentials");
        if (err)
            err->class = ERR_RETRY;
    } else {
        _cleanup_(freep) char *account = arn_account(str_text(&texts[4]));

        result = credentials_read(
            &(struct credentials_text){
                .source = "the answer of STS",
                .names = {"AccessKeyId", "SecretAccessKey", "SessionToken"},
                .values = {str_text(&texts[0]), str_text(&texts[1]), str_text(&texts[2])},
                .account = account,
                .expiration = str_text(&texts[3])},
            ret_credentials, err);
    }
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (texts[i].ptr)
            explicit_bzero(texts[i].ptr, texts[i].len);
        str_done(&texts[i]);
    }
    return result;
}

static int fetch(const struct sts *sts, const struct credentials *signer, const char *operation,
                 const struct str *form, struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(http_response_done) struct http_response response = {0};
    int result = post(sts, signer, operation, form, &response, err);

    if (result == 0)
        result = sts_read_credentials(str_view_of(&response.body), operation, ret_credentials, err);
    return result < 0 ? err_wrap(err, "%s", operation) : 0;
}

int sts_assume_role(const struct sts *sts, const struct credentials *signer, const struct sts_role *role,
                    struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(str_done) struct str form;

    begin_role_form(&form, "AssumeRole", role);
    return fetch(sts, signer, "AssumeRole", &form, ret_credentials, err);
}

int sts_assume_role_with_web_identity(const struct sts *sts, const struct sts_role *role, const char *token,
                                      struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(str_done) struct str form;

    begin_role_form(&form, "AssumeRoleWithWebIdentity", role);
    add_field(&form, "WebIdentityToken", token);
    return fetch(sts, NULL, "AssumeRoleWithWebIdentity", &form, ret_credentials, err);
}

int sts_account(const struct sts *sts, const struct credentials *signer, char **ret_account, struct err *err)
{
    _cleanup_(str_done) struct str form;
    _cleanup_(str_done) struct str account = STR_INIT(64);
    _cleanup_(http_response_done) struct http_response response = {0};

    begin_form(&form, "GetCallerIdentity");
    int result = post(sts, signer, "GetCallerIdentity", &form, &response, err);

    if (result == 0)
        result = read_member(str_view_of(&response.body), "GetCallerIdentity", "Account", &account, err);
    if (result == 0 && !is_account(str_text(&account), account.len))
        result = err_set(err, ERR_RETRY, "answered without the number of an account");
    if (result < 0)
        return err_wrap(err, "GetCallerIdentity");
    *ret_account = str_take(&account);
    return 0;
}
