/* What an AWS answer that is not 2xx means: its code and message, in JSON or XML, and the class that
 * they have for us. Any thread, no state.
 * Source: the service models, the SDKs' standard retry rules, and recorded answers. */
#include "common/aws/client.h"

#include "common/aws/xml.h"
#include "common/base/json_scan.h"
#include "common/base/mem.h"

#include <ctype.h>

enum { RETRY_AFTER_MAX_MS = 60 * 1000, MESSAGE_MAX_BYTES = 64 * 1024 };

/* By code; a '*' at the end stands for any rest. The first row that fits counts. */
static const struct {
    const char *code;
    enum err_class class;
} codes[] = {
    {"ResourceNotFoundException", ERR_NOT_FOUND},
    {"ProvisionedConcurrencyConfigNotFoundException", ERR_NOT_FOUND},
    {"ResourceConflictException", ERR_CONFLICT},
    {"ResourceInUseException", ERR_CONFLICT},
    {"PreconditionFailedException", ERR_CONFLICT},
    {"CodeSigningConfigNotFoundException", ERR_INVALID},
    {"TooManyRequests*", ERR_THROTTLED},
    {"Throttling*", ERR_THROTTLED},
    {"Throttled*", ERR_THROTTLED},
    {"RequestThrottled*", ERR_THROTTLED},
    {"RequestLimitExceeded", ERR_THROTTLED},
    {"BandwidthLimitExceeded", ERR_THROTTLED},
    {"LimitExceededException", ERR_THROTTLED},
    {"ProvisionedThroughputExceededException", ERR_THROTTLED},
    {"TransactionInProgressException", ERR_THROTTLED},
    {"EC2ThrottledException", ERR_THROTTLED},
    {"SlowDown", ERR_THROTTLED},
    {"AccessDenied*", ERR_DENIED},
    {"ExpiredToken*", ERR_DENIED},
    {"InvalidSignatureException", ERR_DENIED},
    {"SignatureDoesNotMatch", ERR_DENIED},
    {"IncompleteSignature*", ERR_DENIED},
    {"UnrecognizedClient*", ERR_DENIED},
    {"InvalidClientTokenId", ERR_DENIED},
    {"InvalidAccessKeyId", ERR_DENIED},
    {"MissingAuthenticationToken*", ERR_DENIED},
    {"RequestTimeTooSkewed", ERR_DENIED},
    {"RequestExpired", ERR_DENIED},
    {"RequestTimeout*", ERR_RETRY},
    {"PriorRequestNotComplete", ERR_RETRY},
};

/* By status, when the code does not tell. */
static const struct {
    int first, last;
    enum err_class class;
} statuses[] = {
    {429, 429, ERR_THROTTLED}, {401, 401, ERR_DENIED},   {403, 403, ERR_DENIED},
    {404, 404, ERR_RETRY}, /* not the owner's word for "absent": a proxy, or another service */
    {408, 408, ERR_RETRY},     {409, 409, ERR_CONFLICT}, {412, 412, ERR_CONFLICT},
    {400, 499, ERR_INVALID},
};

/* From these words on AWS repeats what was sent: environment values, or a session token. */
static const char *const echoes[] = {"String measured:", "The Canonical String for this request"};

static enum err_class class_of(const char *code, int status)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        size_t len = strlen(codes[i].code);

        if (codes[i].code[len - 1] == '*' ? strncmp(code, codes[i].code, len - 1) == 0
                                          : strcmp(code, codes[i].code) == 0)
            return codes[i].class;
    }
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (status >= statuses[i].first && status <= statuses[i].last)
            return statuses[i].class;
    return ERR_RETRY;
}

bool aws_refused_credentials(const struct err *err)
{
    /* Of Lambda and of S3. */
    static const char *const begin[] = {"ExpiredToken",         "InvalidToken",         "InvalidAccessKeyId",
                                        "UnrecognizedClient",   "InvalidClientTokenId", "InvalidSignature",
                                        "SignatureDoesNotMatch"};

    for (size_t i = 0; i < ARRAY_LEN(begin); i++)
        if (str_starts_with(err->code, begin[i]))
            return true;
    return false;
}

/* "com.amazonaws.lambda#ResourceNotFoundException:http://…" has the code in its middle. */
static void set_code(struct err *err, const char *text)
{
    const char *hash = strchr(text, '#');
    const char *colon = strchr(text, ':');
    const char *code = hash && (!colon || hash < colon) ? hash + 1 : text;
    size_t len = 0;

    while (isalnum((unsigned char)code[len]) || code[len] == '.' || code[len] == '_' || code[len] == '-')
        len++;
    if (len >= sizeof(err->code))
        len = sizeof(err->code) - 1;
    memcpy(err->code, code, len);
    err->code[len] = '\0';
}

