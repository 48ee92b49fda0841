/* Reads the ZIP format: sizes and offsets are checked against the bytes that are there before they are used.
 * No state. Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4. */
#include "cli/archive.h"

#include "cli/zip_write.h"
#include "common/base/mem.h"

#include <stdio.h>
#include <zlib.h>

enum {
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    COMMENT_MAX = 65535,
    ENCRYPTED = 1,
    STORED = 0,
    DEFLATED = 8,
    UNIX = 3,
    OWNER_MAY_RUN = 0100,
    PIECE = 64 << 10,
};

static unsigned get16(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;

    return bytes[0] | (unsigned)bytes[1] << 8;
}

static uint32_t get32(const char *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

void archive_done(struct archive *archive)
{
    free(archive->entries);
    *archive = (struct archive){0};
}

/* The end record is the last thing but for a comment of any text, which fills the rest exactly. */
static const char *find_end(struct str_view bytes)
{
    for (size_t comment = 0; comment <= COMMENT_MAX && comment + END_SIZE <= bytes.len; comment++) {
        const char *at = bytes.ptr + bytes.len - END_SIZE - comment;

        if (memcmp(at, "PK\5\6", 4) == 0 && get16(at + 20) == comment)
            return at;
    }
    return NULL;
}

static int no_archive(struct str_view bytes, struct err *err)
{
    if (bytes.len == 0)
        return err_set(err, ERR_INVALID, "the file is empty: make it again");
    if (bytes.len >= 4 && memcmp(bytes.ptr, "PK\3\4", 4) == 0)
        return err_set(err, ERR_INVALID, "the archive is cut off: its end is missing; make or copy it again");
    return err_set(err, ERR_INVALID, "not a ZIP archive: Lambda takes ZIP only (`kubelambda zip` makes one)");
}

static bool leads_outside(struct str_view name)
{
    if (name.len == 0 || name.ptr[0] == '/' || memchr(name.ptr, '\0', name.len))
        return true;
    for (size_t start = 0, i = 0; i <= name.len; i++)
        if (i == name.len || name.ptr[i] == '/' || name.ptr[i] == '\\') {
            if (i - start == 2 && memcmp(name.ptr + start, "..", 2) == 0)
                return true;
            start = i + 1;
        }
    return false;
}

static int damaged(struct str_view name, struct err *err)
{
    return err_set(err, ERR_INVALID,
                   "%.*s: its content is not where the directory says; the archive is damaged",
                   name.len < 200 ? (int)name.len : 200, name.ptr);
}

/* Where the content is: behind the header before it, which must be for the same name. */
static int find_content(struct str_view before, size_t offset, size_t packed, struct archive_entry *entry,
                        struct err *err)
{
    if (offset > before.len || before.len - offset < LOCAL_SIZE ||
        memcmp(before.ptr + offset, "PK\3\4", 4) != 0)
        return damaged(entry->name, err);
    const char *local = before.ptr + offset;
    size_t name = get16(local + 26), header = LOCAL_SIZE + name + get16(local + 28);

    if (before.len - offset < header || before.len - offset - header < packed || name != entry->name.len ||
        memcmp(local + LOCAL_SIZE, entry->name.ptr, name) != 0)
        return damaged(entry->name, err);
    entry->packed = (struct str_view){local + header, packed};
    return 0;
}

static int read_entry(struct str_view before, const char *at, struct archive_entry *ret_entry,
                      struct err *err)
{
    struct archive_entry entry = {
        .name = {at + ENTRY_SIZE, get16(at + 28)},
        .executable = (get16(at + 4) >> 8) == UNIX && (get32(at + 38) >> 16 & OWNER_MAY_RUN),
        .method = get16(at + 10),
        .crc = get32(at + 16),
        .size = get32(at + 24),
    };
    int shown = entry.name.len < 200 ? (int)entry.name.len : 200;

    if (leads_outside(entry.name))
        return err_set(err, ERR_INVALID, "an entry is called '%.*s': names must stay inside the archive",
                       shown, entry.name.ptr);
    if (get16(at + 8) & ENCRYPTED)
        return err_set(err, ERR_INVALID, "%.*s is encrypted: Lambda cannot read it", shown, entry.name.ptr);
    if (entry.method != STORED && entry.method != DEFLATED)
        return err_set(err, ERR_INVALID, "%.*s is packed by method %u: only stored and deflated are known",
                       shown, entry.name.ptr, entry.method);
    int r = find_content(before, get32(at + 42), get32(at + 20), &entry, err);

    if (r == 0)
        *ret_entry = entry;
    return r;
}

static int read_directory(struct str_view before, struct str_view directory, size_t count,
                          struct archive *archive, struct err *err)
{
    while (archive->count < count) {
        const char *at = directory.ptr;

        if (directory.len < ENTRY_SIZE || memcmp(at, "PK\1\2", 4) != 0)
            return err_set(err, ERR_INVALID,
                           "the archive is damaged: its directory ends after %zu of %zu entries",
                           archive->count, count);
        size_t len = (size_t)ENTRY_SIZE + get16(at + 28) + get16(at + 30) + get16(at + 32);

        if (directory.len < len)
            return err_set(err, ERR_INVALID, "the archive is damaged: its directory is cut off");
        struct archive_entry *entry = &archive->entries[archive->count];
        int r = read_entry(before, at, entry, err);

        if (r < 0)
            return r;
        archive->count++;
        archive->unzipped_bytes += entry->size; /* at most 65534 times 4 GiB */
        directory = (struct str_view){at + len, directory.len - len};
    }
    return 0;
}

int archive_read(struct str_view bytes, struct archive *ret_archive, struct err *err)
{
    const char *end = find_end(bytes);

    if (!end)
        return no_archive(bytes, err);
    size_t count = get16(end + 10), size = get32(end + 12), start = get32(end + 16);
    size_t end_at = (size_t)(end - bytes.ptr);

    if (count == UINT16_MAX || size == UINT32_MAX || start == UINT32_MAX)
        return err_set(err, ERR_INVALID, "the archive is in the zip64 format: more than Lambda takes");
    if (count == 0)
        return err_set(err, ERR_INVALID, "the archive is empty");
    if (get16(end + 4) != 0 || start > end_at || end_at - start != size || size < count * ENTRY_SIZE)
        return err_set(err, ERR_INVALID, "the archive is damaged: its directory is not where its end says");
    _cleanup_(archive_done) struct archive archive = {.entries = xcalloc(count, sizeof(*archive.entries))};
    int r = read_directory((struct str_view){bytes.ptr, start}, (struct str_view){bytes.ptr + start, size},
                           count, &archive, err);

    if (r < 0)
        return r;
    if (archive.unzipped_bytes > ZIP_MAX_UNZIPPED_BYTES)
        return err_set(err, ERR_INVALID,
                       "%zu bytes unzipped; Lambda takes at most %d (use a container image)",
                       archive.unzipped_bytes, ZIP_MAX_UNZIPPED_BYTES);
    *ret_archive = archive;
    archive = (struct archive){0};
    return 0;
}

/* --- its content -------------------------------------------------------------------------- */

/* Unpacks at most one byte more than is declared: a bomb is found out before it grows. */
static bool is_intact(const struct archive_entry *entry, char *piece)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)entry->packed.ptr, .avail_in = (uInt)entry->packed.len};
    uLong crc = crc32(0, NULL, 0);
    int r = Z_OK;

    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        abort(); /* only when memory is out */
    while (r == Z_OK && stream.total_out <= entry->size) {
        stream.next_out = (Bytef *)piece;
        stream.avail_out = PIECE;
        r = inflate(&stream, Z_NO_FLUSH);
        crc = crc32(crc, (const Bytef *)piece, PIECE - stream.avail_out);
    }
    bool intact = r == Z_STREAM_END && stream.total_out == entry->size && crc == entry->crc;

    inflateEnd(&stream);
    return intact;
}

