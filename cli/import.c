/* `kubelambda import`: manifests of functions that exist already. Reads only. Main thread. */
#include "cli/cli.h"
#include "cli/observe.h"
#include "cli/repeat.h"
#include "cli/session.h"
#include "common/aws/s3.h"
#include "common/base/encode.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/yaml_print.h"
#include "common/function/arn.h"
#include "common/function/fields.h"
#include "common/function/plan_import.h"

#include <signal.h>
#include <stddef.h>
#include <stdio.h>

enum { HEAD_TIMEOUT_MS = 10 * 1000, MANIFEST_MAX_BYTES = 4 << 20, COMMENTS_MAX_BYTES = 4 << 20 };

struct import_options {
    struct option_list names;
    const char *prefix, *strip_prefix, *namespace, *region, *bucket, *key, *prefix_key;
    bool no_environment, help;
};

#define ROW(name, letter, value, kind, member, otherwise, help)                                              \
    {                                                                                                        \
        name, letter, value, kind, offsetof(struct import_options, member), otherwise, help                  \
    }

static const struct option_row rows[] = {
    ROW("prefix", 0, "P", OPTION_TEXT, prefix, "", "only functions whose names begin so"),
    ROW("strip-prefix", 0, "P", OPTION_TEXT, strip_prefix, "",
        "left out of metadata.name, as in production-; spec.functionName stays as it is"),
    ROW("namespace", 'n', "NAME", OPTION_TEXT, namespace, NULL,
        "written to metadata.namespace; else `kubectl apply -n` says it"),
    ROW("region", 0, "REGION", OPTION_TEXT, region, NULL,
        "AWS region of the functions; else AWS_REGION or the profile's"),
    ROW("bucket", 0, "B", OPTION_TEXT, bucket, NULL,
        "S3 bucket with the archives; those that kubelambda upload made are found by their content"),
    ROW("key", 0, "K", OPTION_TEXT, key, NULL, "with --bucket and one NAME: the key of its archive"),
    ROW("prefix-key", 0, "P", OPTION_TEXT, prefix_key, "",
        "with --bucket: the archives' keys are P, the SHA-256 in hex, .zip"),
    ROW("no-environment", 0, NULL, OPTION_SWITCH, no_environment, NULL,
        "leaves environment variables out; AWS keeps them as they are"),
    ROW("help", 'h', NULL, OPTION_SWITCH, help, NULL, "this text"),
};

const struct option_table cli_import_table = {
    .usage = "kubelambda import [NAME…] [OPTION…]",
    .before =
        "Prints manifests of functions that exist in AWS: those named, else all. Applied, they adopt the\n"
        "functions and change nothing but one tag. Reads only, and needs no cluster.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .takes_operands = true,
    .operands = offsetof(struct import_options, names),
    .after =
        "AWS does not tell from where the archive of a function was deployed. Where it is not found, the\n"
        "manifest begins with a comment, `# code: …`, and its code is to be filled in.\n"
        "\n"
        "Exit status: 0 all are complete, 1 one is not, or something is wrong; the others are printed.\n"
        "\n"
        "Examples:\n"
        "  kubelambda import --prefix production- --strip-prefix production- -n production \\\n"
        "      --bucket artifacts >production.yaml\n"
        "  kubelambda import fake-function --bucket artifacts --key fake-function/1.zip\n"
        "\n"
        "AWS credentials, region and endpoints come from the standard environment variables and files.",
};

struct import {
    struct import_options options;
    struct http *http;
    struct aws *aws;
    struct repeat at_lambda, at_s3;
    struct json *used; /* metadata.name -> the function's */
    size_t with_environment;
    bool incomplete;
};

static void complain(struct import *import, const char *name, const char *message)
{
    _cleanup_(freep) char *line = name ? xasprintf("kubelambda import: %s: %s", name, message)
                                       : xasprintf("kubelambda import: %s", message);

    session_print(stderr, line);
    import->incomplete = true;
}

/* --- the code ----------------------------------------------------------------------------- */

/* "P<hex>.zip", the key that upload makes; NULL when AWS told no SHA-256. */
static char *make_key(const struct import *import, const char *sha256_base64)
{
    _cleanup_(str_done) struct str bytes = STR_INIT(SHA256_BYTES);
    char hex[SHA256_HEX_SIZE];
    struct err err;

    if (!sha256_base64 || base64_decode(view(sha256_base64), &bytes, &err) < 0 || bytes.len != SHA256_BYTES)
        return NULL;
    hex_encode((const unsigned char *)bytes.ptr, SHA256_BYTES, hex);
    return xasprintf("%s%s.zip", import->options.prefix_key, hex);
}

