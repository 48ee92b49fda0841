/* Checks of single fields, driven by the table, and the walk over the rules. Pure. */
#include "common/function/check.h"

#include "common/base/json_scan.h"
#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/fields.h"
#include "common/function/rules.h"

enum { KEY_SHOWN = 64 };

/* A place in the resource, below another one. Written out only where something is found. */
struct place {
    const struct place *in;
    enum { MEMBER, ITEM, ENTRY } kind;
    const char *name; /* of the member, or the entry's key */
    size_t index;     /* of the item */
};

struct field_check {
    const struct field *field;
    const struct field_table *table; /* that its row is in */
    bool partial;                    /* a policy's defaults: nothing is required, and some rows have none */
    const struct json *spec, *old_spec; /* as a whole */
    bool unchanged;                     /* against the old spec: findings are warnings then */
    unsigned packages;                  /* field_packages of the spec */
    struct findings *findings;
    const struct place *where; /* "spec.layers" */
};

static const struct place SPEC = {.kind = MEMBER, .name = "spec"};

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xC0) != 0x80;
    return count;
}

static const char *shown(const struct field *field, const char *value)
{
    return field->secret ? NULL : value;
}

/* "python3.12, python3.13" */
static void list_values(const char *const *values, struct str *out)
{
    for (size_t i = 0; values[i]; i++)
        str_addf(out, "%s%s", i > 0 ? ", " : "", values[i]);
}

/* The key of "spec.tags[team]", cut and escaped: it comes from outside. */
static void add_key(const char *key, struct str *out)
{
    _cleanup_(str_done) struct str quoted = STR_INIT(1 << 20);
    size_t len = strlen(key);

    if (len > KEY_SHOWN)
        for (len = KEY_SHOWN; len > 0 && ((unsigned char)key[len] & 0xC0) == 0x80;)
            len--;
    _cleanup_(freep) char *start = xstrndup(key, len);

    str_add_json(&quoted, start);
    str_addf(out, "[%.*s%s]", (int)quoted.len - 2, str_text(&quoted) + 1, key[len] ? "…" : "");
}

static void add_place(const struct place *place, struct str *out)
{
    if (place->in)
        add_place(place->in, out);
    switch (place->kind) {
    case MEMBER:
        str_add(out, place->in ? "." : "");
        str_add(out, place->name);
        break;
    case ITEM:
        str_addf(out, "[%zu]", place->index);
        break;
    case ENTRY:
        add_key(place->name, out);
        break;
    }
}

static char *place_text(const struct place *place)
{
    struct str text = STR_INIT(1 << 20);

    add_place(place, &text);
    return str_take(&text);
}

#define found(check, reason, where, value, ...)                                                              \
    do {                                                                                                     \
        _cleanup_(freep) char *where_text = place_text(where);                                               \
                                                                                                             \
        findings_add((check)->findings, reason, (check)->unchanged, where_text, value, __VA_ARGS__);         \
    } while (0)

/* Something of another partition or region can never be used by the function. */
static void check_arn(const struct field_check *check, const struct place *where, const char *arn)
{
    const char *region = json_str_at(check->spec, "region");
    struct str_view in = arn_part(arn, ARN_PART_REGION), partition = arn_part(arn, ARN_PART_PARTITION);

    if (!region || !*region)
        return;
    if (!view_equal(partition, view(region_partition(region))))
        found(check, FINDING_INVALID, where, arn,
              "it is in the partition %.*s, the region %s in %s; use one of that partition",
              (int)partition.len, partition.ptr, region, region_partition(region));
    else if (check->field->arn == ARN_REGIONAL && in.len > 0 && !view_equal(in, view(region)))
        found(check, FINDING_INVALID, where, arn, "it is in %.*s, the function in %s; use one of that region",
              (int)in.len, in.ptr, region);
}

