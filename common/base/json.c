/* Strict JSON over cJSON. See json.h for ownership; any thread, one writer per tree. */
#include "common/base/json.h"

#include "common/base/json_memory.h"
#include "common/base/mem.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

/* 2^53: from there on one double stands for several integers. */
static const double MAX_EXACT = 0x1p53;

static const cJSON *in(const struct json *json)
{
    return (const cJSON *)json;
}

static cJSON *mut(struct json *json)
{
    return (cJSON *)json;
}

static struct json *out(cJSON *node)
{
    return (struct json *)node;
}

/* What cJSON refuses for no other reason than that memory is out. */
static cJSON *must(cJSON *node)
{
    if (!node)
        abort();
    return node;
}

static void must_do(cJSON_bool done)
{
    if (!done)
        abort();
}

/* --- parsing ------------------------------------------------------------------------------ */

/* Objects up to this size are searched by looking at each pair, larger ones by sorting: a peer
 * must not be able to ask for work that grows with the square of what it sent. */
enum { SMALL_OBJECT = 16 };

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* The members in the order of their keys. The caller frees the array. */
static const cJSON **sorted_members(const cJSON *object, size_t count)
{
    const cJSON **members = xcalloc(count, sizeof(const cJSON *));
    size_t used = 0;

    for (const cJSON *item = object->child; item; item = item->next)
        members[used++] = item;
    qsort(members, used, sizeof(const cJSON *), compare_keys);
    return members;
}

/* The name that an object has twice, or NULL. */
static const char *duplicate_key(const cJSON *object)
{
    size_t count = json_size((const struct json *)object);
    const char *found = NULL;

    if (count <= SMALL_OBJECT) {
        for (const cJSON *a = object->child; a; a = a->next)
            for (const cJSON *b = a->next; b; b = b->next)
                if (*a->string == *b->string && strcmp(a->string, b->string) == 0)
                    return a->string;
        return NULL;
    }
    const cJSON **members = sorted_members(object, count);

    for (size_t i = 1; i < count && !found; i++)
        if (strcmp(members[i - 1]->string, members[i]->string) == 0)
            found = members[i]->string;
    free(members);
    return found;
}

/* Keys may have become the same where something was mended. */
static int check_tree(const cJSON *node, bool mended, struct err *err)
{
    if (node->type == cJSON_Number && !isfinite(node->valuedouble))
        return err_set(err, ERR_INVALID, "JSON: a number out of range");
    if (node->type == cJSON_Object && !mended) {
        const char *twice = duplicate_key(node);

        if (twice)
            return err_set(err, ERR_INVALID, "JSON: the key \"%.100s\" occurs twice", twice);
    }
    for (const cJSON *item = node->child; item; item = item->next) {
        int r = check_tree(item, mended, err);

        if (r < 0)
            return r;
    }
    return 0;
}

static int parse(struct str_view text, const struct json_extent *extent, struct json **ret_json,
                 struct err *err)
{
    json_block_start(extent);
    cJSON *root = cJSON_ParseWithLength(text.ptr, text.len);
    json_block_end();

    if (!root) /* the scan lets nothing pass that cJSON refuses; were it so, a peer must not end us */
        return err_set(err, ERR_INVALID, "JSON: not readable");
    int r = check_tree(root, extent->mended, err);

    if (r < 0) {
        cJSON_Delete(root);
        return r;
    }
    *ret_json = out(root);
    return 0;
}

int json_parse(struct str_view text, struct json **ret_json, struct err *err)
{
    struct json_extent extent;
    int r = json_scan(text, NULL, JSON_MAX_VALUES, NULL, &extent, err);

    return r < 0 ? r : parse(text, &extent, ret_json, err);
}

int json_parse_without(struct str_view text, const struct json_unwanted *unwanted, size_t max_values,
                       struct json **ret_json, struct err *err)
{
    _cleanup_(str_done) struct str rest = STR_INIT(2 * text.len); /* "null" may be longer */
    struct json_extent extent;
    int r = json_scan(text, unwanted, max_values, &rest, &extent, err);

    return r < 0 ? r : parse(rest.len ? str_view_of(&rest) : text, &extent, ret_json, err);
}

void json_free(struct json *json)
{
    cJSON_Delete(mut(json));
}

size_t json_bytes(const struct json *json)
{
    return json ? json_block_bytes(json) : 0;
}

/* --- reading ------------------------------------------------------------------------------ */

enum json_type json_type(const struct json *json)
{
    const cJSON *node = in(json);

