/* Time. Any thread. */
#include "common/base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static int64_t read_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
    return read_ms(CLOCK_BOOTTIME);
}

int64_t clock_wall_s(void)
{
    return (int64_t)time(NULL);
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000};

    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void clock_rfc3339(int64_t wall_s, char ret_text[CLOCK_TEXT_SIZE])
{
    time_t time = (time_t)wall_s;
    struct tm parts;

    gmtime_r(&time, &parts);
    strftime(ret_text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

void clock_today(char ret_text[CLOCK_TEXT_SIZE])
{
    clock_rfc3339(clock_wall_s(), ret_text);
    ret_text[strlen("2026-11-24")] = '\0';
}

bool clock_parse(const char *text, int64_t *ret_wall_s)
{
    struct tm parts = {0};
    char again[CLOCK_TEXT_SIZE];
    size_t len = strlen("2026-11-24");
    const char *rest = strptime(text, "%Y-%m-%d", &parts);

    if (rest != text + len)
        return false;
    if (*rest == 'T') {
        rest = strptime(rest, "T%H:%M:%S", &parts);
        if (rest && *rest == '.' && rest[1] >= '0' && rest[1] <= '9')
            rest += 1 + strspn(rest + 1, "0123456789");
        if (!rest || strcmp(rest, "Z") != 0)
            return false;
        len = strlen("2026-11-24T08:00:00");
    } else if (*rest) {
        return false;
    }
    int64_t wall_s = (int64_t)timegm(&parts);

    /* strptime takes blanks and single digits, timegm takes 31 November: neither writes the same. */
    clock_rfc3339(wall_s, again);
    if (strncmp(text, again, len) != 0)
        return false;
    *ret_wall_s = wall_s;
    return true;
}
