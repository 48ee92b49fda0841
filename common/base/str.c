/* The string builder and checked numbers. Any thread, one builder per thread. */
#include "common/base/str.h"

#include "common/base/json_scan.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <regex.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

void str_done(struct str *str)
{
    free(str->ptr);
    *str = (struct str){.max = str->max};
}

void str_clear(struct str *str)
{
    str->len = 0;
    str->overflow = false;
    if (str->ptr)
        str->ptr[0] = '\0';
}

char *str_take(struct str *str)
{
    char *text = str->ptr ? str->ptr : xstrndup("", 0);

    *str = (struct str){.max = str->max};
    return text;
}

const char *str_text(const struct str *str)
{
    return str->ptr ? str->ptr : "";
}

struct str_view str_view_of(const struct str *str)
{
    return (struct str_view){str_text(str), str->len};
}

/* Makes room for `more` bytes and the NUL. */
static bool reserve(struct str *str, size_t more)
{
    if (str->overflow || more > str->max - str->len) {
        str->overflow = true;
        return false;
    }
    size_t needed = str->len + more + 1;

    if (needed > str->capacity) {
        size_t capacity = str->capacity ? str->capacity : 64;

        while (capacity < needed)
            capacity *= 2;
        if (capacity > str->max + 1)
            capacity = str->max + 1;
        str->ptr = xrealloc(str->ptr, capacity);
        str->capacity = capacity;
    }
    return true;
}

void str_add_bytes(struct str *str, const char *bytes, size_t len)
{
    if (!reserve(str, len))
        return;
    if (len)
        memcpy(str->ptr + str->len, bytes, len);
    str->len += len;
    str->ptr[str->len] = '\0';
}

void str_add(struct str *str, const char *text)
{
    str_add_bytes(str, text, strlen(text));
}

void str_addf(struct str *str, const char *format, ...)
{
    size_t room = str->capacity - str->len; /* with the NUL */
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(room > 0 ? str->ptr + str->len : NULL, room, format, args);
    va_end(args);
    if (len >= 0 && reserve(str, (size_t)len)) {
        if ((size_t)len >= room)
            vsnprintf(str->ptr + str->len, (size_t)len + 1, format, again);
        str->len += (size_t)len;
    } else if (room > 0) {
        str->ptr[str->len] = '\0';
    }
    va_end(again);
}

/* Behind the characters at `text` that stand for themselves in a JSON string. A sequence that the text's end
 * cuts is found broken at the NUL, so nothing beyond is read. */
static const char *skip_plain(const char *text)
{
    size_t step;

    do {
        while (json_plain[(unsigned char)*text])
            text++;
        step = (unsigned char)*text >= 0x80 ? utf8_sequence(text, 4) : 0;
        text += step;
    } while (step > 0);
    return text;
}

void str_add_json(struct str *str, const char *text)
{
    str_add_bytes(str, "\"", 1);
    for (const char *run = text;;) {
        const char *end = skip_plain(run);

        str_add_bytes(str, run, (size_t)(end - run));
        switch (*end) {
        case '\0':
            str_add_bytes(str, "\"", 1);
            return;
        case '"':
            str_add(str, "\\\"");
            break;
        case '\\':
            str_add(str, "\\\\");
            break;
        case '\n':
            str_add(str, "\\n");
            break;
        case '\r':
            str_add(str, "\\r");
            break;
        case '\t':
            str_add(str, "\\t");
            break;
        default:
            if ((unsigned char)*end < 0x80)
                str_addf(str, "\\u%04x", (unsigned char)*end);
            else
                str_add(str, UTF8_REPLACEMENT);
        }
        run = end + 1;
    }
}

void str_add_percent(struct str *str, const char *bytes, size_t len, const char *keep)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            (c && (strchr("-._~", c) || strchr(keep, c)))) {
            str_add_bytes(str, bytes + i, 1);
        } else {
            char encoded[3] = {'%', digits[c >> 4], digits[c & 15]};

            str_add_bytes(str, encoded, 3);
        }
    }
}

