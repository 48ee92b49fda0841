/* A fuzz target: takes any bytes and must come back, or abort. Each fuzz_*.c has one; libFuzzer drives them
 * in `make fuzz`, replay.c in `make check`. */
#pragma once

#include "common/base/mem.h"
#include "common/base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input was. */
#define must_hold(condition)                                                                                 \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static inline struct str_view view_of_input(const uint8_t *data, size_t size)
{
    return (struct str_view){(const char *)data, size};
}

/* Takes the bytes up to the next NUL (or the end) off the input, as a string that the caller frees. */
static inline char *take_text(struct str_view *input)
{
    size_t len = strnlen(input->ptr, input->len), taken = len < input->len ? len + 1 : len;
    char *text = xstrndup(input->ptr, len);

    input->ptr += taken;
    input->len -= taken;
    return text;
}
