/* What a word on the command line may become, from the tables of options: `__complete`, which the shells'
 * scripts and kubectl run. Pure but for standard output. */
#include "cli/cli.h"
#include "common/base/mem.h"

#include <stdio.h>

enum { NO_FILES = 4, FILES = 0 }; /* as kubectl's own completion has them */
enum { WORD_SIZE = 128 };

struct words {
    char **items;
    int count;
    const char *typed; /* the word that is being completed */
};

static void offer(const struct words *words, const char *before, struct str_view text, const char *help)
{
    char whole[WORD_SIZE];

    snprintf(whole, sizeof(whole), "%s%.*s", before, (int)text.len, text.ptr);
    if (str_starts_with(whole, words->typed))
        printf("%s%s%s\n", whole, help ? "\t" : "", help ? help : "");
}

static const struct option_row *find_row(const struct option_table *table, const char *word, size_t len)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];

        if (len > 2 && strncmp(word, "--", 2) == 0 && strlen(row->name) == len - 2 &&
            strncmp(row->name, word + 2, len - 2) == 0)
            return row;
        if (len == 2 && word[0] == '-' && row->letter && word[1] == row->letter)
            return row;
    }
    return NULL;
}

/* "text|json" is a choice, FILE and the like are files, everything else is not known. */
static int offer_values(const struct words *words, const char *before, const struct option_row *row)
{
    static const char *const files[] = {"FILE", "DIR", "MANIFEST"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        if (strstr(row->value, files[i]))
            return FILES;
    if (strchr(row->value, '|'))
        for (const char *at = row->value; *at;) {
            size_t len = strcspn(at, "|");

            offer(words, before, (struct str_view){at, len}, NULL);
            at += len + (at[len] == '|');
        }
    return NO_FILES;
}

static void offer_options(const struct words *words, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        offer(words, "--", view(table->rows[i].name), table->rows[i].help);
}

static int offer_of_command(const struct words *words, const struct option_table *table)
{
    const char *last = words->items[words->count - 1], *typed = words->typed;
    const struct option_row *row = words->count > 1 ? find_row(table, last, strlen(last)) : NULL;
    size_t name = strcspn(typed, "=");

    if (row && row->value)
        return offer_values(words, "", row);
    if (typed[name] && (row = find_row(table, typed, name)) && row->value) { /* --output=j */
        char before[WORD_SIZE];

        snprintf(before, sizeof(before), "%.*s", (int)name + 1, typed);
        return offer_values(words, before, row);
    }
    if (typed[0] == '-') {
        offer_options(words, table);
        return NO_FILES;
    }
    return table->operands_are_files ? FILES : NO_FILES;
}

int cli_complete(int argc, char **argv)
{
    const struct words words = {argv, argc - 1, argc > 0 ? argv[argc - 1] : ""};
    int directive = NO_FILES;

    for (const struct cli_command *one = cli_commands; one->name; one++)
        if (words.count < 1)
            offer(&words, "", view(one->name), one->summary);
        else if (str_equal(one->name, argv[0]))
            directive = offer_of_command(&words, one->table);
    printf(":%d\n", directive);
    return EXIT_SUCCESS;
}
