/* Reads the runtimes' file. Tables are few and small, and readers hold no references: all are kept. */
#include "cli/runtimes_file.h"

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/mem.h"

enum { FILE_MAX_BYTES = 1 << 20, TABLES_MAX = 1000 };

struct runtimes_file {
    char *path; /* NULL: none */
    struct runtimes_now now;
    struct str text; /* as it was read last, right or wrong */
    struct runtimes **tables;
    size_t count;
};

static int read_text(const char *path, struct str *out, struct err *err)
{
    struct err why;

    return file_read(path, out, &why) < 0 ? err_set(err, ERR_FATAL, "--runtimes-file %s", why.msg) : 0;
}

/* Takes the text over, and the table that it makes into force. */
static int take_in(struct runtimes_file *file, struct str *text, struct err *err)
{
    struct runtimes *table;

    str_done(&file->text);
    file->text = *text;
    *text = STR_INIT(FILE_MAX_BYTES);
    if (file->count >= TABLES_MAX)
        return err_set(err, ERR_FATAL, "--runtimes-file %s: it changed %d times; restart to read it again",
                       file->path, TABLES_MAX);
    if (runtimes_parse(str_view_of(&file->text), &table, err) < 0) {
        err_wrap(err, "--runtimes-file %s", file->path);
        err->class = ERR_FATAL;
        return ERR_FATAL;
    }
    file->tables = xrealloc(file->tables, (file->count + 1) * sizeof(struct runtimes *));
    file->tables[file->count++] = table;
    atomic_store(&file->now.table, table);
    return 0;
}

int runtimes_file_open(const char *path, struct runtimes_file **ret_file, struct err *err)
{
    struct runtimes_file *file = xcalloc(1, sizeof(*file));
    _cleanup_(str_done) struct str text = STR_INIT(FILE_MAX_BYTES);
    int r = 0;

    file->path = xstrdup(path);
    atomic_store(&file->now.table, &runtimes_builtin);
    if (path)
        r = read_text(path, &text, err);
    if (path && r == 0)
        r = take_in(file, &text, err);
    if (r < 0) {
        runtimes_file_free(file);
        return r;
    }
    *ret_file = file;
    return 0;
}

void runtimes_file_free(struct runtimes_file *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->count; i++)
        runtimes_free(file->tables[i]);
    free(file->tables);
    str_done(&file->text);
    free(file->path);
    free(file);
}

void runtimes_file_tick(struct runtimes_file *file)
{
    _cleanup_(str_done) struct str text = STR_INIT(FILE_MAX_BYTES);
    struct err err;

    if (!file->path)
        return;
    int r = read_text(file->path, &text, &err);

    if (r < 0) /* what the message says stands for the text: it is news once */
        str_clear(&text), text.overflow = false, str_add(&text, err.msg);
    if (str_equal(str_text(&text), str_text(&file->text)))
        return;
    if (r < 0) {
        str_done(&file->text);
        file->text = text;
        text = STR_INIT(0);
    } else {
        r = take_in(file, &text, &err);
    }
    if (r < 0)
        log_error("the runtimes' file is not taken, the old table stays", "error", err.msg);
    else
        log_info("the runtimes' file was read again", "file", file->path);
}

const struct runtimes_now *runtimes_file_now(const struct runtimes_file *file)
{
    return &file->now;
}
