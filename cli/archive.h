/* What is in a ZIP archive, as far as Lambda minds. Every byte of it is hostile. Pure. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

struct archive_entry {
    struct str_view name; /* into the archive's bytes */
    bool executable;
    unsigned method;
    uint32_t crc;
    size_t size;            /* unpacked, as it is declared */
    struct str_view packed; /* into the archive's bytes */
};

struct archive {
    struct archive_entry *entries;
    size_t count, unzipped_bytes;
};

/* Reads the directory and every entry's header. ERR_INVALID says what is wrong: no archive, cut off,
 * encrypted, zip64, unzipped more than Lambda takes, names that lead outside. The bytes must outlive it. */
int archive_read(struct str_view bytes, struct archive *ret_archive, struct err *err)
    __attribute__((warn_unused_result));
void archive_done(struct archive *archive);

/* Unpacks everything and compares sizes and checksums; keeps nothing. */
int archive_verify(const struct archive *archive, struct err *err) __attribute__((warn_unused_result));

/* Does it have what the runtime starts: the handler's file for Python and Node.js, an executable `bootstrap`
 * for provided runtimes? ERR_NOT_FOUND when not; other runtimes are not looked into. `handler` may be NULL.
 */
int archive_has_handler(const struct archive *archive, const char *runtime, const char *handler,
                        struct err *err) __attribute__((warn_unused_result));
