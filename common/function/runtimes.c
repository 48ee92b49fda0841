/* A table of data: Lambda's runtimes. Source: "Lambda runtimes" and "Runtime deprecation" in the Lambda
 * developer guide, as of 2026-11. Within a family the newest comes first. */
#include "common/function/runtimes.h"

#include "common/base/mem.h"

static const struct runtime rows[] = {
    {"nodejs24.x", "2028-04-30", "2028-06-01", "2028-07-01"},
    {"nodejs22.x", "2027-04-30", "2027-06-01", "2027-07-01"},
    {"nodejs20.x", "2026-04-30", "2027-02-01", "2027-03-03"},
    {"nodejs18.x", "2025-09-01", "2027-02-01", "2027-03-03"},
    {"nodejs16.x", "2024-06-12", "2027-02-01", "2027-03-03"},
    {"nodejs14.x", "2023-12-04", "2024-01-09", "2027-03-03"},
    {"nodejs12.x", "2023-03-31", "2023-03-31", "2023-04-30"},
    {"nodejs10.x", "2021-07-30", "2021-07-30", "2022-02-14"},
    {"nodejs8.10", "2020-03-06", "2020-02-04", "2020-03-06"},
    {"nodejs6.10", "2019-08-12", "2019-07-12", "2019-08-12"},
    {"nodejs4.3", "2020-03-05", "2020-02-03", "2020-03-05"},
    {"nodejs4.3-edge", "2020-03-05", "2019-03-31", "2019-04-30"},
    {"nodejs", "2016-08-30", "2016-09-30", "2016-10-31"},
    {"nodejs26.x", NULL, NULL, NULL},
    {"python3.14", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"python3.13", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"python3.12", "2028-10-31", "2028-11-30", "2029-01-10"},
    {"python3.11", "2027-06-30", "2027-07-31", "2027-08-31"},
    {"python3.10", "2026-10-31", "2027-02-01", "2027-03-03"},
    {"python3.9", "2025-12-15", "2027-02-01", "2027-03-03"},
    {"python3.8", "2024-10-14", "2027-02-01", "2027-03-03"},
    {"python3.7", "2023-12-04", "2024-01-09", "2027-03-03"},
    {"python3.6", "2022-07-18", "2022-07-18", "2022-08-29"},
    {"python2.7", "2021-07-15", "2021-07-15", "2022-05-30"},
    {"python3.15", NULL, NULL, NULL},
    {"custom", NULL, NULL, NULL}, /* what runtimeConfig names */
    {"java25", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"java21", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"java17.al2023", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"java11.al2023", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"java8.al2023", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"java17", "2027-06-30", "2027-07-31", "2027-08-31"},
    {"java11", "2027-06-30", "2027-07-31", "2027-08-31"},
    {"java8.al2", "2027-06-30", "2027-07-31", "2027-08-31"},
    {"java8", "2024-01-08", "2024-02-08", "2027-03-03"},
    {"dotnet10", "2028-11-14", "2028-12-14", "2029-01-15"},
    {"dotnet8", "2026-11-10", "2027-02-01", "2027-03-03"},
    {"dotnet6", "2024-12-20", "2027-02-01", "2027-03-03"},
    {"dotnetcore3.1", "2023-04-03", "2023-04-03", "2023-05-03"},
    {"dotnetcore2.1", "2022-01-05", "2022-01-05", "2022-04-13"},
    {"dotnetcore2.0", "2019-05-30", "2019-04-30", "2019-05-30"},
    {"dotnetcore1.0", "2019-06-27", "2019-06-30", "2019-07-30"},
    {"ruby4.0", "2029-03-31", "2029-04-30", "2029-05-31"},
    {"ruby3.4", "2028-03-31", "2028-04-30", "2028-05-31"},
    {"ruby3.3", "2027-03-31", "2027-04-30", "2027-05-31"},
    {"ruby3.2", "2026-03-31", "2027-02-01", "2027-03-03"},
    {"ruby2.7", "2023-12-07", "2024-01-09", "2027-03-03"},
    {"ruby2.5", "2021-07-30", "2021-07-30", "2022-03-31"},
    {"provided.al2023", "2029-06-30", "2029-07-31", "2029-08-31"},
    {"provided.al2", "2026-07-31", "2027-02-01", "2027-03-03"},
    {"provided", "2024-01-08", "2024-02-08", "2027-03-03"},
    {"go1.x", "2024-01-08", "2024-02-08", "2027-03-03"},
};

const struct runtimes runtimes_builtin = {rows, ARRAY_LEN(rows)};

const struct runtime *runtime_find(const struct runtimes *runtimes, const char *name)
{
    for (size_t i = 0; i < runtimes->count; i++)
        if (str_equal(runtimes->rows[i].name, name))
            return &runtimes->rows[i];
    return NULL;
}

static bool reached(const char *date, const char *today)
{
    return date && strcmp(date, today) <= 0; /* ISO dates sort as text */
}

enum runtime_stage runtime_stage_on(const struct runtime *runtime, const char *today)
{
    if (reached(runtime->update_blocked, today))
        return RUNTIME_UPDATE_BLOCKED;
    if (reached(runtime->create_blocked, today))
        return RUNTIME_CREATE_BLOCKED;
    if (reached(runtime->deprecated, today))
        return RUNTIME_DEPRECATED;
    return RUNTIME_SUPPORTED;
}

/* "Python 3.13" and "python3.13": the same version, however it is written. */
static bool same_digits(const char *a, const char *b)
{
    static const char digits[] = "0123456789";

    for (;; a++, b++) {
        a += strcspn(a, digits);
        b += strcspn(b, digits);
        if (*a != *b)
            return false;
        if (!*a)
            return true;
    }
}

static bool is_supported(const struct runtime *runtime, const char *today)
{
    return runtime->deprecated && runtime_stage_on(runtime, today) == RUNTIME_SUPPORTED;
}

static size_t family_len(const struct runtime *runtime)
{
    return strcspn(runtime->name, "0123456789.");
}

const char *runtime_suggestion(const struct runtimes *runtimes, const char *name, const char *today)
{
    /* Go programs run on the provided runtimes since go1.x is gone. */
    const char *family = strncasecmp(name, "go", 2) == 0 ? "provided" : name;
    const char *best = NULL;
    size_t most = 2; /* two letters in common say nothing */

    for (size_t i = 0; i < runtimes->count; i++) {
        const struct runtime *row = &runtimes->rows[i];
        size_t common = 0;

        if (!is_supported(row, today))
            continue;
        while (family[common] && strncasecmp(row->name, family, common + 1) == 0)
            common++;
        /* Within a family a shared version digit is no likeness: all of them, or the newest is meant. */
        size_t letters = family_len(row);

        common = common < letters ? common : letters;
        if (common > most || (common == most && best && same_digits(row->name, name))) {
            most = common;
            best = row->name;
        }
    }
    return best;
}

void runtimes_newest(const struct runtimes *runtimes, const char *today, struct str *out)
{
    const char *before = "the newest are ";

    for (size_t i = 0; i < runtimes->count; i++) {
        const struct runtime *row = &runtimes->rows[i];
        size_t len = family_len(row), j = 0;

        if (!is_supported(row, today))
            continue;
        while (j < i && (!is_supported(&runtimes->rows[j], today) || family_len(&runtimes->rows[j]) != len ||
                         strncmp(runtimes->rows[j].name, row->name, len) != 0))
            j++;
        if (j < i)
            continue;
        str_addf(out, "%s%.64s", before, row->name);
        before = ", ";
    }
}
