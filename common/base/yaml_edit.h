/* Changes texts of a YAML stream in their place; every other byte stays: comments, quotes, line ends. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct yaml_edit {
    size_t document;         /* as yaml_parse counts */
    const char *const *path; /* keys, and "[2]" for items of a list; NULL-terminated */
    const char *value;
};

/* Appends the text with those scalars replaced. The text is one that yaml_parse accepts. ERR_INVALID names
 * the line where there is no plain or quoted scalar on one line that only this path means (an alias, an
 * anchor, a block), ERR_NOT_FOUND when a path does not exist. */
int yaml_replace(struct str_view text, const struct yaml_edit *edits, size_t count, struct str *out,
                 struct err *err) __attribute__((warn_unused_result));