bool parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    bool negative = text[0] == '-';
    const char *digit = text + negative;
    int64_t value = 0;

    if (!*digit)
        return false;
    for (; *digit; digit++) {
        if (*digit < '0' || *digit > '9')
            return false;
        int d = *digit - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -d : d, &value))
            return false;
    }
    if (value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool parse_duration(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    size_t digits = strspn(text, "0123456789");
    char number[16];
    int64_t value;

    if (digits == 0 || digits >= sizeof(number))
        return false;
    memcpy(number, text, digits);
    number[digits] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!str_equal(text + digits, units[i].unit))
            continue;
        if (!parse_int(number, 0, INT32_MAX / units[i].ms, &value))
            return false;
        *ret_ms = value * units[i].ms;
        return true;
    }
    return false;
}

/* The few patterns there are live as long as the process, each in its place: who sees the count may read
 * all before it. */
static struct compiled {
    const char *pattern;
    regex_t regex;
    bool repeats; /* one class, or one and then another, such as "[a-z][a-z0-9]+", and nothing else */
    size_t at_least;
    bool first[256], others[256]; /* the characters that may be in such a text */
} compiled[256];
static atomic_size_t compiled_count;

static void must_compile(regex_t *regex, const char *pattern, size_t len)
{
    _cleanup_(freep) char *anchored = xasprintf("^(%.*s)", (int)len, pattern);

    if (regcomp(regex, anchored, REG_EXTENDED) != 0) {
        fprintf(stderr, "{\"level\":\"error\",\"msg\":\"bad built-in pattern\"}\n");
        abort();
    }
}

/* How long the class is that the pattern begins with, such as "[a-z]"; 0: it begins with something else. A
 * bracket right behind the opening one is a member; "[:space:]" has brackets of its own. */
static size_t class_len(const char *pattern)
{
    if (*pattern != '[')
        return 0;
    const char *end = pattern + 1 + (pattern[1] == '^');

    for (end += *end == ']'; *end && *end != ']'; end++)
        if (end[0] == '[' && end[1] == ':')
            end = strchr(end, ']');
    return *end ? (size_t)(end + 1 - pattern) : 0;
}

static void learn_class(const char *class, bool members[static 256])
{
    regex_t regex;

    must_compile(&regex, class, class_len(class));
    for (int c = 1; c < 256; c++) {
        const char text[] = {(char)c, '\0'};
        regmatch_t match;

        members[c] = regexec(&regex, text, 1, &match, 0) == 0 && match.rm_eo == 1;
    }
    regfree(&regex);
}

/* Most patterns are so; asking the expression for each text would take ten times as long. */
static void learn(struct compiled *one)
{
    const char *first = one->pattern, *others = first + class_len(first);

    if (!class_len(others))
        others = first;
    const char *end = others + class_len(others);

    if (end == others || !*end || !strchr("+*", *end) || end[1])
        return;
    learn_class(first, one->first);
    learn_class(others, one->others);
    one->at_least = (size_t)(others > first) + (*end == '+');
    one->repeats = true;
}

static const struct compiled *find_compiled(const char *pattern)
{
    size_t count = atomic_load_explicit(&compiled_count, memory_order_acquire);

    for (size_t i = 0; i < count; i++)
        if (compiled[i].pattern == pattern)
            return &compiled[i];
    return NULL;
}

static const struct compiled *compile(const char *pattern)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);
    const struct compiled *found = find_compiled(pattern); /* by another thread meanwhile? */
    size_t count = compiled_count;

    if (!found) {
        if (count == ARRAY_LEN(compiled))
            abort(); /* there are more patterns than that */
        must_compile(&compiled[count].regex, pattern, strlen(pattern));
        compiled[count].pattern = pattern;
        learn(&compiled[count]);
        found = &compiled[count];
        atomic_store_explicit(&compiled_count, count + 1, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return found;
}

bool matches(const char *pattern, const char *text)
{
    const struct compiled *compiled_pattern = find_compiled(pattern);
    regmatch_t match;

    if (!compiled_pattern)
        compiled_pattern = compile(pattern);
    if (compiled_pattern->repeats) {
        const char *end = *text ? text + 1 : text;

        while (compiled_pattern->others[(unsigned char)*end])
            end++;
        return *end == '\0' && (size_t)(end - text) >= compiled_pattern->at_least &&
               (!*text || compiled_pattern->first[(unsigned char)*text]);
    }
    /* The longest match; with a $ in the pattern glibc takes half as long again. */
    return regexec(&compiled_pattern->regex, text, 1, &match, 0) == 0 && text[match.rm_eo] == '\0';
}
