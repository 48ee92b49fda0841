/* The list of findings. One thread at a time. */
#include "common/function/findings.h"

#include "common/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

/* Words and causes as apimachinery's field.Error has them. */
static const struct {
    const char *cause, *words;
} reasons[] = {
    [FINDING_REQUIRED] = {"FieldValueRequired", "Required value"},
    [FINDING_INVALID] = {"FieldValueInvalid", "Invalid value"},
    [FINDING_UNSUPPORTED] = {"FieldValueNotSupported", "Unsupported value"},
    [FINDING_FORBIDDEN] = {"FieldValueForbidden", "Forbidden"},
    [FINDING_TOO_LONG] = {"FieldValueTooLong", "Too long"},
    [FINDING_TOO_MANY] = {"FieldValueTooMany", "Too many"},
    [FINDING_TYPE] = {"FieldValueTypeInvalid", "Invalid value"},
    [FINDING_NOT_FOUND] = {"FieldValueNotFound", "Not found"},
};

enum { VALUE_SHOWN = 120 };

/* The value in quotes, as JSON has it, so that no control character reaches a terminal. */
static void add_value(struct str *message, const char *value)
{
    size_t len = strlen(value);
    _cleanup_(freep) char *shown = NULL;

    if (len > VALUE_SHOWN) {
        len = VALUE_SHOWN;
        while (len > 0 && ((unsigned char)value[len] & 0xC0) == 0x80)
            len--;
        _cleanup_(freep) char *start = xstrndup(value, len);

        shown = xasprintf("%s…", start);
    }
    str_add_json(message, shown ? shown : value);
}

/* Names from outside can be in the text, too, and be cut within a character. */
static void add_text(struct str *message, char *text)
{
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = '?';
    str_add(message, text);
}

void findings_move(struct findings *findings, struct finding *finding)
{
    if ((findings->count & (findings->count - 1)) == 0) /* full: twice as many */
        findings->items =
            xrealloc(findings->items, (findings->count ? 2 * findings->count : 1) * sizeof(*findings->items));
    findings->items[findings->count++] = *finding;
    findings->errors += !finding->warning;
    *finding = (struct finding){0};
}

void findings_add(struct findings *findings, enum finding_reason reason, bool warning, const char *field,
                  const char *value, const char *format, ...)
{
    struct str message = STR_INIT(4096);
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!warning) {
        str_add(&message, reasons[reason].words);
        str_add(&message, ": ");
    }
    if (value) {
        add_value(&message, value);
        str_add(&message, ": ");
    }
    add_text(&message, text);

    struct finding finding = {
        .field = xstrdup(field), .reason = reason, .warning = warning, .message = str_take(&message)};

    findings_move(findings, &finding);
}

static void finding_done(struct finding *finding)
{
    free(finding->field);
    free(finding->message);
    free(finding->policy);
}

/* The first error's policy, where each error has one; else NULL. */
static const char *policy_of_all(const struct findings *findings)
{
    const char *first = NULL;

    for (size_t i = 0; i < findings->count; i++) {
        const struct finding *one = &findings->items[i];

        if (!one->warning && !one->policy)
            return NULL;
        if (!one->warning && !first)
            first = one->policy;
    }
    return first;
}

bool findings_by_policies(const struct findings *findings)
{
    return findings->errors == 0 || policy_of_all(findings);
}

static void add_more(struct findings *findings, size_t count, bool warning, const char *policy)
{
    if (count <= FINDINGS_SHOWN)
        return;
    findings_add(findings, FINDING_TOO_MANY, warning, "spec", NULL, "%zu more findings are not shown",
                 count - FINDINGS_SHOWN);
    findings->items[findings->count - 1].policy = xstrdup(policy);
}

void findings_cap(struct findings *findings)
{
    size_t seen[2] = {0}, kept = 0; /* errors, warnings */
    const char *policy = policy_of_all(findings);

    for (size_t i = 0; i < findings->count; i++) {
        struct finding *one = &findings->items[i];

        if (seen[one->warning]++ < FINDINGS_SHOWN)
            findings->items[kept++] = *one;
        else
            finding_done(one);
    }
    findings->count = kept;
    findings->errors = seen[false] < FINDINGS_SHOWN ? seen[false] : FINDINGS_SHOWN;
    add_more(findings, seen[false], false, policy);
    add_more(findings, seen[true], true, NULL);
}

void findings_done(struct findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        finding_done(&findings->items[i]);
    free(findings->items);
    *findings = (struct findings){0};
}

const char *finding_cause(enum finding_reason reason)
{
    return reasons[reason].cause;
}

void findings_summary(const struct findings *findings, struct str *out)
{
    size_t shown = 0;

    if (findings->errors > 1)
        str_add(out, "[");
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->items[i].warning)
            continue;
        if (shown++ > 0)
            str_add(out, ", ");
        str_add(out, findings->items[i].field);
        str_add(out, ": ");
        str_add(out, findings->items[i].message);
    }
    if (findings->errors > 1)
        str_add(out, "]");
}
