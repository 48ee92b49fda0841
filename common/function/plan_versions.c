/* Versions: one for each state that was in force, and no more of ours than are to be kept. Pure. */
#include "common/base/json_scan.h"
#include "common/base/mem.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_parts.h"
#include "common/function/versions.h"

enum { DESCRIPTION_MAX_BYTES = 256, RANGES_MAX_BYTES = 4096 };

bool versions_matter(const struct json *spec, const struct json *managed)
{
    if (json_type(json_get(spec, "versions")) == JSON_OBJECT || json_size(json_get(spec, "aliases")) > 0)
        return true;
    for (const struct json *path = json_first(managed); path; path = json_next(path))
        if (json_str(path) && str_starts_with(json_str(path), "aliases."))
            return true;
    return false;
}

struct json *version_seen(const struct json *configuration)
{
    static const char *const members[] = {"Version",      "Description", "CodeSha256",
                                          "ConfigSha256", "State",       "StateReason"};
    struct json *seen = json_new_object();

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        json_set_str(seen, members[i], json_str_at(configuration, members[i]));
    if (json_get(seen, "Version") && !str_equal(json_str_at(seen, "Version"), "$LATEST"))
        return seen;
    json_free(seen);
    return NULL;
}

/* Numbers without leading zeros: the longer one is the larger. */
static int by_number(const void *a, const void *b)
{
    const char *x = json_str_at(*(const struct json *const *)a, "Version"),
               *y = json_str_at(*(const struct json *const *)b, "Version");
    size_t m = strlen(x), n = strlen(y);

    return m != n ? (m > n ? 1 : -1) : strcmp(x, y);
}

struct json *versions_oldest_first(const struct json *versions)
{
    size_t count = 0;
    _cleanup_(freep) const struct json **items = xcalloc(json_size(versions) + 1, sizeof(*items));
    struct json *sorted = json_new_array();

    for (const struct json *version = json_first(versions); version; version = json_next(version))
        items[count++] = version;
    qsort(items, count, sizeof(const struct json *), by_number);
    for (size_t i = 0; i < count; i++)
        json_append(sorted, json_copy(items[i]));
    return sorted;
}

static bool is_ours(const struct json *version)
{
    const char *description = json_str_at(version, "Description");

    return description && str_starts_with(description, VERSION_MARK);
}

static const struct json *find_version(const struct plan_input *input, const char *number)
{
    const struct json *version = json_first(json_get(input->observed, VERSIONS));

    while (version && !str_equal(json_str_at(version, "Version"), number))
        version = json_next(version);
    return version;
}

/* --- publishing ----------------------------------------------------------------------------- */

bool versions_publishes(const struct json *spec)
{
    return str_equal(json_str_at(spec, "versions.publish"), "OnChange");
}

static char *description_of(const struct plan_input *input)
{
    const char *key = json_str_at(input->spec, "code.s3Key"),
               *image = json_str_at(input->spec, "code.imageUri");
    char *text = xasprintf(VERSION_MARK "%lld, %s", (long long)input->generation,
                           key     ? key
                           : image ? image
                                   : "");

    text[utf8_prefix(text, DESCRIPTION_MAX_BYTES)] = '\0';
    return text;
}

/* Of the newest version: was it made of what is in force, by a look that did not get as far as to say so? AWS
 * itself makes none where nothing changed since the last one. */
static bool shows_what_is_in_force(const struct plan_input *input, const struct json *version)
{
    const struct json *configuration = json_get(input->observed, "Configuration");
    const char *settings = json_str_at(configuration, "ConfigSha256"),
               *published = json_str_at(version, "ConfigSha256");
    _cleanup_(freep) char *description = description_of(input);

    return is_ours(version) &&
           (!input->generation || str_equal(json_str_at(version, "Description"), description)) &&
           str_equal(json_str_at(version, "CodeSha256"), json_str_at(configuration, "CodeSha256")) &&
           (!settings || !published || str_equal(settings, published));
}

const char *versions_published(const struct plan_input *input)
{
    const struct json *versions = json_get(input->observed, VERSIONS), *last = NULL;

    if (input->version && (!versions || find_version(input, input->version)))
        return input->version;
    for (const struct json *version = json_first(versions); version; version = json_next(version))
        last = version;
    return last && shows_what_is_in_force(input, last) ? json_str_at(last, "Version") : NULL;
}

const char *versions_current(const struct plan_input *input)
{
    return plan_changes_function(input) ? NULL : versions_published(input);
}

const char *versions_newest(const struct plan_input *input, const char *before)
{
    const struct json *newest = NULL;

    for (const struct json *version = json_first(json_get(input->observed, VERSIONS));
         version && !(before && str_equal(json_str_at(version, "Version"), before));
         version = json_next(version))
        if (is_ours(version))
            newest = version;
    return json_str_at(newest, "Version");
}

static void add_publish(const struct plan_input *input, struct plan *plan)
{
    _cleanup_(freep) char *description = description_of(input);
    struct json *body = json_new_object();

    json_set_str(body, "CodeSha256", json_str_at(input->observed, "Configuration.CodeSha256"));
    json_set_str(body, "Description", description);
    plan_add_waiting_step(plan, PLAN_PUBLISH, NULL, body, xstrdup("publishes a version"));
}

/* --- keeping -------------------------------------------------------------------------------- */

/* NULL: names none. */
static void name(struct json *names, const char *version)
{
    if (version)
        json_append(names, json_new_string(version));
}

/* A new list of what is in use, and more: by aliases, also somebody else's, and by what is declared. */
static struct json *names_in_use(const struct plan_input *input)
{
    struct json *names = json_new_array();

