/* YAML text into JSON values, read as the Kubernetes tools read it (YAML 1.1's core rules).
 *
 * Plain true/false/yes/no/on/off/y/n, null/~ and numbers are typed; quoted scalars are strings; dates stay
 * strings. JSON is YAML, too. Refused: duplicate keys, depth over 64, more than 8 MiB, more than 64
 * aliases or what they expand to over 16 MiB, merge keys (<<), tags other than the core ones. */
#pragma once

#include "common/base/json.h"
#include "common/base/yaml_lines.h"

enum { YAML_MAX_BYTES = 8 << 20, YAML_MAX_ALIASES = 64 };

/* An array of the documents in `text`, empty documents left out; the caller frees it.
 * ERR_INVALID with the line number. */
int yaml_parse(struct str_view text, struct json **ret_documents, struct err *err)
    __attribute__((warn_unused_result));

/* The same, with the lines on which the values are. */
int yaml_parse_lines(struct str_view text, struct json **ret_documents, struct yaml_lines **ret_lines,
                     struct err *err) __attribute__((warn_unused_result));
