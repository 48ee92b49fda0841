/* The file that overrides the built-in runtimes (`--runtimes-file`), read again when it changes.
 * One thread ticks; any may read the table that is in force. */
#pragma once

#include "common/function/runtimes.h"

struct runtimes_file;

/* `path` NULL: the built-in table, for ever. ERR_FATAL when the file cannot be read or is wrong: at the start
 * there is no older table to go on with. */
int runtimes_file_open(const char *path, struct runtimes_file **ret_file, struct err *err)
    __attribute__((warn_unused_result));
void runtimes_file_free(struct runtimes_file *file); /* nobody reads any more; accepts NULL */

/* A file that is wrong is logged once, and the table stays as it is. */
void runtimes_file_tick(struct runtimes_file *file);

const struct runtimes_now *runtimes_file_now(const struct runtimes_file *file);
