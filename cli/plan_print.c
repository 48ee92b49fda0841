/* Text in the manner of a diff, or JSON. Values of secret fields are in neither. */
#include "cli/plan_print.h"

#include "common/base/mem.h"

#include <unistd.h>

enum { LINE_MAX_BYTES = 16 << 10, VALUE_SHOWN_BYTES = 200 };

static const char GREEN[] = "\033[32m", YELLOW[] = "\033[33m", RED[] = "\033[31m", PLAIN[] = "\033[0m";

bool planned_is_refused(const struct planned *planned)
{
    return planned->declared->findings.errors > 0;
}

void planned_count(const struct planned *planned, struct plan_totals *totals)
{
    if (planned_is_refused(planned))
        totals->refused++;
    else if (planned->failed)
        totals->failed++;
    else if (planned->plan.outcome == PLAN_BLOCKED)
        totals->blocked++;
    else if (planned->plan.outcome == PLAN_WAIT)
        totals->wait++;
    else if (planned->plan.outcome == PLAN_IN_FORCE)
        totals->same++;
    else if (planned->creates)
        totals->create++;
    else
        totals->change++;
}

/* --- keys of a map that differ ------------------------------------------------------------ */

enum change { CHANGE_CHANGED, CHANGE_ADDED, CHANGE_REMOVED, CHANGES };

static const char *const change_names[CHANGES] = {"changed", "added", "removed"};

/* A new list of the keys with that change. */
static struct json *keys_of(const struct plan_difference *difference, enum change change)
{
    const struct json *walk = change == CHANGE_REMOVED ? difference->before : difference->after;
    const struct json *other = change == CHANGE_REMOVED ? difference->after : difference->before;
    struct json *keys = json_new_array();

    for (const struct json *entry = json_first(walk); entry; entry = json_next(entry)) {
        const struct json *value = json_get(other, json_key(entry));

        if (change == CHANGE_CHANGED ? value && !json_equal(value, entry) : !value)
            json_append(keys, json_new_string(json_key(entry)));
    }
    return keys;
}

/* "2 changed (A, B), 1 added (C)" */
static void add_keys(const struct plan_difference *difference, struct str *line)
{
    bool any = false;

    for (enum change change = CHANGE_CHANGED; change < CHANGES; change++) {
        _cleanup_(json_freep) struct json *keys = keys_of(difference, change);
        const char *between = "";

        if (json_size(keys) == 0)
            continue;
        str_addf(line, "%s%zu %s (", any ? ", " : "", json_size(keys), change_names[change]);
        for (const struct json *key = json_first(keys); key; key = json_next(key), between = ", ")
            str_addf(line, "%s%s", between, json_str(key));
        str_add(line, ")");
        any = true;
    }
}

/* --- text --------------------------------------------------------------------------------- */

static bool wants_colour(void)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && terminal && !str_equal(terminal, "dumb");
}

static void print_line(bool colour, int sign, const char *text)
{
    const char *paint = sign == '+' ? GREEN : sign == '-' || sign == '!' ? RED : YELLOW;
    _cleanup_(freep) char *line = xasprintf("  %c %s", sign, text);

    if (colour)
        fputs(paint, stdout);
    session_print(stdout, line);
    if (colour)
        fputs(PLAIN, stdout);
}

static void add_value(const struct json *value, struct str *line)
{
    _cleanup_(freep) char *text = json_text(value);
    struct err cut; /* its cut never leaves half a character */

    if (strlen(text) <= VALUE_SHOWN_BYTES) {
        str_add(line, text);
        return;
    }
    err_set(&cut, ERR_INVALID, "%.*s", VALUE_SHOWN_BYTES, text);
    str_addf(line, "%s…", cut.msg);
}

static void print_difference(bool colour, const struct planned *planned,
                             const struct plan_difference *difference)
{
    _cleanup_(str_done) struct str line = STR_INIT(LINE_MAX_BYTES);
    int sign = !difference->before ? '+' : !difference->after ? '-' : '~';

    str_addf(&line, "%s: ", difference->path);
    if (!difference->before && !difference->after) {
        sign = planned->code_unknown ? '?' : '~';
        str_addf(&line, "%s%s/%s%s",
                 planned->code_unknown ? "could not be compared: S3 keeps no SHA-256 of " : "",
                 json_str_at(planned->declared->spec, "code.s3Bucket"),
                 json_str_at(planned->declared->spec, "code.s3Key"),
                 planned->code_unknown ? "; upload it with --checksum-algorithm SHA256" : " is deployed");
    } else if (difference->secret) {
        sign = sign == '+' && !planned->creates ? '~' : sign;
        add_keys(difference, &line);
    } else {
        if (difference->before)
            add_value(difference->before, &line);
        if (difference->before && difference->after)
            str_add(&line, " -> ");
        if (difference->after)
            add_value(difference->after, &line);
    }
    print_line(colour, sign, str_text(&line));
}

