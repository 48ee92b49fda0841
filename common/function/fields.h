/* The one table that describes a function: a row for each field of a LambdaFunction's spec.
 *
 * From it come the CRD's schema, the checks at admission, the bodies of the requests to AWS, the
 * comparison with what AWS reports, how a removed field is cleared, and the field reference.
 * Supporting another member of the Lambda API is one row here and no other line. */
#pragma once

#include "common/base/json.h"

enum field_type {
    FIELD_OBJECT, /* has rows of its own below it */
    FIELD_STRING,
    FIELD_INT,
    FIELD_BOOL,
    FIELD_LIST,    /* of strings */
    FIELD_MAP,     /* of strings to strings */
    FIELD_OBJECTS, /* a list of objects; the rows of an item's members are below "<path>[]." */
    FIELD_PARTIAL, /* members of a LambdaFunction's spec: the rows that can have a default; none is required
                    */
};

enum field_call {
    CALL_NONE = 0,          /* CreateFunction at most: it cannot be changed afterwards, or is not AWS's */
    CALL_CODE = 1,          /* UpdateFunctionCode */
    CALL_CONFIGURATION = 2, /* UpdateFunctionConfiguration */
    CALL_TAGS = 3,          /* TagResource, UntagResource */

    /* Each by a call of its own: the table of side calls in plan_sides.c. */
    CALL_CONCURRENCY,
    CALL_EVENT_INVOKE,
    CALL_RECURSION,
    CALL_RUNTIME_MANAGEMENT,
    CALL_CODE_SIGNING,

    /* Lists whose items have calls of their own, item by item. */
    CALL_ALIAS, /* plan_aliases.c */

    /* The URL, and lists of what hangs on a function: the table in plan_attached.c. */
    CALL_FUNCTION_URL,
    CALL_PERMISSIONS,
    CALL_EVENT_SOURCES,
};

enum { FOR_ZIP = 1, FOR_IMAGE = 2, FOR_ALL = FOR_ZIP | FOR_IMAGE }; /* package types */

enum field_arn {
    ARN_NONE,
    ARN_GLOBAL,   /* must be in the partition of the function's region */
    ARN_REGIONAL, /* and in that region, where the ARN names one */
};

struct field {
    const char *path; /* below spec: "environment.variables", "environment.valueFrom[].name" */
    const char
        *member; /* in CreateFunction: "Environment.Variables"; NULL: not AWS's. Below "[]": in the item */
    enum field_type type;
    enum field_call call; /* what carries a change; CreateFunction carries all but the side calls */
    int64_t min, max;     /* of an int's value, a string's characters, a list's items, a map's entries */
    const char *max_hint; /* why not more, where that is not AWS's limit; may be NULL */
    int64_t usual_max;    /* of an int without any of the fields `more_with`, which allow `max`; 0: none */
    const char *more_with[3];  /* ends with NULL */
    const char *pattern;       /* of a string, a list's items, a map's values; RE2 and POSIX ERE alike */
    const char *pattern_hint;  /* the pattern in words: "an ARN of an IAM role, such as …" */
    const char *key_pattern;   /* of a map's keys */
    const char *key_hint;      /* the same in words */
    int64_t key_max;           /* characters of a key; 0: no limit of its own */
    int64_t item_max;          /* characters of an item or a map's value; 0: no limit of its own */
    const char *const *values; /* the only ones allowed, NULL-terminated */
    const char *list_key;      /* of objects: the member that tells items apart; NULL: their order does */
    const char *otherwise;     /* JSON: the CRD's default. Only for what is not AWS's: see `unset` */
    const char *unset;         /* JSON: what AWS has when nothing was declared, and what is sent to clear the
                                  field ("{functionName}" stands for that); "null": it is cleared by leaving it
                                  out; NULL: it cannot be cleared */
    const char *only_path;     /* the field is allowed, and sent, only where that field … */
    const char *only_value;    /* … has this value */
    bool only_warns;           /* elsewhere it is merely without effect */
    const char *observed;      /* where GetFunction's answer shows it; NULL: "Configuration.<member>", for a
                                  side call "<its answer>.<member>" */
    const char *observed_item; /* the list's items are objects there, with the value in this member */
    const char *deployed;      /* no answer shows it; status.deployed remembers it under this name */
    enum field_arn arn;        /* what it, or an item of the list, points to */
    bool any_order;            /* of the list's items */
    bool immutable;
    bool no_default;      /* one function's own: a policy has no default for it */
    bool secret;          /* values are never shown: not in messages, status, logs */
    unsigned required;    /* for functions of these package types, after defaults */
    unsigned forbidden;   /* for functions of these package types */
    bool schema_required; /* and no policy can fill it in: the CRD says so itself */
    const char *doc;      /* a sentence or two, as `kubectl explain` shows it */
};

extern const struct field fields[];
extern const size_t field_count;

/* The rows that describe a spec: a function's, which are those above, or a policy's. */
struct field_table {
    const struct field *rows;
    size_t count;
    uint8_t *below; /* how many rows are below each: they follow it; counted before main */
};

extern const struct field_table function_table, policy_table;

const struct field *field_find(const char *path); /* NULL: no such row */

/* The row's path within one item of the list of objects `list`, or within the spec when `list` is NULL;
 * NULL when the row is not directly there. */
const char *field_path_in(const struct field *field, const struct field *list);

/* Can a policy have a default for it? Not where the CRD has one, which is filled in before. */
bool field_can_default(const struct field *field);

/* Can a value be set at the path: is everything above it an object, or absent? */
bool field_has_room(const struct json *spec, const char *path);

/* The declared value, or NULL; NULL for what is below "[]". */
static inline const struct json *field_value(const struct field *field, const struct json *spec)
{
    return json_at(spec, field->path);
}

/* The list at the path; NULL when it is none, or longer than it may be: its field says so, and what compares
 * its items with each other, or asks about each, leaves it alone. */
const struct json *field_list(const char *path, const struct json *spec);

/* The same of a map, whose entries are found one after the other. */
const struct json *field_map(const char *path, const struct json *spec);

/* FOR_IMAGE where packageType says so, or where it says neither and an image is declared; else FOR_ZIP. */
unsigned field_packages(const struct json *spec);

/* What AWS has when nothing is declared (JSON's null: no such member); NULL where that is not known. The
 * caller frees. */
struct json *field_unset(const struct field *field, const struct json *spec);
