/* The rules on what hangs on a function: its URL, permissions, event sources. Private to the table of
 * rules. */
#pragma once

#include "common/function/rules.h"

enum rule_result look_source_members(const struct check *check, struct str *message);
enum rule_result look_source_batches(const struct check *check, struct str *message);
enum rule_result look_sources_distinct(const struct check *check, struct str *message);
enum rule_result look_permission_ids(const struct check *check, struct str *message);
enum rule_result look_permission_conditions(const struct check *check, struct str *message);
enum rule_result look_permission_sources(const struct check *check, struct str *message);
enum rule_result look_qualifiers(const struct check *check, struct str *message);
