/* Log lines as JSON on standard error: {"time":…,"level":…,"msg":…,"key":"value",…}.
 * Only the top layers log. Never log a value that a user declared: it may be a secret. */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* "debug", "info", "warn", "error"; false when the name is none of them. */
bool log_set_level(const char *name) __attribute__((warn_unused_result));

/* Message, then pairs of key and value (a NULL value leaves its pair out), then NULL. A line is at
 * most 4 KiB: a pair that does not fit is left out, a message is cut, and "cut" says so. */
void log_line(enum log_level level, const char *message, ...) __attribute__((sentinel));

#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__, (char *)NULL)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__, (char *)NULL)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__, (char *)NULL)
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__, (char *)NULL)
