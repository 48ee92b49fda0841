/* `kubelambda zip`: an archive of a directory that is the same as long as the files are. Main thread. */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/save.h"
#include "cli/session.h"
#include "cli/zip_write.h"
#include "common/base/encode.h"
#include "common/base/json_scan.h"
#include "common/base/mem.h"
#include "common/function/glob.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DEPTH = 64, MAX_SEEN = 1000 * 1000 };

struct options {
    struct option_list directories, excludes;
    const char *file;
    bool help;
};

#define ROW(name, letter, value, kind, member, help)                                                         \
    {                                                                                                        \
        name, letter, value, kind, offsetof(struct options, member), NULL, help                              \
    }
static const struct option_row rows[] = {
    ROW("file", 'o', "FILE", OPTION_TEXT, file, "the archive to write; what is there is replaced at the end"),
    ROW("exclude", 0, "GLOB", OPTION_LIST, excludes,
        "leaves out what has such a path in DIR or such a name (* is any text, / too); may be given several "
        "times; .git, __pycache__ and *.pyc are always left out"),
    ROW("help", 'h', NULL, OPTION_SWITCH, help, "this text"),
};

const struct option_table cli_zip_table = {
    .usage = "kubelambda zip DIR -o FILE [--exclude GLOB]…",
    .before =
        "Makes an archive whose bytes depend on nothing but names, contents and executable bits: sorted, no\n"
        "times, no owners, modes 0644 and 0755. An unchanged function keeps its key, and is not deployed.\n"
        "Links are stored as what they point to, which must be inside DIR; empty directories are left out.",
    .rows = rows,
    .count = ARRAY_LEN(rows),
    .takes_operands = true,
    .operands_are_files = true,
    .operands = offsetof(struct options, directories),
    .after = "Examples:\n"
             "  kubelambda zip build/ -o app.zip\n"
             "  kubelambda zip . -o app.zip --exclude 'tests/*' --exclude '*.md'",
};

static const char *const always_excluded[] = {".git", "__pycache__", "*.pyc"};

/* --- finding the files -------------------------------------------------------------------- */

struct found {
    char *name; /* in the archive */
    char *path;
    bool executable;
};

struct walk {
    const struct options *options;
    const char *root;   /* without links */
    struct stat output; /* st_ino 0: there is none yet */
    struct found *items;
    size_t count, capacity, seen;
    struct err *err;
};

struct level { /* a directory that is being read */
    dev_t device;
    ino_t inode;
    const struct level *above;
    int depth;
};

static void walk_done(struct walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        free(walk->items[i].name);
        free(walk->items[i].path);
    }
    free(walk->items);
}

static bool fits(const char *glob, const char *name)
{
    const char *slash = strrchr(name, '/');

    return glob_matches(glob, name) || glob_matches(glob, slash ? slash + 1 : name);
}

static bool is_excluded(const struct walk *walk, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(always_excluded); i++)
        if (fits(always_excluded[i], name))
            return true;
    for (size_t i = 0; i < walk->options->excludes.count; i++)
        if (fits(walk->options->excludes.items[i], name))
            return true;
    return false;
}

static int failed(struct walk *walk, const char *path)
{
    return err_set(walk->err, ERR_FATAL, "%s: %s", path, strerror(errno));
}

static void add(struct walk *walk, const char *name, const char *path, bool executable)
{
    if (walk->count == walk->capacity) {
        walk->capacity = walk->capacity ? 2 * walk->capacity : 64;
        walk->items = xrealloc(walk->items, walk->capacity * sizeof(*walk->items));
    }
    walk->items[walk->count++] = (struct found){xstrdup(name), xstrdup(path), executable};
}

/* A link may point to anything inside the directory and to nothing outside. */
static int check_link(struct walk *walk, const char *path)
{
    _cleanup_(freep) char *real = realpath(path, NULL);
    size_t len = strlen(walk->root);

    if (!real)
        return err_set(walk->err, ERR_INVALID,
                       "%s is a link that leads nowhere (%s): remove it or --exclude it", path,
                       strerror(errno));
    if (len > 1 && (strncmp(real, walk->root, len) != 0 || (real[len] != '/' && real[len])))
        return err_set(walk->err, ERR_INVALID,
                       "%s is a link to %s, outside %s: copy the file there, or --exclude it", path, real,
                       walk->root);
    return 0;
}

static int read_directory(struct walk *walk, const char *name, const char *path, const struct stat *status,
                          const struct level *above);

static int look_at(struct walk *walk, const char *name, const char *path, const struct level *level)
{
    struct stat status;

    if (is_excluded(walk, name))
        return 0;
    if (++walk->seen > MAX_SEEN)
        return err_set(walk->err, ERR_INVALID, "%s has more than %d files: leave some out with --exclude",
                       walk->root, MAX_SEEN);
    if (lstat(path, &status) < 0)
        return failed(walk, path);
    if (S_ISLNK(status.st_mode)) {
        int r = check_link(walk, path);

        if (r < 0)
            return r;
        if (stat(path, &status) < 0)
            return failed(walk, path);
    }
    if (S_ISDIR(status.st_mode))
        return read_directory(walk, name, path, &status, level);
    if (!S_ISREG(status.st_mode))
        return err_set(walk->err, ERR_INVALID, "%s is neither file nor directory: remove it or --exclude it",
                       path);
    if (walk->output.st_ino && status.st_dev == walk->output.st_dev && status.st_ino == walk->output.st_ino)
        return 0; /* an archive that is written into its own directory */
    for (size_t i = 0, len; name[i]; i += len)
        if ((len = utf8_sequence(name + i, strlen(name + i))) == 0)
            return err_set(walk->err, ERR_INVALID, "%s: the name is not UTF-8: rename it", path);
    add(walk, name, path, status.st_mode & S_IXUSR);
    return 0;
}

