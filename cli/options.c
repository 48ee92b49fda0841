/* Options by table, over getopt_long. Main thread only: getopt's state is global. */
#include "cli/options.h"

#include "common/base/mem.h"

#include <getopt.h>
#include <stdio.h>

enum { MAX_ROWS = 32, SHORT_BASE = 256 /* + the row: what getopt returns for a long option */ };

void option_list_done(struct option_list *list)
{
    free(list->items);
    *list = (struct option_list){0};
}

static void *member(void *options, const struct option_row *row)
{
    return (char *)options + row->offset;
}

static void add(struct option_list *list, const char *value)
{
    list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
    list->items[list->count++] = value;
}

static void set(void *options, const struct option_row *row, const char *value)
{
    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **)member(options, row) = value;
        break;
    case OPTION_SWITCH:
        *(bool *)member(options, row) = true;
        break;
    case OPTION_LIST:
        add(member(options, row), value);
        break;
    }
}

static const struct option_row *row_of(const struct option_table *table, int result)
{
    for (size_t i = 0; i < table->count; i++)
        if (result == SHORT_BASE + (int)i || (table->rows[i].letter && result == table->rows[i].letter))
            return &table->rows[i];
    return NULL;
}

int options_parse(const struct option_table *table, int argc, char **argv, void *options, struct err *err)
{
    struct option long_options[MAX_ROWS + 1] = {0};
    char letters[2 * MAX_ROWS + 2] = ":", *end = letters + 1;

    if (table->count > MAX_ROWS)
        abort();
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];

        long_options[i] = (struct option){row->name, row->value ? required_argument : no_argument, NULL,
                                          SHORT_BASE + (int)i};
        if (row->letter) {
            *end++ = row->letter;
            if (row->value)
                *end++ = ':';
        }
        if (row->otherwise)
            set(options, row, row->otherwise);
    }
    opterr = 0;
    optind = 0; /* also forgets where an earlier parse was */
    for (int r; (r = getopt_long(argc, argv, letters, long_options, NULL)) != -1;) {
        const struct option_row *row = row_of(table, r);

        if (r == ':')
            return err_set(err, ERR_INVALID, "%s needs a value", argv[optind - 1]);
        if (!row && row_of(table, optopt) && optopt >= SHORT_BASE)
            return err_set(err, ERR_INVALID, "%s: --%s takes no value", argv[optind - 1],
                           row_of(table, optopt)->name);
        if (!row && optopt > 0 && optopt < SHORT_BASE)
            return err_set(err, ERR_INVALID, "unknown option -%c; --help lists them", optopt);
        if (!row)
            return err_set(err, ERR_INVALID, "unknown option %s; --help lists them", argv[optind - 1]);
        set(options, row, optarg);
    }
    for (; optind < argc; optind++) {
        if (!table->takes_operands)
            return err_set(err, ERR_INVALID, "unexpected argument %s", argv[optind]);
        add((struct option_list *)((char *)options + table->operands), argv[optind]);
    }
    return 0;
}

void options_help(const struct option_table *table)
{
    printf("usage: %s\n\n%s\n\n", table->usage, table->before);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];

        fputs("  ", stdout);
        if (row->letter)
            printf("-%c, ", row->letter);
        printf("--%s%s%s\n      %s", row->name, row->value ? " " : "", row->value ? row->value : "",
               row->help);
        if (row->otherwise)
            printf(" (default %s)", row->otherwise);
        putchar('\n');
    }
    printf("\n%s\n", table->after);
}
