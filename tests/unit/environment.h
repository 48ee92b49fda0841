/* An empty environment for tests of what reads it. */
#pragma once

#include "common/base/mem.h"

/* Empties it, except for what cmocka looks up whenever it prints a result. */
static inline void clear_environment(void)
{
    _cleanup_(freep) char *output = xstrdup(getenv("CMOCKA_MESSAGE_OUTPUT"));

    clearenv();
    if (output)
        setenv("CMOCKA_MESSAGE_OUTPUT", output, 1);
}
