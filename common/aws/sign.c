/* AWS Signature Version 4. Any thread, no state.
 * Source: AWS General Reference, "Create a signed AWS API request". */
#include "common/aws/sign.h"

#include "common/base/encode.h"
#include "common/base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

enum {
    TEXT_MAX_BYTES = 1 << 20, /* paths, queries and headers are capped far below before they get here */
    TIME_SIZE = sizeof("20261124T080000Z"),
    DAY_LEN = 8, /* of the time's text */
};

/* Names and values, kept sorted while they are added: there are few. */
struct pair {
    char *name, *value;
};
struct pairs {
    struct pair *items;
    size_t count;
};

static void pairs_done(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].value);
    }
    free(pairs->items);
}

/* Puts the pair behind those with a smaller or equal name; with `by_value` values are sorted too. */
static void pairs_add(struct pairs *pairs, struct pair pair, bool by_value)
{
    size_t at = pairs->count++;

    pairs->items = xrealloc(pairs->items, pairs->count * sizeof(*pairs->items));
    for (; at > 0; at--) {
        int order = strcmp(pairs->items[at - 1].name, pair.name);

        if (order == 0 && by_value)
            order = strcmp(pairs->items[at - 1].value, pair.value);
        if (order <= 0)
            break;
        pairs->items[at] = pairs->items[at - 1];
    }
    pairs->items[at] = pair;
}

static char *percent_encoded(const char *text)
{
    struct str encoded = STR_INIT(TEXT_MAX_BYTES);

    str_add_percent(&encoded, text, strlen(text), "");
    return str_take(&encoded);
}

static char *lower_case(const char *text, size_t len)
{
    char *lower = xstrndup(text, len);

    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return lower;
}

/* Without blanks around it, inner runs of blanks made one. */
static char *trimmed(const char *text)
{
    struct str value = STR_INIT(TEXT_MAX_BYTES);

    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        size_t word = strcspn(text, " \t");

        if (value.len > 0)
            str_add(&value, " ");
        str_add_bytes(&value, text, word);
        text += word;
    }
    return str_take(&value);
}

/* What both the canonical request and the headers to send are made of. */
struct parts {
    char time[TIME_SIZE];
    char body_hash[SHA256_HEX_SIZE];
    struct pairs headers; /* those that are signed; names in lower case */
};

static void parts_done(struct parts *parts)
{
    pairs_done(&parts->headers);
}

static void add_header(struct parts *parts, const char *name, const char *value)
{
    pairs_add(&parts->headers, (struct pair){lower_case(name, strlen(name)), trimmed(value)}, false);
}

static void parts_init(struct parts *parts, const struct sign_request *request)
{
    time_t wall = (time_t)request->wall_s;
    struct tm utc;

    *parts = (struct parts){0};
    gmtime_r(&wall, &utc);
    strftime(parts->time, sizeof(parts->time), "%Y%m%dT%H%M%SZ", &utc);
    sha256_hex(request->body, parts->body_hash);

    add_header(parts, "host", request->host);
    add_header(parts, "x-amz-date", parts->time);
    add_header(parts, "x-amz-content-sha256", parts->body_hash);
    if (request->session_token)
        add_header(parts, "x-amz-security-token", request->session_token);
    for (const char *const *line = request->headers; line && *line; line++) {
        const char *colon = strchr(*line, ':');

        if (!colon)
            continue; /* not a header: it is not sent either */
        pairs_add(&parts->headers,
                  (struct pair){lower_case(*line, (size_t)(colon - *line)), trimmed(colon + 1)}, false);
    }
}

/* Removes empty, "." and ".." segments (RFC 3986, 5.2.4) and encodes what is left once more. */
static void add_normalised_path(const char *path, struct str *out)
{
    _cleanup_(str_done) struct str clean = STR_INIT(TEXT_MAX_BYTES);
    size_t whole = strlen(path);
    bool ends_open = whole > 0 && path[whole - 1] == '/';

    while (*path) {
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");

        if (len == 2 && memcmp(path, "..", 2) == 0) {
            while (clean.len > 0 && clean.ptr[--clean.len] != '/')
                ;
        } else if (len > 0 && !(len == 1 && *path == '.')) {
            str_add(&clean, "/");
            str_add_bytes(&clean, path, len);
        }
        path += len;
    }
    if (clean.len == 0 || ends_open)
        str_add(&clean, "/");
    str_add_percent(out, str_text(&clean), clean.len, "/");
}

