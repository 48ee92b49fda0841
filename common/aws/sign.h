/* AWS Signature Version 4. Pure: no clock, no I/O.
 * libcurl's own signing is not used: up to 8.14 it cannot sign ARNs in paths or unsorted queries. */
#pragma once

#include "common/base/str.h"

struct sign_query {
    const char *name, *value; /* raw, not encoded; value "" for none */
};

struct sign_request {
    const char *method;
    const char *host;               /* with a non-default port */
    const char *path;               /* as it is sent: already percent-encoded, "/…" */
    const struct sign_query *query; /* in any order */
    size_t query_count;
    const char *const *headers; /* "name: value" to be signed besides host and x-amz-*; NULL-terminated */
    struct str_view body;
    const char *service, *region;
    const char *access_key_id, *secret_access_key;
    const char *session_token; /* NULL: none */
    int64_t wall_s;            /* the time that is signed */
};

/* Appends the encoded query string ("a=b&c=") in the given order, without "?". */
void sign_query_string(const struct sign_query *query, size_t count, struct str *out);

/* Appends the headers to send besides request->headers, one "Name: value" per line: X-Amz-Date,
 * X-Amz-Content-Sha256, X-Amz-Security-Token (with a token), Authorization.
 * S3's path is signed as it is sent, every other service's is encoded a second time. */
void sign_headers(const struct sign_request *request, struct str *out);

/* For tests: the canonical request that is hashed. */
void sign_canonical(const struct sign_request *request, struct str *out);
