/* Threads and conditions. Any thread; owns nothing. */
#include "common/base/thread.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STACK_BYTES = 256 << 10 };

int thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg, struct err *err)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* which the new thread inherits */
    int failed = pthread_create(ret_thread, &attributes, run, arg);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed)
        return err_set(err, ERR_FATAL, "cannot start the thread %s: %s", name, strerror(failed));
    pthread_setname_np(*ret_thread, name);
    return 0;
}

void thread_must_start(pthread_t *ret_thread, const char *name, void *(*run)(void *arg), void *arg)
{
    if (thread_start(ret_thread, name, run, arg, NULL) < 0)
        abort();
}

void thread_cond_init(pthread_cond_t *ret_cond)
{
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(ret_cond, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool thread_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t due_ms)
{
    const struct timespec due = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};

    if (due_ms == INT64_MAX)
        return pthread_cond_wait(cond, lock) == 0;
    return pthread_cond_timedwait(cond, lock, &due) == 0;
}