static void add_canonical_query(const struct sign_request *request, struct str *out)
{
    _cleanup_(pairs_done) struct pairs sorted = {0};

    for (size_t i = 0; i < request->query_count; i++)
        pairs_add(
            &sorted,
            (struct pair){percent_encoded(request->query[i].name), percent_encoded(request->query[i].value)},
            true);
    for (size_t i = 0; i < sorted.count; i++)
        str_addf(out, "%s%s=%s", i ? "&" : "", sorted.items[i].name, sorted.items[i].value);
}

static bool repeats_name(const struct pairs *headers, size_t i)
{
    return i > 0 && str_equal(headers->items[i].name, headers->items[i - 1].name);
}

/* "name:value" lines; the values of a repeated name are joined by commas. */
static void add_canonical_headers(const struct pairs *headers, struct str *out)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (repeats_name(headers, i))
            str_addf(out, ",%s", headers->items[i].value);
        else
            str_addf(out, "%s%s:%s", i ? "\n" : "", headers->items[i].name, headers->items[i].value);
    }
    str_add(out, "\n");
}

static void add_signed_names(const struct pairs *headers, struct str *out)
{
    for (size_t i = 0; i < headers->count; i++)
        if (!repeats_name(headers, i))
            str_addf(out, "%s%s", i ? ";" : "", headers->items[i].name);
}

static void add_canonical(const struct sign_request *request, const struct parts *parts, struct str *out)
{
    str_addf(out, "%s\n", request->method);
    if (str_equal(request->service, "s3"))
        str_add(out, *request->path ? request->path : "/");
    else
        add_normalised_path(request->path, out);
    str_add(out, "\n");
    add_canonical_query(request, out);
    str_add(out, "\n");
    add_canonical_headers(&parts->headers, out);
    str_add(out, "\n");
    add_signed_names(&parts->headers, out);
    str_addf(out, "\n%s", parts->body_hash);
}

static void sign_text(const struct sign_request *request, const struct parts *parts, struct str_view text,
                      char ret_signature[SHA256_HEX_SIZE])
{
    const struct str_view chain[] = {
        {parts->time, DAY_LEN}, view(request->region), view(request->service), view("aws4_request"), text};
    _cleanup_(str_done) struct str start = STR_INIT(TEXT_MAX_BYTES);
    unsigned char digest[SHA256_BYTES];

    str_addf(&start, "AWS4%s", request->secret_access_key);
    struct str_view key = str_view_of(&start);

    for (size_t i = 0; i < ARRAY_LEN(chain); i++) {
        unsigned char next[SHA256_BYTES];

        hmac_sha256(key, chain[i], next);
        memcpy(digest, next, sizeof(digest));
        key = (struct str_view){(const char *)digest, sizeof(digest)};
    }
    hex_encode(digest, sizeof(digest), ret_signature);
    explicit_bzero(start.ptr, start.len);
}

void sign_query_string(const struct sign_query *query, size_t count, struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        str_add(out, i ? "&" : "");
        str_add_percent(out, query[i].name, strlen(query[i].name), "");
        str_add(out, "=");
        str_add_percent(out, query[i].value, strlen(query[i].value), "");
    }
}

void sign_canonical(const struct sign_request *request, struct str *out)
{
    _cleanup_(parts_done) struct parts parts;

    parts_init(&parts, request);
    add_canonical(request, &parts, out);
}

void sign_headers(const struct sign_request *request, struct str *out)
{
    _cleanup_(parts_done) struct parts parts;
    _cleanup_(str_done) struct str canonical = STR_INIT(TEXT_MAX_BYTES), text = STR_INIT(TEXT_MAX_BYTES);
    char hash[SHA256_HEX_SIZE], signature[SHA256_HEX_SIZE];
    char scope[192];

    parts_init(&parts, request);
    add_canonical(request, &parts, &canonical);
    sha256_hex(str_view_of(&canonical), hash);
    snprintf(scope, sizeof(scope), "%.*s/%s/%s/aws4_request", DAY_LEN, parts.time, request->region,
             request->service);
    str_addf(&text, ALGORITHM "\n%s\n%s\n%s", parts.time, scope, hash);
    sign_text(request, &parts, str_view_of(&text), signature);

    str_addf(out, "X-Amz-Date: %s\nX-Amz-Content-Sha256: %s\n", parts.time, parts.body_hash);
    if (request->session_token)
        str_addf(out, "X-Amz-Security-Token: %s\n", request->session_token);
    str_addf(out, "Authorization: " ALGORITHM " Credential=%s/%s, SignedHeaders=", request->access_key_id,
             scope);
    add_signed_names(&parts.headers, out);
    str_addf(out, ", Signature=%s\n", signature);
}
