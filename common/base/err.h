/* The error value: a class that drives behaviour and a message for people.
 *
 * A function that can fail returns 0 or a negative class and fills the caller's `struct err`.
 * Each layer adds its context once (err_wrap), nobody overwrites, only the top layers log.
 * Reporting never allocates. On failure a function's outputs stay as they were. */
#pragma once

enum err_class {
    ERR_INVALID = -1,   /* the input is wrong; the same again will fail the same way */
    ERR_NOT_FOUND = -2, /* the thing asked for does not exist (said by its owner) */
    ERR_CONFLICT = -3,  /* it changed, is busy or exists already */
    ERR_DENIED = -4,    /* no permission, or credentials that are not accepted */
    ERR_THROTTLED = -5, /* too many requests; wait `retry_after_ms` or longer */
    ERR_RETRY = -6,     /* transient: unreachable, timed out, 5xx */
    ERR_FATAL = -7,     /* our own side is broken: a missing file, a port in use */
};

struct err {
    enum err_class class;
    int status;         /* HTTP status of the answer, 0 when there was none */
    int retry_after_ms; /* what the other side asked for, 0 when it did not */
    char code[64];      /* the other side's own name for it, e.g. ResourceConflictException */
    char msg[512];      /* what was wrong, with the value, and what to do */
};

/* Sets class and message (cut to fit), clearing the rest. Returns the class. `err` may be NULL. */
int err_set(struct err *err, enum err_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message. Returns the class. `err` may be NULL. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
