/* What is logged during a test. */
#pragma once

#include "common/base/log.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int saved_stderr, captured;

static inline int begin_capture(void **state)
{
    (void)state;
    saved_stderr = dup(STDERR_FILENO);
    captured = memfd_create("stderr", MFD_CLOEXEC);
    return saved_stderr < 0 || captured < 0 || dup2(captured, STDERR_FILENO) < 0;
}

static inline int end_capture(void **state)
{
    (void)state;
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(captured);
    return !log_set_level("info");
}

/* What was written since the last call. The caller frees. */
static inline char *written(void)
{
    off_t size = lseek(captured, 0, SEEK_END);
    char *text = xcalloc(1, (size_t)size + 1);

    assert_int_equal(pread(captured, text, (size_t)size, 0), size);
    assert_int_equal(ftruncate(captured, 0), 0);
    lseek(captured, 0, SEEK_SET);
    return text;
}
