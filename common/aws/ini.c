/* The INI dialect of AWS's shared files. Any thread, no state. */
#include "common/aws/ini.h"

#include "common/base/mem.h"

#include <ctype.h>

#define BLANKS " \t"

enum { SECTION_MAX_BYTES = 4096 };

struct parser {
    struct ini ini;
    const char *section; /* of the entries; NULL before the first */
    const char *key;     /* the last setting of the section: lines indented deeper belong to it */
    bool key_is_block;   /* it has no value of its own */
    size_t key_indent;
};

static char *trim(char *text)
{
    text += strspn(text, BLANKS);
    for (size_t len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]);)
        text[--len] = '\0';
    return text;
}

/* A comment behind a value needs a blank before it. */
static void cut_comment(char *value)
{
    for (char *c = value; *c; c++) {
        if ((*c == '#' || *c == ';') && (c == value || c[-1] == ' ' || c[-1] == '\t')) {
            *c = '\0';
            return;
        }
    }
}

static struct ini_entry *add_entry(struct parser *parser, const char *section, char *key, const char *value)
{
    struct ini *ini = &parser->ini;

    for (char *c = key; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    ini->entries = xrealloc(ini->entries, (ini->count + 1) * sizeof(*ini->entries));
    ini->entries[ini->count] = (struct ini_entry){xstrdup(section), key, xstrdup(value)};
    return &ini->entries[ini->count++];
}

static int parse_section(struct parser *parser, char *text, struct err *err)
{
    _cleanup_(str_done) struct str name = STR_INIT(SECTION_MAX_BYTES);
    char *end = strchr(text, ']');

    if (!end)
        return err_set(err, ERR_INVALID, "a section's line has no ']'");
    *end = '\0';
    for (text++; *(text += strspn(text, BLANKS));) {
        size_t len = strcspn(text, BLANKS);

        str_add(&name, name.len ? " " : "");
        str_add_bytes(&name, text, len);
        text += len;
    }
    parser->section = add_entry(parser, str_text(&name), NULL, NULL)->section;
    parser->key = NULL;
    return 0;
}

static int parse_line(struct parser *parser, char *line, struct err *err)
{
    size_t indent = strspn(line, BLANKS);
    char *text = trim(line);

    if (!*text || *text == '#' || *text == ';')
        return 0;
    bool nested = parser->key && indent > parser->key_indent;

    if (*text == '[' && !nested)
        return parse_section(parser, text, err);
    char *equals = strchr(text, '=');

    if (nested && (!equals || !parser->key_is_block))
        return 0; /* more lines of a value: nothing that we read has them */
    if (!equals)
        return err_set(err, ERR_INVALID, "neither '[section]' nor 'name = value'");
    if (!parser->section)
        return err_set(err, ERR_INVALID, "a setting before the first '[section]'");
    *equals = '\0';
    char *key = trim(text), *value = equals + 1;

    cut_comment(value);
    value = trim(value);
    if (nested) {
        add_entry(parser, parser->section, xasprintf("%s.%s", parser->key, key), value);
        return 0;
    }
    parser->key = add_entry(parser, parser->section, xstrdup(key), value)->key;
    parser->key_is_block = !*value;
    parser->key_indent = indent;
    return 0;
}

int ini_parse(struct str_view text, struct ini *ret_ini, struct err *err)
{
    struct parser parser = {0};
    size_t number = 0;

    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t len = end ? (size_t)(end - text.ptr) : text.len, step = end ? len + 1 : len;
        _cleanup_(freep) char *line = xstrndup(text.ptr, len);

        number++;
        if (parse_line(&parser, line, err) < 0) {
            ini_done(&parser.ini);
            return err_wrap(err, "line %zu", number);
        }
        text.ptr += step;
        text.len -= step;
    }
    *ret_ini = parser.ini;
    return 0;
}

void ini_done(struct ini *ini)
{
    for (size_t i = 0; i < ini->count; i++) {
        free(ini->entries[i].section);
        free(ini->entries[i].key);
        free(ini->entries[i].value);
    }
    free(ini->entries);
    *ini = (struct ini){0};
}

bool ini_has(const struct ini *ini, const char *section)
{
    for (size_t i = 0; i < ini->count; i++)
        if (str_equal(ini->entries[i].section, section))
            return true;
    return false;
}

const char *ini_get(const struct ini *ini, const char *section, const char *key)
{
    for (size_t i = ini->count; i-- > 0;)
        if (str_equal(ini->entries[i].section, section) && str_equal(ini->entries[i].key, key))
            return ini->entries[i].value;
    return NULL;
}