    if (!node)
        return JSON_ABSENT;
    switch (node->type & 0xFF) {
    case cJSON_False:
    case cJSON_True:
        return JSON_BOOL;
    case cJSON_Number:
        return JSON_NUMBER;
    case cJSON_String:
        return JSON_STRING;
    case cJSON_Array:
        return JSON_ARRAY;
    case cJSON_Object:
        return JSON_OBJECT;
    default:
        return JSON_NULL;
    }
}

const char *json_type_name(const struct json *json)
{
    static const char *const names[] = {"absent", "null", "boolean", "number", "string", "array", "object"};

    return names[json_type(json)];
}

static bool is_key(const char *string, const char *key, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (string[i] != key[i])
            return false;
    return string[len] == '\0';
}

/* Every check of every field asks this; cJSON's own search takes five times as long. */
static const struct json *member(const struct json *object, const char *key, size_t len)
{
    if (json_type(object) != JSON_OBJECT)
        return NULL;
    for (const cJSON *item = in(object)->child; item; item = item->next)
        if (is_key(item->string, key, len))
            return (const struct json *)item;
    return NULL;
}

const struct json *json_get(const struct json *object, const char *key)
{
    return key ? member(object, key, strlen(key)) : NULL;
}

const struct json *json_at(const struct json *root, const char *dotted_path)
{
    const struct json *node = root;

    while (node && *dotted_path) {
        size_t len = (size_t)(strchrnul(dotted_path, '.') - dotted_path);

        node = member(node, dotted_path, len);
        dotted_path += len + (dotted_path[len] == '.');
    }
    return node;
}

const char *json_str(const struct json *json)
{
    return json_type(json) == JSON_STRING ? in(json)->valuestring : NULL;
}

const char *json_str_at(const struct json *root, const char *dotted_path)
{
    return json_str(json_at(root, dotted_path));
}

bool json_int(const struct json *json, int64_t *ret_value)
{
    if (json_type(json) != JSON_NUMBER)
        return false;
    double value = in(json)->valuedouble;

    if (value != trunc(value) || fabs(value) >= MAX_EXACT)
        return false;
    *ret_value = (int64_t)value;
    return true;
}

double json_number(const struct json *json, double otherwise)
{
    return json_type(json) == JSON_NUMBER ? in(json)->valuedouble : otherwise;
}

int64_t json_int_at(const struct json *root, const char *dotted_path, int64_t otherwise)
{
    int64_t value = otherwise;

    return json_int(json_at(root, dotted_path), &value) ? value : otherwise;
}

bool json_is_true(const struct json *json)
{
    return cJSON_IsTrue(in(json));
}

size_t json_size(const struct json *json)
{
    size_t count = 0;

    for (const struct json *item = json_first(json); item; item = json_next(item))
        count++;
    return count;
}

static bool equal_members(const struct json *a, const struct json *b)
{
    size_t count = json_size(a);

    if (count != json_size(b))
        return false;
    if (count > SMALL_OBJECT) {
        _cleanup_(freep) const cJSON **of_a = sorted_members(in(a), count);
        _cleanup_(freep) const cJSON **of_b = sorted_members(in(b), count);
        bool equal = true;

        for (size_t i = 0; i < count && equal; i++)
            equal = strcmp(of_a[i]->string, of_b[i]->string) == 0 &&
                    json_equal((const struct json *)of_a[i], (const struct json *)of_b[i]);
        return equal;
    }
    for (const struct json *item = json_first(a); item; item = json_next(item)) {
        const struct json *other = json_get(b, json_key(item));

        if (!other || !json_equal(item, other))
            return false;
    }
    return true;
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (json_type(a) != json_type(b))
        return false;
    switch (json_type(a)) {
    case JSON_BOOL:
        return json_is_true(a) == json_is_true(b);
    case JSON_NUMBER:
        return !(in(a)->valuedouble < in(b)->valuedouble || in(a)->valuedouble > in(b)->valuedouble);
    case JSON_STRING:
        return strcmp(json_str(a), json_str(b)) == 0;
    case JSON_OBJECT:
        return equal_members(a, b);
    case JSON_ARRAY:
        a = json_first(a);
        b = json_first(b);
        while (a && b && json_equal(a, b)) {
            a = json_next(a);
            b = json_next(b);
        }
        return !a && !b;
    default:
        return true;
    }
}

const struct json *json_first(const struct json *container)
{
    return container ? (const struct json *)in(container)->child : NULL;
}

const struct json *json_next(const struct json *item)
{
    return item ? (const struct json *)in(item)->next : NULL;
}

