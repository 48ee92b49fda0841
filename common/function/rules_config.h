/* The rules on packages, networks, limits and the members that have a call of their own. Private to the
 * table of rules. */
#pragma once

#include "common/function/rules.h"

enum rule_result look_image_package(const struct check *check, struct str *message);
enum rule_result look_image_region(const struct check *check, struct str *message);
enum rule_result look_reference_version(const struct check *check, struct str *message);
enum rule_result look_custom_runtime(const struct check *check, struct str *message);
enum rule_result look_security_groups(const struct check *check, struct str *message);
enum rule_result look_subnets(const struct check *check, struct str *message);
enum rule_result look_efs_vpc(const struct check *check, struct str *message);
enum rule_result look_snapstart_runtime(const struct check *check, struct str *message);
enum rule_result look_snapstart_storage(const struct check *check, struct str *message);
enum rule_result look_runtime_version(const struct check *check, struct str *message);
enum rule_result look_async_invoke(const struct check *check, struct str *message);