int archive_verify(const struct archive *archive, struct err *err)
{
    _cleanup_(freep) char *piece = xmalloc(PIECE);

    for (size_t i = 0; i < archive->count; i++) {
        const struct archive_entry *entry = &archive->entries[i];
        struct str_view packed = entry->packed;
        bool intact =
            entry->method == STORED
                ? packed.len == entry->size && crc32_z(0, (const Bytef *)packed.ptr, packed.len) == entry->crc
                : is_intact(entry, piece);

        if (!intact)
            return err_set(err, ERR_INVALID,
                           "%.*s cannot be unpacked as it was: the archive is damaged, make it again",
                           entry->name.len < 200 ? (int)entry->name.len : 200, entry->name.ptr);
    }
    return 0;
}

/* --- what a runtime starts ---------------------------------------------------------------- */

static const struct archive_entry *find(const struct archive *archive, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < archive->count; i++)
        if (archive->entries[i].name.len == len && memcmp(archive->entries[i].name.ptr, name, len) == 0)
            return &archive->entries[i];
    return NULL;
}

/* A module of Python's C API is called after the machine, too: "app.cpython-313-x86_64-linux-gnu.so". */
static bool has_compiled(const struct archive *archive, const char *module)
{
    size_t len = strlen(module);

    for (size_t i = 0; i < archive->count; i++) {
        struct str_view name = archive->entries[i].name;

        if (name.len >= len + 4 && memcmp(name.ptr, module, len) == 0 && name.ptr[len] == '.' &&
            memcmp(name.ptr + name.len - 3, ".so", 3) == 0)
            return true;
    }
    return false;
}

