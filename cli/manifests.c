/* Finds and reads manifests. Sizes, depth and numbers of files are bounded: a directory may hold anything,
 * also links that lead in circles. */
#include "cli/manifests.h"

#include "common/base/mem.h"
#include "common/base/yaml.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAX_TOTAL_BYTES = 256 << 20,
    MAX_FILES = 100 * 1000,
    MAX_DEPTH = 32,
    MAX_UNREADABLE = 1000,
};

static void unreadable(struct manifests *manifests, const char *file, size_t line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void unreadable(struct manifests *manifests, const char *file, size_t line, const char *format, ...)
{
    struct str message = STR_INIT(1 << 12);
    char text[1024];
    va_list args;

    if (manifests->unreadable_count >= MAX_UNREADABLE)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    str_add(&message, text);
    manifests->unreadable =
        xrealloc(manifests->unreadable, (manifests->unreadable_count + 1) * sizeof(*manifests->unreadable));
    manifests->unreadable[manifests->unreadable_count++] =
        (struct unreadable){xstrdup(file), line, str_take(&message)};
}

/* --- what is in a text -------------------------------------------------------------------- */

static void add_resource(struct manifests *manifests, const struct manifest_source *source, size_t document,
                         const struct json *object, char *prefix)
{
    if ((manifests->count & (manifests->count - 1)) == 0) /* doubles */
        manifests->items = xrealloc(manifests->items, (manifests->count ? 2 * manifests->count : 1) *
                                                          sizeof(*manifests->items));
    manifests->items[manifests->count++] = (struct manifest){.object = object,
                                                             .file = source->file,
                                                             .lines = source->lines,
                                                             .document = document,
                                                             .prefix = prefix};
}

static bool is_list(const struct json *document)
{
    const char *kind = json_str_at(document, "kind");
    size_t len = kind ? strlen(kind) : 0;

    return len >= strlen("List") && str_equal(kind + len - strlen("List"), "List") &&
           json_type(json_get(document, "items")) == JSON_ARRAY;
}

static void add_documents(struct manifests *manifests, const struct manifest_source *source)
{
    size_t number = 0;

    for (const struct json *document = json_first(source->documents); document;
         document = json_next(document), number++) {
        size_t index = 0;

        if (json_type(document) != JSON_OBJECT) {
            unreadable(manifests, source->file, yaml_line(source->lines, number, ""),
                       "a manifest must be an object with apiVersion and kind, not %s",
                       json_type_name(document));
            continue;
        }
        if (!is_list(document)) {
            add_resource(manifests, source, number, document, xstrdup(""));
            continue;
        }
        for (const struct json *item = json_first(json_get(document, "items")); item;
             item = json_next(item), index++) {
            char *prefix = xasprintf("items[%zu].", index);

            add_resource(manifests, source, number, item, prefix);
        }
    }
}

/* "line 3: what" of the parser's message becomes 3 and "what". */
static const char *split_line(const char *message, size_t *ret_line)
{
    const char *colon = str_starts_with(message, "line ") ? strchr(message, ':') : NULL;
    int64_t line;

    if (!colon)
        return message;
    _cleanup_(freep) char *digits =
        xstrndup(message + strlen("line "), (size_t)(colon - message) - strlen("line "));

    if (!parse_int(digits, 1, INT64_MAX, &line))
        return message;
    *ret_line = (size_t)line;
    return colon + 1 + (colon[1] == ' ');
}

static bool looks_like_json(struct str_view text)
{
    size_t i = 0;

    while (i < text.len && strchr(" \t\r\n", text.ptr[i]) && text.ptr[i])
        i++;
    return i < text.len && text.ptr[i] == '{';
}

static void parse(struct manifests *manifests, const char *file, struct str_view text)
{
    struct manifest_source *source = xcalloc(1, sizeof(*source));
    struct json *one = NULL;
    struct err err, json_err;
    int r = yaml_parse_lines(text, &source->documents, &source->lines, &err);

    /* Nearly all JSON is YAML; what is not (such as escaped surrogate pairs) has no lines. */
    if (r < 0 && looks_like_json(text) && json_parse(text, &one, &json_err) == 0) {
        source->documents = json_new_array();
        json_append(source->documents, one);
        r = 0;
    }
    if (r < 0) {
        size_t line = 0;
        const char *message = split_line(err.msg, &line);

        unreadable(manifests, file, line, "%s", message);
        free(source);
        return;
    }
    source->file = xstrdup(file);
    manifests->sources =
        xrealloc(manifests->sources, (manifests->source_count + 1) * sizeof(*manifests->sources));
    manifests->sources[manifests->source_count++] = source;
    add_documents(manifests, source);
}

/* --- files -------------------------------------------------------------------------------- */

static void read_open(struct manifests *manifests, const char *file, int fd)
{
    _cleanup_(str_done) struct str text = STR_INIT(YAML_MAX_BYTES + 1);
    char piece[64 * 1024];

    for (;;) {
        ssize_t n = read(fd, piece, sizeof(piece));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            unreadable(manifests, file, 0, "%s", strerror(errno));
            return;
        }
        if (n == 0)
            break;
        str_add_bytes(&text, piece, (size_t)n);
        if (text.overflow || text.len > YAML_MAX_BYTES) {
            unreadable(manifests, file, 0, "larger than 8 MiB; split it");
            return;
        }
    }
    if (manifests->bytes + text.len > MAX_TOTAL_BYTES) {
        unreadable(manifests, file, 0, "more than 256 MiB of manifests; check them in parts");
        return;
    }
    manifests->bytes += text.len;
    parse(manifests, file, str_view_of(&text));
}

