/* Finds the subcommand, by the names that the program and its first argument have, and sees to it that what
 * it says arrives. */
#include "cli/cli.h"
#include "common/base/mem.h"
#include "common/base/str.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

const struct cli_command cli_commands[] = {
    {"serve", "run the admission webhook and the controller", cli_serve, &cli_serve_table, EXIT_FAILURE},
    {"check", "check manifests as admission would, without a cluster", cli_check, &cli_check_table,
     EXIT_USAGE},
    {"plan", "show what applying manifests would do to AWS", cli_plan, &cli_plan_table, EXIT_FAILURE},
    {"import", "print manifests of the functions that exist already", cli_import, &cli_import_table,
     EXIT_FAILURE},
    {"zip", "make an archive of a directory, the same bytes for the same files", cli_zip, &cli_zip_table,
     EXIT_FAILURE},
    {"upload", "put archives into S3, each only once", cli_upload, &cli_upload_table, EXIT_FAILURE},
    {"rollback", "put back what was in force before, and wait for it", cli_rollback, &cli_rollback_table,
     EXIT_FAILURE},
    {"completion", "print what makes a shell complete commands and options", cli_completion,
     &cli_completion_table, EXIT_FAILURE},
    {0},
};

static void usage(FILE *out)
{
    fputs("kubelambda runs AWS Lambda functions from Kubernetes.\n\nusage: kubelambda COMMAND [OPTION…]\n\n",
          out);
    for (const struct cli_command *one = cli_commands; one->name; one++)
        fprintf(out, "  %-10s %s\n", one->name, one->summary);
    fputs("\nFrom a directory to a function:\n"
          "  kubelambda zip build/ -o app.zip\n"
          "  kubelambda upload app.zip --bucket artifacts --set-in app.yaml\n"
          "  kubelambda check -f app.yaml\n"
          "  kubelambda plan -f app.yaml\n"
          "  kubectl apply -f app.yaml\n"
          "\n`kubelambda COMMAND --help` says more, with examples; `kubelambda --version` prints the "
          "version.\n",
          out);
}

/* Whoever reads a pipe may leave when they have seen enough. */
static bool was_left(int fd)
{
    struct pollfd poll_fd = {.fd = fd};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR);
}

/* The exit status of what ended with `status`: nobody has what it said unless that was written. */
static int written(int status, int failure)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    int why = errno;

    if (was_left(STDOUT_FILENO))
        return status;
    fprintf(stderr, "kubelambda: the output could not be written%s%s\n", why ? ": " : "",
            why ? strerror(why) : "");
    return failure;
}

static const struct cli_command *find(const char *name)
{
    for (const struct cli_command *one = cli_commands; one->name; one++)
        if (str_equal(name, one->name))
            return one;
    return NULL;
}

static int run(int argc, char **argv, const struct cli_command *command)
{
    const char *slash = strrchr(argv[0], '/');

    if (str_equal(slash ? slash + 1 : argv[0], "kubectl_complete-lambda")) /* kubectl's name for it */
        return cli_complete(argc - 1, argv + 1);
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (str_equal(argv[1], "__complete"))
        return cli_complete(argc - 2, argv + 2);
    if (str_equal(argv[1], "--version")) {
        puts("kubelambda " KUBELAMBDA_VERSION);
        return EXIT_SUCCESS;
    }
    if (str_equal(argv[1], "--help") || str_equal(argv[1], "-h") || str_equal(argv[1], "help")) {
        usage(stdout);
        return EXIT_SUCCESS;
    }
    if (command)
        return command->run(argc - 1, argv + 1);
    fprintf(stderr, "kubelambda: there is no command %s; `kubelambda --help` lists them\n", argv[1]);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, 2); /* many short-lived threads' worth of arenas would only hold memory */
    const struct cli_command *command = find(argc > 1 ? argv[1] : NULL);

    return written(run(argc, argv, command), command ? command->failure : EXIT_FAILURE);
}