const char *json_key(const struct json *member)
{
    return member ? in(member)->string : NULL;
}

/* --- building ----------------------------------------------------------------------------- */

struct json *json_new_object(void)
{
    return out(must(cJSON_CreateObject()));
}

struct json *json_new_array(void)
{
    return out(must(cJSON_CreateArray()));
}

struct json *json_new_string(const char *text)
{
    return out(must(cJSON_CreateString(text)));
}

struct json *json_new_int(int64_t value)
{
    return out(must(cJSON_CreateNumber((double)value)));
}

struct json *json_new_number(double value)
{
    return out(must(cJSON_CreateNumber(value)));
}

struct json *json_new_bool(bool value)
{
    return out(must(cJSON_CreateBool(value)));
}

static void add_extent(const cJSON *node, struct json_extent *extent)
{
    const char *const strings[] = {node->string, node->valuestring};

    extent->values++;
    for (size_t i = 0; i < ARRAY_LEN(strings); i++)
        if (strings[i]) {
            extent->strings++;
            extent->bytes += strlen(strings[i]);
        }
    for (const cJSON *item = node->child; item; item = item->next)
        add_extent(item, extent);
}

struct json *json_copy(const struct json *json)
{
    struct json_extent extent = {0};

    if (!json)
        return NULL;
    add_extent(in(json), &extent);
    json_block_start(&extent);
    cJSON *copy = must(cJSON_Duplicate(in(json), true));
    json_block_end();
    return out(copy);
}

void json_set(struct json *object, const char *key, struct json *value)
{
    /* The key may belong to the member that goes: it is replaced before it is freed. */
    if (!value)
        cJSON_DeleteItemFromObjectCaseSensitive(mut(object), key);
    else if (json_get(object, key))
        must_do(cJSON_ReplaceItemInObjectCaseSensitive(mut(object), key, mut(value)));
    else
        must_do(cJSON_AddItemToObject(mut(object), key, mut(value)));
}

void json_set_str(struct json *object, const char *key, const char *text)
{
    if (text)
        json_set(object, key, json_new_string(text));
}

void json_append(struct json *array, struct json *value)
{
    must_do(cJSON_AddItemToArray(mut(array), mut(value)));
}

struct json *json_make_object(struct json *object, const char *key)
{
    cJSON *member = cJSON_GetObjectItemCaseSensitive(mut(object), key);

    if (!cJSON_IsObject(member)) {
        member = must(cJSON_CreateObject());
        json_set(object, key, out(member));
    }
    return out(member);
}

void json_set_at(struct json *root, const char *dotted_path, struct json *value)
{
    const char *dot;

    while ((dot = strchr(dotted_path, '.'))) {
        _cleanup_(freep) char *key = xstrndup(dotted_path, (size_t)(dot - dotted_path));

        root = json_make_object(root, key);
        dotted_path = dot + 1;
    }
    json_set(root, dotted_path, value);
}

/* --- printing ----------------------------------------------------------------------------- */

static void print_number(double value, struct str *text)
{
    char shortest[32];

    if (value == trunc(value) && fabs(value) < 0x1p63) {
        str_addf(text, "%lld", (long long)value);
        return;
    }
    /* The fewest digits that read as the same double; 17 always do. */
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(shortest, sizeof(shortest), "%.*g", digits, value);
        double again = strtod(shortest, NULL);

        if (!(again < value || again > value))
            break;
    }
    str_add(text, shortest);
}

void json_print(const struct json *json, struct str *text)
{
    bool keyed = false;

    switch (json_type(json)) {
    case JSON_ABSENT:
    case JSON_NULL:
        str_add(text, "null");
        return;
    case JSON_BOOL:
        str_add(text, json_is_true(json) ? "true" : "false");
        return;
    case JSON_NUMBER:
        print_number(in(json)->valuedouble, text);
        return;
    case JSON_STRING:
        str_add_json(text, json_str(json));
        return;
    case JSON_OBJECT:
        keyed = true;
        break;
    case JSON_ARRAY:
        break;
    }
    str_add(text, keyed ? "{" : "[");
    for (const struct json *item = json_first(json); item; item = json_next(item)) {
        if (keyed) {
            str_add_json(text, json_key(item));
            str_add(text, ":");
        }
        json_print(item, text);
        if (json_next(item))
            str_add(text, ",");
    }
    str_add(text, keyed ? "}" : "]");
}

char *json_text(const struct json *json)
{
    struct str text = STR_INIT(64 << 20);

    json_print(json, &text);
    return str_take(&text);
}
