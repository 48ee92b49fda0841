/* Log lines as JSON. Any thread: a line is written in one write(2). */
#include "common/base/log.h"

#include "common/base/clock.h"
#include "common/base/mem.h"
#include "common/base/str.h"

#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char *const names[] = {"debug", "info", "warn", "error"};
static atomic_int lowest = LOG_LEVEL_INFO;

bool log_set_level(const char *name)
{
    for (int level = 0; level < (int)ARRAY_LEN(names); level++) {
        if (str_equal(name, names[level])) {
            atomic_store(&lowest, level);
            return true;
        }
    }
    return false;
}

/* Lines up to PIPE_BUF reach a pipe whole, also when several threads write. */
enum { LINE_BYTES = PIPE_BUF, MESSAGE_BYTES = 512 };

static const char ending[] = "}\n", cut_ending[] = ",\"cut\":\"true\"}\n";

/* Both drop what does not fit, so that the line stays valid JSON, and say whether it did. */
static bool add_message(struct str *line, const char *message)
{
    size_t before = line->len;

    str_add_json(line, message);
    if (!line->overflow)
        return true;
    char head[MESSAGE_BYTES + 1]; /* fits also when every byte becomes \u00XX */

    line->len = before;
    line->overflow = false;
    snprintf(head, sizeof(head), "%s", message);
    str_add_json(line, head);
    return false;
}

static bool add_pair(struct str *line, const char *key, const char *value)
{
    size_t before = line->len;

    str_add(line, ",");
    str_add_json(line, key);
    str_add(line, ":");
    str_add_json(line, value);
    if (!line->overflow)
        return true;
    line->len = before;
    line->overflow = false;
    return false;
}

void log_line(enum log_level level, const char *message, ...)
{
    if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    _cleanup_(str_done) struct str line = STR_INIT(LINE_BYTES - (sizeof(cut_ending) - 1));
    char now[CLOCK_TEXT_SIZE];
    va_list args;

    clock_rfc3339(clock_wall_s(), now);
    str_addf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":", now, names[level]);
    bool whole = add_message(&line, message);

    va_start(args, message);
    for (const char *key; (key = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);

        if (value && !add_pair(&line, key, value))
            whole = false;
    }
    va_end(args);
    line.max = LINE_BYTES;
    str_add(&line, whole ? ending : cut_ending);
    if (write(STDERR_FILENO, str_text(&line), line.len) < 0)
        return; /* nowhere left to say it */
}
