/* The policies that there are, and what they say of a function. */
#pragma once

#include "common/base/mem.h"
#include "common/function/policies.h"
#include "tests/unit/texts.h"

static struct policies *known;

static inline int make(void **state)
{
    (void)state;
    known = policies_new();
    return 0;
}

static inline int drop(void **state)
{
    (void)state;
    policies_free(known);
    return 0;
}

static inline void put(const char *name, const char *spec)
{
    _cleanup_(json_freep) struct json *parsed = spec ? parse(spec) : NULL;

    policies_follow(known, name, parsed);
}

static inline struct policy_effective *effective(const char *labels)
{
    _cleanup_(json_freep) struct json *parsed = parse(labels);

    return policies_effective(known, parsed);
}

/* All errors and warnings, a line each. */
static inline char *judged(const char *spec, const char *old_spec, const char *environment)
{
    _cleanup_(json_freep) struct json *now = parse(spec);
    _cleanup_(json_freep) struct json *before = old_spec ? parse(old_spec) : NULL;
    _cleanup_(policy_effective_unrefp) struct policy_effective *all = effective("{}");
    struct findings findings = {0};
    struct str out = STR_INIT(1 << 16);

    policy_judge(all, &(struct policy_subject){now, before, environment}, &findings);
    for (size_t i = 0; i < findings.count; i++)
        str_addf(&out, "%s%s: %s\n", findings.items[i].warning ? "warning " : "", findings.items[i].field,
                 findings.items[i].message);
    findings_done(&findings);
    return str_take(&out);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, make, drop)
