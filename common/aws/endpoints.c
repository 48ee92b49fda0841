/* Where a service is. Any thread, no state. */
#include "common/aws/endpoints.h"

#include "common/base/mem.h"

#include <strings.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

enum { URL_MAX_BYTES = 2048, LABEL_MAX_LEN = 63, BUCKET_MIN_LEN = 3 };

/* The last row is for all other regions, also ones that are newer than this table. */
static const struct partition {
    const char *region_prefix;
    const char *suffix, *dualstack_suffix;
} partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"us-gov-", "amazonaws.com", "api.aws"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"", "amazonaws.com", "api.aws"},
};

static const struct service {
    const char *name; /* in signatures, and in a profile's services section */
    const char *variable;
    const char *labels[2][2]; /* before the region: [dualstack][fips] */
    bool keeps_suffix;        /* has no host under the dual-stack suffix */
    const char *always_fips;  /* in regions of this prefix the plain host is the FIPS one; or NULL */
} services[AWS_SERVICES] = {
    {"lambda",
     "AWS_ENDPOINT_URL_LAMBDA",
     {{"lambda", "lambda-fips"}, {"lambda", "lambda-fips"}},
     false,
     NULL},
    {"s3", "AWS_ENDPOINT_URL_S3", {{"s3", "s3-fips"}, {"s3.dualstack", "s3-fips.dualstack"}}, true, NULL},
    {"sts", "AWS_ENDPOINT_URL_STS", {{"sts", "sts-fips"}, {"sts", "sts-fips"}}, false, "us-gov-"},
};

void endpoint_done(struct endpoint *endpoint)
{
    free(endpoint->origin);
    free(endpoint->host);
    free(endpoint->path);
    *endpoint = (struct endpoint){0};
}

void endpoints_done(struct endpoints *endpoints)
{
    for (size_t i = 0; i < AWS_SERVICES; i++)
        endpoint_done(&endpoints->configured[i]);
}

/* A host name or address, in brackets when it is of version 6. */
static size_t host_len(const char *text)
{
    if (*text != '[')
        return strspn(text, LOWER UPPER ".-_");
    size_t len = 1 + strspn(text + 1, "0123456789abcdefABCDEF:.");

    return len > 1 && text[len] == ']' ? len + 1 : 0;
}

/* "http[s]://host[:port][/prefix]". Returns what is wrong with it, NULL when nothing is. */
static const char *parse_url(const char *url, struct endpoint *ret_endpoint)
{
    bool tls = strncasecmp(url, "https://", 8) == 0;
    int64_t port = tls ? 443 : 80;

    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return "it must start with https:// or http://";
    const char *host = url + (tls ? 8 : 7);
    const char *rest = host + host_len(host);
    size_t host_end = (size_t)(rest - host);

    if (host_end == 0)
        return "it has no host name";
    if (*rest == ':') {
        size_t digits = strspn(++rest, "0123456789");
        _cleanup_(freep) char *number = xstrndup(rest, digits);

        if (!parse_int(number, 1, UINT16_MAX, &port))
            return "its port is not a number from 1 to 65535";
        rest += digits;
    }
    size_t prefix = strspn(rest, LOWER UPPER "/-._~%+");

    if (rest[prefix] || (prefix > 0 && *rest != '/') || strlen(url) > URL_MAX_BYTES)
        return "after the host only a port and a path may follow";
    while (prefix > 0 && rest[prefix - 1] == '/')
        prefix--;
    /* The default port is in neither the Host header nor the signature. */
    if (port == (tls ? 443 : 80))
        ret_endpoint->host = xstrndup(host, host_end);
    else
        ret_endpoint->host = xasprintf("%.*s:%d", (int)host_end, host, (int)port);
    ret_endpoint->origin = xasprintf("%s://%s", tls ? "https" : "http", ret_endpoint->host);
    ret_endpoint->path = xstrndup(rest, prefix);
    return NULL;
}

static int read_bool(const struct profile *profile, const char *variable, const char *key, bool *ret_value,
                     struct err *err)
{
    const char *value = environment(variable), *source = value ? variable : key;