static void check_text(const struct field_check *check, const struct place *where, const char *text,
                       int64_t max)
{
    const struct field *field = check->field;

    if (max > 0 && characters(text) > (size_t)max)
        found(check, FINDING_TOO_LONG, where, NULL, "it has %zu characters; at most %lld are allowed",
              characters(text), (long long)max);
    else if (field->pattern && !matches(field->pattern, text))
        found(check, FINDING_INVALID, where, shown(field, text), "must be %s", field->pattern_hint);
    else if (field->values) {
        _cleanup_(str_done) struct str allowed = STR_INIT(1024);

        for (size_t i = 0; field->values[i]; i++)
            if (str_equal(field->values[i], text))
                return;
        list_values(field->values, &allowed);
        found(check, FINDING_UNSUPPORTED, where, shown(field, text), "supported values: %s",
              str_text(&allowed));
    } else if (field->arn) {
        check_arn(check, where, text);
    }
}

static void wrong_type(const struct field_check *check, const struct place *where, const struct json *value,
                       const char *wanted)
{
    found(check, FINDING_TYPE, where, NULL, "must be %s, not %s", wanted, json_type_name(value));
}

/* YAML takes 3.13, 8080 and true for what they look like. */
static void no_string(const struct field_check *check, const struct place *where, const struct json *value)
{
    enum json_type type = json_type(value);
    bool quotes = type == JSON_BOOL || type == JSON_NUMBER;

    wrong_type(check, where, value, quotes ? "a string (put it in quotes)" : "a string");
}

/* Where a number or true or false is wanted. */
static void no_scalar(const struct field_check *check, const struct json *value, const char *wanted)
{
    _cleanup_(freep) char *number = json_type(value) == JSON_NUMBER ? json_text(value) : NULL;
    const char *text = json_str(value);

    if (text)
        found(check, FINDING_TYPE, check->where, shown(check->field, text), "must be %s, without quotes",
              wanted);
    else if (number)
        found(check, FINDING_TYPE, check->where, NULL, "%s: must be %s", number, wanted);
    else
        wrong_type(check, check->where, value, wanted);
}

/* Its members are told, for those who know of one value only: "an object with size". */
static void no_object(const struct field_check *check, const struct place *where, const struct json *value)
{
    const struct field *field = check->field;
    _cleanup_(freep) char *in = xasprintf("%s%s.", field->path, field->type == FIELD_OBJECTS ? "[]" : "");
    _cleanup_(str_done) struct str wanted = STR_INIT(1024);

    str_add(&wanted, "an object");
    for (size_t i = 0, count = 0; i < check->table->count; i++) {
        const char *path = check->table->rows[i].path;

        if (str_starts_with(path, in) && !strpbrk(path + strlen(in), ".["))
            str_addf(&wanted, "%s%s", count++ ? ", " : " with ", path + strlen(in));
    }
    wrong_type(check, where, value, str_text(&wanted));
}

static void check_string(const struct field_check *check, const struct json *value)
{
    const char *text = json_str(value);

    if (!text)
        no_string(check, check->where, value);
    else if (characters(text) < (size_t)check->field->min)
        found(check, FINDING_INVALID, check->where, shown(check->field, text),
              "must have at least %lld characters", (long long)check->field->min);
    else
        check_text(check, check->where, text, check->field->max);
}

/* Is one of the fields there that allow more than usual? A policy's default may meet one in the function.
 * *unchanged becomes false where one of them changed. */
static bool more_allowed(const struct field_check *check, bool *unchanged)
{
    bool allowed = check->partial;

    for (const char *const *path = check->field->more_with; *path; path++) {
        const struct json *with = json_at(check->spec, *path);

        allowed = allowed || json_type(with) > JSON_NULL;
        *unchanged = *unchanged && json_equal(with, json_at(check->old_spec, *path));
    }
    return allowed;
}

