/* Allocation that cannot fail and cleanup by scope.
 * Small allocations abort when memory is out (the pod restarts); what a peer can make large is
 * capped before it is allocated, so running out of memory is not an error path anywhere. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull, warn_unused_result));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull, warn_unused_result));
void *xmemdup(const void *data, size_t size) __attribute__((returns_nonnull, warn_unused_result));

/* Copies a string. NULL gives NULL. The caller frees. */
char *xstrdup(const char *s) __attribute__((warn_unused_result));
char *xstrndup(const char *s, size_t len) __attribute__((returns_nonnull, warn_unused_result));

/* Formats into a new string, which the caller frees. */
char *xasprintf(const char *format, ...)
    __attribute__((format(printf, 1, 2), returns_nonnull, warn_unused_result));

/* `_cleanup_(x_freep) struct x *x = NULL;` frees x when it goes out of scope. */
#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Hands over what a `_cleanup_` variable holds, leaving NULL behind. */
#define take(pointer)                                                                                        \
    ({                                                                                                       \
        __typeof__(pointer) *take_from_ = &(pointer);                                                        \
        __typeof__(pointer) taken_ = *take_from_;                                                            \
        *take_from_ = NULL;                                                                                  \
        taken_;                                                                                              \
    })

static inline void freep(void *pointer)
{
    free(*(void **)pointer);
}

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
