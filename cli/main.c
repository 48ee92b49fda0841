/* Finds the subcommand. */
#include "cli/cli.h"
#include "common/base/mem.h"
#include "common/base/str.h"

#include <malloc.h>
#include <stdio.h>

static const struct {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "run the admission webhook and the controller", cli_serve},
    {"check", "check manifests as admission would, without a cluster", cli_check},
    {"plan", "show what applying manifests would do to AWS", cli_plan},
    {"import", "print manifests of the functions that exist already", cli_import},
    {"zip", "make an archive of a directory, the same bytes for the same files", cli_zip},
    {"upload", "put archives into S3, each only once", cli_upload},
};

static void usage(FILE *out)
{
    fputs("kubelambda runs AWS Lambda functions from Kubernetes.\n\nusage: kubelambda COMMAND [OPTION…]\n\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fputs("\n`kubelambda COMMAND --help` says more; `kubelambda --version` prints the version.\n", out);
}

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, 2); /* many short-lived threads' worth of arenas would only hold memory */
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (str_equal(argv[1], "--version")) {
        puts("kubelambda " KUBELAMBDA_VERSION);
        return EXIT_SUCCESS;
    }
    if (str_equal(argv[1], "--help") || str_equal(argv[1], "-h") || str_equal(argv[1], "help")) {
        usage(stdout);
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_equal(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "kubelambda: there is no command %s; `kubelambda --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}