static void read_file(struct manifests *manifests, const char *file, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        unreadable(manifests, file, 0, "%s", strerror(errno));
        return;
    }
    read_open(manifests, file, fd);
    close(fd);
}

static bool is_manifest_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    return str_equal(dot, ".yaml") || str_equal(dot, ".yml") || str_equal(dot, ".json");
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* True: go on. */
static bool visit(struct manifests *manifests, FTS *tree, FTSENT *entry, size_t *files)
{
    bool hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

    switch (entry->fts_info) {
    case FTS_D:
        if (hidden)
            fts_set(tree, entry, FTS_SKIP);
        else if (entry->fts_level > MAX_DEPTH) {
            unreadable(manifests, entry->fts_path, 0, "directories nested more than %d deep", MAX_DEPTH);
            fts_set(tree, entry, FTS_SKIP);
        }
        return true;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        unreadable(manifests, entry->fts_path, 0, "%s", strerror(entry->fts_errno));
        return true;
    case FTS_F: /* through symbolic links, too; one that leads into a circle is FTS_DC and left out */
        if (hidden || !is_manifest_name(entry->fts_name))
            return true;
        if (++*files > MAX_FILES) {
            unreadable(manifests, entry->fts_path, 0, "more than %d files; check them in parts", MAX_FILES);
            return false;
        }
        read_file(manifests, entry->fts_path, entry->fts_accpath);
        return true;
    case FTS_SLNONE:
        if (!hidden && is_manifest_name(entry->fts_name))
            unreadable(manifests, entry->fts_path, 0, "a symbolic link that leads nowhere");
        return true;
    default:
        return true;
    }
}

static void read_directory(struct manifests *manifests, const char *path)
{
    _cleanup_(freep) char *root = xstrdup(path);
    size_t files = 0, len = strlen(root);

    while (len > 1 && root[len - 1] == '/')
        root[--len] = '\0';
    FTS *tree = fts_open((char *const[]){root, NULL}, FTS_LOGICAL | FTS_NOCHDIR, by_name);

    if (!tree) {
        unreadable(manifests, path, 0, "%s", strerror(errno));
        return;
    }
    for (FTSENT *entry; (entry = fts_read(tree)) && visit(manifests, tree, entry, &files);)
        ;
    fts_close(tree);
}

void manifests_read(struct manifests *manifests, const char *path)
{
    struct stat status;

    if (str_equal(path, "-"))
        read_open(manifests, "<stdin>", STDIN_FILENO);
    else if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        read_directory(manifests, path);
    else
        read_file(manifests, path, path);
}

void manifests_refuse(struct manifests *manifests, const char *path, const char *why)
{
    unreadable(manifests, path, 0, "%s", why);
}

void manifests_done(struct manifests *manifests)
{
    for (size_t i = 0; i < manifests->count; i++)
        free(manifests->items[i].prefix);
    for (size_t i = 0; i < manifests->unreadable_count; i++) {
        free(manifests->unreadable[i].file);
        free(manifests->unreadable[i].message);
    }
    for (size_t i = 0; i < manifests->source_count; i++) {
        free(manifests->sources[i]->file);
        json_free(manifests->sources[i]->documents);
        yaml_lines_free(manifests->sources[i]->lines);
        free(manifests->sources[i]);
    }
    free(manifests->items);
    free(manifests->unreadable);
    free(manifests->sources);
    *manifests = (struct manifests){0};
}

/* --- one resource ------------------------------------------------------------------------- */

size_t manifest_line(const struct manifest *manifest, const char *field)
{
    _cleanup_(freep) char *path = xasprintf("%s%s", manifest->prefix, field);

    return yaml_line(manifest->lines, manifest->document, path);
}

bool manifest_is(const struct manifest *manifest, const char *group, const char *kind)
{
    const char *version = json_str_at(manifest->object, "apiVersion");
    const char *slash = version ? strchr(version, '/') : NULL;
    size_t len = slash ? (size_t)(slash - version) : 0;

    return version && str_equal(json_str_at(manifest->object, "kind"), kind) && strlen(group) == len &&
           strncmp(version, group, len) == 0;
}
