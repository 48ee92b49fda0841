/* The parts of a plan. Private to the files plan*.c. */
#pragma once

#include "common/function/fields.h"
#include "common/function/plan.h"

/* Is the text an item of the list? */
bool plan_lists(const struct json *list, const char *text);

/* A field's value in the form of the request. `wanted`: what is declared; what clears it when it is ours
 * (declared before, or part of what is replaced as a whole), JSON's null when that is its absence; NULL when
 * it is none of our business. The caller frees. */
struct json *value_declared(const struct field *field, const struct json *spec);
struct json *value_wanted(const struct field *field, const struct plan_input *input, bool ours);

/* What AWS has; its default where the answer shows nothing. The caller frees. */
struct json *value_observed(const struct field *field, const struct plan_input *input);

/* Was the field declared before? */
bool value_ours(const struct field *field, const struct plan_input *input);

/* The value of a member of an item, with what the table knows of a list's items; declared, or as in requests
 * and answers. The caller frees. */
struct json *value_in_item(const struct field *field, const struct json *value, bool declared);

/* Are they the same, in any order where that says nothing? */
bool value_same(const struct field *field, const struct json *want, const struct json *have);

/* Where AWS's answers show the field: "Configuration.MemorySize". The caller frees. */
char *value_observed_path(const struct field *field);

/* Has AWS something else than is wanted? */
bool value_differs(const struct field *field, const struct plan_input *input, bool ours);

/* Is other code declared than the one that runs? */
bool plan_code_differs(const struct plan_input *input);

/* Are both in one member of one call, as "Environment" of "Environment.Variables", which AWS replaces as a
 * whole? */
bool value_shares_member(const struct field *a, const struct field *b);

/* Takes the value over. null: only the object that would hold it is there. */
void value_put(struct json *body, const char *member, struct json *value);

/* Takes over body, item and summary. */
void plan_add_step(struct plan *plan, enum plan_step_kind kind, struct json *body, char *summary);
void plan_add_item_step(struct plan *plan, enum plan_step_kind kind, const char *item, struct json *body,
                        char *summary);

/* The same, for what follows from the steps before it. */
void plan_add_waiting_step(struct plan *plan, enum plan_step_kind kind, const char *item, struct json *body,
                           char *summary);

void plan_block(struct plan *plan, const char *reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The steps of versions and aliases: what there is to be, before what hangs on it; what goes, after that, and
 * what is still waited for. Where there is a version to wait for, nothing follows. */
void plan_add_versions(const struct plan_input *input, struct plan *plan);
void plan_add_aliases(const struct plan_input *input, struct plan *plan);
void plan_drop_versions(const struct plan_input *input, struct plan *plan);
void plan_drop_aliases(const struct plan_input *input, struct plan *plan);
void plan_await_aliases(const struct plan_input *input, struct plan *plan);

/* The description of a version that we published begins with it. */
#define VERSION_MARK "kubelambda: generation "

/* Numbers of versions; NULL: there is none. What was published of what is declared; the newest of ours, of
 * those before another one. */
const char *versions_current(const struct plan_input *input);
const char *versions_newest(const struct plan_input *input, const char *before);

/* What PutFunctionEventInvokeConfig takes for a declared alias; a new object. */
struct json *alias_invoke_body(const struct json *alias);

/* What import makes of values in the form of requests: the items of a list of objects as the spec has them;
 * tags without AWS's and ours. Both take the value over. */
struct json *import_items(const struct field *list, struct json *value);
struct json *import_tags(struct json *tags);

/* Adds URL, permissions and event sources to the spec, and lines of comment on what cannot be declared. */
void import_attached(const struct json *observed, struct json *spec, struct str *comments);

/* For the spec: a new list of all aliases; NULL: none. Adds lines of comment on what cannot be declared. */
struct json *aliases_import(const struct json *observed, struct str *comments);

/* For the status: a new list of the declared aliases as AWS has them; NULL: none. */
struct json *aliases_status(const struct plan_input *input);

/* One by one, as they are wanted and as they are: the same members in the same form. */
void aliases_compare(const struct plan_input *input,
                     void (*each)(void *arg, const char *name, struct json *before, struct json *after),
                     void *arg);

/* The steps of the side calls, in the table's order. */
void plan_add_sides(const struct plan_input *input, struct plan *plan);

const struct plan_side *plan_side_of(enum field_call call); /* NULL: it is no side call */
