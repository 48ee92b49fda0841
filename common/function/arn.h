/* ARNs, and the partitions of AWS: arn:partition:service:region:account:resource. Pure. */
#pragma once

#include "common/base/str.h"

enum { ARN_PART_PARTITION = 1, ARN_PART_REGION = 3, ARN_PART_ACCOUNT = 4 };

/* The nth part between colons, as a view into it; empty when there is none. */
struct str_view arn_part(const char *arn, int n);

bool view_equal(struct str_view a, struct str_view b);

/* "aws-cn" of "cn-north-1"; "aws" where nothing else fits. */
const char *region_partition(const char *region);
