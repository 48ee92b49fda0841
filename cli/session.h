/* What the subcommands over manifests have in common: options, the set of functions, output. */
#pragma once

#include "cli/declared.h"
#include "cli/options.h"
#include "cli/runtimes_file.h"

#include <stdio.h>

struct session_options {
    struct option_list files, policies, against;
    const char *environment, *region, *namespace, *runtimes_file, *output;
    bool offline, help;
};

struct session {
    bool needs_credentials; /* set before the start: without any there is nothing to do */
    struct session_options options;
    struct manifests manifests, policies, against;
    struct runtimes_file *runtimes;
    struct declared_set set;
    struct http *http;
    struct aws *aws;
};

#define SESSION_ROW(name, letter, value, kind, member, otherwise, help)                                      \
    {                                                                                                        \
        name, letter, value, kind, offsetof(struct session_options, member), otherwise, help                 \
    }
#define SESSION_ROWS                                                                                         \
    SESSION_ROW("filename", 'f', "FILE|DIR|-", OPTION_LIST, files, NULL,                                     \
                "a manifest (YAML or JSON, several documents, also a List), a directory with all below it, " \
                "or standard input; may be given several times"),                                            \
        SESSION_ROW("policy", 0, "FILE|DIR", OPTION_LIST, policies, NULL,                                    \
                    "LambdaPolicies that are in the cluster besides those in the manifests; may be given "   \
                    "several times"),                                                                        \
        SESSION_ROW(                                                                                         \
            "against", 0, "FILE|DIR|-", OPTION_LIST, against, NULL,                                          \
            "the resources as they are now: what is there, too, is judged as an update of them, the "        \
            "rest as new; may be given several times"),                                                      \
        SESSION_ROW("environment", 0, "NAME", OPTION_TEXT, environment, NULL,                                \
                    "the environment of namespaces that are not in the manifests, or have no label there"),  \
        SESSION_ROW("region", 0, "REGION", OPTION_TEXT, region, NULL,                                        \
                    "AWS region of functions that name none; else AWS_REGION or the profile's"),             \
        SESSION_ROW("namespace", 'n', "NAME", OPTION_TEXT, namespace, "default",                             \
                    "the namespace of resources that name none"),                                            \
        SESSION_ROW("runtimes-file", 0, "FILE", OPTION_TEXT, runtimes_file, NULL,                            \
                    "runtimes beside and instead of the built-in ones, as for kubelambda serve"),            \
        SESSION_ROW("output", 'o', "text|json", OPTION_TEXT, output, "text",                                 \
                    "text for people, json for programs (docs/cli.md describes it)"),                        \
        SESSION_ROW("help", 'h', NULL, OPTION_SWITCH, help, NULL, "this text")

/* Reads the options, then the manifests, and reviews the functions in them. `command` is "check". Returns
 * true to go on; false to end with *ret_status, which is `failure` for wrong usage. Always end it with
 * session_done. */
bool session_start(struct session *session, const char *command, const struct option_table *table, int argc,
                   char **argv, int failure, int *ret_status);
void session_done(struct session *session);

bool session_json(const struct session *session); /* -o json */

/* One line on the stream; control characters, which may come from a manifest, become "?". */
void session_print(FILE *stream, const char *text);

/* "app.yaml:12: " for a field of a resource, without the number where it is not known. */
void session_add_place(const struct manifest *manifest, const char *field, struct str *out);

/* The findings of a function, a line each. `errors_only`: leaves the warnings out. */
void session_print_findings(FILE *stream, const struct declared *declared, bool errors_only);

/* On standard error: what could not be read, and the notices. */
void session_print_problems(const struct session *session);

size_t session_unreadable(const struct session *session); /* how many files and documents */

/* The same for JSON output: sets "unreadable" and "notices". */
void session_set_problems(const struct session *session, struct json *out);

/* {file, line, namespace, name, functionName, region, allowed, findings: […]}, without what does not apply */
struct json *session_resource_json(const struct declared *declared);

/* Prints the object, a line, on standard output; frees it. */
void session_print_json(struct json *out);
