/* The providers of credentials. Any thread that may block; no state. */
#include "common/aws/providers.h"

#include "common/aws/metadata.h"
#include "common/base/clock.h"
#include "common/base/file.h"
#include "common/base/json.h"
#include "common/base/mem.h"
#include "common/base/process.h"

enum {
    REASONS_MAX_BYTES = 480,
    TOKEN_MAX_BYTES = 20000, /* of a web identity; a header line takes as much */
    PROCESS_TIMEOUT_MS = 30 * 1000,
    PROCESS_MAX_BYTES = 64 << 10,
    ARGUMENTS_MAX = 64,
    PROFILES_MAX = 5, /* that name each other as source_profile */
};

/* --- reading ------------------------------------------------------------------------------ */

static bool fits_header(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

int credentials_read(const struct credentials_text *text, struct credentials **ret_credentials,
                     struct err *err)
{
    const char *values[3];
    int64_t expires_s = 0;

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        values[i] = text->values[i] && *text->values[i] ? text->values[i] : NULL;
        if (values[i] && !fits_header(values[i]))
            return err_set(err, ERR_DENIED,
                           "%s in %s has a blank, a line end or another character that no key has: "
                           "remove it",
                           text->names[i], text->source);
    }
    if (!values[0] && !values[1])
        return err_set(err, ERR_NOT_FOUND, "no %s in %s", text->names[0], text->source);
    if (!values[0] || !values[1])
        return err_set(err, ERR_DENIED, "%s in %s is set but %s is not: both are needed",
                       text->names[values[0] ? 0 : 1], text->source, text->names[values[0] ? 1 : 0]);
    if (text->expiration && !clock_parse(text->expiration, &expires_s))
        return err_set(err, ERR_DENIED, "Expiration in %s is %.40s: not a time such as 2026-11-24T08:00:00Z",
                       text->source, text->expiration);
    bool account = text->account && strlen(text->account) == 12 && strspn(text->account, "0123456789") == 12;
    struct credentials *credentials = xcalloc(1, sizeof(*credentials));

    *credentials = (struct credentials){.access_key_id = xstrdup(values[0]),
                                        .secret_access_key = xstrdup(values[1]),
                                        .session_token = xstrdup(values[2]),
                                        .account = account ? xstrdup(text->account) : NULL,
                                        .expires_s = expires_s,
                                        .references = 1};
    *ret_credentials = credentials;
    return 0;
}

int credentials_read_json(struct str_view json, const char *source, const char *token,
                          struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(json_freep) struct json *answer = NULL;

    if (json_parse(json, &answer, NULL) < 0) /* its message could show a piece of it */
        return err_set(err, ERR_RETRY, "the answer of %s is not JSON", source);
    const char *code = json_str_at(answer, "Code");

    if (code && !str_equal(code, "Success"))
        return err_set(err, ERR_DENIED, "%s answered %.60s", source, code);
    int result =
        credentials_read(&(struct credentials_text){.source = source,
                                                    .names = {"AccessKeyId", "SecretAccessKey", token},
                                                    .values = {json_str_at(answer, "AccessKeyId"),
                                                               json_str_at(answer, "SecretAccessKey"),
                                                               json_str_at(answer, token)},
                                                    .account = json_str_at(answer, "AccountId"),
                                                    .expiration = json_str_at(answer, "Expiration")},
                         ret_credentials, err);

    return result == ERR_NOT_FOUND
               ? err_set(err, ERR_DENIED, "the answer of %s has no AccessKeyId and SecretAccessKey", source)
               : result;
}

int token_read(const char *path, struct str *out, struct err *err)
{
    _cleanup_(str_done) struct str text = STR_INIT(TOKEN_MAX_BYTES);
    struct err why;

    if (file_read(path, &text, &why) < 0)
        return err_set(err, ERR_DENIED, "cannot read %s", why.msg);
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.ptr[--text.len] = '\0';
    if (text.len == 0 || strlen(str_text(&text)) != text.len || !fits_header(str_text(&text)))
        return err_set(err, ERR_DENIED, "%s does not hold a token: it is empty, or has blanks or line ends",
                       path);
    str_add_bytes(out, text.ptr, text.len);
    explicit_bzero(text.ptr, text.len);
    return 0;
}

/* --- keys at hand ------------------------------------------------------------------------- */

static int from_environment(const struct provider_input *input, struct credentials **ret_credentials,
                            struct err *err)
{
    struct credentials_text text = {
        .source = "the environment",
        .names = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
    };

