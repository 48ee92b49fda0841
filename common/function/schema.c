/* The CRDs and the field references from the tables of fields. Pure. */
#include "common/function/schema.h"

#include "common/base/mem.h"
#include "common/function/fields.h"

#include <stdio.h>

/* A built-in document; it must parse. */
static struct json *literal(const char *text)
{
    struct json *json = NULL;
    struct err err;

    if (json_parse(view(text), &json, &err) < 0) {
        fprintf(stderr, "%s in: %s\n", err.msg, text);
        abort();
    }
    return json;
}

static void set_int(struct json *schema, const char *key, int64_t value)
{
    json_set(schema, key, json_new_int(value));
}

/* The limits of one text: a string field, an item, or a map's value. */
static void limit_text(const struct field *field, struct json *schema, int64_t max)
{
    json_set_str(schema, "type", "string");
    if (max > 0)
        set_int(schema, "maxLength", max);
    if (field->pattern) {
        _cleanup_(freep) char *anchored = xasprintf("^(%s)$", field->pattern);

        json_set_str(schema, "pattern", anchored);
    }
    if (field->values) {
        struct json *values = json_new_array();

        for (size_t i = 0; field->values[i]; i++)
            json_append(values, json_new_string(field->values[i]));
        json_set(schema, "enum", values);
    }
}

static void place_all(struct json *object, const struct field_table *table, bool partial);

/* `partial`: as a default in a policy, which nothing requires and everything may change. */
static struct json *field_schema(const struct field *field, bool partial)
{
    struct json *schema = json_new_object();

    json_set_str(schema, "description", field->doc);
    switch (field->type) {
    case FIELD_OBJECT:
        json_set_str(schema, "type", "object");
        json_set(schema, "properties", json_new_object());
        break;
    case FIELD_STRING:
        limit_text(field, schema, field->max);
        if (field->min > 0)
            set_int(schema, "minLength", field->min);
        break;
    case FIELD_INT:
        json_set_str(schema, "type", "integer");
        json_set_str(schema, "format", "int32");
        set_int(schema, "minimum", field->min);
        set_int(schema, "maximum", field->max);
        break;
    case FIELD_BOOL:
        json_set_str(schema, "type", "boolean");
        break;
    case FIELD_LIST:
        json_set_str(schema, "type", "array");
        json_set_str(schema, "x-kubernetes-list-type", field->any_order ? "set" : "atomic");
        limit_text(field, json_make_object(schema, "items"), field->item_max);
        if (field->min > 0)
            set_int(schema, "minItems", field->min);
        set_int(schema, "maxItems", field->max);
        break;
    case FIELD_MAP:
        json_set_str(schema, "type", "object");
        limit_text(field, json_make_object(schema, "additionalProperties"), field->item_max);
        set_int(schema, "maxProperties", field->max);
        break;
    case FIELD_OBJECTS:
        json_set_str(schema, "type", "array");
        json_set_str(schema, "x-kubernetes-list-type", field->list_key ? "map" : "atomic");
        if (field->list_key) {
            struct json *keys = json_new_array();

            json_append(keys, json_new_string(field->list_key));
            json_set(schema, "x-kubernetes-list-map-keys", keys);
        }
        json_set_str(json_make_object(schema, "items"), "type", "object");
        if (field->min > 0)
            set_int(schema, "minItems", field->min);
        set_int(schema, "maxItems", field->max);
        break;
    case FIELD_PARTIAL:
        json_set_str(schema, "type", "object");
        place_all(schema, &function_table, true);
        break;
    }
    if (field->otherwise)
        json_set(schema, "default", literal(field->otherwise));
    /* Within a list a rule would cost much, and the words would be others: the checks tell. */
    if (field->immutable && !partial && !strstr(field->path, "[]"))
        json_set(schema, "x-kubernetes-validations",
                 literal("[{\"rule\": \"self == oldSelf\", \"message\": \"cannot be changed; create a new "
                         "LambdaFunction instead\"}]"));
    return schema;
}

/* Puts a field's schema where its path says: "code.s3Key" below spec.properties.code.properties, "a[].b"
 * below that of a's items. */
