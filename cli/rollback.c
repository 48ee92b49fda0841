/* `kubelambda rollback`: puts back what was in force before, by a patch of the resource, and waits until it
 * is in force. Main thread. */
#include "cli/cli.h"
#include "cli/rollback_choose.h"
#include "cli/session.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/yaml_print.h"
#include "common/kube/client.h"

#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum { POLL_MS = 200, TEXT_MAX_BYTES = 64 << 10, BACK_MAX = 1000 * 1000 };

struct options {
    struct option_list operands;
    const char *to, *alias, *timeout, *kubeconfig;
    bool dry_run, help;
    int64_t back, timeout_ms; /* read from the texts */
};

#define ROW(name, letter, value, kind, member, otherwise, help)                                              \
    {                                                                                                        \
        name, letter, value, kind, offsetof(struct options, member), otherwise, help                         \
    }
static const struct option_row rows[] = {
    ROW("to", 0, "N", OPTION_TEXT, to, NULL,
        "how many states of status.history with other code to go back from the one in force, 1 unless it is "
        "said; with --alias the number of a version, the one before unless it is said"),
    ROW("alias", 0, "NAME", OPTION_TEXT, alias, NULL,
        "points this alias to another version instead: one call to AWS, no deployment"),
    ROW("dry-run", 0, NULL, OPTION_SWITCH, dry_run, NULL,
        "shows what would change, has it judged by admission, and changes nothing"),
    ROW("timeout", 0, "DURATION", OPTION_TEXT, timeout, "5m", "how long to wait until it is in force"),
    ROW("kubeconfig", 0, "FILE", OPTION_TEXT, kubeconfig, NULL,
        "the cluster's; else KUBECONFIG, the pod's service account, ~/.kube/config"),
    ROW("help", 'h', NULL, OPTION_SWITCH, help, NULL, "this text"),
};

const struct option_table cli_rollback_table = {
    .usage = "kubelambda rollback NAMESPACE/NAME [--to N] [--alias NAME] [OPTION…]",
    .before = "Puts back the code that was in force before, or points an alias back, and waits until that is "
              "in force.\n"
              "Where the code that is declared never came into force, puts back that which is in force.\n"
              "Says what to commit, so that whatever applies the manifest does not undo it.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .after = "Exit status: 0 it is in force, or declared already, 1 it is not, 2 wrong usage.\n"
             "\n"
             "Examples:\n"
             "  kubelambda rollback production/fake-function --dry-run\n"
             "  kubelambda rollback production/fake-function\n"
             "  kubelambda rollback production/fake-function --alias live --to 41\n",
    .takes_operands = true,
    .operands = offsetof(struct options, operands),
};

struct work {
    const struct options *options;
    struct kube *kube;
    char *path; /* of the resource */
};

/* --- talking to people ---------------------------------------------------------------------- */

static void complain(const char *text)
{
    _cleanup_(freep) char *line = xasprintf("kubelambda rollback: %s", text);

    session_print(stderr, line);
}

/* What the first condition says, which is Ready and says it all. The caller frees. */
static char *progress_of(const struct json *function)
{
    const struct json *condition = json_first(json_at(function, "status.conditions"));
    const char *reason = json_str_at(condition, "reason"), *message = json_str_at(condition, "message");

    return xasprintf("%s: %.200s", reason ? reason : "Waiting", message ? message : "");
}

/* A terminal shows one line that changes, everything else a line for each change. */
static void show_progress(const struct json *function, char **last)
{
    _cleanup_(freep) char *line = progress_of(function);

    if (str_equal(line, *last))
        return;
    if (isatty(STDERR_FILENO) && *last)
        fputs("\033[1A\033[K", stderr);
    session_print(stderr, line);
    free(*last);
    *last = take(line);
}

/* Who will put the old state back, by the marks that GitOps tools leave. */
static const char *applier_of(const struct json *function)
{
    static const struct {
        const char *in, *key, *name;
    } marks[] = {
        {"metadata.annotations", "argocd.argoproj.io/tracking-id", "Argo CD"},
        {"metadata.labels", "argocd.argoproj.io/instance", "Argo CD"},
        {"metadata.labels", "kustomize.toolkit.fluxcd.io/name", "Flux"},
        {"metadata.labels", "helm.toolkit.fluxcd.io/name", "Flux"},
    };

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (json_get(json_at(function, marks[i].in), marks[i].key))
            return marks[i].name;
    return NULL;
}

static bool has_condition(const struct json *function, const char *type)
{
    const struct json *item = json_first(json_at(function, "status.conditions"));

    while (item && !str_equal(json_str_at(item, "type"), type))
        item = json_next(item);
    return str_equal(json_str_at(item, "status"), "True");
}

static void print_declared(const struct json *function)
{
    bool seen = json_int_at(function, "status.observedGeneration", -1) ==
                json_int_at(function, "metadata.generation", 0);
    _cleanup_(freep) char *progress = progress_of(function);

    if (seen && has_condition(function, "Ready")) {
        puts("That is declared already, and in force; nothing is changed.");
        return;
    }
    puts("That is declared already, and not in force; nothing is changed.");
    if (seen)
        session_print(stdout, progress);
    printf("How far it is: kubectl describe lambdafunction %s -n %s\n",
           json_str_at(function, "metadata.name"), json_str_at(function, "metadata.namespace"));
}

static void print_commit(const struct json *function, const struct rollback *rollback)
{
    _cleanup_(str_done) struct str yaml = STR_INIT(TEXT_MAX_BYTES);
    const char *applier = applier_of(function);

    yaml_print(rollback->commit, &yaml);
    printf("%s%s: commit this to the manifest, or the next apply puts the other state back\n\n%s",
           applier ? applier : "To keep it", applier ? " applies this resource" : "", str_text(&yaml));
}

