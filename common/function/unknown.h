/* Fields that do not exist: a typing error there would go unnoticed, or be dropped by the API server. Pure.
 */
#pragma once

#include "common/base/json.h"
#include "common/function/fields.h"
#include "common/function/findings.h"

/* Appends an error for each member of the resource that neither Kubernetes nor the table of its spec's fields
 * knows, with the field that is most likely meant. */
void check_unknown(const struct field_table *table, const struct json *resource, struct findings *findings);
