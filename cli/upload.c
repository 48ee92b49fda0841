/* `kubelambda upload`: archives into S3 under keys made from their content, each only once. Options, checks
 * before anything is sent, what is printed. Main thread, but for checks: upload_send.c has the threads. */
#include "cli/upload.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/save.h"
#include "cli/session.h"
#include "cli/set_in.h"
#include "cli/zip_write.h"
#include "common/base/encode.h"
#include "common/base/log.h"
#include "common/base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

enum { PREFIX_MAX_BYTES = 900 }; /* of S3's 1024 for a key */

struct options {
    struct option_list files, set_in;
    const char *bucket, *prefix, *region, *name, *runtime, *handler, *output;
    bool help;
};

#define ROW(name, letter, value, kind, member, otherwise, help)                                              \
    {                                                                                                        \
        name, letter, value, kind, offsetof(struct options, member), otherwise, help                         \
    }
static const struct option_row rows[] = {
    ROW("bucket", 'b', "BUCKET", OPTION_TEXT, bucket, NULL, "where to"),
    ROW("prefix", 'p', "PREFIX", OPTION_TEXT, prefix, NULL, "the key is PREFIX/SHA256.zip, else SHA256.zip"),
    ROW("region", 0, "REGION", OPTION_TEXT, region, NULL,
        "the bucket's AWS region; else AWS_REGION or the profile's"),
    ROW("set-in", 0, "MANIFEST", OPTION_LIST, set_in, NULL,
        "writes the key into the LambdaFunctions of a YAML manifest or kustomize patch, and leaves "
        "everything "
        "else as it is; may be given several times; takes one ZIP"),
    ROW("name", 0, "NAME", OPTION_TEXT, name, NULL,
        "with --set-in: only the LambdaFunction of that metadata.name"),
    ROW("runtime", 0, "RUNTIME", OPTION_TEXT, runtime, NULL,
        "checks that the archive has what this runtime starts; --set-in's manifest says it, too"),
    ROW("handler", 0, "HANDLER", OPTION_TEXT, handler, NULL, "with --runtime python… or nodejs…"),
    ROW("output", 'o', "text|json", OPTION_TEXT, output, "text",
        "text for people, json for programs (docs/cli.md describes it)"),
    ROW("help", 'h', NULL, OPTION_SWITCH, help, NULL, "this text"),
};

const struct option_table cli_upload_table = {
    .usage = "kubelambda upload ZIP… --bucket BUCKET [OPTION…]",
    .before = "Puts archives into S3, four at a time, under keys made from their content. What is there "
              "already is\n"
              "not sent again. All archives are checked first; when one is wrong, nothing is sent.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .takes_operands = true,
    .operands_are_files = true,
    .operands = offsetof(struct options, files),
    .after = "Exit status: 0 all is in S3, 1 something is not, 2 wrong usage.\n"
             "\n"
             "Examples:\n"
             "  kubelambda upload app.zip --bucket artifacts --prefix hello --set-in manifests/hello.yaml\n"
             "  kubelambda upload build/*.zip --bucket artifacts -o json\n"
             "\n"
             "AWS credentials, region and endpoints come from the standard environment variables and files.\n"
             "They need s3:PutObject, and s3:GetObject and s3:ListBucket to see what is there.",
};

struct work {
    const struct options *options;
    struct uploads uploads;
    struct set_in *sets;
    size_t set_count;
};

/* --- before anything is sent -------------------------------------------------------------- */

/* By the options, and by what the manifests say. A handler that is not there may come with a layer. */
static int check_handlers(const struct work *work, const struct upload *upload, struct err *err)
{
    const struct options *options = work->options;
    int r = 0;

    if (options->runtime)
        r = archive_has_handler(&upload->archive, options->runtime, options->handler, err);
    for (size_t i = 0; r == 0 && i < work->set_count; i++)
        for (size_t t = 0; r == 0 && t < work->sets[i].count; t++) {
            const struct json *spec = work->sets[i].targets[t].spec;
            const char *runtime = json_str_at(spec, "runtime");

            if (runtime && json_size(json_at(spec, "layers")) == 0)
                r = archive_has_handler(&upload->archive, runtime, json_str_at(spec, "handler"), err);
        }
    return r;
}

static int check_file(const struct work *work, struct upload *upload, struct err *err)
{
    const char *prefix = work->options->prefix;
    size_t len = strlen(prefix);
    unsigned char digest[SHA256_BYTES];
    int r = file_map(upload->file, ZIP_MAX_UNZIPPED_BYTES, &upload->bytes, err);

    if (r < 0)
        return r;
    r = archive_read(upload->bytes, &upload->archive, err);
    if (r == 0)
        r = check_handlers(work, upload, err);
    if (r < 0)
        return err_wrap(err, "%s", upload->file);
    sha256(upload->bytes, digest);
    hex_encode(digest, sizeof(digest), upload->sha256);
    base64_encode((struct str_view){(const char *)digest, sizeof(digest)}, &upload->sha256_base64);
    upload->key =
        xasprintf("%s%s%s.zip", prefix, len > 0 && prefix[len - 1] != '/' ? "/" : "", upload->sha256);
    return 0;
}

