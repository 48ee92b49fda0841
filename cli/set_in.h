/* `upload --set-in`: the new key in a manifest or kustomize patch, everything else as it was. Main thread. */
#pragma once

#include "common/base/json.h"

struct set_in_target { /* a LambdaFunction in the file, or a JSON 6902 patch of one; views into `documents` */
    const char *name;
    const struct json *spec; /* NULL in a patch */
    const char *key;         /* so far; NULL: none is there */
    bool has_version;
};

struct set_in_text { /* one text that is to be set, and where it is */
    size_t document;
    const char *list; /* the member whose items are counted; NULL: those of the document itself */
    long item;        /* -1: not in a list */
    const char *rest[4];
    const char *before;
    bool is_bucket; /* else the key */
};

struct set_in {
    const char *file;
    struct str_view text;
    struct json *documents;
    struct set_in_target *targets;
    size_t count;
    struct set_in_text *texts;
    size_t text_count;
    struct str changed; /* the new text, made by set_in_make */
};

/* Finds what is to be set: the LambdaFunction called `name`, or (NULL) all there are, which must have one
 * s3Key so far. The file has manifests, strategic merge patches, or a JSON 6902 patch, which has no name. End
 * it with set_in_done, also on failure. The file's name must outlive it. */
int set_in_read(const char *file, const char *name, struct set_in *ret_set, struct err *err)
    __attribute__((warn_unused_result));

/* Makes the new text: s3Key, and s3Bucket where there is one. */
int set_in_make(struct set_in *set, const char *bucket, const char *key, struct err *err)
    __attribute__((warn_unused_result));

bool set_in_changes(const struct set_in *set);
int set_in_save(struct set_in *set, struct err *err)
    __attribute__((warn_unused_result)); /* when it changes */
void set_in_done(struct set_in *set);
