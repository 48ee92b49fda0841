/* Writes what is made from the tables of fields to standard output. Run by `make manifests`. */
#include "common/base/mem.h"
#include "common/base/yaml_print.h"
#include "common/function/policy.h"
#include "common/function/rules.h"
#include "common/function/schema.h"

#include <stdio.h>

#define MADE_FROM(table) "Made by `make manifests` from common/function/" table ".c; do not edit.\n"

enum { RULE_FIELDS = 3 };

static void add_rule(const char *kind, const char *name, const char *const *paths, struct str *out)
{
    str_addf(out, "%s %s", kind, name);
    for (size_t i = 0; i < RULE_FIELDS && paths[i]; i++)
        str_addf(out, "%s`%s`", i ? ", " : " ", paths[i]);
    str_add(out, "\n");
}

/* The rules that docs/admission.md must have, a line each. */
static void list_rules(struct str *out)
{
    const char *const *paths, *name;

    for (size_t i = 0; i < rule_count; i++)
        add_rule("rule", rules[i].name, rules[i].paths, out);
    for (size_t i = 0; (name = policy_rule_at(i, &paths)); i++)
        add_rule("policy", name, paths, out);
}

/* The names and values of the fields, a quoted word a line, as fuzzers read them. */
static void list_words(struct str *out)
{
    for (size_t i = 0; i < field_count; i++) {
        str_addf(out, "\"%s\"\n", fields[i].path);
        if (fields[i].member)
            str_addf(out, "\"%s\"\n", fields[i].member);
        for (size_t k = 0; fields[i].values && fields[i].values[k]; k++)
            str_addf(out, "\"%s\"\n", fields[i].values[k]);
    }
}

static const struct {
    const char *name, *title;
    struct json *(*crd)(void);
    void (*reference)(struct str *out);
} documents[] = {
    {"crd", "# " MADE_FROM("fields"), schema_function_crd, NULL},
    {"reference", "# Fields of a LambdaFunction's spec\n\n" MADE_FROM("fields") "\n", NULL,
     schema_function_reference},
    {"crd-lambdapolicies", "# " MADE_FROM("policy_fields"), schema_policy_crd, NULL},
    {"policy-reference", "# Fields of a LambdaPolicy's spec\n\n" MADE_FROM("policy_fields") "\n", NULL,
     schema_policy_reference},
    {"rules", "", NULL, list_rules},
    {"dictionary", "", NULL, list_words},
};

int main(int argc, char **argv)
{
    _cleanup_(str_done) struct str text = STR_INIT(4 << 20);

    for (size_t i = 0; argc == 2 && i < ARRAY_LEN(documents); i++) {
        if (!str_equal(argv[1], documents[i].name))
            continue;
        str_add(&text, documents[i].title);
        if (documents[i].crd) {
            _cleanup_(json_freep) struct json *crd = documents[i].crd();

            yaml_print(crd, &text);
        } else {
            documents[i].reference(&text);
        }
        return fputs(str_text(&text), stdout) < 0 || fflush(stdout) != 0;
    }
    fprintf(stderr, "usage: generate ");
    for (size_t i = 0; i < ARRAY_LEN(documents); i++)
        fprintf(stderr, "%s%s", i ? "|" : "", documents[i].name);
    fprintf(stderr, "\n");
    return 2;
}
