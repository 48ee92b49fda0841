/* The metadata services of containers and instances. Any thread that may block; no state.
 * Source: AWS SDKs and Tools Reference Guide, "Container credential provider" and "IMDS credential
 * provider"; EC2 User Guide, "Use IMDSv2". */
#include "common/aws/metadata.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <strings.h>

enum {
    CONTAINER_TIMEOUT_MS = 2 * 1000,
    CONTAINER_TRIES = 3,
    CONTAINER_PAUSE_MS = 1000,
    INSTANCE_TIMEOUT_MS = 1000,
    ANSWER_MAX_BYTES = 64 << 10,
    NAME_MAX_BYTES = 128,
};

#define INSTANCE_ROLES "/latest/meta-data/iam/security-credentials/"

/* A GET, or the PUT for a token. `header` NULL: none. */
static int ask(struct http *http, const char *method, const char *url, const char *header, int64_t timeout_ms,
               struct http_response *ret_response, struct err *err)
{
    const char *const headers[] = {"Accept: */*", header, NULL};
    const struct http_request request = {.method = method,
                                         .url = url,
                                         .headers = headers,
                                         .timeout_ms = timeout_ms,
                                         .max_response_bytes = ANSWER_MAX_BYTES,
                                         .no_proxy = true};

    return http_call(http, &request, ret_response, err);
}

/* --- containers --------------------------------------------------------------------------- */

/* The host of a URL, without the brackets of an address of version 6; NULL when there is none or it has
 * user information before it. */
static char *host_of(const char *url)
{
    const char *start = strstr(url, "://");

    if (!start)
        return NULL;
    start += 3;
    size_t len = strcspn(start, "/?#\\");

    if (memchr(start, '@', len))
        return NULL;
    if (*start == '[') {
        size_t inside = strcspn(start + 1, "]");

        return inside + 1 < len ? xstrndup(start + 1, inside) : NULL;
    }
    return xstrndup(start, strcspn(start, ":/?#\\"));
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || str_equal(host, "::1") ||
           matches("127\\.[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}", host);
}

bool container_url_is_trusted(const char *url)
{
    static const char *const agents[] = {"169.254.170.2", "169.254.170.23", "fd00:ec2::23"};
    _cleanup_(freep) char *host = host_of(url);

    if (!host || !*host)
        return false;
    if (strncasecmp(url, "https://", 8) == 0)
        return true;
    if (strncasecmp(url, "http://", 7) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(agents); i++)
        if (strcasecmp(host, agents[i]) == 0)
            return true;
    return is_loopback(host);
}