static void check_int(const struct field_check *check, const struct json *value)
{
    const struct field *field = check->field;
    struct field_check one = *check;
    int64_t number;

    if (!json_int(value, &number)) {
        no_scalar(check, value, "a whole number");
        return;
    }
    bool usual = field->usual_max && !more_allowed(check, &one.unchanged);

    if (number >= field->min && number <= (usual ? field->usual_max : field->max))
        return;
    _cleanup_(freep) char *text = json_text(value);
    _cleanup_(str_done) struct str more = STR_INIT(256);

    if (usual && number > field->min) {
        str_addf(&more, ", or up to %lld with ", (long long)field->max);
        for (const char *const *path = field->more_with; *path; path++)
            str_addf(&more, "%s%s", path > field->more_with ? " or " : "", *path);
    }
    found(&one, FINDING_INVALID, check->where, NULL, "%s: must be between %lld and %lld%s", text,
          (long long)field->min, (long long)(usual ? field->usual_max : field->max), str_text(&more));
}

static void check_count(const struct field_check *check, const struct json *value, const char *what)
{
    const struct field *field = check->field;
    size_t count = json_size(value);

    if (count > (size_t)field->max)
        found(check, FINDING_TOO_MANY, check->where, NULL, "it has %zu %s; at most %lld are allowed%s%s",
              count, what, (long long)field->max, field->max_hint ? ": " : "",
              field->max_hint ? field->max_hint : "");
    else if (count < (size_t)field->min)
        found(check, FINDING_INVALID, check->where, NULL, "must have at least %lld %s", (long long)field->min,
              what);
}

/* What is too many is told once, and not judged one by one. */
static const struct json *next_of(const struct field *field, const struct json *item, size_t *index)
{
    return ++*index < (size_t)field->max ? json_next(item) : NULL;
}

static void check_list(const struct field_check *check, const struct json *value)
{
    size_t index = 0;

    if (json_str(value)) {
        found(check, FINDING_TYPE, check->where, shown(check->field, json_str(value)),
              "must be a list; put it in [ ]");
        return;
    }
    if (json_type(value) != JSON_ARRAY) {
        wrong_type(check, check->where, value, "a list");
        return;
    }
    check_count(check, value, "items");
    for (const struct json *item = json_first(value); item; item = next_of(check->field, item, &index)) {
        const struct place where = {.in = check->where, .kind = ITEM, .index = index};

        if (!json_str(item))
            no_string(check, &where, item);
        else
            check_text(check, &where, json_str(item), check->field->item_max);
    }
}

static void check_bool(const struct field_check *check, const struct json *value)
{
    if (json_type(value) != JSON_BOOL)
        no_scalar(check, value, "true or false");
}

static void check_map(const struct field_check *check, const struct json *value)
{
    const struct field *field = check->field;
    size_t index = 0;

    if (json_type(value) != JSON_OBJECT) {
        wrong_type(check, check->where, value, "a map of names to values");
        return;
    }
    check_count(check, value, "entries");
    for (const struct json *entry = json_first(value); entry; entry = next_of(field, entry, &index)) {
        const char *key = json_key(entry);
        const struct place where = {.in = check->where, .kind = ENTRY, .name = key};

        if (field->key_max && characters(key) > (size_t)field->key_max)
            found(check, FINDING_TOO_LONG, &where, NULL, "a key has at most %lld characters",
                  (long long)field->key_max);
        else if (!matches(field->key_pattern, key))
            found(check, FINDING_INVALID, &where, NULL, "a key must be %s", field->key_hint);
        if (!json_str(entry))
            no_string(check, &where, entry);
        else
            check_text(check, &where, json_str(entry), field->item_max);
    }
}

static void check_rows(const struct field_check *list, const struct json *object, const struct json *old);

