/* The characters that AWS does not take in tags, as far as the fields' pattern cannot say so. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first one in the text, beyond ASCII; 0: none. */
uint32_t tag_character_refused(const char *text);
