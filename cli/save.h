/* Files as the subcommands read and write them. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

#include <sys/types.h>

/* A whole file, mapped. ERR_INVALID when it is no regular file or over the limit, else what the system says.
 * An empty file is {"", 0}. End it with file_unmap. */
int file_map(const char *path, size_t max_bytes, struct str_view *ret_bytes, struct err *err)
    __attribute__((warn_unused_result));
void file_unmap(struct str_view bytes);

/* Puts the bytes under that name: the old content stays until the new one is complete on disk. Where the
 * name is a link, what it points to is replaced. An existing file keeps its mode. */
int file_save(const char *path, struct str_view bytes, struct err *err) __attribute__((warn_unused_result));