/* NULL: not set up. */
static char *container_url(void)
{
    const char *relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

    if (relative)
        return xasprintf("http://169.254.170.2%s%s", *relative == '/' ? "" : "/", relative);
    return xstrdup(environment("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
}

/* "Authorization: …", or "" when none is set up. The file wins, and is read each time. */
static int container_authorization(struct str *header, struct err *err)
{
    const char *file = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");

    if (!file && !token)
        return 0;
    str_add(header, "Authorization: ");
    if (file)
        return token_read(file, header, err);
    if (strpbrk(token, "\r\n"))
        return err_set(err, ERR_DENIED, "AWS_CONTAINER_AUTHORIZATION_TOKEN has a line end in it");
    str_add(header, token);
    return 0;
}

/* Tries again what may pass: the agent starts with the node. */
static int ask_container(const struct provider_input *input, const char *url, const char *header,
                         struct http_response *ret_response, struct err *err)
{
    int result = 0;

    for (int tries = 0; tries < CONTAINER_TRIES; tries++) {
        struct http_response response = {0};

        if (tries > 0)
            clock_sleep_ms(CONTAINER_PAUSE_MS);
        result = ask(input->sts->http, "GET", url, header, CONTAINER_TIMEOUT_MS, &response, err);
        if (result == 0 && response.status == 200) {
            *ret_response = response;
            return 0;
        }
        if (result == 0) {
            result = err_set(err, http_class(response.status), "%.100s answered %d%s", url, response.status,
                             header ? "" : " (no AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE is set)");
            http_response_done(&response);
        }
        if (result != ERR_RETRY && result != ERR_THROTTLED)
            break;
    }
    return result;
}

int container_credentials(const struct provider_input *input, struct credentials **ret_credentials,
                          struct err *err)
{
    _cleanup_(freep) char *url = container_url();
    _cleanup_(str_done) struct str header = STR_INIT(ANSWER_MAX_BYTES);
    _cleanup_(http_response_done) struct http_response response = {0};

    if (!url)
        return err_set(err, ERR_NOT_FOUND, "AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
    if (!container_url_is_trusted(url))
        return err_set(err, ERR_DENIED,
                       "AWS_CONTAINER_CREDENTIALS_FULL_URI=%.100s: must be https, or http to this machine or "
                       "to the agent of ECS or EKS",
                       strchr(url, '@') ? "(not shown)" : url);
    if (!input->sts)
        return 0;
    int result = container_authorization(&header, err);

    if (result == 0)
        result = ask_container(input, url, header.len ? str_text(&header) : NULL, &response, err);
    if (result == 0)
        result = credentials_read_json(str_view_of(&response.body), "the container's endpoint", "Token",
                                       ret_credentials, err);
    if (header.ptr)
        explicit_bzero(header.ptr, header.len);
    return result == ERR_NOT_FOUND ? err_set(err, ERR_DENIED, "%s", err ? err->msg : "") : result;
}

/* --- instances ---------------------------------------------------------------------------- */

/* A setting of the environment, else of the profile. */
static const char *setting(const struct provider_input *input, const char *variable, const char *key)
{
    const char *value = environment(variable);

    return value ? value : profile_get(input->profile, key);
}

/* Where the metadata are, without a slash at the end; the caller frees. */
static char *instance_endpoint(const struct provider_input *input)
{
    const char *url = setting(input, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    const char *mode =
        setting(input, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");

    if (!url)
        url = mode && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    size_t len = strlen(url);

    while (len > 0 && url[len - 1] == '/')
        len--;
    return xstrndup(url, len);
}

/* Asks for a path with a token of its own: they are small questions, hours apart. Trailing blanks go. */
static int ask_instance(const struct provider_input *input, const char *path, struct str *ret_answer,
                        struct err *err)
{
    _cleanup_(freep) char *endpoint = instance_endpoint(input);
    _cleanup_(freep) char *token_url = xasprintf("%s/latest/api/token", endpoint);
    _cleanup_(freep) char *url = xasprintf("%s%s", endpoint, path);
    _cleanup_(http_response_done) struct http_response token = {0};
    _cleanup_(http_response_done) struct http_response answer = {0};
    struct http *http = input->sts->http;
    int result = ask(http, "PUT", token_url, "x-aws-ec2-metadata-token-ttl-seconds: 21600",
                     INSTANCE_TIMEOUT_MS, &token, err);

    if (result < 0)
        return result;
    if (token.status != 200)
        return err_set(err, http_class(token.status), "%s answered %d to the request for a token", endpoint,
                       token.status);
    _cleanup_(freep) char *header = xasprintf("x-aws-ec2-metadata-token: %s", str_text(&token.body));

    result = ask(http, "GET", url, header, INSTANCE_TIMEOUT_MS, &answer, err);
    if (result < 0)
        return result;
    if (answer.status != 200)
        return err_set(err, http_class(answer.status), "%.150s answered %d", url, answer.status);
    size_t len = answer.body.len;

    while (len > 0 && (unsigned char)answer.body.ptr[len - 1] <= ' ')
        len--;
    str_add_bytes(ret_answer, str_text(&answer.body), len);
    return 0;
}

static bool is_disabled(const struct provider_input *input)
{
    const char *disabled = setting(input, "AWS_EC2_METADATA_DISABLED", "ec2_metadata_disabled");

    return disabled && strcasecmp(disabled, "true") == 0;
}

/* Every failure is "nothing here": it is the last provider, and most machines are no instances. */
static int ask_for_role(const struct provider_input *input, struct str *role, struct err *err)
{
    int result = ask_instance(input, INSTANCE_ROLES, role, err);

    if (result == ERR_NOT_FOUND)
        return err_set(err, ERR_NOT_FOUND, "the instance has no role");
    if (result < 0)
        return err_set(err, ERR_NOT_FOUND, "%s", err ? err->msg : "");
    if (!matches("[A-Za-z0-9+=,.@_-]+", str_text(role)))
        return err_set(err, ERR_NOT_FOUND, "the answer is not the name of a role");
    return 0;
}

int instance_credentials(const struct provider_input *input, struct credentials **ret_credentials,
                         struct err *err)
{
    _cleanup_(str_done) struct str role = STR_INIT(NAME_MAX_BYTES), answer = STR_INIT(ANSWER_MAX_BYTES);

    if (is_disabled(input))
        return err_set(err, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED=true");
    if (!input->sts)
        return 0;
    int result = ask_for_role(input, &role, err);

    if (result < 0)
        return result;
    _cleanup_(freep) char *path = xasprintf("%s%s", INSTANCE_ROLES, str_text(&role));

    result = ask_instance(input, path, &answer, err);
    if (result == 0)
        result = credentials_read_json(str_view_of(&answer), "the instance's metadata", "Token",
                                       ret_credentials, err);
    if (answer.ptr)
        explicit_bzero(answer.ptr, answer.len);
    return result == ERR_NOT_FOUND ? err_set(err, ERR_DENIED, "%s", err ? err->msg : "") : result;
}

int instance_region(const struct provider_input *input, char **ret_region, struct err *err)
{
    _cleanup_(str_done) struct str region = STR_INIT(NAME_MAX_BYTES);

    if (is_disabled(input))
        return err_set(err, ERR_NOT_FOUND, "AWS_EC2_METADATA_DISABLED=true");
    int result = ask_instance(input, "/latest/meta-data/placement/region", &region, err);

    if (result == 0 && !matches("[a-z]{2,5}(-[a-z]+)+-[0-9]+", str_text(&region)))
        return err_set(err, ERR_RETRY, "the instance's region is not the name of one");
    if (result == 0)
        *ret_region = str_take(&region);
    return result;
}
