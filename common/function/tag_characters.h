/* The characters that AWS does not take in tags, as far as the fields' pattern cannot say so. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* AWS: letters, blanks and digits of any script and _ . : / = + - @. The pattern is what is left out of
 * ASCII. */
#define TAG_CHARACTERS "[^]!\"#$%&'()*,;<>?[\\\\^`{|}~[:cntrl:]]"
#define TAG_HINT "letters, digits, blanks and _.:/=+-@"

/* The first one in the text, beyond ASCII; 0: none. */
uint32_t tag_character_refused(const char *text);