static void check(void *arg, struct upload *upload)
{
    struct err err;

    if (check_file(arg, upload, &err) < 0)
        upload->err = err;
}

/* --- signals ------------------------------------------------------------------------------ */

/* S3 drops what was not sent in full; libc's buffers are lost, and what is done is not told. */
static void on_signal(int signal)
{
    static const char interrupted[] =
        "\nkubelambda upload: interrupted: each archive is in S3 as a whole or not at all; run this again, "
        "what is there is not sent twice\n";
    static const char changed[] = "\nkubelambda upload: an archive became shorter while it was read: build "
                                  "first, then run this again\n";
    ssize_t written = signal == SIGBUS ? write(STDERR_FILENO, changed, sizeof(changed) - 1)
                                       : write(STDERR_FILENO, interrupted, sizeof(interrupted) - 1);

    (void)written;
    if (signal == SIGBUS)
        _exit(EXIT_FAILURE);
    raise(signal); /* now with its default */
}

static void watch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGBUS};
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        sigaction(signals[i], &action, NULL);
}

/* --- the command -------------------------------------------------------------------------- */

static void print_text(const struct work *work)
{
    for (size_t i = 0; i < work->uploads.count; i++)
        if (work->uploads.items[i].done)
            printf("%s s3://%s/%s\n", work->uploads.items[i].existed ? "exists" : "uploaded",
                   work->options->bucket, work->uploads.items[i].key);
}

static struct json *upload_json(const struct work *work, const struct upload *upload)
{
    struct json *out = json_new_object();

    json_set_str(out, "file", upload->file);
    json_set_str(out, "action",
                 upload->err.class ? "failed"
                 : !upload->done   ? "none"
                 : upload->existed ? "exists"
                                   : "uploaded");
    if (upload->key) {
        json_set_str(out, "bucket", work->options->bucket);
        json_set_str(out, "key", upload->key);
        json_set_str(out, "sha256", str_text(&upload->sha256_base64));
        json_set(out, "bytes", json_new_int((int64_t)upload->bytes.len));
    }
    if (upload->err.class)
        json_set_str(out, "message", upload->err.msg);
    return out;
}

static void print_json(const struct work *work)
{
    struct json *out = json_new_object(), *files = json_new_array(), *manifests = json_new_array();
    int64_t uploaded = 0, exists = 0, failed = 0;

    for (size_t i = 0; i < work->uploads.count; i++) {
        const struct upload *upload = &work->uploads.items[i];

        json_append(files, upload_json(work, upload));
        failed += upload->err.class != 0;
        exists += upload->done && upload->existed;
        uploaded += upload->done && !upload->existed;
    }
    for (size_t i = 0; i < work->set_count; i++) {
        struct json *item = json_new_object();

        json_set_str(item, "file", work->sets[i].file);
        json_set(item, "changed",
                 json_new_bool(work->uploads.items[0].done && set_in_changes(&work->sets[i])));
        json_append(manifests, item);
    }
    json_set(out, "files", files);
    json_set(out, "manifests", manifests);
    struct json *summary = json_make_object(out, "summary");

    json_set(summary, "uploaded", json_new_int(uploaded));
    json_set(summary, "exists", json_new_int(exists));
    json_set(summary, "failed", json_new_int(failed));
    session_print_json(out);
}

static void complain(const struct err *err)
{
    _cleanup_(freep) char *line = xasprintf("kubelambda upload: %s", err->msg);

    session_print(stderr, line);
}

static size_t complain_of_files(const struct work *work)
{
    size_t failed = 0;

    for (size_t i = 0; i < work->uploads.count; i++)
        if (work->uploads.items[i].err.class) {
            complain(&work->uploads.items[i].err);
            failed++;
        }
    return failed;
}

static int read_sets(struct work *work, struct err *err)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < work->options->set_in.count; i++) {
        work->set_count++;
        r = set_in_read(work->options->set_in.items[i], work->options->name, &work->sets[i], err);
    }
    return r;
}