    (void)input;
    for (size_t i = 0; i < ARRAY_LEN(text.names); i++)
        text.values[i] = environment(text.names[i]);
    int result = credentials_read(&text, ret_credentials, err);

    return result == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "AWS_ACCESS_KEY_ID is not set") : result;
}

/* The credentials file, then the config file; never half of them from each. */
static int from_files(const struct provider_input *input, struct credentials **ret_credentials,
                      struct err *err)
{
    const struct profile *profile = input->profile;
    int result = ERR_NOT_FOUND;

    for (int file = 0; file < PROFILE_FILES && result == ERR_NOT_FOUND; file++) {
        struct credentials_text text = {
            .source = profile->paths[file] ? profile->paths[file] : "~/.aws",
            .names = {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"},
        };

        for (size_t i = 0; i < ARRAY_LEN(text.names); i++)
            text.values[i] = profile_file_get(profile, file, text.names[i]);
        result = credentials_read(&text, ret_credentials, err);
    }
    return result == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "no aws_access_key_id in the profile")
                                   : result;
}

/* --- a program ---------------------------------------------------------------------------- */

/* Splits at blanks; double quotes hold together. In place; false for more arguments than there is room. */
static bool split_command(char *command, const char *arguments[ARGUMENTS_MAX + 1])
{
    size_t count = 0;
    char *out = command;

    for (const char *in = command + strspn(command, " \t"); *in; in += strspn(in, " \t")) {
        bool quoted = false;

        if (count == ARGUMENTS_MAX)
            return false;
        arguments[count++] = out;
        for (; *in && (quoted || (*in != ' ' && *in != '\t')); in++) {
            if (*in == '"')
                quoted = !quoted;
            else
                *out++ = *in;
        }
        in += *in != '\0';
        *out++ = '\0';
    }
    arguments[count] = NULL;
    return count > 0;
}

static int from_process(const struct provider_input *input, struct credentials **ret_credentials,
                        struct err *err)
{
    const char *setting = profile_get(input->profile, "credential_process");
    _cleanup_(freep) char *command = setting ? xasprintf("%s ", setting) : NULL;
    _cleanup_(str_done) struct str output = STR_INIT(PROCESS_MAX_BYTES);
    const char *arguments[ARGUMENTS_MAX + 1];

    if (!command)
        return err_set(err, ERR_NOT_FOUND, "not in the profile");
    if (!input->sts)
        return 0;
    if (!split_command(command, arguments))
        return err_set(err, ERR_FATAL, "a command of 1 to %d arguments is needed", ARGUMENTS_MAX);
    int result =
        process_run(&(struct process){.argv = arguments, .timeout_ms = PROCESS_TIMEOUT_MS}, &output, err);

    if (result == 0)
        result =
            credentials_read_json(str_view_of(&output), arguments[0], "SessionToken", ret_credentials, err);
    else if (result == ERR_NOT_FOUND && err)
        err->class = result = ERR_FATAL;
    if (output.ptr)
        explicit_bzero(output.ptr, output.len);
    return result;
}

/* --- a role ------------------------------------------------------------------------------- */

static int web_identity(const struct provider_input *input, const struct sts_role *role, const char *path,
                        struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(str_done) struct str token = STR_INIT(TOKEN_MAX_BYTES);
    int result = token_read(path, &token, err); /* each time: the kubelet replaces it */

    if (result == 0)
        result = sts_assume_role_with_web_identity(input->sts, role, str_text(&token), ret_credentials, err);
    if (token.ptr)
        explicit_bzero(token.ptr, token.len);
    return result;
}

static int from_web_identity(const struct provider_input *input, struct credentials **ret_credentials,
                             struct err *err)
{
    const struct sts_role role = {.arn = environment("AWS_ROLE_ARN"),
                                  .session_name = environment("AWS_ROLE_SESSION_NAME")};
    const char *path = environment("AWS_WEB_IDENTITY_TOKEN_FILE");

    if (!path)
        return err_set(err, ERR_NOT_FOUND, "AWS_WEB_IDENTITY_TOKEN_FILE is not set");
    if (!role.arn)
        return err_set(err, ERR_DENIED, "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not");
    return input->sts ? web_identity(input, &role, path, ret_credentials, err) : 0;
}

static int assume_profile_role(const struct provider_input *input, int profiles,
                               struct credentials **ret_credentials, struct err *err);

/* What the profile itself has: a role's, keys, or a program's. */
static int from_source_profile(const struct provider_input *input, int profiles,
                               struct credentials **ret_credentials, struct err *err)
{
    const char *name = profile_get(input->profile, "source_profile");
    _cleanup_(freep) char *own_name = xstrdup(name);
    struct profile profile = *input->profile; /* the same files, another name */
    const struct provider_input source = {&profile, input->sts};

