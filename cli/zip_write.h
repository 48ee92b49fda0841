/* Archives that depend on nothing but the files' names, contents and executable bits. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

enum {
    ZIP_MAX_UNZIPPED_BYTES = 262144000, /* Lambda's quota "deployment package size (unzipped)": 250 MB */
    ZIP_MAX_ENTRIES = 65534,            /* more needs zip64 */
};

struct zip_writer {
    struct str out, directory;
    size_t entries, unzipped_bytes;
};

void zip_init(struct zip_writer *zip);
void zip_done(struct zip_writer *zip);

/* Adds a file; call it in the order of the names. ERR_INVALID when it would be more than Lambda takes. */
int zip_add(struct zip_writer *zip, const char *name, bool executable, struct str_view content,
            struct err *err) __attribute__((warn_unused_result));

/* The archive is in zip->out afterwards. */
void zip_finish(struct zip_writer *zip);
