/* Versions and aliases of a function: which there are to be, which of ours go, and what status tells of them.
 * Pure: no I/O, no clock, no threads.
 *
 * A plan's `observed` shows them as
 *   "Versions"     what version_seen makes of the items of ListVersionsByFunction, the oldest first
 *   "Aliases"      the items of ListAliases
 *   "Provisioned"  an alias's name -> the answer of GetProvisionedConcurrencyConfig, {} where there is none
 *   "AliasInvoke"  an alias's name -> the answer of GetFunctionEventInvokeConfig, {} where there is none */
#pragma once

#include "common/function/plan.h"

#define VERSIONS "Versions"
#define VERSION_STAYS "Stays" /* true in a version that AWS did not let go of: it is not tried again */
#define ALIASES "Aliases"
#define PROVISIONED "Provisioned"
#define ALIAS_INVOKE "AliasInvoke"

/* Are versions or aliases declared, or were aliases? Only then AWS has to be asked for them. */
bool versions_matter(const struct json *spec, const struct json *managed);

/* Is a version published of each state that is in force? */
bool versions_publishes(const struct json *spec);

/* A new list of the names of the aliases that have the member ("provisionedConcurrency", "asyncInvoke") by
 * their declaration, or had it. */
struct json *aliases_with(const struct json *spec, const struct json *managed, const char *member);

/* A new object: what matters of a version's configuration; no values of environment variables. NULL for
 * $LATEST. */
struct json *version_seen(const struct json *configuration);

/* A new list of what version_seen made, the oldest first, in whatever order AWS shows them. */
struct json *versions_oldest_first(const struct json *versions);

/* The version that was published of what is in force; NULL: none that is known. */
const char *versions_published(const struct plan_input *input);

/* A new object with all that the status is to tell of versions and aliases; NULL: they have not been asked
 * for. */
struct json *versions_status(const struct plan_input *input);

/* What the ranges of status.versions ("1-3,5") say of a version. Numbers are never given anew. */
enum version_known { VERSION_THERE, VERSION_GONE, VERSION_LATER /* than any that was seen */ };
enum version_known version_known(const char *ranges, int64_t number);

/* Fills in what `status` tells of versions and aliases, and what `spec` declares of them, as if all of it
 * were in force. */
void versions_observed_from(const struct json *spec, const struct json *status, struct json *observed);
