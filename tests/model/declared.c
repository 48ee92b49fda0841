/* What a spec says against what the model of AWS has. Pure. */
#include "tests/model/declared.h"

#include "common/base/mem.h"

static const struct {
    const char *path, *shown; /* in the spec, in GetFunction's answer */
    const char *otherwise;    /* AWS's default; NULL: none */
} values[] = {
    {"handler", "Configuration.Handler", NULL},
    {"memorySize", "Configuration.MemorySize", "128"},
    {"timeout", "Configuration.Timeout", "3"},
    {"description", "Configuration.Description", "\"\""},
    {"environment.variables", "Configuration.Environment.Variables", NULL},
    {"reservedConcurrency", "Concurrency.ReservedConcurrentExecutions", NULL},
    {"tags.team", "Tags.team", NULL},
    {"tags.stage", "Tags.stage", NULL},
};

static bool lists(const struct json *list, const char *text)
{
    for (const struct json *item = json_first(list); item; item = json_next(item))
        if (str_equal(json_str(item), text))
            return true;
    return false;
}

static void compare(const char *path, const struct json *want, const struct json *have, struct str *out)
{
    if (!want && !have)
        return;
    if (want && have && json_equal(want, have))
        return;
    _cleanup_(freep) char *wanted = want ? json_text(want) : xstrdup("nothing"),
                          *had = have ? json_text(have) : xstrdup("nothing");

    str_addf(out, "%s%s is %s and not %s", out->len ? ", " : "", path, had, wanted);
}

static void compare_values(const struct json *spec, const struct cloud_function *function, struct str *out)
{
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        const struct json *declared = json_at(spec, values[i].path),
                          *have = json_at(function->shown, values[i].shown);
        _cleanup_(json_freep) struct json *otherwise = NULL;

        if (json_type(declared) == JSON_OBJECT && json_size(declared) == 0)
            declared = NULL;
        if (!declared && (function->inherited || lists(function->touched, values[i].shown)))
            continue;
        if (values[i].otherwise && json_parse(view(values[i].otherwise), &otherwise, NULL) < 0)
            abort(); /* a text of the table */
        compare(values[i].path, declared ? declared : otherwise, have, out);
    }
    if (function->inherited && !json_get(spec, "asyncInvoke"))
        return;
    compare("asyncInvoke.maximumRetryAttempts", json_at(spec, "asyncInvoke.maximumRetryAttempts"),
            json_get(function->invoke, "MaximumRetryAttempts"), out);
    compare("asyncInvoke.maximumEventAgeInSeconds", json_at(spec, "asyncInvoke.maximumEventAgeInSeconds"),
            json_get(function->invoke, "MaximumEventAgeInSeconds"), out);
}

/* Any content that the archive ever had: whether it was overwritten since is another question. */
static void compare_code(const struct json *spec, const struct cloud_function *function, struct str *out)
{
    const char *key = json_str_at(spec, "code.s3Key"),
               *sha256 = json_str_at(function->shown, "Configuration.CodeSha256");

    if (!str_starts_with(sha256, key) || sha256[strlen(key)] != '/')
        str_addf(out, "%sthe code is %s and not %s", out->len ? ", " : "", sha256, key);
}

/* Is the version of what is declared? Its description is the publisher's. */
static bool is_of(const struct json *version, const struct json *spec, const struct cloud_function *function)
{
    _cleanup_(str_done) struct str wrong = STR_INIT(4096);
    _cleanup_(json_freep) struct json *shown = json_copy(function->shown);
    struct cloud_function as_published = *function;
    struct json *configuration = json_copy(version);

    json_set(configuration, "Description", json_copy(json_at(shown, "Configuration.Description")));
    json_set(shown, "Configuration", configuration);
    as_published.shown = shown;
    compare_values(spec, &as_published, &wrong);
    compare_code(spec, &as_published, &wrong);
    return !wrong.len;
}

/* The version of what is declared, and the one before it; NULL where there is none. */
static void find_versions(const struct json *spec, const struct cloud_function *function,
                          const struct json **ret_latest, const struct json **ret_previous)
{
    *ret_latest = *ret_previous = NULL;
    for (const struct json *version = json_first(function->versions); version; version = json_next(version)) {
        *ret_previous = *ret_latest;
        *ret_latest = version;
    }
    if (*ret_latest && !is_of(*ret_latest, spec, function))
        *ret_latest = NULL;
}

static void compare_alias(const struct json *spec, const struct json *declared,
                          const struct cloud_function *function, struct str *out)
{
    const struct json *latest, *previous, *alias = json_first(function->aliases);
    const char *name = json_str_at(declared, "name");

    find_versions(spec, function, &latest, &previous);
    if (str_equal(json_str_at(declared, "version"), "Previous") && previous)
        latest = previous;
    while (alias && !str_equal(json_str_at(alias, "Name"), name))
        alias = json_next(alias);
    compare(name, json_get(latest, "Version"), json_get(alias, "FunctionVersion"), out);
}

static void compare_versions(const struct json *spec, const struct cloud_function *function, struct str *out)
{
    const struct json *latest, *previous, *aliases = json_get(spec, "aliases");

    find_versions(spec, function, &latest, &previous);
    if (json_at(spec, "versions.publish") && !latest)
        str_addf(out, "%sno version is of what runs", out->len ? ", " : "");
    for (const struct json *alias = json_first(aliases); alias; alias = json_next(alias))
        compare_alias(spec, alias, function, out);
    if (!function->inherited && json_size(aliases) != json_size(function->aliases))
        str_addf(out, "%sthere are %zu aliases and not %zu", out->len ? ", " : "",
                 json_size(function->aliases), json_size(aliases));
    size_t most = (size_t)json_int_at(spec, "versions.keep", INT32_MAX) + json_size(aliases);

    if (!function->inherited && json_size(function->versions) > most)
        str_addf(out, "%sthere are %zu versions", out->len ? ", " : "", json_size(function->versions));
}

void declared_compare(const struct json *spec, const struct cloud_function *function, struct str *out)
{
    compare_values(spec, function, out);
    compare_code(spec, function, out);
    compare_versions(spec, function, out);
}
