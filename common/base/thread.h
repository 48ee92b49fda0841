/* Threads, and waits between them by the clock that does not jump. */
#pragma once

#include "common/base/err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Starts a thread with a stack of 256 KiB and without signals: those are the main thread's. The name, of 15
 * characters at most, is what ps shows. ERR_FATAL: the system gives no thread. */
int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg, struct err *err)
    __attribute__((warn_unused_result));

/* The same where nothing goes on without it: the process ends, as where memory for a small allocation is out.
 */
void thread_must_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg);

/* A condition for thread_wait_until, which the caller ends with pthread_cond_destroy. */
void thread_cond_init(pthread_cond_t *ret_cond);

/* Waits, under the lock, until the condition is signalled or clock_mono_ms() is due_ms; INT64_MAX: for ever.
 * It may also wake for no reason. False: it is due. */
bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t due_ms);
