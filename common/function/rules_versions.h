/* The rules on versions and aliases. Private to the table of rules. */
#pragma once

#include "common/function/rules.h"

enum rule_result look_aliases_distinct(const struct check *check, struct str *message);
enum rule_result look_alias_publishing(const struct check *check, struct str *message);
enum rule_result look_alias_versions(const struct check *check, struct str *message);
enum rule_result look_alias_canary(const struct check *check, struct str *message);
enum rule_result look_alias_invoke(const struct check *check, struct str *message);
enum rule_result look_provisioned(const struct check *check, struct str *message);
enum rule_result look_provisioned_snapstart(const struct check *check, struct str *message);
