/* Strict JSON, the only user of cJSON.
 *
 * Refused although cJSON would let it pass: duplicate keys, bytes after the value, invalid UTF-8,
 * NUL (raw or escaped), halves of surrogate pairs, numbers that are not finite or longer than 63
 * characters, depth over 64, more than 400,000 values.
 *
 * Ownership: what json_parse and the constructors return is the caller's, freed by json_free
 * together with everything below it. What the getters return belongs to the tree. json_set and
 * json_append take the value over. A tree that nobody changes may be read by several threads. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct json; /* one value; NULL stands for "absent" in every reader */

enum json_type { JSON_ABSENT, JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_MAX_DEPTH = 64, JSON_MAX_VALUES = 400000 };

/* ERR_INVALID with the byte offset where it went wrong. A NUL in a string is refused: it would end a text. */
int json_parse(struct str_view text, struct json **ret_json, struct err *err)
    __attribute__((warn_unused_result));

/* Members that nobody looks at, by their place; ends with a row without a key. */
struct json_unwanted {
    const char *key;
    const struct json_unwanted
        *below;  /* only these of its value, or of each item of its list; NULL: all of it, unless strict */
    bool strict; /* it is wanted, and a NUL in it refused */
};

/* The same for what an API server sends. It stores what no other part may read: whoever may annotate one
 * object must not keep us from reading all of them. What is not wanted is read as null, and only its end is
 * looked for, however deep it is; a NUL elsewhere is read as U+FFFD. `unwanted` may be NULL.
 * `max_values` are wanted at most, JSON_MAX_VALUES or fewer. */
int json_parse_without(struct str_view text, const struct json_unwanted *unwanted, size_t max_values,
                       struct json **ret_json, struct err *err) __attribute__((warn_unused_result));
void json_free(struct json *json);
static inline void json_freep(struct json **json)
{
    json_free(*json);
}

/* About how much memory a whole tree takes that was parsed or copied. */
size_t json_bytes(const struct json *json);

/* Readers. Each accepts any value, also NULL, and answers "absent" when the type is another. */
enum json_type json_type(const struct json *json);
const char *json_type_name(const struct json *json); /* "string", "object", … for messages */
const struct json *json_get(const struct json *object, const char *key);
const struct json *json_at(const struct json *root, const char *dotted_path);
const char *json_str(const struct json *json); /* NULL unless a string */
const char *json_str_at(const struct json *root, const char *dotted_path);
bool json_int(const struct json *json, int64_t *ret_value); /* integral and below 2^53, so exact */
double json_number(const struct json *json, double otherwise);
int64_t json_int_at(const struct json *root, const char *dotted_path, int64_t otherwise);
bool json_is_true(const struct json *json);
size_t json_size(const struct json *json);                   /* members or items */
bool json_equal(const struct json *a, const struct json *b); /* object members in any order */

/* for (const struct json *item = json_first(list); item; item = json_next(item)) */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *item);
const char *json_key(const struct json *member); /* name of an object's member */

/* Builders. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text);
struct json *json_new_int(int64_t value); /* exact below 2^53 */
struct json *json_new_number(double value);
struct json *json_new_bool(bool value);
struct json *json_copy(const struct json *json);

/* Adds a member, or replaces it in its place. A NULL value removes it. */
void json_set(struct json *object, const char *key, struct json *value);
void json_set_str(struct json *object, const char *key, const char *text); /* NULL: nothing set */
void json_append(struct json *array, struct json *value);

/* The object at object[key], created when there is none; a value of another type gives way. */
struct json *json_make_object(struct json *object, const char *key);
/* Sets a value below objects that are created on the way: "environment.variables". */
void json_set_at(struct json *root, const char *dotted_path, struct json *value);

/* Compact text, always valid UTF-8; integers (below 2^63) without an exponent. */
void json_print(const struct json *json, struct str *out);
char *json_text(const struct json *json); /* the same as a new string */