    profile.name = own_name;
    if (!profile_exists(&profile))
        return err_set(err, ERR_FATAL, "source_profile = %s: there is no such profile", name);
    bool itself = str_equal(name, input->profile->name);

    if (!itself && profile_get(&profile, "role_arn"))
        return assume_profile_role(&source, profiles + 1, ret_credentials, err);
    int result = from_files(&source, ret_credentials, err);

    return result == ERR_NOT_FOUND ? from_process(&source, ret_credentials, err) : result;
}

static int from_credential_source(const struct provider_input *input, struct credentials **ret_credentials,
                                  struct err *err)
{
    static const struct {
        const char *name;
        int (*ask)(const struct provider_input *, struct credentials **, struct err *);
    } sources[] = {{"Environment", from_environment},
                   {"EcsContainer", container_credentials},
                   {"Ec2InstanceMetadata", instance_credentials}};
    const char *name = profile_get(input->profile, "credential_source");

    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        if (str_equal(name, sources[i].name))
            return sources[i].ask(input, ret_credentials, err);
    return err_set(err, ERR_FATAL,
                   "the profile '%s' has a role_arn: it also needs source_profile, or credential_source "
                   "(Environment, EcsContainer, Ec2InstanceMetadata), or web_identity_token_file",
                   input->profile->name);
}

static int assume_profile_role(const struct provider_input *input, int profiles,
                               struct credentials **ret_credentials, struct err *err)
{
    const struct profile *profile = input->profile;
    const struct sts_role role = {.arn = profile_get(profile, "role_arn"),
                                  .session_name = profile_get(profile, "role_session_name"),
                                  .external_id = profile_get(profile, "external_id"),
                                  .duration_s = profile_get(profile, "duration_seconds")};
    const char *token_file = profile_get(profile, "web_identity_token_file");
    _cleanup_(credentials_unrefp) struct credentials *signer = NULL;

    if (profiles == PROFILES_MAX)
        return err_set(err, ERR_FATAL, "more than %d profiles that name each other as source_profile",
                       PROFILES_MAX);
    if (profile_get(profile, "mfa_serial"))
        return err_set(err, ERR_FATAL, "the profile '%s' has mfa_serial: nobody is here to type a code",
                       profile->name);
    if (token_file)
        return web_identity(input, &role, token_file, ret_credentials, err);
    int result = profile_get(profile, "source_profile") ? from_source_profile(input, profiles, &signer, err)
                                                        : from_credential_source(input, &signer, err);

    if (result == ERR_NOT_FOUND)
        return err_set(err, ERR_DENIED, "nothing to assume %s with: %s", role.arn, err ? err->msg : "");
    return result < 0 ? result : sts_assume_role(input->sts, signer, &role, ret_credentials, err);
}

static int from_profile_role(const struct provider_input *input, struct credentials **ret_credentials,
                             struct err *err)
{
    if (!profile_get(input->profile, "role_arn"))
        return err_set(err, ERR_NOT_FOUND, "no role_arn in the profile '%s'", input->profile->name);
    return input->sts ? assume_profile_role(input, 0, ret_credentials, err) : 0;
}

/* --- the table ---------------------------------------------------------------------------- */

/* In the order in which they are asked. Each is a function as providers_ask. */
static const struct {
    const char *name;
    int (*ask)(const struct provider_input *input, struct credentials **ret_credentials, struct err *err);
} providers[] = {
    {"environment", from_environment},           {"role", from_profile_role},
    {"web identity", from_web_identity},         {"files", from_files},
    {"credential_process", from_process},        {"container", container_credentials},
    {"instance metadata", instance_credentials},
};

int providers_ask(const struct provider_input *input, struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(str_done) struct str reasons = STR_INIT(REASONS_MAX_BYTES);
    struct err problem;

    for (size_t i = 0; i < ARRAY_LEN(providers); i++) {
        int result = providers[i].ask(input, ret_credentials, &problem);

        if (result == 0)
            return 0;
        if (result != ERR_NOT_FOUND) {
            err_wrap(&problem, "%s", providers[i].name);
            if (err)
                *err = problem;
            return result;
        }
        str_addf(&reasons, "%s%s: %s", reasons.len ? "; " : "", providers[i].name, problem.msg);
    }
    return err_set(err, ERR_NOT_FOUND, "%s", str_text(&reasons));
}
