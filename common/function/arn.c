/* ARNs, and the partitions of AWS. Any thread, no state. */
#include "common/function/arn.h"

#include "common/base/mem.h"

struct str_view arn_part(const char *arn, int n)
{
    while (n-- > 0) {
        arn = strchr(arn, ':');
        if (!arn)
            return (struct str_view){"", 0};
        arn++;
    }
    return (struct str_view){arn, strcspn(arn, ":")};
}

const char *region_partition(const char *region)
{
    static const struct {
        const char *prefix, *partition;
    } partitions[] = {
        {"cn-", "aws-cn"},         {"us-gov-", "aws-us-gov"}, {"eusc-", "aws-eusc"},
        {"us-iso-", "aws-iso"},    {"us-isob-", "aws-iso-b"}, {"eu-isoe-", "aws-iso-e"},
        {"us-isof-", "aws-iso-f"},
    };

    for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
        if (str_starts_with(region, partitions[i].prefix))
            return partitions[i].partition;
    return "aws";
}
