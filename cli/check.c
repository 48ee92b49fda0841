/* `kubelambda check`: what the admission webhook would say of manifests, before they reach a cluster. */
#include "cli/cli.h"
#include "cli/session.h"
#include "common/base/mem.h"

#include <stddef.h>
#include <stdio.h>

enum { EXIT_REFUSED = 1, EXIT_UNREADABLE = 2 };

static const struct option_row rows[] = {
    SESSION_ROWS,
    SESSION_ROW("offline", 0, NULL, OPTION_SWITCH, offline, NULL,
                "do not ask S3 whether the code objects exist"),
};

const struct option_table cli_check_table = {
    .usage = "kubelambda check -f FILE|DIR|- [OPTION…]",
    .before =
        "Checks LambdaFunction manifests as the admission webhook would: everything that would be refused,\n"
        "with file, line and what to write instead. Needs no cluster. Namespaces in the same manifests\n"
        "give their labels, LambdaPolicies apply; other resources are passed over.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .after = "Exit status: 0 nothing would be refused, 1 something would be, 2 something could not be read.\n"
             "\n"
             "Examples:\n"
             "  kubelambda check -f manifests/ --offline --region eu-central-1\n"
             "  kustomize build overlays/preview | kubelambda check -f - --environment preview\n"
             "\n"
             "AWS credentials, region and endpoints come from the standard environment variables and files.",
};

struct totals {
    size_t refused, warnings;
};

static struct totals count(const struct declared_set *set)
{
    struct totals totals = {0};

    for (size_t i = 0; i < set->count; i++) {
        const struct findings *findings = &set->items[i].findings;

        totals.refused += findings->errors > 0;
        totals.warnings += findings->count - findings->errors;
    }
    return totals;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void print_text(const struct session *session, struct totals totals)
{
    const struct declared_set *set = &session->set;

    session_print_problems(session);
    for (size_t i = 0; i < set->count; i++)
        session_print_findings(stdout, &set->items[i], false);
    printf("%zu function%s", set->function_count, plural(set->function_count));
    if (set->count > set->function_count)
        printf(", %zu polic%s", set->count - set->function_count,
               set->count - set->function_count == 1 ? "y" : "ies");
    printf(", %zu refused, %zu warning%s", totals.refused, totals.warnings, plural(totals.warnings));
    if (set->passed_over_count > 0)
        printf(", %zu other resource%s passed over", set->passed_over_count, plural(set->passed_over_count));
    if (session_unreadable(session) > 0)
        printf(", %zu not read", session_unreadable(session));
    putchar('\n');
}

static struct json *passed_over_json(const struct declared_set *set)
{
    struct json *list = json_new_array();

    for (size_t i = 0; i < set->passed_over_count; i++) {
        const struct manifest *manifest = set->passed_over[i];
        struct json *item = json_new_object();
        size_t line = manifest_line(manifest, "");

        json_set_str(item, "file", manifest->file);
        if (line)
            json_set(item, "line", json_new_int((int64_t)line));
        json_set_str(item, "apiVersion", json_str_at(manifest->object, "apiVersion"));
        json_set_str(item, "kind", json_str_at(manifest->object, "kind"));
        json_set_str(item, "namespace", json_str_at(manifest->object, "metadata.namespace"));
        json_set_str(item, "name", json_str_at(manifest->object, "metadata.name"));
        json_append(list, item);
    }
    return list;
}

static void print_json(const struct session *session, struct totals totals)
{
    struct json *out = json_new_object(), *summary = json_new_object();
    struct json *functions = json_new_array(), *policies = json_new_array();

    for (size_t i = 0; i < session->set.count; i++)
        json_append(session->set.items[i].policy ? policies : functions,
                    session_resource_json(&session->set.items[i]));
    json_set(out, "functions", functions);
    json_set(out, "policies", policies);
    json_set(out, "passedOver", passed_over_json(&session->set));
    session_set_problems(session, out);
    json_set(summary, "functions", json_new_int((int64_t)session->set.function_count));
    json_set(summary, "policies", json_new_int((int64_t)(session->set.count - session->set.function_count)));
    json_set(summary, "refused", json_new_int((int64_t)totals.refused));
    json_set(summary, "warnings", json_new_int((int64_t)totals.warnings));
    json_set(summary, "passedOver", json_new_int((int64_t)session->set.passed_over_count));
    json_set(summary, "unreadable", json_new_int((int64_t)session_unreadable(session)));
    json_set(out, "summary", summary);
    session_print_json(out);
}

int cli_check(int argc, char **argv)
{
    struct session session = {0};
    int status = EXIT_SUCCESS;

    if (session_start(&session, "check", &cli_check_table, argc, argv, EXIT_USAGE, &status)) {
        struct totals totals = count(&session.set);

        if (session_json(&session))
            print_json(&session, totals);
        else
            print_text(&session, totals);
        status = session_unreadable(&session) > 0 ? EXIT_UNREADABLE
                 : totals.refused > 0             ? EXIT_REFUSED
                                                  : EXIT_SUCCESS;
    }
    session_done(&session);
    return status;
}