static void place(struct json *object, const struct field *field, bool partial)
{
    struct json *parent = object;
    const char *name = field->path, *dot;

    while ((dot = strchr(name, '.'))) {
        _cleanup_(freep) char *key = xstrndup(name, strcspn(name, "[."));

        parent = json_make_object(json_make_object(parent, "properties"), key);
        if (dot[-1] == ']')
            parent = json_make_object(parent, "items");
        name = dot + 1;
    }
    json_set(json_make_object(parent, "properties"), name, field_schema(field, partial));
    if (field->schema_required && (!partial || strstr(field->path, "[]."))) {
        struct json *required = json_copy(json_get(parent, "required"));

        if (!required)
            required = json_new_array();
        json_append(required, json_new_string(name));
        json_set(parent, "required", required);
    }
}

static void place_all(struct json *object, const struct field_table *table, bool partial)
{
    for (size_t i = 0; i < table->count; i++)
        if (!partial || field_can_default(&table->rows[i]))
            place(object, &table->rows[i], partial);
}

#define CONDITIONS(description)                                                                              \
    "\"conditions\": {\"type\": \"array\", \"x-kubernetes-list-type\": \"map\", "                            \
    "\"x-kubernetes-list-map-keys\": "                                                                       \
    "[\"type\"], \"description\": \"" description                                                            \
    "\", \"items\": {\"type\": \"object\", \"required\": [\"type\", \"status\", \"lastTransitionTime\", "    \
    "\"reason\", \"message\"], \"properties\": {\"type\": {\"type\": \"string\"}, "                          \
    "\"status\": {\"type\": \"string\", \"enum\": [\"True\", \"False\", \"Unknown\"]}, "                     \
    "\"observedGeneration\": {\"type\": \"integer\", \"format\": \"int64\"}, "                               \
    "\"lastTransitionTime\": {\"type\": \"string\", \"format\": \"date-time\"}, "                            \
    "\"reason\": {\"type\": \"string\"}, \"message\": {\"type\": \"string\"}}}}"

#define CODE_MEMBERS                                                                                         \
    "\"bucket\": {\"type\": \"string\"}, \"key\": {\"type\": \"string\"}, \"versionId\": {\"type\": "        \
    "\"string\"}, \"imageUri\": {\"type\": \"string\"}, "                                                    \
    "\"codeSha256\": {\"type\": \"string\", \"description\": \"Base64 of the archive's SHA-256, as AWS "     \
    "reports it.\"}"

