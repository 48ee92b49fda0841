/* The command line: main.c finds the subcommand, each of the others is one. */
#pragma once

#include "cli/options.h"

#define KUBELAMBDA_VERSION "0.1.0"

enum { EXIT_USAGE = 2 }; /* besides EXIT_SUCCESS and EXIT_FAILURE */

struct cli_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
    const struct option_table *table;
    int failure; /* the exit status when its output cannot be written */
};
extern const struct cli_command cli_commands[]; /* ends with a NULL name */

extern const struct option_table cli_serve_table, cli_check_table, cli_plan_table, cli_import_table,
    cli_zip_table, cli_upload_table, cli_rollback_table, cli_completion_table;

/* Each gets its own arguments with argv[0] the subcommand, and returns the process's exit status. */
int cli_serve(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_plan(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_zip(int argc, char **argv);
int cli_upload(int argc, char **argv);
int cli_rollback(int argc, char **argv);
int cli_completion(int argc, char **argv);

/* What may stand in the place of the last argument, the word that is being typed, after the others, which
 * begin with the subcommand. Prints it as kubectl and the scripts of `completion` read it: a candidate on
 * each line, with a tab and a sentence on it, then ":4", or ":0" where the shell shall complete files' names.
 */
int cli_complete(int argc, char **argv);
