/* Manifests as people keep them: files, directories and standard input with YAML or JSON, several
 * documents in each, also as a List. Reads only; says where each resource is. Main thread. */
#pragma once

#include "common/base/json.h"
#include "common/base/yaml_lines.h"

struct manifest { /* one resource; views into `sources` */
    const struct json *object;
    const char *file;
    const struct yaml_lines *lines; /* NULL: not known */
    size_t document;
    char *prefix; /* of its paths in the document: "" or "items[2]." */
};

struct unreadable {
    char *file;
    size_t line; /* 0: not known */
    char *message;
};

struct manifest_source { /* one file */
    char *file;
    struct json *documents;
    struct yaml_lines *lines;
};

struct manifests {
    struct manifest *items; /* in the order of the files, and in it */
    size_t count;
    struct unreadable *unreadable; /* what could not be read; the rest is there */
    size_t unreadable_count;
    struct manifest_source **sources;
    size_t source_count;
    size_t bytes; /* read so far, over all files */
};

/* Adds what is in a file, in a directory and all below it (*.yaml, *.yml and *.json by name; hidden ones are
 * left out), or in standard input ("-"). */
void manifests_read(struct manifests *manifests, const char *path);

/* Counts a file to what could not be read: there is not in it what it was named for. */
void manifests_refuse(struct manifests *manifests, const char *path, const char *why);
void manifests_done(struct manifests *manifests);

/* The line of a field ("spec.runtime"), else of what is around it; 0 when that is not known. */
size_t manifest_line(const struct manifest *manifest, const char *field);

/* Is it of that kind, and of an API group's any version? The core group is "". */
bool manifest_is(const struct manifest *manifest, const char *group, const char *kind);
