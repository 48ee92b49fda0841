/* The statements of a function's policy, between the form of AddPermission and that of the policy. Pure. */
#include "common/function/plan_permissions.h"

#include "common/base/mem.h"
#include "common/function/arn.h"

enum { STATEMENTS_MAX = 500 }; /* a policy has at most 20480 bytes */

/* Both that a public URL takes since October 2025. */
static const char *const PUBLIC[] = {
    "{\"StatementId\":\"" PERMISSION_OURS
    "url-public\",\"Action\":\"lambda:InvokeFunctionUrl\",\"Principal\":"
    "\"*\",\"FunctionUrlAuthType\":\"NONE\"}",
    "{\"StatementId\":\"" PERMISSION_OURS "url-invoke\",\"Action\":\"lambda:InvokeFunction\",\"Principal\":"
    "\"*\",\"InvokedViaFunctionUrl\":true}",
};

/* How a policy writes the conditions of AddPermission. Names of keys do not depend on case. */
static const struct {
    const char *operators[3], *key, *member;
} conditions[] = {
    {{"ArnLike", "StringLike", "ArnEquals"}, "aws:SourceArn", "SourceArn"},
    {{"StringEquals"}, "aws:SourceAccount", "SourceAccount"},
    {{"StringEquals"}, "aws:PrincipalOrgID", "PrincipalOrgID"},
    {{"StringEquals"}, "lambda:EventSourceToken", "EventSourceToken"},
    {{"StringEquals"}, "lambda:FunctionUrlAuthType", "FunctionUrlAuthType"},
    {{"Bool"}, "lambda:InvokedViaFunctionUrl", "InvokedViaFunctionUrl"},
};

char *permission_key(const char *qualifier, const char *sid)
{
    return *qualifier ? xasprintf("%s/%s", qualifier, sid) : xstrdup(sid);
}

void permission_complete(struct json *item)
{
    const char *principal = json_str(json_get(item, "Principal"));
    struct str_view account = arn_part(principal ? principal : "", ARN_PART_ACCOUNT);

    /* An account and its root are the same; AWS shows the root. */
    if (!principal || account.len == 0 || !str_equal(account.ptr + account.len, ":root"))
        return;
    _cleanup_(freep) char *number = xstrndup(account.ptr, account.len);

    json_set(item, "Principal", json_new_string(number));
}

/* One resource, or those of one account. All of S3's are said by arn:aws:s3:::*, anybody's among them. */
static bool is_somebodys(const char *arn)
{
    enum { ACCOUNT_DIGITS = 12 };
    struct str_view account = arn_part(arn, ARN_PART_ACCOUNT);

    return !strpbrk(arn, "*?") ||
           (account.len == ACCOUNT_DIGITS && strspn(account.ptr, "0123456789") >= ACCOUNT_DIGITS);
}

bool permission_is_open(const struct json *declared)
{
    const char *arn = json_str(json_get(declared, "sourceArn"));
    /* Everybody has a bucket or a topic, and a token is no account. */
    bool service = !str_equal(json_str(json_get(declared, "principal")), "*");

    return !json_str(json_get(declared, "sourceAccount")) &&
           !json_str(json_get(declared, "principalOrgID")) && !(arn && (service || is_somebodys(arn))) &&
           !(service && json_str(json_get(declared, "eventSourceToken")));
}

/* Does a statement with another id say the same? */
static bool is_said(const struct json *want, const char *qualifier, const struct json *item)
{
    for (const struct json *one = json_first(want); one; one = json_next(one)) {
        _cleanup_(json_freep) struct json *same = json_copy(one);
        _cleanup_(freep) char *key = permission_key(qualifier, json_str(json_get(one, "StatementId")));

        json_set(same, "StatementId", json_copy(json_get(item, "StatementId")));
        if (str_equal(key, json_key(one)) && json_equal(same, item))
            return true;
    }
    return false;
}