static bool has_any(const struct archive *archive, const char *module, const char *const *endings)
{
    for (; *endings; endings++) {
        _cleanup_(freep) char *name = xasprintf("%s%s", module, *endings);

        if (find(archive, name))
            return true;
    }
    return false;
}

static int no_module(const char *handler, const char *module, const char *ending, struct err *err)
{
    return err_set(
        err, ERR_NOT_FOUND,
        "the handler %.128s needs %.128s%s, which is not in the archive (are the files one directory "
        "too deep?)",
        handler, module, ending);
}

/* "app.handler", "src/app.handler" and "src.app.handler". */
static int has_python(const struct archive *archive, const char *handler, struct err *err)
{
    static const char *const endings[] = {".py", "/__init__.py", ".pyc", "/__init__.pyc", NULL};
    const char *dot = strrchr(handler, '.');

    if (!dot || dot == handler)
        return err_set(err, ERR_INVALID, "the handler '%.128s' must be MODULE.FUNCTION", handler);
    _cleanup_(freep) char *module = xstrndup(handler, (size_t)(dot - handler));

    for (char *c = module; *c; c++)
        if (*c == '.')
            *c = '/';
    if (has_any(archive, module, endings) || has_compiled(archive, module))
        return 0;
    return no_module(handler, module, ".py", err);
}

/* "index.handler" and "dist/index.handler": the module ends at the first dot of the last part. */
static int has_node(const struct archive *archive, const char *handler, struct err *err)
{
    static const char *const endings[] = {".js", ".mjs", ".cjs", "", "/index.js", "/package.json", NULL};
    const char *slash = strrchr(handler, '/'), *base = slash ? slash + 1 : handler;
    const char *start = str_starts_with(handler, "./") ? handler + 2 : handler, *dot = strchr(base, '.');

    if (!dot || dot == base)
        return err_set(err, ERR_INVALID, "the handler '%.128s' must be MODULE.FUNCTION", handler);
    _cleanup_(freep) char *module = xstrndup(start, (size_t)(dot - start));

    return has_any(archive, module, endings) ? 0 : no_module(handler, module, ".js", err);
}

static int has_bootstrap(const struct archive *archive, struct err *err)
{
    const struct archive_entry *bootstrap = find(archive, "bootstrap");

    if (!bootstrap)
        return err_set(err, ERR_NOT_FOUND,
                       "a provided runtime starts `bootstrap`, which is not at the top of the archive");
    if (!bootstrap->executable)
        return err_set(
            err, ERR_NOT_FOUND,
            "`bootstrap` is not executable in the archive: chmod +x it, then make the archive again");
    return 0;
}

int archive_has_handler(const struct archive *archive, const char *runtime, const char *handler,
                        struct err *err)
{
    bool opt = handler && str_starts_with(handler, "/opt/"); /* comes with a layer */

    if (str_starts_with(runtime, "provided"))
        return has_bootstrap(archive, err);
    if (handler && !opt && str_starts_with(runtime, "python"))
        return has_python(archive, handler, err);
    if (handler && !opt && str_starts_with(runtime, "nodejs"))
        return has_node(archive, handler, err);
    return 0;
}