    if (!value)
        value = profile_get(profile, key);
    if (value && strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
        return err_set(err, ERR_FATAL, "%s=%s: must be true or false", source, value);
    *ret_value = value && strcasecmp(value, "true") == 0;
    return 0;
}

/* The most particular setting wins, the environment before the profile. */
static const char *configured_url(const struct profile *profile, const struct service *service,
                                  const char **ret_source)
{
    const struct {
        const char *value, *source;
    } settings[] = {
        {environment(service->variable), service->variable},
        {environment("AWS_ENDPOINT_URL"), "AWS_ENDPOINT_URL"},
        {profile_service_get(profile, service->name, "endpoint_url"), "endpoint_url of the service"},
        {profile_get(profile, "endpoint_url"), "endpoint_url of the profile"},
    };

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (settings[i].value && *settings[i].value) {
            *ret_source = settings[i].source;
            return settings[i].value;
        }
    }
    return NULL;
}

int endpoints_load(const struct profile *profile, struct endpoints *ret_endpoints, struct err *err)
{
    _cleanup_(endpoints_done) struct endpoints endpoints = {0};
    bool ignore = false;
    int result = read_bool(profile, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint", &endpoints.fips, err);

    if (result == 0)
        result = read_bool(profile, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint",
                           &endpoints.dualstack, err);
    if (result == 0)
        result = read_bool(profile, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls",
                           &ignore, err);
    if (result < 0)
        return result;
    for (size_t i = 0; i < AWS_SERVICES && !ignore; i++) {
        const char *source, *url = configured_url(profile, &services[i], &source);
        const char *wrong = url ? parse_url(url, &endpoints.configured[i]) : NULL;

        if (wrong) /* a URL with a user in it may hold a password */
            return err_set(err, ERR_FATAL, "%s=%s is not an endpoint: %s", source,
                           strchr(url, '@') ? "(not shown)" : url, wrong);
    }
    *ret_endpoints = endpoints;
    endpoints = (struct endpoints){0};
    return 0;
}

static bool is_label(const char *text, size_t min_len)
{
    size_t len = strlen(text);

    return len >= min_len && len <= LABEL_MAX_LEN && strspn(text, LOWER "-") == len && text[0] != '-' &&
           text[len - 1] != '-';
}

static const struct partition *partition_of(const char *region)
{
    const struct partition *row = partitions;

    while (!str_starts_with(region, row->region_prefix))
        row++;
    return row;
}

int endpoint_find(const struct endpoints *endpoints, const char *service, const char *region,
                  const char *bucket, struct endpoint *ret_endpoint, struct err *err)
{
    size_t i = 0;

    while (i < AWS_SERVICES && !str_equal(services[i].name, service))
        i++;
    if (i == AWS_SERVICES)
        return err_set(err, ERR_INVALID, "there is no endpoint for the service '%s'", service);
    if (!is_label(region, 1))
        return err_set(err, ERR_INVALID, "'%s' is not the name of an AWS region", region);
    const struct endpoint *configured = &endpoints->configured[i];
    const struct partition *partition = partition_of(region);
    bool in_host = bucket && !configured->origin && is_label(bucket, BUCKET_MIN_LEN);
    struct str path = STR_INIT(2 * URL_MAX_BYTES);

    if (configured->origin) {
        *ret_endpoint =
            (struct endpoint){.origin = xstrdup(configured->origin), .host = xstrdup(configured->host)};
        str_add(&path, configured->path);
    } else {
        bool other_suffix = endpoints->dualstack && !services[i].keeps_suffix;
        bool plain = services[i].always_fips && str_starts_with(region, services[i].always_fips);

        *ret_endpoint = (struct endpoint){0};
        ret_endpoint->host =
            xasprintf("%s%s%s.%s.%s", in_host ? bucket : "", in_host ? "." : "",
                      services[i].labels[endpoints->dualstack][endpoints->fips && !plain], region,
                      other_suffix ? partition->dualstack_suffix : partition->suffix);
        ret_endpoint->origin = xasprintf("https://%s", ret_endpoint->host);
    }
    if (bucket && !in_host) {
        str_add(&path, "/");
        str_add_percent(&path, bucket, strlen(bucket), "");
    }
    ret_endpoint->path = str_take(&path);
    return 0;
}