void permission_add_public(const struct json *spec, struct json *want)
{
    const char *qualifier = json_str_at(spec, "functionUrl.qualifier") ?: "";

    if (!str_equal(json_str_at(spec, "functionUrl.authType"), "NONE"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(PUBLIC); i++) {
        _cleanup_(json_freep) struct json *item = NULL;
        struct err err;

        if (json_parse(view(PUBLIC[i]), &item, &err) < 0 || is_said(want, qualifier, item))
            continue;
        _cleanup_(freep) char *key = permission_key(qualifier, json_str(json_get(item, "StatementId")));

        json_set(want, key, take(item));
    }
}

/* A text, or a list of one. */
static const char *only_text(const struct json *value)
{
    if (json_type(value) == JSON_ARRAY && json_size(value) == 1)
        value = json_first(value);
    return json_str(value);
}

static bool read_principal(const struct json *principal, struct json *item)
{
    const struct json *only =
        json_type(principal) == JSON_OBJECT && json_size(principal) == 1 ? json_first(principal) : NULL;
    const char *text = only ? only_text(only) : json_str(principal);
    bool known = !only || str_equal(json_key(only), "Service") || str_equal(json_key(only), "AWS");

    if (!text || !known)
        return false;
    json_set_str(item, "Principal", text);
    permission_complete(item);
    return true;
}

static bool read_condition(const char *operator, const struct json * condition, struct json *item)
{
    const char *text = only_text(condition), *key = json_key(condition);

    for (size_t i = 0; i < ARRAY_LEN(conditions) && text && key; i++) {
        bool right = strcasecmp(key, conditions[i].key) == 0;

        for (size_t j = 0; j < ARRAY_LEN(conditions[i].operators) && right; j++) {
            if (!str_equal(operator, conditions[i].operators[j]) || json_get(item, conditions[i].member))
                continue;
            bool flag = str_equal(operator, "Bool");

            json_set(item, conditions[i].member,
                     flag ? json_new_bool(str_equal(text, "true")) : json_new_string(text));
            return true;
        }
    }
    return false;
}

/* False: the statement says something that AddPermission cannot. */
static bool read_statement(const struct json *statement, struct json *item)
{
    const char *action = only_text(json_get(statement, "Action"));
    size_t known = 5; /* Sid, Effect, Principal, Action, Resource */

    if (!str_equal(json_str(json_get(statement, "Effect")), "Allow") || !action ||
        !read_principal(json_get(statement, "Principal"), item))
        return false;
    json_set_str(item, "Action", action);
    known += json_get(statement, "Condition") != NULL;
    for (const struct json *with = json_first(json_get(statement, "Condition")); with; with = json_next(with))
        for (const struct json *one = json_first(with); one; one = json_next(one))
            if (!read_condition(json_key(with), one, item))
                return false;
    return json_size(statement) <= known;
}

void permission_read_statement(const struct json *statement, const char *qualifier, struct json *have)
{
    const char *sid = json_str(json_get(statement, "Sid"));

    if (!sid)
        return;
    struct json *item = json_new_object();
    _cleanup_(freep) char *key = permission_key(qualifier, sid);

    if (!read_statement(statement, item)) {
        json_free(item);
        item = json_new_object(); /* it differs from everything that can be declared */
    }
    json_set_str(item, "StatementId", sid);
    json_set(have, key, item);
}

bool permission_read_added(const struct json *answer, const char *qualifier, struct json *have)
{
    const char *text = json_str(json_get(answer, "Statement"));
    _cleanup_(json_freep) struct json *statement = NULL;
    struct err err;

    if (!text || json_parse(view(text), &statement, &err) < 0 || !json_str(json_get(statement, "Sid")))
        return false;
    permission_read_statement(statement, qualifier, have);
    return true;
}

int permission_read(const struct json *answer, const char *qualifier, const char *owner, struct json *have,
                    struct err *err)
{
    const char *text = json_str(json_get(answer, "Policy"));
    _cleanup_(json_freep) struct json *policy = NULL;
    struct err problem;
    size_t left = STATEMENTS_MAX;

    (void)owner;
    if (!text) /* there is none */
        return 0;
    if (json_parse(view(text), &policy, &problem) < 0)
        return err_set(err, ERR_RETRY, "GetPolicy: the policy cannot be read: %s", problem.msg);
    const struct json *statements = json_get(policy, "Statement");

    if (json_type(statements) == JSON_OBJECT)
        permission_read_statement(statements, qualifier, have);
    else
        for (const struct json *one = json_first(statements); one && left > 0; one = json_next(one), left--)
            permission_read_statement(one, qualifier, have);
    return 0;
}
