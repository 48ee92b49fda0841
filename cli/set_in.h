/* `upload --set-in`: the new key in a manifest or kustomize patch, everything else as it was. Main thread. */
#pragma once

#include "common/base/json.h"

struct set_in_target { /* a LambdaFunction in the file; views into `documents` */
    size_t document;
    long item; /* of a List; -1: the document itself */
    const char *name;
    const struct json *spec;
};

struct set_in {
    const char *file;
    struct str_view text;
    struct json *documents;
    struct set_in_target *targets;
    size_t count;
    struct str changed; /* the new text, made by set_in_make */
};

/* Finds what is to be set: the LambdaFunction called `name`, or (NULL) all there are, which must have one
 * s3Key so far. End it with set_in_done, also on failure. The file's name must outlive it. */
int set_in_read(const char *file, const char *name, struct set_in *ret_set, struct err *err)
    __attribute__((warn_unused_result));

/* Makes the new text: s3Key, and s3Bucket where there is one. */
int set_in_make(struct set_in *set, const char *bucket, const char *key, struct err *err)
    __attribute__((warn_unused_result));

bool set_in_changes(const struct set_in *set);
int set_in_save(struct set_in *set, struct err *err)
    __attribute__((warn_unused_result)); /* when it changes */
void set_in_done(struct set_in *set);
