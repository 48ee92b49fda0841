/* `kubelambda plan`: what applying manifests would do to AWS. Reads only. The functions are looked at by a
 * few threads, each of which owns the one it looks at; everything else is the main thread's. */
#include "cli/cli.h"
#include "cli/observe.h"
#include "cli/plan_print.h"
#include "cli/repeat.h"
#include "cli/session.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

enum { EXIT_DIFFERS = 2, THREADS = 8 };

static const struct option_row rows[] = {SESSION_ROWS};

const struct option_table cli_plan_table = {
    .usage = "kubelambda plan -f FILE|DIR|- [OPTION…]",
    .before =
        "Shows what applying LambdaFunction manifests would do to AWS, as a diff, without doing it.\n"
        "Values of environment variables are never shown. Needs no cluster; where the manifests carry the\n"
        "status (kubectl get -o yaml), fields that are not declared any more are seen, too.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .after = "Exit status: 0 AWS is as declared, 2 there are differences, 1 something is wrong.\n"
             "\n"
             "Examples:\n"
             "  kubelambda plan -f manifests/ --region eu-central-1 --environment preview\n"
             "  kubectl get lambdafunctions -A -o yaml | kubelambda plan -f -\n"
             "\n"
             "AWS credentials, region and endpoints come from the standard environment variables and files.",
};

/* --- looking at AWS ----------------------------------------------------------------------- */

struct work {
    struct aws *aws;
    struct repeat repeat;
    struct planned *items;
    size_t count;
    atomic_size_t next;
};

/* NULL in *ret_observed: there is no such function. */
static int observe(struct work *work, const struct planned *planned, struct json **ret_observed,
                   struct err *err)
{
    const struct declared *declared = planned->declared;

    return observe_function(
        work->aws, &work->repeat,
        &(struct observe_target){.region = json_str_at(declared->spec, "region"),
                                 .name = json_str_at(declared->spec, "functionName"),
                                 .spec = declared->spec,
                                 .managed = json_at(declared->manifest->object, "status.managed")},
        ret_observed, err);
}

/* The owner tag holds the cluster's id, which is not known here: any cluster's resource of this name is taken
 * for the one that the manifest declares. */
static char *make_owner(const struct declared *declared, const struct json *observed)
{
    const char *tag = json_str(json_get(json_get(observed, "Tags"), PLAN_OWNER_TAG));
    _cleanup_(freep) char *ours = xasprintf("/%s/%s", declared->namespace, declared->name);
    size_t tag_len = tag ? strlen(tag) : 0, len = strlen(ours);

    return tag_len > len && str_equal(tag + tag_len - len, ours) ? xstrdup(tag)
                                                                 : xasprintf("CLUSTER-ID%s", ours);
}

static void look(struct work *work, struct planned *planned)
{
    const struct declared *declared = planned->declared;
    const struct json *spec = declared->spec, *object = declared->manifest->object;
    _cleanup_(json_freep) struct json *observed = NULL;

    if (observe(work, planned, &observed, &planned->err) < 0) {
        planned->failed = true;
        return;
    }
    _cleanup_(freep) char *owner = make_owner(declared, observed);
    const struct plan_input input = {.spec = spec,
                                     .deployed = json_at(object, "status.deployed"),
                                     .managed = json_at(object, "status.managed"),
                                     .observed = observed,
                                     .owner = owner,
                                     .version = json_str_at(object, "status.version"),
                                     .artifact_sha256 = declared->artifact.sha256};

    plan_make(&input, &planned->plan);
    plan_differences(&input, &planned->differences);
    planned->creates = !observed;
    planned->code_unknown =
        observed && json_at(spec, "code.s3Bucket") && !declared->artifact.sha256[0] && !input.deployed;
}

static void *run(void *arg)
{
    struct work *work = arg;

    for (size_t i; (i = atomic_fetch_add(&work->next, 1)) < work->count;)
        if (!planned_is_refused(&work->items[i]))
            look(work, &work->items[i]);
    return NULL;
}

static void look_at_all(struct aws *aws, struct planned *items, size_t count)
{
    struct work work = {.aws = aws, .items = items, .count = count};
    pthread_t threads[THREADS];
    size_t started = 0;

    while (started < THREADS && started + 1 < count &&
           pthread_create(&threads[started], NULL, run, &work) == 0)
        started++;
    run(&work);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

/* --- the command -------------------------------------------------------------------------- */

static int plan_all(struct session *session)
{
    struct planned *items = xcalloc(session->set.function_count + 1, sizeof(*items));
    struct plan_totals totals = {.unreadable = session_unreadable(session)};
    size_t count = 0;

    for (size_t i = 0; i < session->set.count; i++)
        if (!session->set.items[i].policy)
            items[count++].declared = &session->set.items[i];
        else /* it would govern otherwise than it is written */
            totals.refused += session->set.items[i].findings.errors > 0;
    look_at_all(session->aws, items, count);
    for (size_t i = 0; i < count; i++)
        planned_count(&items[i], &totals);
    if (session_json(session))
        plan_print_json(session, items, count, &totals);
    else
        plan_print_text(session, items, count, &totals);
    for (size_t i = 0; i < count; i++) {
        plan_done(&items[i].plan);
        plan_differences_done(&items[i].differences);
    }
    free(items);
    return totals.unreadable + totals.refused + totals.blocked + totals.failed > 0 ? EXIT_FAILURE
           : totals.create + totals.change + totals.wait > 0                       ? EXIT_DIFFERS
                                                                                   : EXIT_SUCCESS;
}

int cli_plan(int argc, char **argv)
{
    struct session session = {.needs_credentials = true};
    int status = EXIT_SUCCESS;

    if (session_start(&session, "plan", &cli_plan_table, argc, argv, EXIT_FAILURE, &status))
        status = plan_all(&session);
    session_done(&session);
    return status;
}