/* --- the API server ------------------------------------------------------------------------- */

static int get(const struct work *work, struct json **ret_function, struct err *err)
{
    return kube_call(work->kube, &(struct kube_request){.method = "GET", .path = work->path}, ret_function,
                     err);
}

static int patch(const struct work *work, const struct json *body, struct json **ret_function,
                 struct err *err)
{
    _cleanup_(freep) char *path = xasprintf("%s?fieldManager=kubelambda-rollback%s", work->path,
                                            work->options->dry_run ? "&dryRun=All" : "");
    _cleanup_(freep) char *text = json_text(body);

    return kube_call(work->kube,
                     &(struct kube_request){.method = "PATCH",
                                            .path = path,
                                            .content_type = KUBE_JSON_PATCH,
                                            .body = view(text),
                                            .timeout_ms = 30 * 1000},
                     ret_function, err);
}

/* ERR_RETRY: not within the time. ERR_FATAL: it stalled. */
static int await(const struct work *work, int64_t generation, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + work->options->timeout_ms;
    _cleanup_(freep) char *last = NULL;

    for (;;) {
        _cleanup_(json_freep) struct json *function = NULL;
        struct err problem = {0};
        int r = get(work, &function, &problem);

        if (r < 0 && r != ERR_RETRY && r != ERR_THROTTLED) {
            *err = problem;
            return r;
        }
        if (json_int_at(function, "metadata.generation", generation) != generation)
            return err_set(err, ERR_CONFLICT, "somebody changed the resource meanwhile");
        if (json_int_at(function, "status.observedGeneration", -1) == generation) {
            show_progress(function, &last);
            if (has_condition(function, "Ready"))
                return 0;
            if (has_condition(function, "Stalled"))
                return err_set(err, ERR_FATAL, "it cannot be put in force; the resource says why");
        }
        if (clock_mono_ms() >= until_ms)
            return err_set(err, ERR_RETRY,
                           "not in force within %s; kubelambda goes on, the resource says how far it is",
                           work->options->timeout);
        clock_sleep_ms(POLL_MS);
    }
}

static int put_back(const struct work *work, const struct rollback *rollback, struct err *err)
{
    _cleanup_(json_freep) struct json *patched = NULL;
    int r = patch(work, rollback->patch, &patched, err);

    if (r == ERR_CONFLICT || (r < 0 && strstr(err->msg, "testing value")))
        return err_wrap(err, "the resource was changed just now; try again");
    if (r < 0 || work->options->dry_run)
        return r;
    return await(work, json_int_at(patched, "metadata.generation", 0), err);
}

static int roll_back(const struct work *work, struct err *err)
{
    _cleanup_(json_freep) struct json *function = NULL;
    _cleanup_(rollback_done) struct rollback rollback = {0};
    int r = get(work, &function, err);

    if (r == 0)
        r = rollback_choose(function, work->options->back, work->options->alias, &rollback, err);
    if (r < 0)
        return r;
    printf("- %s\n+ %s\n", rollback.from, rollback.to);
    fflush(stdout);
    if (!rollback.patch) {
        print_declared(function);
        return 0;
    }
    r = put_back(work, &rollback, err);
    if (r < 0)
        return r;
    puts(work->options->dry_run ? "Nothing was changed: this is a dry run." : "In force.");
    if (!work->options->dry_run)
        print_commit(function, &rollback);
    return 0;
}

/* --- the command ---------------------------------------------------------------------------- */

static int read_options(struct options *options, struct err *err)
{
    static const char name[] = "[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[a-z0-9]([a-z0-9.-]*[a-z0-9])?";

    if (options->operands.count != 1 || !matches(name, options->operands.items[0]))
        return err_set(err, ERR_INVALID, "name one function: kubelambda rollback NAMESPACE/NAME");
    if (options->to && !parse_int(options->to, 1, BACK_MAX, &options->back))
        return err_set(err, ERR_INVALID, "--to %s: must be a whole number from 1", options->to);
    if (!parse_duration(options->timeout, &options->timeout_ms))
        return err_set(err, ERR_INVALID, "--timeout %s: must be a duration, such as 30s or 5m",
                       options->timeout);
    return 0;
}

static int run(const struct options *options, struct err *err)
{
    const char *operand = options->operands.items[0], *slash = strchr(operand, '/');
    _cleanup_(freep) char *path = xasprintf("/apis/" KUBE_API_VERSION "/namespaces/%.*s/lambdafunctions%s",
                                            (int)(slash - operand), operand, slash);
    struct work work = {.options = options, .path = path};
    struct kube_config config = {.memory_files = {-1, -1, -1}};
    struct http *http = NULL;
    int r = http_start(&http, err);

    if (r == 0)
        r = kube_config_load(options->kubeconfig, &config, err);
    if (r == 0) {
        work.kube = kube_new(http, &config);
        r = roll_back(&work, err);
    }
    kube_free(work.kube);
    http_stop(http);
    kube_config_done(&config);
    return r;
}

int cli_rollback(int argc, char **argv)
{
    struct options options = {0};
    struct err err;
    int r = options_parse(&cli_rollback_table, argc, argv, &options, &err), status = EXIT_SUCCESS;

    if (r == 0 && options.help) {
        options_help(&cli_rollback_table);
    } else {
        if (r == 0)
            r = read_options(&options, &err);
        status = r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
        if (!log_set_level("error"))
            abort();
        if (r == 0 && (r = run(&options, &err)) < 0)
            status = EXIT_FAILURE;
    }
    if (r < 0)
        complain(err.msg);
    option_list_done(&options.operands);
    return status;
}