/* Is the object what the function runs? Else says in the manifest, or on standard error, why not. */
static bool is_archive(struct import *import, const char *name, const char *region, const char *key,
                       const char *sha256_base64)
{
    const char *bucket = import->options.bucket;
    _cleanup_(freep) char *why = NULL;
    struct s3_object object;
    struct err err;
    int attempt = 0, r;

    do
        r = s3_head_wait(import->aws, region, bucket, key, NULL, HEAD_TIMEOUT_MS, &object, &err);
    while (repeat_wait(&import->at_s3, ++attempt, r, &err));
    if (r < 0) {
        if (err.class == ERR_NOT_FOUND && !import->options.key)
            return false;
        why = xasprintf("the object %s in the bucket %s: %s", key, bucket, err.msg);
    } else if (!object.sha256[0]) {
        why = xasprintf("S3 does not know the SHA-256 of %s in the bucket %s, so that it cannot be compared "
                        "with the function's; upload it with that checksum",
                        key, bucket);
    } else if (!str_equal(object.sha256, sha256_base64)) {
        why = xasprintf("the object %s in the bucket %s is not what the function runs; name another key", key,
                        bucket);
    }
    if (why)
        complain(import, name, why);
    return !why;
}

/* A new object for plan_import. */
static struct json *find_code(struct import *import, const char *name, const char *region,
                              const struct json *observed, struct str *comments)
{
    const char *sha256_base64 = json_str_at(observed, "Configuration.CodeSha256");
    struct json *code = plan_import_code(observed);

    if (json_first(code))
        return code;
    _cleanup_(freep) char *key =
        import->options.key ? xstrdup(import->options.key) : make_key(import, sha256_base64);

    if (import->options.bucket && key && is_archive(import, name, region, key, sha256_base64)) {
        json_set_str(code, "bucket", import->options.bucket);
        json_set_str(code, "key", key);
    } else {
        str_add(comments, "# code: upload the archive and write its key\n");
        import->incomplete = true;
    }
    return code;
}

/* --- one function ------------------------------------------------------------------------- */

/* A name that no other manifest has. */
static char *choose_name(struct import *import, const char *function_name, struct str *comments)
{
    const char *strip = import->options.strip_prefix;
    const char *plain = str_starts_with(function_name, strip) ? function_name + strlen(strip) : function_name;
    _cleanup_(freep) char *name = plan_import_name(function_name, strip);
    char *chosen = xstrdup(name);

    if (!str_equal(name, plain))
        str_addf(comments, "# name: %s is no name in Kubernetes\n", *plain ? plain : function_name);
    for (int n = 2; json_get(import->used, chosen); n++) {
        char suffix[16];
        int len = snprintf(suffix, sizeof(suffix), "-%d", n);

        free(chosen);
        chosen = xasprintf("%.*s%s", 63 - len, name, suffix);
    }
    if (!str_equal(chosen, name))
        str_addf(comments, "# name: %s is taken by the function %s\n", name,
                 json_str(json_get(import->used, name)));
    json_set_str(import->used, chosen, function_name);
    return chosen;
}

static void print_manifest(const struct import *import, const char *name, struct json *spec,
                           const struct str *comments)
{
    _cleanup_(json_freep) struct json *manifest = json_new_object();
    _cleanup_(str_done) struct str text = STR_INIT(MANIFEST_MAX_BYTES);
    struct json *metadata = json_new_object();

    json_set_str(metadata, "name", name);
    json_set_str(metadata, "namespace", import->options.namespace);
    json_set_str(manifest, "apiVersion", "kubelambda.io/v1alpha1");
    json_set_str(manifest, "kind", "LambdaFunction");
    json_set(manifest, "metadata", metadata);
    json_set(manifest, "spec", spec);
    yaml_print(manifest, &text);
    printf("---\n%s%s", str_text(comments), str_text(&text));
}

static void import_observed(struct import *import, const struct json *observed)
{
    const struct json *configuration = json_get(observed, "Configuration");
    const char *name = json_str_at(configuration, "FunctionName");
    const char *arn = json_str_at(configuration, "FunctionArn");
    struct str_view in = arn_part(arn ? arn : "", ARN_PART_REGION);
    _cleanup_(freep) char *region = xstrndup(in.ptr ? in.ptr : "", in.len);
    _cleanup_(str_done) struct str comments = STR_INIT(COMMENTS_MAX_BYTES);
    _cleanup_(json_freep) struct json *code = find_code(import, name, region, observed, &comments);
    struct json *spec = plan_import(observed, code, region, &comments);
    _cleanup_(freep) char *chosen = choose_name(import, name, &comments);

    if (json_get(configuration, "Environment") && json_at(configuration, "Environment.Error"))
        complain(import, name, "its environment variables cannot be read; allow kms:Decrypt with its key");
    if (json_type(json_get(observed, "TagsError")) > JSON_NULL)
        complain(import, name, "its tags cannot be read; allow lambda:ListTags");
    if (json_get(observed, OBSERVE_ALIASES_ERROR)) {
        str_add(&comments, "# aliases: they cannot be read\n");
        complain(import, name, json_str_at(observed, OBSERVE_ALIASES_ERROR));
    }
    if (import->options.no_environment)
        json_set(spec, "environment", NULL);
    import->with_environment += json_get(spec, "environment") != NULL;
    print_manifest(import, chosen, spec, &comments);
}

