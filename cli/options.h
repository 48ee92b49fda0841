/* The options of a subcommand as a table: parsing and help come from its rows. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct option_list { /* of an option that may be given several times; the items are the arguments themselves
                      */
    const char **items;
    size_t count;
};
void option_list_done(struct option_list *list);

enum option_kind { OPTION_TEXT, OPTION_SWITCH, OPTION_LIST };

struct option_row {
    const char *name;  /* "filename": --filename */
    char letter;       /* 'f': -f; 0: none */
    const char *value; /* "FILE", for the help; NULL for a switch */
    enum option_kind kind;
    size_t offset;         /* in the subcommand's struct: const char *, bool or struct option_list */
    const char *otherwise; /* of OPTION_TEXT, when it is not given; may be NULL */
    const char *help;
};

struct option_table {
    const char *usage;  /* "kubelambda serve [OPTION…]" */
    const char *before; /* what the command does, in a sentence or a few */
    const struct option_row *rows;
    size_t count;
    const char *after;   /* examples and what else there is to say */
    bool takes_operands; /* what is no option goes into the struct option_list at the offset `operands` */
    size_t operands;
    bool operands_are_files; /* for completion */
};

/* Fills the members that the rows name; they must be zero before, and keep what was read on failure.
 * ERR_INVALID names the argument and what is allowed. */
int options_parse(const struct option_table *table, int argc, char **argv, void *options, struct err *err)
    __attribute__((warn_unused_result));

void options_help(const struct option_table *table); /* on standard output */
