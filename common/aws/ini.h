/* The INI dialect of AWS's shared files: sections, comments, and settings that are indented blocks. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

/* Settings in the order of the file. A nested block ("s3 =", then indented lines) has the keys
 * "s3.name". Section names have single blanks, keys are in lower case. */
struct ini_entry {
    char *section, *key, *value; /* key and value NULL: the section's own line */
};
struct ini {
    struct ini_entry *entries;
    size_t count;
};

/* ERR_INVALID with the line's number. No message shows a line: it may hold a secret. */
int ini_parse(struct str_view text, struct ini *ret_ini, struct err *err) __attribute__((warn_unused_result));
void ini_done(struct ini *ini);
bool ini_has(const struct ini *ini, const char *section);
const char *ini_get(const struct ini *ini, const char *section, const char *key); /* the last one, or NULL */
