/* Options, reading and printing that check and plan share. Main thread. */
#include "cli/session.h"

#include "cli/cli.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <signal.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 16 << 10, JSON_MAX_BYTES = 256 << 20 };

static size_t count_of(const struct option_list *list, const char *text)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++)
        count += str_equal(list->items[i], text);
    return count;
}

static int check_options(const struct session_options *options, struct err *err)
{
    if (!str_equal(options->output, "text") && !str_equal(options->output, "json"))
        return err_set(err, ERR_INVALID, "--output %s: must be text or json", options->output);
    if (options->files.count == 0)
        return err_set(err, ERR_INVALID, "name the manifests with -f FILE, -f DIR or -f -");
    if (count_of(&options->files, "-") + count_of(&options->against, "-") > 1)
        return err_set(err, ERR_INVALID, "standard input (-) can be read once only");
    return 0;
}

static int open_aws(struct session *session, struct err *err)
{
    int r = http_start(&session->http, err);

    if (r == 0)
        r = aws_new(session->http, &(struct aws_options){.region = session->options.region}, &session->aws,
                    err);
    return r;
}

/* Against no policy at all everything would look well. That there are none yet is another thing: kubectl then
 * gives an empty List. */
static void read_policies(struct manifests *policies, const char *path)
{
    size_t before = policies->count, sources = policies->source_count, wrong = policies->unreadable_count;
    bool found = false;

    manifests_read(policies, path);
    for (size_t i = before; i < policies->count; i++)
        found |= declared_is_policy(&policies->items[i]);
    bool empty = policies->count == before && policies->source_count > sources;

    if (!found && !empty && policies->unreadable_count == wrong)
        manifests_refuse(policies, path, "there is no LambdaPolicy in it");
}

bool session_start(struct session *session, const char *command, const struct option_table *table, int argc,
                   char **argv, int failure, int *ret_status)
{
    struct session_options *options = &session->options;
    struct err err;
    int r = options_parse(table, argc, argv, options, &err);

    if (r == 0 && options->help) {
        options_help(table);
        *ret_status = EXIT_SUCCESS;
        return false;
    }
    if (!log_set_level("error"))
        abort();
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (r == 0)
        r = check_options(options, &err);
    if (r == 0)
        r = runtimes_file_open(options->runtimes_file, &session->runtimes, &err);
    if (r == 0)
        r = open_aws(session, &err);
    if (r == 0 && session->needs_credentials)
        r = aws_check_credentials(session->aws, &err);
    if (r < 0) {
        _cleanup_(freep) char *line = xasprintf("kubelambda %s: %s", command, err.msg);

        session_print(stderr, line);
        *ret_status = failure;
        return false;
    }
    for (size_t i = 0; i < options->files.count; i++)
        manifests_read(&session->manifests, options->files.items[i]);
    for (size_t i = 0; i < options->policies.count; i++)
        read_policies(&session->policies, options->policies.items[i]);
    for (size_t i = 0; i < options->against.count; i++)
        manifests_read(&session->against, options->against.items[i]);
    declared_review(
        &(struct declared_settings){.manifests = &session->manifests,
                                    .policies = &session->policies,
                                    .against = &session->against,
                                    .runtimes = runtimes_get(runtimes_file_now(session->runtimes)),
                                    .aws = session->aws,
                                    .environment = options->environment,
                                    .namespace = options->namespace,
                                    .offline = options->offline},
        &session->set);
    return true;
}

void session_done(struct session *session)
{
    declared_done(&session->set);
    manifests_done(&session->manifests);
    manifests_done(&session->policies);
    manifests_done(&session->against);
    aws_free(session->aws);
    http_stop(session->http);
    runtimes_file_free(session->runtimes);
    option_list_done(&session->options.files);
    option_list_done(&session->options.policies);
    option_list_done(&session->options.against);
}

bool session_json(const struct session *session)
{
    return str_equal(session->options.output, "json");
}

void session_print(FILE *stream, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        bool c1 = c[0] == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F; /* U+0080 to U+009F in UTF-8 */

        putc(*c < ' ' || *c == 0x7F || c1 ? '?' : *c, stream);
        c += c1;
    }
    putc('\n', stream);
}

