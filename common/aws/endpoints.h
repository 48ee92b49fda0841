/* Where a service is: the partitions' host names, or an endpoint that the settings name.
 * Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints", and the partitions file
 * of the service models. */
#pragma once

#include "common/aws/profile.h"

enum { AWS_SERVICES = 3 };

/* "scheme://host:port" of a request, the host as it is signed, and what goes before the path. */
struct endpoint {
    char *origin;
    char *host;
    char *path; /* "", "/bucket", "/prefix" or "/prefix/bucket"; percent-encoded */
};
void endpoint_done(struct endpoint *endpoint);

/* The settings, read once. */
struct endpoints {
    struct endpoint configured[AWS_SERVICES]; /* origin NULL: AWS's own host */
    bool fips, dualstack;
};

/* From the environment, then the profile. ERR_FATAL for one that is not a URL or not true or false. */
int endpoints_load(const struct profile *profile, struct endpoints *ret_endpoints, struct err *err)
    __attribute__((warn_unused_result));
void endpoints_done(struct endpoints *endpoints);

/* `bucket` is NULL for all but S3. It becomes part of the host when it is a host name's label and the
 * endpoint is AWS's own, else of the path: a name with dots does not match the wildcard certificate.
 * ERR_INVALID for a region that cannot be one. */
int endpoint_find(const struct endpoints *endpoints, const char *service, const char *region,
                  const char *bucket, struct endpoint *ret_endpoint, struct err *err)
    __attribute__((warn_unused_result));
