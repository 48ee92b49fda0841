/* The error value. Any thread; owns nothing. */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A cut must not leave half of a UTF-8 sequence: messages end up in JSON. */
static void drop_partial_utf8(char *text)
{
    size_t end = strlen(text), lead = end;

    while (lead > 0 && ((unsigned char)text[lead - 1] & 0xC0) == 0x80)
        lead--;
    if (lead == 0)
        return;

    unsigned char c = (unsigned char)text[lead - 1];
    size_t wanted = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

    if (end - (lead - 1) < wanted)
        text[lead - 1] = '\0';
}

int err_set(struct err *err, enum err_class class, const char *format, ...)
{
    va_list args;

    if (!err)
        return class;
    /* The arguments may point into err itself. */
    char msg[sizeof(err->msg)];

    va_start(args, format);
    vsnprintf(msg, sizeof(msg), format, args);
    va_end(args);
    drop_partial_utf8(msg);

    *err = (struct err){.class = class};
    memcpy(err->msg, msg, sizeof(msg));
    return class;
}

int err_wrap(struct err *err, const char *format, ...)
{
    char msg[sizeof(err->msg)];
    va_list args;

    if (!err)
        return ERR_FATAL;
    va_start(args, format);
    int used = vsnprintf(msg, sizeof(msg), format, args);
    va_end(args);
    if (used >= 0 && (size_t)used < sizeof(msg))
        snprintf(msg + used, sizeof(msg) - (size_t)used, ": %s", err->msg);
    drop_partial_utf8(msg);
    memcpy(err->msg, msg, sizeof(msg));
    return err->class;
}