static const char FUNCTION_STATUS[] =
    "{\"type\": \"object\", \"description\": \"What the controller saw last.\","
    " \"default\": {\"observedGeneration\": -1},"
    " \"properties\": {"
    "  \"observedGeneration\": {\"type\": \"integer\", \"format\": \"int64\", \"description\": \"Generation "
    "of the "
    "spec that the status speaks of.\"},"
    "  \"functionArn\": {\"type\": \"string\", \"description\": \"ARN of the function.\"},"
    "  \"state\": {\"type\": \"string\", \"description\": \"AWS's State of the function.\"},"
    "  \"lastUpdateStatus\": {\"type\": \"string\", \"description\": \"AWS's LastUpdateStatus of the "
    "function.\"},"
    "  \"functionUrl\": {\"type\": \"string\", \"description\": \"The function's URL.\"},"
    "  \"eventSources\": {\"type\": \"array\", \"x-kubernetes-list-type\": \"map\", "
    "\"x-kubernetes-list-map-keys\": [\"name\"], \"description\": \"Event sources, as AWS has them.\", "
    "\"items\": {\"type\": \"object\", \"required\": [\"name\"], \"properties\": {\"name\": {\"type\": "
    "\"string\"}, \"uuid\": {\"type\": \"string\", \"description\": \"Of the mapping.\"}, \"state\": "
    "{\"type\": \"string\", \"description\": \"AWS's State of the mapping.\"}}}},"
    "  \"managed\": {\"type\": \"array\", \"x-kubernetes-list-type\": \"atomic\", \"items\": {\"type\": "
    "\"string\"},"
    "   \"description\": \"Optional fields that were declared: they are cleared in AWS when they are "
    "removed.\"},"
    "  \"deployed\": {\"type\": \"object\", \"description\": \"The code that is in force.\", \"properties\": "
    "{" CODE_MEMBERS ", \"storageMode\": {\"type\": \"string\"},"
    "   \"etag\": {\"type\": \"string\", \"description\": \"The archive's in S3, where that is known.\"},"
    "   \"redeploy\": {\"type\": \"string\", \"description\": \"The annotation kubelambda.io/redeploy "
    "that it was deployed for last.\"}}},"
    "  \"version\": {\"type\": \"string\", \"description\": \"Version that was published of what is in "
    "force.\"},"
    "  \"versions\": {\"type\": \"string\", \"description\": \"Numbers of the versions that there are, also "
    "other people's: 1-3,5.\"},"
    "  \"aliases\": {\"type\": \"array\", \"x-kubernetes-list-type\": \"map\", "
    "\"x-kubernetes-list-map-keys\": "
    "[\"name\"], \"description\": \"The declared aliases as AWS has them.\", \"items\": {\"type\": "
    "\"object\", "
    "\"required\": [\"name\"], \"properties\": {"
    "   \"name\": {\"type\": \"string\"}, \"version\": {\"type\": \"string\"},"
    "   \"additionalVersion\": {\"type\": \"string\"}, \"weight\": {\"type\": \"integer\", \"description\": "
    "\"Percent of the invocations that the additional version gets.\"},"
    "   \"provisionedConcurrency\": {\"type\": \"object\", \"properties\": {\"requested\": {\"type\": "
    "\"integer\"}, \"available\": {\"type\": \"integer\"}, \"status\": {\"type\": \"string\"}}}}}},"
    "  \"history\": {\"type\": \"array\", \"x-kubernetes-list-type\": \"atomic\", \"maxItems\": 10, "
    "\"description\": \"What was in force, the newest first; `kubelambda rollback` puts one back.\", "
    "\"items\": {\"type\": \"object\", \"properties\": {"
    "   \"time\": {\"type\": \"string\", \"format\": \"date-time\"}, \"generation\": {\"type\": "
    "\"integer\", \"format\": \"int64\"}, \"version\": {\"type\": \"string\"}, " CODE_MEMBERS "}}},"
    "  \"appliedGeneration\": {\"type\": \"integer\", \"format\": \"int64\", \"description\": "
    "\"Generation of the spec that was in force last: what AWS has otherwise is drift. 0: none is, but "
    "the function was there before.\"}," CONDITIONS(
        "Ready: everything declared is in force. Reconciling: being worked on or retried. Stalled: "
        "needs a person. Drifted: AWS was changed by somebody else, or the archive was overwritten.") " }}";

static const char FUNCTION_VERSION[] =
    "{\"name\": \"v1alpha1\", \"served\": true, \"storage\": true, \"subresources\": {\"status\": {}},"
    " \"selectableFields\": [{\"jsonPath\": \".spec.functionName\"}, {\"jsonPath\": \".spec.region\"},"
    "  {\"jsonPath\": \".spec.runtime\"}],"
    " \"additionalPrinterColumns\": ["
    "  {\"name\": \"Function\", \"type\": \"string\", \"jsonPath\": \".spec.functionName\"},"
    "  {\"name\": \"Runtime\", \"type\": \"string\", \"jsonPath\": \".spec.runtime\"},"
    "  {\"name\": \"Ready\", \"type\": \"string\", \"jsonPath\": "
    "\".status.conditions[?(@.type=='Ready')].status\"},"
    "  {\"name\": \"Status\", \"type\": \"string\", \"jsonPath\": "
    "\".status.conditions[?(@.type=='Ready')].reason\"},"
    "  {\"name\": \"Version\", \"type\": \"string\", \"jsonPath\": \".status.version\"},"
    "  {\"name\": \"Region\", \"type\": \"string\", \"jsonPath\": \".spec.region\", \"priority\": 1},"
    "  {\"name\": \"Message\", \"type\": \"string\", \"jsonPath\": "
    "\".status.conditions[?(@.type=='Ready')].message\", \"priority\": 1},"
    "  {\"name\": \"Age\", \"type\": \"date\", \"jsonPath\": \".metadata.creationTimestamp\"}]}";

