/* ARNs, and the partitions of AWS: arn:partition:service:region:account:resource. Pure. */
#pragma once

#include "common/base/str.h"

enum {
    ARN_PART_PARTITION = 1,
    ARN_PART_SERVICE = 2,
    ARN_PART_REGION = 3,
    ARN_PART_ACCOUNT = 4,
    ARN_PART_RESOURCE = 5,
    ARN_PART_QUALIFIER = 7, /* of a function's */
};

/* For the tables of fields. */
#define ARN_PARTITION "arn:aws(-[a-z]+)*"
#define ARN_ROLE ARN_PARTITION ":iam::[0-9]{12}:role/[a-zA-Z0-9_+=,.@/-]+"
#define ARN_ROLE_HINT "the ARN of an IAM role, such as arn:aws:iam::123456789012:role/name"

/* The nth part between colons, as a view into it; empty when there is none. */
struct str_view arn_part(const char *arn, int n);

/* "aws-cn" of "cn-north-1"; "aws" where nothing else fits. */
const char *region_partition(const char *region);