/* The item that was the same one before: by its key where items have one, else by its place. */
static const struct json *old_item(const struct field *field, const struct json *old, const struct json *item,
                                   size_t index)
{
    const char *key = field->list_key ? json_str(json_get(item, field->list_key)) : NULL;
    const struct json *found = json_type(old) == JSON_ARRAY ? json_first(old) : NULL;

    if (field->list_key)
        while (found && !(key && str_equal(json_str(json_get(found, field->list_key)), key)))
            found = json_next(found);
    else
        while (found && index-- > 0)
            found = json_next(found);
    return found;
}

static void check_objects(const struct field_check *check, const struct json *value, const struct json *old)
{
    size_t index = 0;

    if (json_type(value) != JSON_ARRAY) {
        wrong_type(check, check->where, value, "a list");
        return;
    }
    check_count(check, value, "items");
    for (const struct json *item = json_first(value); item; item = next_of(check->field, item, &index)) {
        const struct place where = {.in = check->where, .kind = ITEM, .index = index};
        struct field_check one = *check;

        one.where = &where;
        one.partial = false; /* an item is there as a whole or not at all */
        const struct json *before = old_item(check->field, old, item, index);

        if (!before) /* what is new may have any value */
            one.old_spec = NULL;
        if (json_type(item) == JSON_OBJECT)
            check_rows(&one, item, before);
        else
            no_object(check, &where, item);
    }
}

static void check_partial(const struct field_check *check, const struct json *value, const struct json *old)
{
    struct field_check one = *check;

    one.field = NULL;
    one.table = &function_table;
    one.partial = true;
    if (json_type(value) == JSON_OBJECT)
        check_rows(&one, value, old);
    else
        wrong_type(check, check->where, value, "an object");
}

static bool is_empty(const struct json *value)
{
    enum json_type type = json_type(value);

    return type == JSON_ABSENT || type == JSON_NULL || (type == JSON_STRING && !*json_str(value));
}

/* Is an empty text what AWS has anyway? Elsewhere it would be sent, and refused. */
static bool empty_is_default(const struct field *field)
{
    return field->type == FIELD_STRING && str_equal(field->unset, "\"\"");
}

/* Which package types ask for or refuse the field, in the words of a message. True: it is missing. */
static bool check_package(const struct field_check *check, const struct json *value)
{
    bool empty = is_empty(value);
    const struct field *field = check->field;
    unsigned packages = check->packages;

    bool missing = empty && (field->required & packages || field->schema_required);

    if (missing && json_str(value)) /* nobody fills that in */
        found(check, FINDING_INVALID, check->where, "", "it is empty. %s", field->doc);
    else if (missing)
        found(check, FINDING_REQUIRED, check->where, NULL, "%s", field->doc);
    else if (!empty && field->forbidden & packages)
        found(check, FINDING_FORBIDDEN, check->where, NULL,
              "a function of packageType %s cannot have it; remove it",
              packages == FOR_IMAGE ? "Image" : "Zip (the default)");
    return missing;
}

static void check_only(const struct field_check *check, const struct json *value)
{
    const struct field *field = check->field;
    struct field_check one = *check;

    if (is_empty(value) || !field->only_path ||
        str_equal(json_str_at(check->spec, field->only_path), field->only_value))
        return;
    one.unchanged =
        field->only_warns || (check->unchanged && json_equal(json_at(check->spec, field->only_path),
                                                             json_at(check->old_spec, field->only_path)));
    found(&one, FINDING_FORBIDDEN, check->where, NULL, "only with spec.%s: %s; declare that, or remove this",
          field->only_path, field->only_value);
}