static void print_function(bool colour, const struct planned *planned)
{
    const struct declared *declared = planned->declared;
    const struct plan *plan = &planned->plan;
    _cleanup_(str_done) struct str line = STR_INIT(LINE_MAX_BYTES);

    if (planned_is_refused(planned)) {
        session_print_findings(stdout, declared, true);
        return;
    }
    if (!planned->failed && plan->outcome == PLAN_IN_FORCE)
        return;
    session_add_place(declared->manifest, "", &line);
    declared_title(declared, &line);
    str_addf(&line, ": %s in %s", json_str_at(declared->spec, "functionName"),
             json_str_at(declared->spec, "region"));
    session_print(stdout, str_text(&line));
    str_clear(&line);
    if (planned->failed) {
        print_line(colour, '!', planned->err.msg);
        return;
    }
    if (plan->outcome == PLAN_BLOCKED)
        str_addf(&line, "blocked: %s: %s", plan->reason, plan->message);
    else if (plan->outcome == PLAN_WAIT)
        str_addf(&line, "AWS is still working on the function (%s)", plan->reason);
    else if (!planned->creates)
        plan_summary(plan, &line);
    if (planned->creates)
        print_line(colour, '+', "create");
    else
        print_line(colour, plan->outcome == PLAN_BLOCKED ? '!' : '~', str_text(&line));
    for (size_t i = 0; i < planned->differences.count && plan->outcome != PLAN_BLOCKED; i++)
        print_difference(colour, planned, &planned->differences.items[i]);
}

void plan_print_text(const struct session *session, const struct planned *items, size_t count,
                     const struct plan_totals *totals)
{
    const struct {
        const char *what;
        size_t count;
    } rest[] = {{"busy", totals->wait},
                {"blocked", totals->blocked},
                {"refused", totals->refused},
                {"not known", totals->failed},
                {"not read", totals->unreadable}};
    bool colour = wants_colour();

    session_print_problems(session);
    for (size_t i = 0; i < session->set.count; i++)
        if (session->set.items[i].policy)
            session_print_findings(stdout, &session->set.items[i], true);
    for (size_t i = 0; i < count; i++)
        print_function(colour, &items[i]);
    printf("%zu function%s: %zu to create, %zu to change, %zu same", count, count == 1 ? "" : "s",
           totals->create, totals->change, totals->same);
    for (size_t i = 0; i < ARRAY_LEN(rest); i++)
        if (rest[i].count > 0)
            printf(", %zu %s", rest[i].count, rest[i].what);
    putchar('\n');
}

/* --- JSON --------------------------------------------------------------------------------- */

static const char *action_of(const struct planned *planned)
{
    if (planned_is_refused(planned))
        return "refused";
    if (planned->failed)
        return "unknown";
    switch (planned->plan.outcome) {
    case PLAN_IN_FORCE:
        return "none";
    case PLAN_WAIT:
        return "wait";
    case PLAN_BLOCKED:
        return "blocked";
    case PLAN_STEPS:
        break;
    }
    return planned->creates ? "create" : "change";
}

static struct json *difference_json(const struct planned *planned, const struct plan_difference *difference)
{
    struct json *item = json_new_object();

    json_set_str(item, "path", difference->path);
    if (!difference->before && !difference->after) {
        json_set(item, "certain", json_new_bool(!planned->code_unknown));
        return item;
    }
    for (enum change change = CHANGE_CHANGED; change < CHANGES && difference->secret; change++)
        json_set(item, change_names[change], keys_of(difference, change));
    if (difference->before && !difference->secret)
        json_set(item, "before", json_copy(difference->before));
    if (difference->after && !difference->secret)
        json_set(item, "after", json_copy(difference->after));
    return item;
}

static struct json *planned_json(const struct planned *planned)
{
    struct json *function = session_resource_json(planned->declared), *differences = json_new_array();
    struct json *steps = json_new_array();

    json_set_str(function, "action", action_of(planned));
    if (planned->failed)
        json_set_str(function, "error", planned->err.msg);
    json_set_str(function, "reason", planned->plan.reason);
    if (planned->plan.outcome == PLAN_BLOCKED)
        json_set_str(function, "message", planned->plan.message);
    for (size_t i = 0; i < planned->plan.step_count; i++)
        json_append(steps, json_new_string(planned->plan.steps[i].summary));
    json_set(function, "steps", steps);
    for (size_t i = 0; i < planned->differences.count; i++)
        json_append(differences, difference_json(planned, &planned->differences.items[i]));
    json_set(function, "differences", differences);
    return function;
}

void plan_print_json(const struct session *session, const struct planned *items, size_t count,
                     const struct plan_totals *totals)
{
    const struct {
        const char *name;
        size_t count;
    } numbers[] = {
        {"functions", count},         {"create", totals->create},  {"change", totals->change},
        {"same", totals->same},       {"wait", totals->wait},      {"blocked", totals->blocked},
        {"refused", totals->refused}, {"unknown", totals->failed}, {"unreadable", totals->unreadable}};
    struct json *out = json_new_object(), *summary = json_new_object();
    struct json *functions = json_new_array(), *policies = json_new_array();

    for (size_t i = 0; i < count; i++)
        json_append(functions, planned_json(&items[i]));
    for (size_t i = 0; i < session->set.count; i++)
        if (session->set.items[i].policy)
            json_append(policies, session_resource_json(&session->set.items[i]));
    json_set(out, "functions", functions);
    json_set(out, "policies", policies);
    session_set_problems(session, out);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        json_set(summary, numbers[i].name, json_new_int((int64_t)numbers[i].count));
    json_set(out, "summary", summary);
    session_print_json(out);
}
