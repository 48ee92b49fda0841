/* Between the files of `kubelambda upload`. A file is owned by the thread that is at it. */
#pragma once

#include "cli/archive.h"
#include "common/aws/client.h"
#include "common/base/encode.h"

struct upload { /* one file */
    const char *file;
    struct str_view bytes;
    struct archive archive;
    char sha256[SHA256_HEX_SIZE];
    struct str sha256_base64;
    char *key;
    _Atomic int64_t sent_bytes; /* of the attempt that is under way */
    _Atomic bool done;          /* it is in S3, … */
    bool existed;               /* … and was before */
    struct err err;             /* class 0: nothing is wrong */
};

struct uploads {
    const char *bucket, *region;
    struct aws *aws;
    struct upload *items;
    size_t count;
};

/* Calls `step` for every file, a few at a time, each on one thread. */
void uploads_each(const struct uploads *uploads, void (*step)(void *arg, struct upload *upload), void *arg);

/* Sends what is not there yet. Each file ends as done, or with its `err`. What would end every file (no such
 * bucket, credentials that expired) ends the whole at once, is returned, and leaves the others neither. */
int uploads_send(const struct uploads *uploads, struct err *err) __attribute__((warn_unused_result));