    for (const struct json *alias = json_first(json_get(input->observed, ALIASES)); alias;
         alias = json_next(alias)) {
        const struct json *weights = json_at(alias, "RoutingConfig.AdditionalVersionWeights");

        name(names, json_str_at(alias, "FunctionVersion"));
        for (const struct json *weight = json_first(weights); weight; weight = json_next(weight))
            name(names, json_key(weight));
    }
    for (const struct json *alias = json_first(json_get(input->spec, "aliases")); alias;
         alias = json_next(alias)) {
        name(names, json_str_at(alias, "version"));
        name(names, json_str_at(json_first(json_get(alias, "additionalVersions")), "version"));
    }
    for (size_t i = 0; i < plan_attached_count; i++) {
        _cleanup_(json_freep) struct json *qualifiers =
            plan_attached_qualifiers(&plan_attached[i], input->spec, NULL);

        for (const struct json *one = json_first(qualifiers); one; one = json_next(one))
            name(names, json_str(one));
    }
    return names;
}

static void add_deletions(const struct plan_input *input, struct plan *plan)
{
    const struct json *versions = json_get(input->observed, VERSIONS);
    int64_t surplus = -json_int_at(input->spec, "versions.keep", 0);

    if (surplus == 0)
        return;
    _cleanup_(json_freep) struct json *in_use = names_in_use(input);

    for (const struct json *version = json_first(versions); version; version = json_next(version))
        surplus += is_ours(version);
    for (const struct json *version = json_first(versions); version && surplus > 0;
         version = json_next(version)) {
        const char *number = json_str_at(version, "Version");

        if (!is_ours(version))
            continue;
        surplus--;
        if (!plan_lists(in_use, number) && !json_is_true(json_get(version, VERSION_STAYS)))
            plan_add_waiting_step(plan, PLAN_DELETE_VERSION, number, NULL,
                                  xasprintf("deletes version %s", number));
    }
}

/* SnapStart makes a snapshot first. */
static void await_version(const struct plan_input *input, struct plan *plan)
{
    const struct json *version = find_version(input, versions_published(input));
    const char *state = json_str_at(version, "State"), *why = json_str_at(version, "StateReason");

    if (str_equal(state, "Failed"))
        plan_block(plan, "VersionFailed", "AWS could not prepare version %s: %.300s",
                   json_str_at(version, "Version"), why ? why : "no reason given");
    else if (str_equal(state, "Pending"))
        *plan = (struct plan){.outcome = PLAN_WAIT, .reason = "Publishing"};
}

void plan_add_versions(const struct plan_input *input, struct plan *plan)
{
    bool publishes;

    if (!versions_matter(input->spec, input->managed))
        return;
    publishes = versions_publishes(input->spec) && !versions_current(input);
    if (publishes)
        add_publish(input, plan);
    else if (plan->step_count == 0)
        await_version(input, plan);
    if (plan->step_count == 0 && plan->outcome != PLAN_IN_FORCE)
        return;
    plan_add_aliases(input, plan);
}

void plan_drop_versions(const struct plan_input *input, struct plan *plan)
{
    plan_drop_aliases(input, plan);
    add_deletions(input, plan);
    if (plan->outcome == PLAN_IN_FORCE)
        plan_await_aliases(input, plan);
}

/* --- what status tells ---------------------------------------------------------------------- */

static void add_range(struct str *ranges, int64_t from, int64_t to)
{
    if (from > 0)
        str_addf(ranges, "%s%lld", ranges->len ? "," : "", (long long)from);
    if (from < to)
        str_addf(ranges, "-%lld", (long long)to);
}

/* "" where it would be too long: nothing is known then. */
static char *ranges_of(const struct json *versions)
{
    struct str ranges = STR_INIT(RANGES_MAX_BYTES);
    int64_t from = 0, to = 0;

    for (const struct json *version = json_first(versions); version; version = json_next(version)) {
        const char *text = json_str_at(version, "Version");
        int64_t number;

        if (!text || !parse_int(text, 1, INT64_MAX, &number))
            continue;
        if (from == 0 || number != to + 1) {
            add_range(&ranges, from, to);
            from = number;
        }
        to = number;
    }
    add_range(&ranges, from, to);
    if (ranges.overflow)
        str_clear(&ranges);
    return str_take(&ranges);
}

enum version_known version_known(const char *ranges, int64_t number)
{
    int64_t last = 0;

    while (*ranges) {
        size_t len = strcspn(ranges, ",");
        _cleanup_(freep) char *range = xstrndup(ranges, len);
        char *dash = strchr(range, '-');
        int64_t from, to;

        if (dash)
            *dash = '\0';
        if (!parse_int(range, 1, INT64_MAX, &from) || !parse_int(dash ? dash + 1 : range, 1, INT64_MAX, &to))
            return VERSION_LATER; /* somebody else wrote it: nothing is known */
        if (number >= from && number <= to)
            return VERSION_THERE;
        last = to;
        ranges += len + (ranges[len] == ',');
    }
    return number > last ? VERSION_LATER : VERSION_GONE;
}

struct json *versions_status(const struct plan_input *input)
{
    const struct json *versions = json_get(input->observed, VERSIONS);
    bool matter = versions_matter(input->spec, NULL);

    if (matter && !versions)
        return NULL;
    struct json *status = json_new_object();
    _cleanup_(freep) char *ranges = ranges_of(versions);

    if (matter) {
        json_set_str(status, "version", versions_current(input));
        json_set_str(status, "versions", *ranges ? ranges : NULL);
        json_set(status, "aliases", aliases_status(input));
    }
    return status;
}
