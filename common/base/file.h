/* Small files as a whole. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

/* Appends the file's bytes to `out`, whose cap is the most that it may hold. ERR_NOT_FOUND: there is none;
 * ERR_FATAL: it cannot be read or is larger. The message names the path. What was read may be secret: nothing
 * of it stays behind here. */
int file_read(const char *path, struct str *out, struct err *err) __attribute__((warn_unused_result));