static const char *first_string(const struct json *object, const char *const *keys)
{
    const char *text = NULL;

    for (; *keys && !text; keys++)
        text = json_str(json_get(object, *keys));
    return text ? text : "";
}

static void read_body(struct str_view body, struct err *err, struct str *message)
{
    static const char *const code_keys[] = {"__type", "code", "Code", NULL};
    static const char *const message_keys[] = {"message", "Message", NULL};
    _cleanup_(json_freep) struct json *json = NULL;

    if (body.len == 0)
        return;
    if (body.ptr[0] == '<') {
        _cleanup_(str_done) struct str code = STR_INIT(MESSAGE_MAX_BYTES);

        if (xml_text(body, "Error/Code", &code, NULL) < 0 ||
            xml_text(body, "Error/Message", message, NULL) < 0)
            str_clear(message);
        if (!err->code[0])
            set_code(err, str_text(&code));
        return;
    }
    if (json_parse(body, &json, NULL) < 0)
        return;
    str_add(message, first_string(json, message_keys));
    if (!err->code[0])
        set_code(err, first_string(json, code_keys));
}

static void cut(struct str *text, size_t len)
{
    text->len = len;
    text->ptr[len] = '\0';
}

/* "Value '{A=secret}' at 'environment.variables' failed …": the value may itself contain such words,
 * so everything from the first value to the last mention of the environment goes. */
static void cut_environment_value(struct str *message)
{
    static const char before[] = "Value '", after[] = "' at 'environment";
    const char *start = strstr(str_text(message), before), *end = NULL;

    for (const char *at = start; at && (at = strcasestr(at, after)); at++)
        end = at;
    if (!end)
        return;
    _cleanup_(freep) char *rest = xstrdup(end + 1);

    cut(message, (size_t)(start - message->ptr));
    str_addf(message, "Value (not shown)%s", rest);
}

/* Makes the message fit for logs, status and events: no values of ours, no control characters. */
static void filter(struct str *message)
{
    for (size_t i = 0; i < ARRAY_LEN(echoes); i++) {
        const char *echo = strstr(str_text(message), echoes[i]);

        if (echo) {
            cut(message, (size_t)(echo - message->ptr));
            str_add(message, "(the rest is not shown: it repeats what was sent)");
        }
    }
    cut_environment_value(message);
    for (size_t i = 0; i < message->len;) {
        size_t len = utf8_sequence(message->ptr + i, message->len - i);
        unsigned char c = (unsigned char)message->ptr[i];

        if (len == 0 || c < ' ' || c == 0x7f) {
            message->ptr[i] = len == 0 ? '?' : ' ';
            len = 1;
        }
        i += len;
    }
}

/* x-amz-retry-after is in milliseconds, Retry-After in seconds. */
static int retry_after_ms(const struct http_response *response)
{
    static const struct {
        const char *name;
        int64_t unit_ms;
    } headers[] = {{"x-amz-retry-after", 1}, {"retry-after", 1000}};
    char value[32];
    int64_t wait;

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        if (!http_header(response, headers[i].name, value, sizeof(value)) ||
            !parse_int(value, 0, INT32_MAX, &wait))
            continue;
        wait *= headers[i].unit_ms;
        return wait > RETRY_AFTER_MAX_MS ? RETRY_AFTER_MAX_MS : (int)wait;
    }
    return 0;
}

int aws_error(const struct http_response *response, struct err *err)
{
    _cleanup_(str_done) struct str message = STR_INIT(MESSAGE_MAX_BYTES);
    struct err found = {.status = response->status};
    char type[256];

    if (http_header(response, "x-amzn-errortype", type, sizeof(type)))
        set_code(&found, type);
    read_body(str_view_of(&response->body), &found, &message);
    filter(&message);
    found.class = class_of(found.code, response->status);
    found.retry_after_ms = retry_after_ms(response);

    const char *text = str_text(&message);

    if (found.code[0])
        err_set(err, found.class, "%s%s%s", found.code, *text ? ": " : "", text);
    else
        err_set(err, found.class, "answered %d without an AWS error code%s%s%s", found.status,
                found.status == 404 ? ": is something else at this endpoint?" : "", *text ? ": " : "", text);
    if (err) {
        err->status = found.status;
        err->retry_after_ms = found.retry_after_ms;
        memcpy(err->code, found.code, sizeof(err->code));
    }
    return found.class;
}