void session_add_place(const struct manifest *manifest, const char *field, struct str *out)
{
    size_t line = manifest_line(manifest, field);

    str_add(out, manifest->file);
    if (line)
        str_addf(out, ":%zu", line);
    str_add(out, ": ");
}

void session_print_findings(FILE *stream, const struct declared *declared, bool errors_only)
{
    for (size_t i = 0; i < declared->findings.count; i++) {
        const struct finding *finding = &declared->findings.items[i];
        _cleanup_(str_done) struct str line = STR_INIT(LINE_MAX_BYTES);

        if (finding->warning && errors_only)
            continue;
        session_add_place(declared->manifest, finding->field, &line);
        if (finding->warning)
            str_add(&line, "warning: ");
        declared_title(declared, &line);
        str_addf(&line, ": %s: %s", finding->field, finding->message);
        session_print(stream, str_text(&line));
    }
}

static void print_unreadable(const struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->unreadable_count; i++) {
        const struct unreadable *one = &manifests->unreadable[i];
        _cleanup_(freep) char *line =
            one->line ? xasprintf("%s:%zu: cannot be read: %s", one->file, one->line, one->message)
                      : xasprintf("%s: cannot be read: %s", one->file, one->message);

        session_print(stderr, line);
    }
}

void session_print_problems(const struct session *session)
{
    print_unreadable(&session->policies);
    print_unreadable(&session->against);
    print_unreadable(&session->manifests);
    fputs(str_text(&session->set.notices), stderr);
}

size_t session_unreadable(const struct session *session)
{
    return session->policies.unreadable_count + session->against.unreadable_count +
           session->manifests.unreadable_count;
}

static void set_line(struct json *object, size_t line)
{
    if (line)
        json_set(object, "line", json_new_int((int64_t)line));
}

static void append_unreadable(const struct manifests *manifests, struct json *list)
{
    for (size_t i = 0; i < manifests->unreadable_count; i++) {
        const struct unreadable *one = &manifests->unreadable[i];
        struct json *item = json_new_object();

        json_set_str(item, "file", one->file);
        set_line(item, one->line);
        json_set_str(item, "message", one->message);
        json_append(list, item);
    }
}

void session_set_problems(const struct session *session, struct json *out)
{
    struct json *unreadable = json_new_array(), *notices = json_new_array();

    append_unreadable(&session->policies, unreadable);
    append_unreadable(&session->against, unreadable);
    append_unreadable(&session->manifests, unreadable);
    json_set(out, "unreadable", unreadable);
    for (const char *line = str_text(&session->set.notices); *line;) {
        size_t len = strcspn(line, "\n");
        _cleanup_(freep) char *one = xstrndup(line, len);

        json_append(notices, json_new_string(one));
        line += len + (line[len] == '\n');
    }
    json_set(out, "notices", notices);
}

struct json *session_resource_json(const struct declared *declared)
{
    struct json *resource = json_new_object(), *findings = json_new_array();

    json_set_str(resource, "file", declared->manifest->file);
    set_line(resource, manifest_line(declared->manifest, ""));
    if (!declared->policy)
        json_set_str(resource, "namespace", declared->namespace);
    json_set_str(resource, "name", declared->name);
    json_set_str(resource, "functionName", json_str_at(declared->spec, "functionName"));
    json_set_str(resource, "region", json_str_at(declared->spec, "region"));
    json_set(resource, "allowed", json_new_bool(declared->findings.errors == 0));
    for (size_t i = 0; i < declared->findings.count; i++) {
        const struct finding *finding = &declared->findings.items[i];
        struct json *item = json_new_object();

        set_line(item, manifest_line(declared->manifest, finding->field));
        json_set_str(item, "severity", finding->warning ? "warning" : "error");
        json_set_str(item, "field", finding->field);
        json_set_str(item, "reason", finding_cause(finding->reason));
        json_set_str(item, "policy", finding->policy);
        json_set_str(item, "message", finding->message);
        json_append(findings, item);
    }
    json_set(resource, "findings", findings);
    return resource;
}

void session_print_json(struct json *out)
{
    _cleanup_(str_done) struct str text = STR_INIT(JSON_MAX_BYTES);

    json_print(out, &text);
    puts(str_text(&text));
    json_free(out);
}