static const char POLICY_STATUS[] =
    "{\"type\": \"object\", \"description\": \"What the controller counted last.\", \"properties\": {"
    "  \"observedGeneration\": {\"type\": \"integer\", \"format\": \"int64\", \"description\": \"Generation "
    "of "
    "the spec that the status speaks of.\"},"
    "  \"functions\": {\"type\": \"integer\", \"format\": \"int64\", \"description\": \"LambdaFunctions in "
    "the "
    "namespaces that the policy selects.\"},"
    "  \"violations\": {\"type\": \"integer\", \"format\": \"int64\", \"description\": \"Those of them that "
    "break it: they were there before it, or it only warns.\"}," CONDITIONS(
        "Ready: in force, or what is wrong with it. Compliant: no function breaks it, or which do.") " }}";

static const char POLICY_VERSION[] =
    "{\"name\": \"v1alpha1\", \"served\": true, \"storage\": true, \"subresources\": {\"status\": {}},"
    " \"additionalPrinterColumns\": ["
    "  {\"name\": \"Priority\", \"type\": \"integer\", \"jsonPath\": \".spec.priority\"},"
    "  {\"name\": \"Environment\", \"type\": \"string\", \"jsonPath\": \".spec.environment\"},"
    "  {\"name\": \"Enforcement\", \"type\": \"string\", \"jsonPath\": \".spec.enforcement\"},"
    "  {\"name\": \"Functions\", \"type\": \"integer\", \"jsonPath\": \".status.functions\"},"
    "  {\"name\": \"Violations\", \"type\": \"integer\", \"jsonPath\": \".status.violations\"},"
    "  {\"name\": \"Ready\", \"type\": \"string\", \"jsonPath\": "
    "\".status.conditions[?(@.type=='Ready')].status\", \"priority\": 1},"
    "  {\"name\": \"Message\", \"type\": \"string\", \"jsonPath\": "
    "\".status.conditions[?(@.type=='Compliant')].message\", \"priority\": 1},"
    "  {\"name\": \"Age\", \"type\": \"date\", \"jsonPath\": \".metadata.creationTimestamp\"}]}";

struct kind {
    const char *head, *version, *status;
    const char *description, *spec_description;
    const struct field_table *table;
};

static const struct kind function_kind = {
    .head = "{\"apiVersion\": \"apiextensions.k8s.io/v1\", \"kind\": \"CustomResourceDefinition\","
            " \"metadata\": {\"name\": \"lambdafunctions.kubelambda.io\"},"
            " \"spec\": {\"group\": \"kubelambda.io\", \"scope\": \"Namespaced\","
            "  \"names\": {\"kind\": \"LambdaFunction\", \"listKind\": \"LambdaFunctionList\","
            "   \"plural\": \"lambdafunctions\", \"singular\": \"lambdafunction\","
            "   \"shortNames\": [\"lf\", \"lambda\"], \"categories\": [\"all\", \"aws\"]}}}",
    .version = FUNCTION_VERSION,
    .status = FUNCTION_STATUS,
    .description = "An AWS Lambda function, declared.",
    .spec_description = "The function as it should be. An absent member is AWS's default.",
    .table = &function_table,
};

static const struct kind policy_kind = {
    .head = "{\"apiVersion\": \"apiextensions.k8s.io/v1\", \"kind\": \"CustomResourceDefinition\","
            " \"metadata\": {\"name\": \"lambdapolicies.kubelambda.io\"},"
            " \"spec\": {\"group\": \"kubelambda.io\", \"scope\": \"Cluster\","
            "  \"names\": {\"kind\": \"LambdaPolicy\", \"listKind\": \"LambdaPolicyList\","
            "   \"plural\": \"lambdapolicies\", \"singular\": \"lambdapolicy\","
            "   \"shortNames\": [\"lp\"]}}}",
    .version = POLICY_VERSION,
    .status = POLICY_STATUS,
    .description = "What the LambdaFunctions of some namespaces get by default, must have, and may have.",
    .spec_description = "Of several policies for a namespace, defaults come from the one with the highest "
                        "priority that sets them, and the constraints of all hold.",
    .table = &policy_table,
};

static struct json *crd_of(const struct kind *kind)
{
    struct json *crd = literal(kind->head), *version = literal(kind->version);
    struct json *schema = literal("{\"type\": \"object\", \"required\": [\"spec\"]}");
    struct json *versions = json_new_array(), *properties, *spec;