/* Is it another than before, although it cannot be changed? What was absent was AWS's default. */
static bool check_immutable(const struct field_check *check, const struct json *value, const struct json *old)
{
    const struct field *field = check->field;

    if (!field->immutable || !check->old_spec || check->unchanged || (is_empty(value) && is_empty(old)))
        return true;
    _cleanup_(json_freep) struct json *unset = field_unset(field, check->spec);
    _cleanup_(freep) char *was = is_empty(old) ? NULL : json_text(old);

    if (json_equal(is_empty(value) ? unset : value, is_empty(old) ? unset : old))
        return true;
    if (is_empty(old) && field->required)
        return true; /* it came about without us, and has to be said at last */
    found(check, FINDING_INVALID, check->where, json_str(value), "it cannot be changed from %s; %s",
          was            ? was
          : field->unset ? field->unset
                         : "absent",
          strstr(field->path, "[]") ? "give the item another name, so that it is made anew"
                                    : "create a new LambdaFunction with another functionName");
    return false;
}

static void check_value(const struct field_check *check, const struct json *value, const struct json *old)
{
    const struct field *field = check->field;

    if (check->partial && !is_empty(value) && !field_can_default(field)) {
        found(check, FINDING_FORBIDDEN, check->where, NULL,
              "there is no default for what is each function's own; remove it");
        return;
    }
    if (!check->partial) {
        if (check_package(check, value) || !check_immutable(check, value, old))
            return;
        check_only(check, value);
    }
    if (json_type(value) <= JSON_NULL || (is_empty(value) && empty_is_default(field)))
        return;
    switch (field->type) {
    case FIELD_OBJECT:
        if (json_type(value) != JSON_OBJECT)
            no_object(check, check->where, value);
        break;
    case FIELD_STRING:
        check_string(check, value);
        break;
    case FIELD_INT:
        check_int(check, value);
        break;
    case FIELD_BOOL:
        check_bool(check, value);
        break;
    case FIELD_LIST:
        check_list(check, value);
        break;
    case FIELD_MAP:
        check_map(check, value);
        break;
    case FIELD_OBJECTS:
        check_objects(check, value, old);
        break;
    case FIELD_PARTIAL:
        check_partial(check, value, old);
        break;
    }
}

/* The first row that is not below this one. */
static const struct field *next_beside(const struct field_table *table, const struct field *row)
{
    return row + 1 + table->below[row - table->rows];
}

static void check_row(const struct field_check *in, const struct field *field, const char *path,
                      const struct json *value, const struct json *old)
{
    /* Most rows: what nobody declared, and need not. */
    if (!value && !old && !field->required && !field->schema_required)
        return;
    const struct place where = {.in = in->where, .kind = MEMBER, .name = path};
    struct field_check one = *in;

    one.field = field;
    one.unchanged = in->old_spec && json_equal(value, old);
    one.where = &where;
    check_value(&one, value, old);
}

/* Every row of the spec, or of one item of a list of objects. `in` says which, and where in the resource. */
static void check_rows(const struct field_check *in, const struct json *object, const struct json *old)
{
    const struct field_table *table = in->table;
    const struct field *row = in->field ? in->field + 1 : table->rows;
    const struct field *end = in->field ? next_beside(table, in->field) : table->rows + table->count;
    size_t above = in->field ? strlen(in->field->path) + strlen("[].") : 0;

    while (row < end) {
        const char *path = row->path + above;
        const struct json *value = json_at(object, path);

        check_row(in, row, path, value, json_at(old, path));
        /* Below what is no object there is nothing to say, and what is in lists is said item by item. */
        row =
            row->type == FIELD_OBJECT && json_type(value) == JSON_OBJECT ? row + 1 : next_beside(table, row);
    }
}

void check_table(const struct field_table *table, const struct json *spec, const struct json *old_spec,
                 struct findings *findings)
{
    check_rows(&(struct field_check){.table = table,
                                     .spec = spec,
                                     .old_spec = old_spec,
                                     .packages = field_packages(spec),
                                     .findings = findings,
                                     .where = &SPEC},
               spec, old_spec);
}

void check_spec(const struct check *check, struct findings *findings)
{
    check_table(&function_table, check->spec, check->old_spec, findings);
    for (size_t i = 0; i < rule_count; i++)
        rule_apply(&rules[i], check, "spec", false, findings);
}