/* False: the others will fail, too. */
static bool import_one(struct import *import, const char *name)
{
    _cleanup_(json_freep) struct json *observed = NULL;
    const struct observe_target target = {.region = import->options.region, .name = name};
    struct err err = {0};
    int r = observe_function(import->aws, &import->at_lambda, &target, &observed, &err);
    bool refused = r < 0 && aws_refused_credentials(&err);

    if (refused)
        err_wrap(&err, AWS_NEW_CREDENTIALS);
    if (r < 0)
        complain(import, name, err.msg);
    else if (!observed)
        complain(import, name, "there is no such function in this account and region");
    else if (!matches(field_find("functionName")->pattern,
                      json_str_at(observed, "Configuration.FunctionName") ?: "") ||
             !json_str_at(observed, "Configuration.FunctionArn"))
        complain(import, name, "GetFunction: an answer without the function's name and ARN");
    else
        import_observed(import, observed);
    return !refused;
}

/* --- all of them -------------------------------------------------------------------------- */

/* Names of one page, to be imported; the marker of the next in *marker, NULL when there is none. */
static int list_page(struct import *import, char **marker, struct json *names, struct err *err)
{
    _cleanup_(json_freep) struct json *answer = NULL;
    _cleanup_(freep) char *before = *marker;
    const struct sign_query query = {"Marker", before};
    const struct lambda_call call = {.operation = LAMBDA_LIST_FUNCTIONS,
                                     .region = import->options.region,
                                     .query = &query,
                                     .query_count = before ? 1 : 0};
    *marker = NULL;
    int attempt = 0, r;

    do
        r = lambda_call(import->aws, &call, &answer, err);
    while (repeat_wait(&import->at_lambda, ++attempt, r, err));
    if (r < 0)
        return r;
    for (const struct json *one = json_first(json_get(answer, "Functions")); one; one = json_next(one)) {
        const char *name = json_str_at(one, "FunctionName");

        if (name && str_starts_with(name, import->options.prefix))
            json_append(names, json_new_string(name));
    }
    const char *next = json_str_at(answer, "NextMarker");

    if (next && *next && str_equal(next, before))
        return err_set(err, ERR_RETRY, "ListFunctions: the same page again and again");
    *marker = next && *next ? xstrdup(next) : NULL;
    return 0;
}

static void import_all(struct import *import)
{
    _cleanup_(json_freep) struct json *names = json_new_array();
    char *marker = NULL;
    struct err err;

    do {
        if (list_page(import, &marker, names, &err) < 0) {
            complain(import, NULL, err.msg);
            return;
        }
    } while (marker);
    for (const struct json *name = json_first(names); name && import_one(import, json_str(name));)
        name = json_next(name);
    if (!json_first(names))
        complain(import, NULL, "there are no such functions in this account and region");
}

/* --- the command -------------------------------------------------------------------------- */

static int check_options(const struct import_options *options, struct err *err)
{
    if (options->key && (!options->bucket || options->names.count != 1))
        return err_set(err, ERR_INVALID, "--key is for one function: write one NAME, and --bucket");
    if (*options->prefix_key && (!options->bucket || options->key))
        return err_set(err, ERR_INVALID, "--prefix-key goes with --bucket, and without --key");
    if (*options->prefix && options->names.count > 0)
        return err_set(err, ERR_INVALID, "write either names or --prefix");
    return 0;
}

static int start(struct import *import, struct err *err)
{
    int r = check_options(&import->options, err);

    if (r == 0)
        r = http_start(&import->http, err);
    if (r == 0)
        r = aws_new(import->http, &(struct aws_options){.region = import->options.region}, &import->aws, err);
    if (r == 0)
        r = aws_check_credentials(import->aws, err);
    return r;
}

static void run(struct import *import)
{
    struct err err;

    if (start(import, &err) < 0) {
        complain(import, NULL, err.msg);
        return;
    }
    for (size_t i = 0; i < import->options.names.count && import_one(import, import->options.names.items[i]);)
        i++;
    if (import->options.names.count == 0)
        import_all(import);
    if (json_first(import->used))
        session_print(stderr,
                      "kubelambda import: versions are left out, with permissions and event sources of "
                      "theirs");
    if (import->with_environment > 0) {
        _cleanup_(freep) char *line =
            xasprintf("kubelambda import: warning: the manifests hold the values of environment variables of "
                      "%zu function%s; --no-environment leaves them out",
                      import->with_environment, import->with_environment == 1 ? "" : "s");

        session_print(stderr, line);
    }
}

int cli_import(int argc, char **argv)
{
    struct import import = {.used = json_new_object()};
    struct err err;

    if (!log_set_level("error"))
        abort();
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (options_parse(&cli_import_table, argc, argv, &import.options, &err) < 0)
        complain(&import, NULL, err.msg);
    else if (import.options.help)
        options_help(&cli_import_table);
    else
        run(&import);
    if (fflush(stdout) != 0 || ferror(stdout))
        complain(&import, NULL, "the manifests could not be written in full");
    aws_free(import.aws);
    http_stop(import.http);
    json_free(import.used);
    option_list_done(&import.options.names);
    return import.incomplete ? EXIT_FAILURE : EXIT_SUCCESS;
}
