/* What a YAML scalar without quotes means: the rules of sigs.k8s.io/yaml (goyaml.v2/resolve.go), with
 * which kubectl and the API server read manifests. Any thread, no state. */
#include "common/base/yaml_plain.h"

#include "common/base/mem.h"
#include "common/base/str.h"

#include <math.h>
#include <stdio.h>

static const struct {
    const char *text;
    enum plain plain;
    const char *json;
} words[] = {
    {"", PLAIN_NULL, "null"},       {"~", PLAIN_NULL, "null"},      {"null", PLAIN_NULL, "null"},
    {"Null", PLAIN_NULL, "null"},   {"NULL", PLAIN_NULL, "null"},   {"true", PLAIN_BOOL, "true"},
    {"True", PLAIN_BOOL, "true"},   {"TRUE", PLAIN_BOOL, "true"},   {"false", PLAIN_BOOL, "false"},
    {"False", PLAIN_BOOL, "false"}, {"FALSE", PLAIN_BOOL, "false"}, {"yes", PLAIN_BOOL, "true"},
    {"Yes", PLAIN_BOOL, "true"},    {"YES", PLAIN_BOOL, "true"},    {"no", PLAIN_BOOL, "false"},
    {"No", PLAIN_BOOL, "false"},    {"NO", PLAIN_BOOL, "false"},    {"on", PLAIN_BOOL, "true"},
    {"On", PLAIN_BOOL, "true"},     {"ON", PLAIN_BOOL, "true"},     {"off", PLAIN_BOOL, "false"},
    {"Off", PLAIN_BOOL, "false"},   {"OFF", PLAIN_BOOL, "false"},   {"y", PLAIN_BOOL, "true"},
    {"Y", PLAIN_BOOL, "true"},      {"n", PLAIN_BOOL, "false"},     {"N", PLAIN_BOOL, "false"},
};

static int digit_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

/* 12, -12, 0x1f, 0o17, 017, 0b101; false when it is none of them or over 64 bits. */
static bool read_integer(const char *text, char ret_json[PLAIN_JSON_SIZE])
{
    bool negative = *text == '-';
    int base = 10;
    uint64_t value = 0;

    text += *text == '-' || *text == '+';
    if (text[0] == '0' && text[1]) {
        base = strchr("xX", text[1]) ? 16 : strchr("bB", text[1]) ? 2 : 8;
        text += strchr("xXbBoO", text[1]) ? 2 : 1;
    }
    if (!*text)
        return false;
    for (; *text; text++) {
        int digit = digit_value(*text);

        if (digit >= base || __builtin_mul_overflow(value, (uint64_t)base, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    if (negative && value > (uint64_t)INT64_MAX + 1)
        return false;
    snprintf(ret_json, PLAIN_JSON_SIZE, "%s%llu", negative && value ? "-" : "", (unsigned long long)value);
    return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool looks_like_float(const char *text)
{
    static const char digits[] = "0123456789";

    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, digits), fraction = 0;

    text += whole;
    if (*text == '.') {
        fraction = strspn(text + 1, digits);
        text += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*text == 'e' || *text == 'E') {
        text += 1 + (text[1] == '-' || text[1] == '+');
        size_t exponent = strspn(text, digits);

        if (exponent == 0)
            return false;
        text += exponent;
    }
    return *text == '\0';
}

/* The shortest text that reads back as the same number. */
static bool read_float(const char *text, char ret_json[PLAIN_JSON_SIZE])
{
    if (!looks_like_float(text))
        return false;
    double value = strtod(text, NULL);

    if (!isfinite(value))
        return false;
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(ret_json, PLAIN_JSON_SIZE, "%.*g", precision, value);
        double again = strtod(ret_json, NULL);

        if (!(again < value || again > value))
            break;
    }
    return true;
}

static bool is_not_finite(const char *text)
{
    static const char *const names[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};
    bool sign = *text == '-' || *text == '+';

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text + sign, names[i]) == 0)
            return !sign || i < 3;
    return false;
}

enum plain yaml_plain(const char *text, char ret_json[PLAIN_JSON_SIZE])
{
    char number[400];
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(text, words[i].text) == 0) {
            snprintf(ret_json, PLAIN_JSON_SIZE, "%s", words[i].json);
            return words[i].plain;
        }
    }
    if (is_not_finite(text))
        return PLAIN_NOT_FINITE;
    if (!strchr("+-.0123456789", *text) || strlen(text) >= sizeof(number))
        return PLAIN_STRING;
    if (*text == '.')
        return read_float(text, ret_json) ? PLAIN_NUMBER : PLAIN_STRING;
    for (const char *c = text; *c; c++) /* 1_000 is a number */
        if (*c != '_')
            number[len++] = *c;
    number[len] = '\0';
    return read_integer(number, ret_json) || read_float(number, ret_json) ? PLAIN_NUMBER : PLAIN_STRING;
}
