/* Runs a program for its output: plugins that print credentials. Never on a thread that must not block. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct process {
    const char *const *argv; /* NULL-terminated; without a slash argv[0] is looked up in PATH */
    const char *const *env;  /* "NAME=value" over our own environment; NULL-terminated or NULL */
    int64_t timeout_ms;      /* then it and its children are killed */
};

/* Appends what it writes on standard output, up to the cap of `output`. No shell, no input, none of our
 * descriptors. ERR_NOT_FOUND: there is no such program. ERR_FATAL: it cannot be run. ERR_RETRY: it ended
 * with a status other than 0 (with the beginning of what it wrote on standard error), ran too long, or
 * wrote more than `output` may hold. */
int process_run(const struct process *process, struct str *output, struct err *err)
    __attribute__((warn_unused_result));
