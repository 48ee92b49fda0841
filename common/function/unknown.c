/* Compares the members of a resource with the table of fields. Pure. */
#include "common/function/unknown.h"

#include "common/base/mem.h"
#include "common/function/fields.h"

#include <ctype.h>

enum { NAME_MAX_CHARS = 64, NAMES_LISTED = 8, FINDINGS_MAX = 100, PART_MIN_CHARS = 3 };

/* The API's own members; of metadata, ObjectMeta's. */
static const char *const OBJECT[] = {"apiVersion", "kind", "metadata", "spec", "status"};
static const char *const METADATA[] = {
    "name",
    "namespace",
    "labels",
    "annotations",
    "generateName",
    "finalizers",
    "generation",
    "ownerReferences",
    "creationTimestamp",
    "deletionTimestamp",
    "managedFields",
    "selfLink",
    "resourceVersion",
    "uid",
    "deletionGracePeriodSeconds",
};

/* The names that one object may have as members. */
struct names {
    const char *const *list; /* or NULL: */
    size_t count;
    const struct field_table *table;
    const char
        *below; /* its rows right below this path: "" for the spec itself, "permissions[]" for an item */
};

static const char *last_part(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot + 1 : path;
}

static size_t names_count(const struct names *names)
{
    return names->list ? names->count : names->table->count;
}

/* The nth name; NULL: that row is elsewhere. */
static const char *name_at(const struct names *names, size_t n)
{
    if (names->list)
        return names->list[n];
    const char *path = names->table->rows[n].path, *last = last_part(path);
    size_t parent = last > path ? (size_t)(last - path) - 1 : 0;

    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): every row has a path */
    return strlen(names->below) == parent && strncmp(path, names->below, parent) == 0 ? last : NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters have to be added, removed or changed; upper and lower case are the same. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_CHARS + 1], b_len = strlen(b);

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t here = least(diagonal + !same, least(row[j], row[j - 1]) + 1);

            diagonal = row[j];
            row[j] = here;
        }
    }
    return row[b_len];
}

/* "name" of "functionName", "env" of "environment". */
static bool is_part(const char *wrong, const char *name)
{
    size_t len = strlen(wrong), of = strlen(name);

    return len >= PART_MIN_CHARS && len < of &&
           (strncasecmp(name, wrong, len) == 0 || strcasecmp(name + of - len, wrong) == 0);
}

/* "s3_key" for "s3Key": the same but for case and underscores. */
static bool is_spelled(const char *wrong, const char *name)
{
    for (; *wrong; wrong++)
        if (*wrong != '_' && tolower((unsigned char)*wrong) != tolower((unsigned char)*name++))
            return false;
    return !*name;
}

static const char *nearest(const struct names *names, const char *wrong)
{
    size_t best = strlen(wrong) / 3 + 1;
    const char *found = NULL;

    for (size_t i = 0; i < names_count(names); i++) {
        const char *name = name_at(names, i);
        size_t far = name ? distance(wrong, name) : best + 1;

        if (far < best || (far == best && !found)) {
            best = far;
            found = name;
        }
    }
    return found;
}

static const char *whole(const struct names *names, const char *part)
{
    for (size_t i = 0; i < names_count(names); i++)
        if (name_at(names, i) && is_part(part, name_at(names, i)))
            return name_at(names, i);
    return NULL;
}

/* A field of that name elsewhere in the spec, in an item of a list or not. */
static const char *elsewhere(const struct names *names, const char *wrong, bool in_item)
{
    for (size_t i = 0; names->table && i < names->table->count; i++) {
        const char *path = names->table->rows[i].path;

        if (is_spelled(wrong, last_part(path)) && !strchr(path, '[') == !in_item)
            return path;
    }
    return NULL;
}

