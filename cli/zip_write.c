/* Writes the ZIP format: deflate by zlib, everything else fixed. In memory; a writer belongs to one thread.
 * Source: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4. */
#include "cli/zip_write.h"

#include "common/base/mem.h"

#include <zlib.h>

enum {
    LOCAL_HEADER = 0x04034b50,
    DIRECTORY_ENTRY = 0x02014b50,
    DIRECTORY_END = 0x06054b50,
    NEEDS_2_0 = 20,
    MADE_ON_UNIX = 3 << 8 | NEEDS_2_0,
    NAME_IS_UTF8 = 1 << 11,
    STORED = 0,
    DEFLATED = 8,
    DATE_1980_01_01 = 1 << 5 | 1, /* the format's first day */
    REGULAR_FILE = 0100000,
    LEVEL = 6, /* part of "the same bytes", as are the window and the memory level */
    MEMORY_LEVEL = 8,
};

void zip_init(struct zip_writer *zip)
{
    *zip = (struct zip_writer){.out = STR_INIT((size_t)2 * ZIP_MAX_UNZIPPED_BYTES),
                               .directory = STR_INIT((size_t)ZIP_MAX_UNZIPPED_BYTES)};
}

void zip_done(struct zip_writer *zip)
{
    str_done(&zip->out);
    str_done(&zip->directory);
}

static void add16(struct str *out, unsigned value)
{
    const char bytes[] = {(char)(value & 0xFF), (char)(value >> 8 & 0xFF)};

    str_add_bytes(out, bytes, sizeof(bytes));
}

static void add32(struct str *out, size_t value)
{
    add16(out, (unsigned)(value & 0xFFFF));
    add16(out, (unsigned)(value >> 16 & 0xFFFF));
}

/* Raw deflate; false when it would not be smaller than the content. */
static bool deflated(struct str_view content, char **ret_bytes, size_t *ret_len)
{
    z_stream stream = {0};

    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* only when memory is out */
    char *bytes = xmalloc(content.len + 1);

    stream.next_in = (Bytef *)(uintptr_t)content.ptr;
    stream.avail_in = (uInt)content.len;
    stream.next_out = (Bytef *)bytes;
    stream.avail_out = (uInt)content.len;
    bool smaller = deflate(&stream, Z_FINISH) == Z_STREAM_END && stream.total_out < content.len;

    *ret_len = stream.total_out;
    deflateEnd(&stream);
    if (smaller)
        *ret_bytes = bytes;
    else
        free(bytes);
    return smaller;
}

static bool is_ascii(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name > 0x7F)
            return false;
    return true;
}

/* What the header before the content and the one in the directory have in common. */
static void add_description(struct str *out, const char *name, unsigned method, size_t crc, size_t packed,
                            size_t size)
{
    add16(out, NEEDS_2_0);
    add16(out, is_ascii(name) ? 0 : NAME_IS_UTF8);
    add16(out, method);
    add16(out, 0); /* midnight */
    add16(out, DATE_1980_01_01);
    add32(out, crc);
    add32(out, packed);
    add32(out, size);
    add16(out, (unsigned)strlen(name));
    add16(out, 0); /* no extra fields */
}

int zip_add(struct zip_writer *zip, const char *name, bool executable, struct str_view content,
            struct err *err)
{
    _cleanup_(freep) char *packed = NULL;
    size_t packed_len, mode = REGULAR_FILE | (executable ? 0755 : 0644), offset = zip->out.len;

    if (strlen(name) > UINT16_MAX)
        return err_set(err, ERR_INVALID, "%.100s…: a name of more than 65535 bytes", name);
    if (zip->entries == ZIP_MAX_ENTRIES)
        return err_set(err, ERR_INVALID, "more than %d files: leave some out with --exclude",
                       ZIP_MAX_ENTRIES);
    if (content.len > ZIP_MAX_UNZIPPED_BYTES - zip->unzipped_bytes)
        return err_set(
            err, ERR_INVALID,
            "%s: more than %d bytes in all, which Lambda refuses: leave something out with --exclude, "
            "or use a container image",
            name, ZIP_MAX_UNZIPPED_BYTES);
    unsigned method = content.len > 0 && deflated(content, &packed, &packed_len) ? DEFLATED : STORED;
    size_t crc = crc32_z(0, (const Bytef *)content.ptr, content.len);

    if (method == STORED)
        packed_len = content.len;
    add32(&zip->out, LOCAL_HEADER);
    add_description(&zip->out, name, method, crc, packed_len, content.len);
    str_add(&zip->out, name);
    str_add_bytes(&zip->out, packed ? packed : content.ptr, packed_len);

    add32(&zip->directory, DIRECTORY_ENTRY);
    add16(&zip->directory, MADE_ON_UNIX);
    add_description(&zip->directory, name, method, crc, packed_len, content.len);
    add16(&zip->directory, 0); /* no comment */
    add16(&zip->directory, 0); /* on the first disk */
    add16(&zip->directory, 0); /* no internal attributes */
    add32(&zip->directory, mode << 16);
    add32(&zip->directory, offset);
    str_add(&zip->directory, name);
    zip->entries++;
    zip->unzipped_bytes += content.len;
    return 0;
}

void zip_finish(struct zip_writer *zip)
{
    size_t start = zip->out.len;

    str_add_bytes(&zip->out, str_text(&zip->directory), zip->directory.len);
    add32(&zip->out, DIRECTORY_END);
    add32(&zip->out, 0); /* one disk */
    add16(&zip->out, (unsigned)zip->entries);
    add16(&zip->out, (unsigned)zip->entries);
    add32(&zip->out, zip->directory.len);
    add32(&zip->out, start);
    add16(&zip->out, 0); /* no comment */
}
