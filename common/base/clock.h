/* Time. Pure code takes it as an argument; only shells ask here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_ms(void); /* for waiting: does not jump */
int64_t clock_boot_ms(void); /* the same, and goes on while the machine sleeps: for what others count, too */
int64_t clock_wall_s(void);  /* seconds since 1970, for dates and certificates */
void clock_sleep_ms(int64_t ms);

enum { CLOCK_TEXT_SIZE = 32 };

/* "2026-11-24T08:00:00Z" */
void clock_rfc3339(int64_t wall_s, char ret_text[CLOCK_TEXT_SIZE]);

/* "2026-11-24": today, in UTC. */
void clock_today(char ret_text[CLOCK_TEXT_SIZE]);

/* Reads what clock_rfc3339 writes, fractions of a second ignored, and also "2026-11-24" alone. */
bool clock_parse(const char *text, int64_t *ret_wall_s) __attribute__((warn_unused_result));