/* What is most likely meant, from the nearest on; NULL: there is nothing like it. The caller frees. */
static char *suggestion(const struct names *names, const char *wrong)
{
    if (strlen(wrong) > NAME_MAX_CHARS)
        return NULL;
    const char *here = nearest(names, wrong), *there = NULL;

    if (!here || !is_spelled(wrong, here))
        there = elsewhere(names, wrong, false);
    if (!here && !there)
        here = whole(names, wrong);
    if (!here && !there)
        there = elsewhere(names, wrong, true);
    return there ? xasprintf("spec.%s", there) : xstrdup(here);
}

/* "spec.tags" and "team" to "spec.team", what is no plain name in brackets and escaped. */
static char *member_path(const char *parent, const char *key)
{
    _cleanup_(str_done) struct str quoted = STR_INIT(1 << 10);
    _cleanup_(freep) char *cut = xstrndup(key, strnlen(key, NAME_MAX_CHARS));

    if (matches("[A-Za-z0-9_-]{1,64}", key))
        return xasprintf("%s%s%s", parent, *parent ? "." : "", key);
    str_add_json(&quoted, cut);
    return xasprintf("%s[%.*s]", parent, (int)quoted.len - 2, str_text(&quoted) + 1);
}

static void add_unknown(const struct names *names, const char *where, const char *key,
                        struct findings *findings)
{
    _cleanup_(freep) char *meant = suggestion(names, key);
    _cleanup_(str_done) struct str known = STR_INIT(1 << 10);
    size_t listed = 0;

    for (size_t i = 0; i < names_count(names) && !meant; i++)
        if (name_at(names, i))
            str_addf(&known, "%s%s", listed++ ? ", " : "", name_at(names, i));
    if (meant)
        findings_add(findings, FINDING_INVALID, false, where, NULL,
                     "there is no such field; did you mean %s?", meant);
    else if (listed > 0 && listed <= NAMES_LISTED)
        findings_add(findings, FINDING_INVALID, false, where, NULL,
                     "there is no such field; those here are: %s", str_text(&known));
    else
        findings_add(findings, FINDING_INVALID, false, where, NULL, "there is no such field; remove it");
}

static void look(const struct json *object, const struct names *names, const char *path,
                 struct findings *findings);

/* What is below a member that is known. */
static void look_below(const struct json *member, const struct field_table *table, const struct field *field,
                       const char *path, struct findings *findings)
{
    size_t index = 0;

    if (field->type == FIELD_OBJECT)
        look(member, &(struct names){.table = table, .below = field->path}, path, findings);
    if (field->type == FIELD_PARTIAL)
        look(member, &(struct names){.table = &function_table, .below = ""}, path, findings);
    if (field->type != FIELD_OBJECTS || json_type(member) != JSON_ARRAY)
        return;
    _cleanup_(freep) char *below = xasprintf("%s[]", field->path);

    for (const struct json *item = json_first(member); item; item = json_next(item), index++) {
        _cleanup_(freep) char *where = xasprintf("%s[%zu]", path, index);

        look(item, &(struct names){.table = table, .below = below}, where, findings);
    }
}

/* `path` is where the object is in the resource: "spec.code". */
static void look(const struct json *object, const struct names *names, const char *path,
                 struct findings *findings)
{
    if (json_type(object) != JSON_OBJECT)
        return;
    for (const struct json *member = json_first(object); member && findings->count < FINDINGS_MAX;
         member = json_next(member)) {
        const char *key = json_key(member);
        _cleanup_(freep) char *where = member_path(path, key);
        size_t i = 0;

        while (i < names_count(names) && !str_equal(name_at(names, i), key))
            i++;
        if (i == names_count(names))
            add_unknown(names, where, key, findings);
        else if (names->table)
            look_below(member, names->table, &names->table->rows[i], where, findings);
    }
}

void check_unknown(const struct field_table *table, const struct json *resource, struct findings *findings)
{
    look(resource, &(struct names){.list = OBJECT, .count = ARRAY_LEN(OBJECT)}, "", findings);
    look(json_get(resource, "metadata"), &(struct names){.list = METADATA, .count = ARRAY_LEN(METADATA)},
         "metadata", findings);
    look(json_get(resource, "spec"), &(struct names){.table = table, .below = ""}, "spec", findings);
}
