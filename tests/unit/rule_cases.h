/* A table of data for test_check.c, whose macros it uses: each rule across fields by example. */
#pragma once

#define WARNS "(warning) "

/* One that keeps and one that breaks each rule; a new rule must come with its examples. */
static const struct {
    const char *rule, *kept, *kept_old, *broken, *broken_old, *says; /* "(warning) …": it never refuses */
} rule_cases[] = {
    {"runtime-in-service", "\"runtime\":\"nodejs24.x\"", NULL, "\"runtime\":\"node24\"", NULL,
     "AWS Lambda has no such runtime; did you mean nodejs24.x?"},
    {"environment-size", "\"environment.variables\":{\"AA\":\"x\"}", NULL, NULL, NULL, "at most 4096"},
    {"environment-references",
     "\"environment.valueFrom\":[{\"name\":\"AB\",\"secretKeyRef\":{\"name\":\"d\",\"key\":\"k\"}}]", NULL,
     "\"environment.valueFrom\":[{\"name\":\"AB\"}]", NULL, "has no source"},
    {"environment-reserved-names", "\"environment.variables\":{\"AWS_LAMBDA_EXEC_WRAPPER\":\"x\"}", NULL,
     "\"environment.variables\":{\"AWS_REGION\":\"x\",\"LAMBDA_TASK_ROOT\":\"y\"}", NULL,
     "remove AWS_REGION, LAMBDA_TASK_ROOT"},
    {"layers-one-version-each",
     "\"layers\":[\"arn:aws:lambda:us-east-1:123456789012:layer:a:1\","
     "\"arn:aws:lambda:us-east-1:123456789012:layer:ab:1\"]",
     NULL,
     "\"layers\":[\"arn:aws:lambda:us-east-1:123456789012:layer:a:1\","
     "\"arn:aws:lambda:us-east-1:123456789012:layer:a:2\"]",
     NULL, "listed more than once"},
    {"tags-reserved", "\"tags\":{\"team\":\"a\"}", NULL, "\"tags\":{\"AWS:x\":\"a\"}", NULL, "aws:"},
    {"tags-characters", "\"tags\":{\"größe\":\"字 ½\"}", NULL, "\"tags\":{\"team\":\"a 🚀\"}", NULL,
     "a value has the character U+1F680; AWS takes letters, digits, blanks"},
    {"role-account-is-fixed", "\"role\":\"arn:aws:iam::123456789012:role/other\"", "",
     "\"role\":\"arn:aws:iam::210987654321:role/fake\"", "", "lives in account 123456789012"},
    {"image-says-so", IMAGE, NULL,
     "\"code\":{\"imageUri\":\"123456789012.dkr.ecr.us-east-1.amazonaws.com/"
     "a:1\"},\"runtime\":null,\"handler\":null",
     NULL, "write packageType: Image"},
    {"image-in-region", IMAGE, NULL, IMAGE ",\"region\":\"eu-west-1\"", NULL,
     "the image is in us-east-1, the function in eu-west-1"},
    {"reference-needs-version", "\"code.s3ObjectStorageMode\":\"REFERENCE\",\"code.s3ObjectVersion\":\"v1\"",
     NULL, "\"code.s3ObjectStorageMode\":\"REFERENCE\"", NULL, "needs the version of the object"},
    {"custom-runtime-needs-config",
     "\"runtime\":\"custom\",\"runtimeConfig\":{\"runtimeArn\":\"arn:aws:lambda:us-east-1:123456789012:"
     "runtime/its-name\",\"runtimeAlias\":\"a\"}",
     NULL, "\"runtime\":\"custom\"", NULL, "needs runtimeArn and runtimeAlias"},
    {"subnets-need-security-groups", NETWORK, NULL, "\"vpcConfig\":{\"subnetIds\":[\"subnet-1\"]}", NULL,
     "at least one security group; add it, or write [] for both"},
    {"security-groups-need-subnets", NETWORK, NULL,
     "\"vpcConfig\":{\"subnetIds\":[],\"securityGroupIds\":[\"sg-1\"]}", NULL,
     "at least one subnet; add it, or write [] for both"},
    {"efs-needs-vpc", EFS "," NETWORK, NULL, EFS, NULL, "declare vpcConfig"},
    {"snapstart-runtime", "\"snapStart.applyOn\":\"PublishedVersions\",\"runtime\":\"java11.al2023\"", NULL,
     "\"snapStart.applyOn\":\"PublishedVersions\",\"runtime\":\"python3.11\"", NULL,
     "not for the runtime python3.11"},
    {"snapstart-storage", "\"snapStart.applyOn\":\"PublishedVersions\",\"ephemeralStorage.size\":512", NULL,
     "\"snapStart.applyOn\":\"PublishedVersions\",\"ephemeralStorage.size\":513", NULL, "at most 512 MB"},
    {"manual-needs-runtime-version",
     "\"runtimeManagement\":{\"updateRuntimeOn\":\"Manual\",\"runtimeVersionArn\":"
     "\"arn:aws:lambda:us-east-1::runtime:0123\"}",
     NULL, "\"runtimeManagement\":{\"updateRuntimeOn\":\"Manual\"}", NULL, "needs the ARN"},
    {"async-invoke-says-something", "\"asyncInvoke\":{\"maximumRetryAttempts\":0}", NULL,
     "\"asyncInvoke\":{}", NULL, "it is empty"},
    {"aliases-distinct",
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\"},{\"name\":\"b\",\"version\":\"1\"}]", NULL,
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\"},{\"name\":\"a\",\"version\":\"2\"}]", NULL,
     "two are named a; keep one"},
    {"aliases-need-publishing",
     "\"versions.publish\":\"OnChange\",\"aliases\":[{\"name\":\"a\",\"version\":\"Latest\"}]", NULL,
     "\"versions.publish\":\"Never\",\"aliases\":[{\"name\":\"a\",\"version\":\"Previous\"}]", NULL,
     "a points to Previous, but no versions are published; write versions.publish: OnChange"},
    {"alias-versions-exist", "\"aliases\":[{\"name\":\"a\",\"version\":\"5\"}]", NULL,
     "\"aliases\":[{\"name\":\"a\",\"version\":\"4\"}]", NULL,
     "a points to version 4, which was deleted; there are 1-3,5"},
    {"alias-canary",
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"additionalVersions\":[{\"version\":\"2\",\"weight\":"
     "100}]}]",
     NULL,
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"additionalVersions\":[{\"version\":\"1\",\"weight\":"
     "10}]}]",
     NULL, "a has 1 as its own and as its additional version"},
    {"alias-async-invoke-says-something",
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"asyncInvoke\":{\"maximumRetryAttempts\":0}}]", NULL,
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"asyncInvoke\":{}}]", NULL,
     "asyncInvoke of a is empty; declare"},
    {"provisioned-within-reserved",
     "\"reservedConcurrency\":5,\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"provisionedConcurrency\":5}"
     "]",
     NULL,
     "\"reservedConcurrency\":5,\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"provisionedConcurrency\":3},"
     "{\"name\":\"b\","
     "\"version\":\"1\",\"provisionedConcurrency\":3}]",
     NULL, "together they provision 6, more than the 5 of reservedConcurrency"},
    {"provisioned-without-snapstart",
     "\"aliases\":[{\"name\":\"a\",\"version\":\"1\",\"provisionedConcurrency\":5}]", NULL,
     "\"snapStart.applyOn\":\"PublishedVersions\",\"aliases\":[{\"name\":\"a\",\"version\":\"1\","
     "\"provisionedConcurrency\":5}]",
     NULL, "SnapStart does not go with provisionedConcurrency"},
    {"permission-ids",
     "\"permissions\":[{\"sid\":\"a\",\"principal\":\"123456789012\",\"action\":\"lambda:InvokeFunction\"},{"
     "\"sid\":\"b\",\"principal\":\"123456789012\",\"action\":\"lambda:InvokeFunction\"}]",
     NULL,
     "\"permissions\":[{\"sid\":\"a\",\"principal\":\"123456789012\",\"action\":\"lambda:InvokeFunction\"},{"
     "\"sid\":\"a\",\"principal\":\"123456789012\",\"action\":\"lambda:InvokeFunction\"}]",
     NULL, "two have the sid a"},
    {"permission-conditions",
     "\"permissions\":[{\"sid\":\"a\",\"principal\":\"123456789012\",\"action\":\"lambda:InvokeFunctionUrl\","
     "\"functionUrlAuthType\":\"NONE\"}]",
     NULL,
     "\"permissions\":[{\"sid\":\"a\",\"principal\":\"123456789012\",\"action\":\"lambda:InvokeFunction\","
     "\"functionUrlAuthType\":\"NONE\"}]",
     NULL, "functionUrlAuthType goes with the action lambda:InvokeFunctionUrl only"},
    {"permission-sources",
     "\"permissions\":[{\"sid\":\"a\",\"principal\":\"s3.amazonaws.com\",\"action\":\"lambda:"
     "InvokeFunction\",\"sourceAccount\":\"123456789012\"}]",
     NULL,
     "\"permissions\":[{\"sid\":\"a\",\"principal\":\"s3.amazonaws.com\",\"action\":\"lambda:"
     "InvokeFunction\"}]",
     NULL, WARNS "a lets s3.amazonaws.com in for any account; add sourceArn or sourceAccount"},
    {"event-source-members",
     "\"eventSources\":[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:kinesis:us-east-1:123456789012:q\","
     "\"startingPosition\":\"LATEST\"}]",
     NULL,
     "\"eventSources\":[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:kinesis:us-east-1:123456789012:q\"}]",
     NULL, "q: a Kinesis stream needs startingPosition; write LATEST or TRIM_HORIZON"},
    {"event-source-batches",
     "\"eventSources\":[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\","
     "\"batchSize\":11,\"maximumBatchingWindowInSeconds\":1}]",
     NULL,
     "\"eventSources\":[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\","
     "\"batchSize\":11}]",
     NULL, "q: a batchSize above 10 needs maximumBatchingWindowInSeconds: 1 or more"},
    {"event-sources-distinct",
     "\"eventSources\":[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\"},{"
     "\"name\":\"r\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\",\"qualifier\":\"7\"}]",
     NULL,
     "\"eventSources\":[{\"name\":\"q\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\"},{"
     "\"name\":\"r\",\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\"}]",
     NULL, "q and r read the same; keep one"},
    {"qualifiers-are-aliases", "\"functionUrl\":{\"authType\":\"AWS_IAM\"}", NULL,
     "\"functionUrl\":{\"authType\":\"AWS_IAM\",\"qualifier\":\"live\"}", NULL,
     WARNS "the qualifier live is none of spec.aliases"},
};