/* The new texts are made before anything is sent, and written once all of it is there. */
static int upload_all(struct work *work, struct err *err)
{
    int r = read_sets(work, err);

    if (r < 0)
        return r;
    uploads_each(&work->uploads, check, work);
    if (complain_of_files(work) > 0)
        return ERR_INVALID;
    for (size_t i = 0; r == 0 && i < work->set_count; i++)
        r = set_in_make(&work->sets[i], work->options->bucket, work->uploads.items[0].key, err);
    if (r == 0)
        r = aws_check_credentials(work->uploads.aws, err);
    if (r < 0)
        return r;
    r = uploads_send(&work->uploads, err);
    if (complain_of_files(work) > 0 || r < 0)
        return ERR_INVALID;
    for (size_t i = 0; r == 0 && i < work->set_count; i++)
        r = set_in_save(&work->sets[i], err);
    return r < 0 ? err_wrap(err, "the archive is in S3, run this again to set its key") : 0;
}

static int check_options(const struct options *options, struct err *err)
{
    if (!str_equal(options->output, "text") && !str_equal(options->output, "json"))
        return err_set(err, ERR_INVALID, "--output %s: must be text or json", options->output);
    if (options->files.count == 0)
        return err_set(err, ERR_INVALID, "name the archives: kubelambda upload ZIP… --bucket BUCKET");
    if (!options->bucket)
        return err_set(err, ERR_INVALID, "name the bucket with --bucket");
    if (!matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", options->bucket))
        return err_set(err, ERR_INVALID, "--bucket %.100s: must be the name of a bucket, without s3://",
                       options->bucket);
    if (strlen(options->prefix) > PREFIX_MAX_BYTES ||
        !matches("([A-Za-z0-9!_.*'()@=+-][A-Za-z0-9!_.*'()@=+/-]*)?", options->prefix))
        return err_set(
            err, ERR_INVALID,
            "--prefix %.100s: letters, digits and !_.*'()@=+-/ only, no / at the start, at most %d bytes",
            options->prefix, PREFIX_MAX_BYTES);
    if (options->set_in.count > 0 && options->files.count > 1)
        return err_set(err, ERR_INVALID, "--set-in takes one ZIP, not %zu: upload them one by one",
                       options->files.count);
    if (options->name && options->set_in.count == 0)
        return err_set(err, ERR_INVALID, "--name says which function --set-in sets: give that, too");
    if (options->handler && !options->runtime)
        return err_set(err, ERR_INVALID, "--handler %.100s needs --runtime", options->handler);
    return 0;
}

static int open_aws(struct work *work, struct http **ret_http, struct err *err)
{
    int r = http_start(ret_http, err);

    if (r == 0)
        r = aws_new(*ret_http, &(struct aws_options){.region = work->options->region}, &work->uploads.aws,
                    err);
    if (r == 0 && !(work->uploads.region = aws_default_region(work->uploads.aws)))
        r = err_set(err, ERR_INVALID, "no AWS region: give --region or set AWS_REGION");
    return r;
}

static int upload(const struct options *options)
{
    struct work work = {.options = options,
                        .uploads = {.bucket = options->bucket,
                                    .items = xcalloc(options->files.count, sizeof(*work.uploads.items)),
                                    .count = options->files.count},
                        .sets = xcalloc(options->set_in.count + 1, sizeof(*work.sets))};
    struct http *http = NULL;
    struct err err = {0};

    for (size_t i = 0; i < work.uploads.count; i++)
        work.uploads.items[i] =
            (struct upload){.file = options->files.items[i], .sha256_base64 = STR_INIT(64)};
    int r = open_aws(&work, &http, &err);

    if (r == 0)
        r = upload_all(&work, &err);
    if (err.class)
        complain(&err);
    if (str_equal(options->output, "json"))
        print_json(&work);
    else
        print_text(&work);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        r = err_set(&err, ERR_FATAL, "what was uploaded could not be printed in full: %s", strerror(errno));
        complain(&err);
    }
    for (size_t i = 0; i < work.uploads.count; i++) {
        file_unmap(work.uploads.items[i].bytes);
        archive_done(&work.uploads.items[i].archive);
        str_done(&work.uploads.items[i].sha256_base64);
        free(work.uploads.items[i].key);
    }
    for (size_t i = 0; i < work.set_count; i++)
        set_in_done(&work.sets[i]);
    free(work.uploads.items);
    free(work.sets);
    aws_free(work.uploads.aws);
    http_stop(http);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int cli_upload(int argc, char **argv)
{
    struct options options = {.prefix = ""};
    struct err err;
    int r = options_parse(&cli_upload_table, argc, argv, &options, &err), status = EXIT_USAGE;

    if (r == 0 && options.help) {
        options_help(&cli_upload_table);
        status = EXIT_SUCCESS;
    } else if (r == 0 && (r = check_options(&options, &err)) == 0) {
        if (!log_set_level("error"))
            abort();
        sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
        watch_signals();
        status = upload(&options);
    }
    if (r < 0)
        complain(&err);
    option_list_done(&options.files);
    option_list_done(&options.set_in);
    return status;
}