static int enter(struct walk *walk, const char *path, const struct stat *status, const struct level *above,
                 struct level *ret_level)
{
    for (const struct level *one = above; one; one = one->above)
        if (one->device == status->st_dev && one->inode == status->st_ino)
            return err_set(walk->err, ERR_INVALID, "%s is a link to a directory that it is in: --exclude it",
                           path);
    *ret_level = (struct level){status->st_dev, status->st_ino, above, above ? above->depth + 1 : 0};
    if (ret_level->depth > MAX_DEPTH)
        return err_set(walk->err, ERR_INVALID, "%s: directories more than %d deep", path, MAX_DEPTH);
    return 0;
}

/* `name` is "" for the root. */
static int read_directory(struct walk *walk, const char *name, const char *path, const struct stat *status,
                          const struct level *above)
{
    struct level level;
    int r = enter(walk, path, status, above, &level);

    if (r < 0)
        return r;
    DIR *directory = opendir(path);

    if (!directory)
        return failed(walk, path);
    for (const struct dirent *entry; r == 0 && (errno = 0, entry = readdir(directory));) {
        if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
            continue;
        _cleanup_(freep) char *below = xasprintf("%s%s%s", name, *name ? "/" : "", entry->d_name);
        _cleanup_(freep) char *below_path = xasprintf("%s/%s", path, entry->d_name);

        r = look_at(walk, below, below_path, &level);
    }
    if (r == 0 && errno)
        r = failed(walk, path);
    closedir(directory);
    return r;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->name, ((const struct found *)b)->name);
}

/* --- the command -------------------------------------------------------------------------- */

static int write_archive(const struct walk *walk, const char *file, struct err *err)
{
    _cleanup_(zip_done) struct zip_writer zip;
    char hash[SHA256_HEX_SIZE];
    int r = 0;

    zip_init(&zip);
    for (size_t i = 0; r == 0 && i < walk->count; i++) {
        const struct found *found = &walk->items[i];
        struct str_view content;

        r = file_map(found->path, ZIP_MAX_UNZIPPED_BYTES, &content, err);
        if (r < 0)
            break;
        r = zip_add(&zip, found->name, found->executable, content, err);
        file_unmap(content);
    }
    if (r < 0)
        return r;
    zip_finish(&zip);
    r = file_save(file, str_view_of(&zip.out), err);
    if (r < 0)
        return r;
    sha256_hex(str_view_of(&zip.out), hash);
    printf("%s: %zu file%s, %zu bytes, sha256 %s\n", file, zip.entries, zip.entries == 1 ? "" : "s",
           zip.out.len, hash);
    return 0;
}

static int zip_directory(const struct options *options, struct err *err)
{
    const char *directory = options->directories.items[0];
    _cleanup_(freep) char *root = realpath(directory, NULL);
    _cleanup_(walk_done) struct walk walk = {.options = options, .root = root, .err = err};
    struct stat status;

    if (!root || stat(root, &status) < 0)
        return err_set(err, ERR_NOT_FOUND, "%s: %s", directory, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return err_set(err, ERR_INVALID, "%s is not a directory", directory);
    if (stat(options->file, &walk.output) < 0)
        walk.output.st_ino = 0;
    int r = read_directory(&walk, "", root, &status, NULL);

    if (r < 0)
        return r;
    if (walk.count == 0)
        return err_set(err, ERR_INVALID, "%s has no files (that are not excluded)", directory);
    qsort(walk.items, walk.count, sizeof(*walk.items), by_name);
    return write_archive(&walk, options->file, err);
}

static int check_options(const struct options *options, struct err *err)
{
    if (options->directories.count != 1)
        return err_set(err, ERR_INVALID, "name one directory: kubelambda zip DIR -o FILE");
    if (!options->file || !*options->file)
        return err_set(err, ERR_INVALID, "name the archive with -o FILE");
    return 0;
}

int cli_zip(int argc, char **argv)
{
    struct options options = {0};
    struct err err;
    int r = options_parse(&cli_zip_table, argc, argv, &options, &err), status = EXIT_SUCCESS;

    if (r == 0 && options.help) {
        options_help(&cli_zip_table);
    } else {
        if (r == 0)
            r = check_options(&options, &err);
        status = r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
        if (r == 0 && (r = zip_directory(&options, &err)) < 0)
            status = EXIT_FAILURE;
    }
    if (r < 0) {
        _cleanup_(freep) char *line = xasprintf("kubelambda zip: %s", err.msg);

        session_print(stderr, line);
    }
    option_list_done(&options.directories);
    option_list_done(&options.excludes);
    return status;
}
