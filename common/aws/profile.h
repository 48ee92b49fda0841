/* The shared config and credentials files and the profile in use.
 * Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". */
#pragma once

#include "common/aws/ini.h"

enum profile_file { PROFILE_CREDENTIALS, PROFILE_CONFIG, PROFILE_FILES };

struct profile {
    char *name;                 /* AWS_PROFILE, else "default" */
    char *paths[PROFILE_FILES]; /* NULL: none named, and there is no home directory */
    struct ini files[PROFILE_FILES];
};

/* Reads both files; one that does not exist is empty. ERR_FATAL when a file cannot be read or parsed,
 * or when the profile that AWS_PROFILE names is in neither. */
int profile_load(struct profile *ret_profile, struct err *err) __attribute__((warn_unused_result));
void profile_done(struct profile *profile);

bool profile_exists(const struct profile *profile); /* in one of the files */

/* A setting of the profile in one of the files, or NULL. */
const char *profile_file_get(const struct profile *profile, enum profile_file file, const char *key);

/* A setting of the profile in either file, not empty, or NULL. */
const char *profile_get(const struct profile *profile, const char *key);

/* A setting of one service in the services section that the profile names, or NULL. */
const char *profile_service_get(const struct profile *profile, const char *service, const char *key);

/* Where the file is by the environment; the caller frees. NULL without a home directory. */
char *profile_file_path(enum profile_file file);

/* An environment variable; NULL when it is unset or empty. */
const char *environment(const char *name);
