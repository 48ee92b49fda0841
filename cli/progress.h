/* How far it is: a bar on standard error where that is a terminal, nothing elsewhere. Lines that are said
 * meanwhile go above it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress;

struct progress_state {
    size_t files, done_files;
    int64_t bytes, done_bytes;
};

/* Asked several times a second, on a thread of its own. */
typedef void progress_look_fn(void *arg, struct progress_state *ret_state);

/* Draws until progress_end, which draws once more and frees. The caller keeps `arg` until then. */
struct progress *progress_start(progress_look_fn *look, void *arg);
void progress_end(struct progress *progress);

bool progress_is_drawn(const struct progress *progress); /* a terminal is there */

/* One line on standard error; any thread. Control characters become "?". */
void progress_say(struct progress *progress, const char *line);
