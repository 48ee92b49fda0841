/* The command line: main.c finds the subcommand, each of the others is one. */
#pragma once

#define KUBELAMBDA_VERSION "0.1.0"

enum { EXIT_USAGE = 2 }; /* besides EXIT_SUCCESS and EXIT_FAILURE */

/* Each gets its own arguments with argv[0] the subcommand, and returns the process's exit status. */
int cli_serve(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_plan(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_zip(int argc, char **argv);
int cli_upload(int argc, char **argv);
