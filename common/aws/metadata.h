/* Credentials and the region from where we run: a container's endpoint, an instance's metadata. As a
 * provider (providers.h). Plain HTTP, never through a proxy. */
#pragma once

#include "common/aws/providers.h"

int container_credentials(const struct provider_input *input, struct credentials **ret_credentials,
                          struct err *err) __attribute__((warn_unused_result));
int instance_credentials(const struct provider_input *input, struct credentials **ret_credentials,
                         struct err *err) __attribute__((warn_unused_result));

/* The region of the instance; the caller frees. */
int instance_region(const struct provider_input *input, char **ret_region, struct err *err)
    __attribute__((warn_unused_result));

/* Pure: may the authorization token be sent to this URL? Plain http only to this machine and to the
 * addresses at which ECS and EKS have their agents. */
bool container_url_is_trusted(const char *url);
