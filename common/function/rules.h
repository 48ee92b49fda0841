/* The rules that tie fields together: a table of predicates beside the table of fields. Pure. */
#pragma once

#include "common/function/check.h"

enum rule_result { RULE_KEPT, RULE_BROKEN, RULE_WARNING };

struct rule {
    const char *name;     /* for the documentation */
    const char *paths[3]; /* the fields that it reads; the finding is at the first one */
    enum finding_reason reason;
    bool judges_change; /* says itself what an unchanged field means; else that is only a warning */
    /* Fills `message` with what is wrong and what to write instead. */
    enum rule_result (*look)(const struct check *check, struct str *message);
};

extern const struct rule rules[];
extern const size_t rule_count;

/* Looks, and adds what is wrong at "<in>.<the rule's first field>". That is only a warning where no field
 * that it reads changed against the old spec, or where `unchanged` says so. */
void rule_apply(const struct rule *rule, const struct check *check, const char *in, bool unchanged,
                struct findings *findings);

/* Whose tags begin like this key, in the words of a message; NULL: anybody's. */
const char *tag_owner(const char *key);