    json_set_str(schema, "description", kind->description);
    properties = json_make_object(schema, "properties");
    json_set(properties, "apiVersion", literal("{\"type\": \"string\"}"));
    json_set(properties, "kind", literal("{\"type\": \"string\"}"));
    json_set(properties, "metadata", literal("{\"type\": \"object\"}"));
    spec = json_make_object(properties, "spec");
    json_set_str(spec, "type", "object");
    json_set_str(spec, "description", kind->spec_description);
    place_all(spec, kind->table, false);
    json_set(properties, "status", literal(kind->status));
    json_set(json_make_object(version, "schema"), "openAPIV3Schema", schema);
    json_append(versions, version);
    json_set_at(crd, "spec.versions", versions);
    return crd;
}

struct json *schema_function_crd(void)
{
    return crd_of(&function_kind);
}

struct json *schema_policy_crd(void)
{
    return crd_of(&policy_kind);
}

static void add_limits(const struct field *field, struct str *out)
{
    static const char *const packages[] = {
        [FOR_ZIP] = " of Zip functions", [FOR_IMAGE] = " of Image functions", [FOR_ALL] = ""};

    if (field->max > 0)
        str_addf(out, "%lld–%lld", (long long)field->min, (long long)field->max);
    for (size_t i = 0; field->values && field->values[i]; i++)
        str_addf(out, "%s%s", i > 0 ? ", " : field->max > 0 ? " of " : "", field->values[i]);
    if (field->required || field->schema_required)
        str_addf(out, " required%s", packages[field->required ? field->required : FOR_ALL]);
    else if (field->forbidden)
        str_addf(out, " only%s", packages[FOR_ALL & ~field->forbidden]);
    if (field->only_path)
        str_addf(out, " only with `%s` %s", field->only_path, field->only_value);
    if (field->immutable)
        str_add(out, " immutable");
}

static const char *const type_names[] = {
    [FIELD_OBJECT] = "object",
    [FIELD_STRING] = "string",
    [FIELD_INT] = "integer",
    [FIELD_LIST] = "list of strings",
    [FIELD_MAP] = "map of strings",
    [FIELD_BOOL] = "true or false",
    [FIELD_OBJECTS] = "list of objects",
    [FIELD_PARTIAL] = "members of a LambdaFunction's spec",
};

/* What AWS has once a declared value is removed. */
static void add_removed(const struct field *field, struct str *out)
{
    if (field->unset && !strstr(field->path, "[]."))
        str_addf(out, "%s%s%s", str_equal(field->unset, "null") ? "none" : "`",
                 str_equal(field->unset, "null") ? "" : field->unset,
                 str_equal(field->unset, "null") ? "" : "`");
    else if ((field->call == CALL_CODE || field->call == CALL_CONFIGURATION) && !field->required)
        str_add(out, "it stays");
}

void schema_function_reference(struct str *out)
{
    str_add(out,
            "| field | type | limits | AWS member | removed | what it is |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];

        str_addf(out, "| `%s` | %s | ", field->path, type_names[field->type]);
        add_limits(field, out);
        str_addf(out, " | %s%s%s | ", field->member ? "`" : "", field->member ? field->member : "–",
                 field->member ? "`" : "");
        add_removed(field, out);
        str_addf(out, " | %s |\n", field->doc);
    }
}

void schema_policy_reference(struct str *out)
{
    str_add(out, "| field | type | limits | what it is |\n|---|---|---|---|\n");
    for (size_t i = 0; i < policy_table.count; i++) {
        const struct field *field = &policy_table.rows[i];

        str_addf(out, "| `%s` | %s | ", field->path, type_names[field->type]);
        add_limits(field, out);
        str_addf(out, " | %s |\n", field->doc);
    }
    str_add(out, "\nMembers of `defaults`:");
    for (size_t i = 0; i < field_count; i++)
        if (fields[i].type != FIELD_OBJECT && field_can_default(&fields[i]) && !strstr(fields[i].path, "[]."))
            str_addf(out, "%s `%s`", str_text(out)[out->len - 1] == ':' ? "" : ",", fields[i].path);
    str_add(out, ".\n");
}
