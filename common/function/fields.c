/* A table of data: every field of a LambdaFunction's spec.
 * Bounds and patterns: the Lambda API's model (2015-03-31) and its recorded answers. */
#include "common/function/fields.h"

#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/tag_characters.h"

static const char *const ARCHITECTURES[] = {"x86_64", "arm64", NULL};
static const char *const PACKAGE_TYPES[] = {"Zip", "Image", NULL};
static const char *const STORAGE_MODES[] = {"COPY", "REFERENCE", NULL};
static const char *const TRACING_MODES[] = {"Active", "PassThrough", NULL};
static const char *const SNAP_START[] = {"PublishedVersions", "None", NULL};
static const char *const LOG_FORMATS[] = {"JSON", "Text", NULL};
static const char *const APPLICATION_LOG_LEVELS[] = {"TRACE", "DEBUG", "INFO", "WARN",
                                                     "ERROR", "FATAL", NULL};
static const char *const SYSTEM_LOG_LEVELS[] = {"DEBUG", "INFO", "WARN", NULL};
static const char *const TENANT_ISOLATION[] = {"PER_TENANT", NULL};
static const char *const DIRECT_READ[] = {"ENABLED", "DISABLED", "AUTO", NULL};
static const char *const RECURSION[] = {"Allow", "Terminate", NULL};
static const char *const RUNTIME_UPDATES[] = {"Auto", "Manual", "FunctionUpdate", NULL};

#define REGION "(eusc-)?[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-[0-9]"
#define ACCOUNT "[0-9]{12}"
#define KMS_KEY ARN_PARTITION ":kms:" REGION ":" ACCOUNT ":key/[a-zA-Z0-9-]+"
#define KMS_KEY_HINT                                                                                         \
    "the ARN of a KMS key, such as "                                                                         \
    "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
#define DESTINATION ARN_PARTITION ":(sqs|sns|lambda|events|s3):(" REGION ")?:(" ACCOUNT ")?:[^[:space:]]+"
#define DESTINATION_HINT                                                                                     \
    "the ARN of an SQS queue, an SNS topic, a function, an event bus or a bucket, such as "                  \
    "arn:aws:sqs:us-east-1:123456789012:name"

static const char *const URL_AUTH_TYPES[] = {"AWS_IAM", "NONE", NULL};
static const char *const INVOKE_MODES[] = {"BUFFERED", "RESPONSE_STREAM", NULL};
static const char *const CORS_METHODS[] = {"GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*", NULL};
static const char *const STARTING_POSITIONS[] = {"TRIM_HORIZON", "LATEST", "AT_TIMESTAMP", NULL};
static const char *const SOURCE_METRICS[] = {"EventCount", "ErrorCount", "KafkaMetrics", NULL};
static const char *const RESPONSE_TYPES[] = {"ReportBatchItemFailures", NULL};
static const char *const CONSUMPTION_MODES[] = {"Stream", "Queue", NULL};
static const char *const RECORD_FORMATS[] = {"JSON", "SOURCE", NULL};
static const char *const RECORD_PARTS[] = {"KEY", "VALUE", NULL};
static const char *const FULL_DOCUMENT[] = {"UpdateLookup", "Default", NULL};
static const char *const REGISTRY_ACCESS_TYPES[] = {"BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH",
                                                    "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH", NULL};
static const char *const ACCESS_TYPES[] = {"BASIC_AUTH",
                                           "VPC_SUBNET",
                                           "VPC_SECURITY_GROUP",
                                           "SASL_SCRAM_512_AUTH",
                                           "SASL_SCRAM_256_AUTH",
                                           "VIRTUAL_HOST",
                                           "CLIENT_CERTIFICATE_TLS_AUTH",
                                           "SERVER_ROOT_CA_CERTIFICATE",
                                           "OAUTHBEARER_AUTH",
                                           "OAUTHBEARER_SCOPE",
                                           "OAUTHBEARER_AUDIENCE",
                                           "OAUTHBEARER_LOGICAL_CLUSTER",
                                           "OAUTHBEARER_IDENTITY_POOL",
                                           "IAM_AUTH",
                                           "IAM_OAUTHBEARER_AUTH",
                                           NULL};

#define ANY_ARN ARN_PARTITION ":[a-zA-Z0-9-]+:(" REGION ")?:(" ACCOUNT ")?:[^[:space:]]+"
#define ANY_ARN_HINT "an ARN, such as arn:aws:sqs:us-east-1:123456789012:name"

static const char *const DELETION_POLICIES[] = {"Delete", "Retain", NULL};
static const char *const ADOPTION_POLICIES[] = {"Never", "Adopt", NULL};
static const char *const DRIFT_POLICIES[] = {"Correct", "Report", NULL};

static const char *const PUBLISH[] = {"OnChange", "Never", NULL};

/* Of an alias: not digits alone, which are a version's. */
#define ALIAS_NAME "[a-zA-Z0-9_-]*[a-zA-Z_-][a-zA-Z0-9_-]*"
#define ALIAS_NAME_HINT "letters, digits, hyphens and underscores, not digits alone"
#define ALIAS_VERSION "Latest|Previous|[1-9][0-9]*"
#define ALIAS_VERSION_HINT "Latest, Previous, or the number of a version in quotes, such as \"7\""

#define VARIABLE_NAME "[a-zA-Z][a-zA-Z0-9_]+"
#define VARIABLE_NAME_HINT "two or more letters, digits and underscores that begin with a letter"

/* A Secret's or ConfigMap's name, and a key in it, as Kubernetes has them. */
#define OBJECT_NAME "[a-z0-9]([a-z0-9.-]*[a-z0-9])?"
#define OBJECT_NAME_HINT "lower-case letters, digits, hyphens and dots"
#define OBJECT_KEY "[a-zA-Z0-9._-]+"
#define OBJECT_KEY_HINT "letters, digits, hyphens, underscores and dots"

/* The rows of an object that says so: a function's, an alias's. */
#define ASYNC_INVOKE(at, its_call, text)                                                                     \
    {                                                                                                        \
        .path = (at),                                                                                        \
        .type = FIELD_OBJECT,                                                                                \
        .doc = (text),                                                                                       \
    },                                                                                                       \
        {                                                                                                    \
            .path = at ".maximumRetryAttempts",                                                              \
            .member = "MaximumRetryAttempts",                                                                \
            .type = FIELD_INT,                                                                               \
            .call = (its_call),                                                                              \
            .min = 0,                                                                                        \
            .max = 2,                                                                                        \
            .unset = "null",                                                                                 \
            .doc = "How often a failed invocation is tried again, 0 to 2. AWS's default is 2.",              \
        },                                                                                                   \
        {                                                                                                    \
            .path = at ".maximumEventAgeInSeconds",                                                          \
            .member = "MaximumEventAgeInSeconds",                                                            \
            .type = FIELD_INT,                                                                               \
            .call = (its_call),                                                                              \
            .min = 60,                                                                                       \
            .max = 21600,                                                                                    \
            .unset = "null",                                                                                 \
            .doc = "Seconds for which an event waits to be processed, 60 to 21600. AWS's default is 21600, " \
                   "six "                                                                                    \
                   "hours.",                                                                                 \
        },                                                                                                   \
        {                                                                                                    \
            .path = at ".onSuccess",                                                                         \
            .member = "DestinationConfig.OnSuccess.Destination",                                             \
            .type = FIELD_STRING,                                                                            \
            .call = (its_call),                                                                              \
            .min = 1,                                                                                        \
            .max = 350,                                                                                      \
            .pattern = DESTINATION,                                                                          \
            .pattern_hint = DESTINATION_HINT,                                                                \
            .unset = "null",                                                                                 \
            .arn = ARN_GLOBAL,                                                                               \
            .doc = "ARN of what receives the result of each invocation that succeeded.",                     \
        },                                                                                                   \
    {                                                                                                        \
        .path = at ".onFailure", .member = "DestinationConfig.OnFailure.Destination", .type = FIELD_STRING,  \
        .call = (its_call), .min = 1, .max = 350, .pattern = DESTINATION, .pattern_hint = DESTINATION_HINT,  \
        .unset = "null", .arn = ARN_GLOBAL,                                                                  \
        .doc = "ARN of what receives each event that could not be processed.",                               \
    }

const struct field fields[] = {
    /* --- the function itself --------------------------------------------------------------------------- */
    {
        .path = "functionName",
        .member = "FunctionName",
        .type = FIELD_STRING,
        .min = 1,
        .max = 64,
        .pattern = "[a-zA-Z0-9_-]+",
        .pattern_hint = "letters a to z, digits, hyphens and underscores",
        .immutable = true,
        .required = FOR_ALL,
        .no_default = true,
        .doc = "Name of the function in AWS, unique in its account and region. Filled in when absent: the "
               "environment of the namespace, a hyphen and metadata.name. Cannot be changed afterwards.",
    },
    {
        .path = "region",
        .type = FIELD_STRING,
        .min = 1,
        .max = 32,
        .pattern = REGION,
        .pattern_hint = "an AWS region, such as eu-central-1",
        .immutable = true,
        .required = FOR_ALL,
        .doc =
            "AWS region of the function, for example us-east-1. Filled in when absent from the settings of "
            "kubelambda. Cannot be changed afterwards.",
    },
    {
        .path = "packageType",
        .member = "PackageType",
        .type = FIELD_STRING,
        .values = PACKAGE_TYPES,
        .unset = "\"Zip\"",
        .immutable = true,
        .doc = "What the code is packaged as: Zip (AWS's default), an archive in S3, or Image, a container "
               "image. Cannot be changed afterwards.",
    },
    /* --- code ------------------------------------------------------------------------------------------ */
    {
        .path = "code",
        .member = "Code",
        .type = FIELD_OBJECT,
        .schema_required = true,
        .doc = "Where the function's code is: a zip archive in S3 (s3Bucket, s3Key) or a container image "
               "(imageUri). It must be in the function's region.",
    },
    {
        .path = "code.s3Bucket",
        .member = "Code.S3Bucket",
        .type = FIELD_STRING,
        .call = CALL_CODE,
        .min = 3,
        .max = 63,
        .pattern = "[0-9A-Za-z._-]*[0-9A-Za-z_-]",
        .pattern_hint = "the name of an S3 bucket, such as artifacts",
        .deployed = "bucket",
        .required = FOR_ZIP,
        .forbidden = FOR_IMAGE,
        .doc = "S3 bucket that holds the zip archive.",
    },
    {
        .path = "code.s3Key",
        .member = "Code.S3Key",
        .type = FIELD_STRING,
        .call = CALL_CODE,
        .min = 1,
        .max = 1024,
        .pattern = "[^\n\r]+",
        .pattern_hint = "a key without line breaks",
        .deployed = "key",
        .required = FOR_ZIP,
        .forbidden = FOR_IMAGE,
        .no_default = true,
        .doc = "Key of the zip archive in the bucket. A key made from the content (its SHA-256) makes every "
               "change visible and a rollback the old key.",
    },
    {
        .path = "code.s3ObjectVersion",
        .member = "Code.S3ObjectVersion",
        .type = FIELD_STRING,
        .call = CALL_CODE,
        .min = 1,
        .max = 1024,
        .pattern = "[^\n\r]+",
        .pattern_hint = "the id of a version, without line breaks",
        .deployed = "versionId",
        .forbidden = FOR_IMAGE,
        .no_default = true,
        .doc = "Version of the object, in a bucket that keeps versions. Absent: the newest.",
    },
    {
        .path = "code.s3ObjectStorageMode",
        .member = "Code.S3ObjectStorageMode",
        .type = FIELD_STRING,
        .call = CALL_CODE,
        .values = STORAGE_MODES,
        .unset = "\"COPY\"",
        .deployed = "storageMode",
        .forbidden = FOR_IMAGE,
        .doc = "COPY (AWS's default) keeps a copy of the archive in Lambda; REFERENCE runs the object where "
               "it is, which needs s3ObjectVersion, a bucket that keeps versions, and a bucket policy that "
               "lets lambda.amazonaws.com read it.",
    },
    {
        .path = "code.sourceKMSKeyArn",
        .member = "Code.SourceKMSKeyArn",
        .type = FIELD_STRING,
        .call = CALL_CODE,
        .max = 2048,
        .pattern = KMS_KEY,
        .pattern_hint = KMS_KEY_HINT,
        .unset = "\"\"",
        .observed = "Code.SourceKMSKeyArn",
        .arn = ARN_REGIONAL,
        .forbidden = FOR_IMAGE,
        .doc = "ARN of the KMS key with which Lambda encrypts the archive. Absent: a key of AWS's.",
    },
    {
        .path = "code.imageUri",
        .member = "Code.ImageUri",
        .type = FIELD_STRING,
        .call = CALL_CODE,
        .min = 1,
        .max = 1024,
        .pattern =
            "[0-9]{12}[.]dkr[.-]ecr[a-z0-9.:-]*/[a-zA-Z0-9._/-]+((:[a-zA-Z0-9._-]+)?(@sha256:[0-9a-f]{64})?)",
        .pattern_hint = "an image in ECR, such as 123456789012.dkr.ecr.us-east-1.amazonaws.com/name:tag",
        .deployed = "imageUri",
        .required = FOR_IMAGE,
        .forbidden = FOR_ZIP,
        .no_default = true,
        .doc = "Container image in Amazon ECR, in the function's region. A tag is resolved when it is "
               "deployed; a digest (…@sha256:…) makes every change visible.",
    },
    {
        .path = "code.follow",
        .type = FIELD_BOOL,
        .forbidden = FOR_IMAGE,
        .doc = "What happens when the archive is overwritten under its key, which is noticed within a day: "
               "true deploys it, false or absent only tells so in the condition Drifted.",
    },
    {
        .path = "imageConfig",
        .member = "ImageConfig",
        .type = FIELD_OBJECT,
        .forbidden = FOR_ZIP,
        .doc = "What replaces settings of the container image.",
    },
    {
        .path = "imageConfig.entryPoint",
        .member = "ImageConfig.EntryPoint",
        .type = FIELD_LIST,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 1500,
        .unset = "null",
        .observed = "Configuration.ImageConfigResponse.ImageConfig.EntryPoint",
        .doc = "Replaces the image's ENTRYPOINT.",
    },
    {
        .path = "imageConfig.command",
        .member = "ImageConfig.Command",
        .type = FIELD_LIST,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 1500,
        .unset = "null",
        .observed = "Configuration.ImageConfigResponse.ImageConfig.Command",
        .doc = "Replaces the image's CMD.",
    },
    {
        .path = "imageConfig.workingDirectory",
        .member = "ImageConfig.WorkingDirectory",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 1000,
        .unset = "null",
        .observed = "Configuration.ImageConfigResponse.ImageConfig.WorkingDirectory",
        .doc = "Replaces the image's WORKDIR.",
    },
    /* --- how the code runs ----------------------------------------------------------------------------- */
    {
        .path = "runtime",
        .member = "Runtime",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 64,
        .required = FOR_ZIP,
        .forbidden = FOR_IMAGE,
        .doc = "Identifier of the runtime, for example python3.13, nodejs24.x or provided.al2023.",
    },
    {
        .path = "runtimeConfig",
        .member = "RuntimeConfig",
        .type = FIELD_OBJECT,
        .doc = "The runtime of one's own that the runtime custom stands for.",
    },
    {
        .path = "runtimeConfig.runtimeArn",
        .member = "RuntimeConfig.RuntimeArn",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 48,
        .max = 2048,
        .pattern = "arn:[a-z-]+:lambda:" REGION ":" ACCOUNT ":runtime/[^[:space:]]+",
        .pattern_hint = "the ARN of a customer-managed runtime, such as "
                        "arn:aws:lambda:us-east-1:123456789012:runtime/name",
        .only_path = "runtime",
        .only_value = "custom",
        .arn = ARN_REGIONAL,
        .schema_required = true,
        .doc = "ARN of the customer-managed runtime.",
    },
    {
        .path = "runtimeConfig.runtimeAlias",
        .member = "RuntimeConfig.RuntimeAlias",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 128,
        .only_path = "runtime",
        .only_value = "custom",
        .schema_required = true,
        .doc = "Alias of the customer-managed runtime that names its version.",
    },
    {
        .path = "handler",
        .member = "Handler",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 128,
        .pattern = "[^[:space:]]+",
        .pattern_hint = "without blanks, such as app.handler",
        .required = FOR_ZIP,
        .forbidden = FOR_IMAGE,
        .doc = "Method in the code that Lambda calls, for example app.handler.",
    },
    {
        .path = "role",
        .member = "Role",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 2048,
        .pattern = ARN_ROLE,
        .pattern_hint = ARN_ROLE_HINT,
        .required = FOR_ALL,
        .arn = ARN_GLOBAL,
        .doc = "ARN of the execution role. Its account is the function's account.",
    },
    {
        .path = "description",
        .member = "Description",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .max = 256,
        .unset = "\"\"",
        .doc = "What the function does, for people.",
    },
    /* --- configuration --------------------------------------------------------------------------------- */
    {
        .path = "memorySize",
        .member = "MemorySize",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 128,
        .max = 32768,
        .usual_max = 10240,
        .more_with = {"capacityProviderConfig", "acceleratorConfig"},
        .unset = "128",
        .doc = "Memory in MB, 128 to 10240; CPU grows with it. Up to 32768 with a capacity provider. AWS's "
               "default is 128.",
    },
    {
        .path = "timeout",
        .member = "Timeout",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 5400,
        .usual_max = 900,
        .more_with = {"capacityProviderConfig"},
        .unset = "3",
        .doc = "Seconds that an invocation may take, 1 to 900; up to 5400 with a capacity provider. AWS's "
               "default is 3.",
    },
    {
        .path = "kmsKeyArn",
        .member = "KMSKeyArn",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .max = 2048,
        .pattern = KMS_KEY,
        .pattern_hint = KMS_KEY_HINT,
        .unset = "\"\"",
        .arn = ARN_REGIONAL,
        .doc = "ARN of the KMS key that encrypts the environment variables, and the snapshots of SnapStart. "
               "Absent: a key of AWS's.",
    },
    {
        .path = "architectures",
        .member = "Architectures",
        .type = FIELD_LIST,
        .call = CALL_CODE,
        .min = 1,
        .max = 1,
        .values = ARCHITECTURES,
        .unset = "[\"x86_64\"]",
        .doc =
            "Instruction set, exactly one: x86_64 (AWS's default) or arm64. A change deploys the code anew.",
    },
    {
        .path = "environment",
        .member = "Environment",
        .type = FIELD_OBJECT,
        .doc = "Environment of the function's process.",
    },
    {
        .path = "environment.variables",
        .member = "Environment.Variables",
        .type = FIELD_MAP,
        .call = CALL_CONFIGURATION,
        .max = 512,
        .key_pattern = VARIABLE_NAME,
        .key_hint = VARIABLE_NAME_HINT,
        .item_max = 4096,
        .unset = "{}",
        .secret = true,
        .doc = "Environment variables; together at most 4096 bytes as compact JSON. Names have two or more "
               "letters, digits and underscores and begin with a letter.",
    },
    {
        .path = "environment.valueFrom",
        .type = FIELD_OBJECTS,
        .max = 512,
        .list_key = "name",
        .no_default = true,
        .doc = "Environment variables whose values are kept in Secrets or ConfigMaps of the same namespace. "
               "They are read when the function is deployed and at every resync; kubelambda needs a Role in "
               "the namespace for it, and whoever writes the resource must be allowed to read the Secret.",
    },
    {
        .path = "environment.valueFrom[].name",
        .type = FIELD_STRING,
        .min = 2,
        .max = 256,
        .pattern = VARIABLE_NAME,
        .pattern_hint = VARIABLE_NAME_HINT,
        .schema_required = true,
        .doc = "Name of the environment variable; not one that environment.variables has, too.",
    },
    {
        .path = "environment.valueFrom[].secretKeyRef",
        .type = FIELD_OBJECT,
        .doc = "The key of a Secret that holds the value.",
    },
    {
        .path = "environment.valueFrom[].secretKeyRef.name",
        .type = FIELD_STRING,
        .min = 1,
        .max = 253,
        .pattern = OBJECT_NAME,
        .pattern_hint = OBJECT_NAME_HINT,
        .schema_required = true,
        .doc = "Name of the Secret.",
    },
    {
        .path = "environment.valueFrom[].secretKeyRef.key",
        .type = FIELD_STRING,
        .min = 1,
        .max = 253,
        .pattern = OBJECT_KEY,
        .pattern_hint = OBJECT_KEY_HINT,
        .schema_required = true,
        .doc = "Key in the Secret.",
    },
    {
        .path = "environment.valueFrom[].configMapKeyRef",
        .type = FIELD_OBJECT,
        .doc = "The key of a ConfigMap that holds the value.",
    },
    {
        .path = "environment.valueFrom[].configMapKeyRef.name",
        .type = FIELD_STRING,
        .min = 1,
        .max = 253,
        .pattern = OBJECT_NAME,
        .pattern_hint = OBJECT_NAME_HINT,
        .schema_required = true,
        .doc = "Name of the ConfigMap.",
    },
    {
        .path = "environment.valueFrom[].configMapKeyRef.key",
        .type = FIELD_STRING,
        .min = 1,
        .max = 253,
        .pattern = OBJECT_KEY,
        .pattern_hint = OBJECT_KEY_HINT,
        .schema_required = true,
        .doc = "Key in the ConfigMap.",
    },
    {
        .path = "environment.valueFrom[].optional",
        .type = FIELD_BOOL,
        .doc = "The variable is left out when the object or its key does not exist; else that is an error.",
    },
    {
        .path = "layers",
        .member = "Layers",
        .type = FIELD_LIST,
        .call = CALL_CONFIGURATION,
        .max = 5,
        .pattern = "(" ARN_PARTITION ":lambda:" REGION ":" ACCOUNT ":layer:[a-zA-Z0-9_-]+:[0-9]+)|(arn:[a-zA-"
                   "Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9_-]+)",
        .pattern_hint =
            "the ARN of a layer's version, such as arn:aws:lambda:us-east-1:123456789012:layer:name:1",
        .item_max = 2048,
        .unset = "[]",
        .observed_item = "Arn",
        .forbidden = FOR_IMAGE,
        .arn = ARN_REGIONAL,
        .doc = "ARNs of layer versions, at most 5, in the function's region. Their order matters.",
    },
    {
        .path = "ephemeralStorage",
        .member = "EphemeralStorage",
        .type = FIELD_OBJECT,
        .doc = "The function's /tmp directory.",
    },
    {
        .path = "ephemeralStorage.size",
        .member = "EphemeralStorage.Size",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 512,
        .max = 32768,
        .usual_max = 10240,
        .more_with = {"acceleratorConfig"},
        .unset = "512",
        .doc = "Size of /tmp in MB, 512 to 10240; up to 32768 with an accelerator. AWS's default is 512.",
    },
    {
        .path = "vpcConfig",
        .member = "VpcConfig",
        .type = FIELD_OBJECT,
        .doc = "Connects the function to a VPC; both lists together, or neither. Removed: the function "
               "leaves the VPC.",
    },
    {
        .path = "vpcConfig.subnetIds",
        .member = "VpcConfig.SubnetIds",
        .type = FIELD_LIST,
        .call = CALL_CONFIGURATION,
        .max = 16,
        .pattern = "subnet-[0-9a-z]+",
        .pattern_hint = "the id of a subnet, such as subnet-0123456789abcdef0",
        .item_max = 64,
        .unset = "[]",
        .any_order = true,
        .doc = "Subnets of the VPC, at most 16.",
    },
    {
        .path = "vpcConfig.securityGroupIds",
        .member = "VpcConfig.SecurityGroupIds",
        .type = FIELD_LIST,
        .call = CALL_CONFIGURATION,
        .max = 5,
        .pattern = "sg-[0-9a-zA-Z]+",
        .pattern_hint = "the id of a security group, such as sg-0123456789abcdef0",
        .item_max = 64,
        .unset = "[]",
        .any_order = true,
        .doc = "Security groups of the VPC, at most 5.",
    },
    {
        .path = "vpcConfig.ipv6AllowedForDualStack",
        .member = "VpcConfig.Ipv6AllowedForDualStack",
        .type = FIELD_BOOL,
        .call = CALL_CONFIGURATION,
        .unset = "false",
        .doc = "Allows outgoing IPv6 in subnets that have both address families. AWS's default is false.",
    },
    {
        .path = "fileSystemConfigs",
        .member = "FileSystemConfigs",
        .type = FIELD_OBJECTS,
        .call = CALL_CONFIGURATION,
        .max = 1,
        .list_key = "localMountPath",
        .unset = "[]",
        .doc = "A file system that is mounted into the function, at most one. One of EFS needs vpcConfig.",
    },
    {
        .path = "fileSystemConfigs[].arn",
        .member = "Arn",
        .type = FIELD_STRING,
        .min = 1,
        .max = 256,
        .pattern = "(" ARN_PARTITION ":elasticfilesystem:" REGION ":" ACCOUNT
                   ":access-point/fsap-[0-9a-f]{17})|(" ARN_PARTITION ":s3files:" REGION ":" ACCOUNT
                   ":file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40})",
        .pattern_hint =
            "the ARN of an access point, such as "
            "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
        .arn = ARN_REGIONAL,
        .schema_required = true,
        .doc = "ARN of the access point, of EFS or of S3 Files.",
    },
    {
        .path = "fileSystemConfigs[].localMountPath",
        .member = "LocalMountPath",
        .type = FIELD_STRING,
        .min = 1,
        .max = 160,
        .pattern = "/mnt/[a-zA-Z0-9._-]+",
        .pattern_hint = "a folder below /mnt, such as /mnt/data",
        .schema_required = true,
        .doc = "Folder in the function where the file system appears, below /mnt.",
    },
    {
        .path = "fileSystemConfigs[].s3FilesConfig",
        .member = "S3FilesConfig",
        .type = FIELD_OBJECT,
        .doc = "Settings of a file system of S3 Files.",
    },
    {
        .path = "fileSystemConfigs[].s3FilesConfig.directS3Read",
        .member = "S3FilesConfig.DirectS3Read",
        .type = FIELD_STRING,
        .values = DIRECT_READ,
        .unset = "\"AUTO\"",
        .doc = "Whether reads go to S3 directly: ENABLED, DISABLED or AUTO.",
    },
    {
        .path = "deadLetterConfig",
        .member = "DeadLetterConfig",
        .type = FIELD_OBJECT,
        .doc = "Where events go that an asynchronous invocation could not process.",
    },
    {
        .path = "deadLetterConfig.targetArn",
        .member = "DeadLetterConfig.TargetArn",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .max = 2048,
        .pattern = ARN_PARTITION ":(sqs|sns):" REGION ":" ACCOUNT ":[a-zA-Z0-9._-]+",
        .pattern_hint =
            "the ARN of an SQS queue or an SNS topic, such as arn:aws:sqs:us-east-1:123456789012:name",
        .unset = "\"\"",
        .arn = ARN_REGIONAL,
        .doc = "ARN of an SQS queue or an SNS topic. asyncInvoke.onFailure tells more about the failure.",
    },
    {
        .path = "tracingConfig",
        .member = "TracingConfig",
        .type = FIELD_OBJECT,
        .doc = "Tracing with AWS X-Ray.",
    },
    {
        .path = "tracingConfig.mode",
        .member = "TracingConfig.Mode",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .values = TRACING_MODES,
        .unset = "\"PassThrough\"",
        .doc = "Active samples and traces invocations; PassThrough (AWS's default) only passes on what the "
               "caller decided.",
    },
    {
        .path = "snapStart",
        .member = "SnapStart",
        .type = FIELD_OBJECT,
        .doc = "Starts published versions from a snapshot.",
    },
    {
        .path = "snapStart.applyOn",
        .member = "SnapStart.ApplyOn",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .values = SNAP_START,
        .unset = "\"None\"",
        .doc = "PublishedVersions makes a snapshot of each published version; None is AWS's default. For "
               "Java 11, Python 3.12, .NET 8 and later, not with images, EFS or more than 512 MB of "
               "ephemeral storage.",
    },
    {
        .path = "loggingConfig",
        .member = "LoggingConfig",
        .type = FIELD_OBJECT,
        .doc = "The function's logs in CloudWatch.",
    },
    {
        .path = "loggingConfig.logFormat",
        .member = "LoggingConfig.LogFormat",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .values = LOG_FORMATS,
        .unset = "\"Text\"",
        .doc = "Text (AWS's default) or JSON, which log levels need.",
    },
    {
        .path = "loggingConfig.applicationLogLevel",
        .member = "LoggingConfig.ApplicationLogLevel",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .values = APPLICATION_LOG_LEVELS,
        .unset = "\"INFO\"",
        .only_path = "loggingConfig.logFormat",
        .only_value = "JSON",
        .doc = "The least severe records of the function that are kept. With the format JSON; AWS's default "
               "is INFO.",
    },
    {
        .path = "loggingConfig.systemLogLevel",
        .member = "LoggingConfig.SystemLogLevel",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .values = SYSTEM_LOG_LEVELS,
        .unset = "\"INFO\"",
        .only_path = "loggingConfig.logFormat",
        .only_value = "JSON",
        .doc = "The least severe records of Lambda itself that are kept. With the format JSON; AWS's default "
               "is INFO.",
    },
    {
        .path = "loggingConfig.logGroup",
        .member = "LoggingConfig.LogGroup",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 512,
        .pattern = "[a-zA-Z0-9._/#-]+",
        .pattern_hint = "letters, digits and ._/#-",
        .unset = "\"/aws/lambda/{functionName}\"",
        .doc = "Log group. Absent: /aws/lambda/ and the function's name. Several functions may share one.",
    },
    {
        .path = "tenancyConfig",
        .member = "TenancyConfig",
        .type = FIELD_OBJECT,
        .immutable = true,
        .doc = "Keeps tenants of the function apart. Only when the function is created.",
    },
    {
        .path = "tenancyConfig.tenantIsolationMode",
        .member = "TenancyConfig.TenantIsolationMode",
        .type = FIELD_STRING,
        .values = TENANT_ISOLATION,
        .schema_required = true,
        .doc = "PER_TENANT: invocations of different tenants never share an execution environment. Cannot be "
               "changed afterwards.",
    },
    {
        .path = "capacityProviderConfig",
        .member = "CapacityProviderConfig",
        .type = FIELD_OBJECT,
        .doc = "Runs the function on instances of a capacity provider (Lambda Managed Instances). Removed, "
               "it stays as it was.",
    },
    {
        .path = "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig",
        .member = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig",
        .type = FIELD_OBJECT,
        .schema_required = true,
        .doc = "The capacity provider.",
    },
    {
        .path = "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig.capacityProviderArn",
        .member = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig.CapacityProviderArn",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 140,
        .pattern = ARN_PARTITION ":lambda:" REGION ":" ACCOUNT ":capacity-provider:[a-zA-Z0-9_-]+",
        .pattern_hint = "the ARN of a capacity provider, such as "
                        "arn:aws:lambda:us-east-1:123456789012:capacity-provider:name",
        .arn = ARN_REGIONAL,
        .schema_required = true,
        .doc = "ARN of the capacity provider.",
    },
    {
        .path = "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig."
                "perExecutionEnvironmentMaxConcurrency",
        .member = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig."
                  "PerExecutionEnvironmentMaxConcurrency",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 1600,
        .doc = "Invocations that one execution environment takes at a time, 1 to 1600.",
    },
    {
        .path = "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig."
                "executionEnvironmentMemoryGiBPerVCpu",
        .member = "CapacityProviderConfig.LambdaManagedInstancesCapacityProviderConfig."
                  "ExecutionEnvironmentMemoryGiBPerVCpu",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 2,
        .max = 8,
        .doc = "GiB of memory for each virtual CPU, 2 to 8.",
    },
    {
        .path = "acceleratorConfig",
        .member = "AcceleratorConfig",
        .type = FIELD_OBJECT,
        .doc = "An accelerator for the function. Removed, it stays as it was.",
    },
    {
        .path = "acceleratorConfig.acceleratorMemorySize",
        .member = "AcceleratorConfig.AcceleratorMemorySize",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 1024,
        .schema_required = true,
        .doc = "Memory of the accelerator in GB.",
    },
    {
        .path = "durableConfig",
        .member = "DurableConfig",
        .type = FIELD_OBJECT,
        .doc = "Durable executions. What is removed here stays as it was.",
    },
    {
        .path = "durableConfig.retentionPeriodInDays",
        .member = "DurableConfig.RetentionPeriodInDays",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 90,
        .doc = "Days for which the history of an execution is kept once it is over, 1 to 90.",
    },
    {
        .path = "durableConfig.executionTimeout",
        .member = "DurableConfig.ExecutionTimeout",
        .type = FIELD_INT,
        .call = CALL_CONFIGURATION,
        .min = 1,
        .max = 31622400,
        .doc = "Seconds that an execution may take from its start to its end, at most 366 days.",
    },
    {
        .path = "durableConfig.kmsKeyArn",
        .member = "DurableConfig.KMSKeyArn",
        .type = FIELD_STRING,
        .call = CALL_CONFIGURATION,
        .max = 2048,
        .pattern = KMS_KEY,
        .pattern_hint = KMS_KEY_HINT,
        .unset = "\"\"",
        .arn = ARN_REGIONAL,
        .doc = "ARN of the KMS key that encrypts the state of executions. Absent: a key of AWS's.",
    },
    /* --- beside code and configuration, each by a call of its own -------------------------------------- */
    {
        .path = "tags",
        .member = "Tags",
        .type = FIELD_MAP,
        .call = CALL_TAGS,
        .max = 49,
        .max_hint = "AWS takes 50, and one is kubelambda's own",
        .pattern = TAG_CHARACTERS "*",
        .pattern_hint = TAG_HINT,
        .key_pattern = TAG_CHARACTERS "+",
        .key_hint = TAG_HINT,
        .key_max = 128,
        .item_max = 256,
        .unset = "{}",
        .observed = "Tags",
        .doc = "Tags of the function, at most 49: AWS takes 50, and one names the owning resource. Tags that "
               "others put on the function are left alone.",
    },
    {
        .path = "reservedConcurrency",
        .member = "ReservedConcurrentExecutions",
        .type = FIELD_INT,
        .call = CALL_CONCURRENCY,
        .min = 0,
        .max = INT32_MAX,
        .unset = "null",
        .doc = "Invocations at a time that are reserved for the function and never exceeded; 0 stops all "
               "invocations. Absent: it shares what the account has left.",
    },
    ASYNC_INVOKE("asyncInvoke", CALL_EVENT_INVOKE,
                 "How asynchronous invocations are retried and where their results go. It is replaced as a "
                 "whole: what is absent here is AWS's default."),
    {
        .path = "recursiveLoop",
        .member = "RecursiveLoop",
        .type = FIELD_STRING,
        .call = CALL_RECURSION,
        .values = RECURSION,
        .unset = "\"Terminate\"",
        .doc = "What becomes of a function that calls itself through other services in a loop: Terminate "
               "(AWS's default) or Allow.",
    },
    {
        .path = "runtimeManagement",
        .type = FIELD_OBJECT,
        .doc = "When AWS brings new versions of the runtime to the function.",
    },
    {
        .path = "runtimeManagement.updateRuntimeOn",
        .member = "UpdateRuntimeOn",
        .type = FIELD_STRING,
        .call = CALL_RUNTIME_MANAGEMENT,
        .values = RUNTIME_UPDATES,
        .unset = "\"Auto\"",
        .schema_required = true,
        .doc = "Auto (AWS's default), FunctionUpdate (with the next change of the function), or Manual, "
               "which needs runtimeVersionArn.",
    },
    {
        .path = "runtimeManagement.runtimeVersionArn",
        .member = "RuntimeVersionArn",
        .type = FIELD_STRING,
        .call = CALL_RUNTIME_MANAGEMENT,
        .min = 26,
        .max = 2048,
        .pattern =
            "(" ARN_PARTITION ":lambda:" REGION "::runtime:[^[:space:]]+)|(" ARN_PARTITION ":lambda:" REGION
            ":" ACCOUNT ":runtime/[a-zA-Z0-9_.-]{1,128}/version/[a-zA-Z0-9_.-]{1,128})",
        .pattern_hint = "the ARN of a runtime version, such as arn:aws:lambda:us-east-1::runtime:0123abcd…",
        .unset = "null",
        .only_path = "runtimeManagement.updateRuntimeOn",
        .only_value = "Manual",
        .arn = ARN_REGIONAL,
        .doc = "ARN of the runtime's version to stay with. With updateRuntimeOn Manual only.",
    },
    {
        .path = "codeSigningConfigArn",
        .member = "CodeSigningConfigArn",
        .type = FIELD_STRING,
        .call = CALL_CODE_SIGNING,
        .min = 1,
        .max = 200,
        .pattern = ARN_PARTITION ":lambda:" REGION ":" ACCOUNT ":code-signing-config:csc-[a-z0-9]{17}",
        .pattern_hint = "the ARN of a code signing configuration, such as "
                        "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0",
        .unset = "null",
        .arn = ARN_REGIONAL,
        .forbidden = FOR_IMAGE,
        .doc = "ARN of the code signing configuration that says whose code the function takes.",
    },
    /* --- versions and aliases -------------------------------------------------------------------------- */
    {
        .path = "versions",
        .type = FIELD_OBJECT,
        .doc = "Versions of the function: unchangeable copies of its code and configuration, which aliases "
               "name.",
    },
    {
        .path = "versions.publish",
        .type = FIELD_STRING,
        .values = PUBLISH,
        .doc = "OnChange publishes a version each time that a change of code or configuration is in force. "
               "Never "
               "or absent: none is published.",
    },
    {
        .path = "versions.keep",
        .type = FIELD_INT,
        .min = 1,
        .max = 100,
        .only_path = "versions.publish",
        .only_value = "OnChange",
        .only_warns = true,
        .doc =
            "How many of the versions that kubelambda published are kept, 1 to 100; older ones that nothing "
            "names are deleted. Absent: all. Versions that others published stay.",
    },
    {
        .path = "aliases",
        .type = FIELD_OBJECTS,
        .call = CALL_ALIAS,
        .max = 20,
        .list_key = "name",
        .unset = "[]",
        .no_default = true,
        .doc =
            "Aliases: names that callers use and that point to a version. Aliases that others made are left "
            "alone.",
    },
    {
        .path = "aliases[].name",
        .member = "Name",
        .type = FIELD_STRING,
        .min = 1,
        .max = 128,
        .pattern = ALIAS_NAME,
        .pattern_hint = ALIAS_NAME_HINT,
        .schema_required = true,
        .doc = "Name of the alias.",
    },
    {
        .path = "aliases[].version",
        .member = "FunctionVersion",
        .type = FIELD_STRING,
        .min = 1,
        .max = 20,
        .pattern = ALIAS_VERSION,
        .pattern_hint = ALIAS_VERSION_HINT,
        .schema_required = true,
        .doc =
            "What the alias points to: Latest, the version that was published last; Previous, the one before "
            "it; or the number of a version, which no deployment then moves.",
    },
    {
        .path = "aliases[].description",
        .member = "Description",
        .type = FIELD_STRING,
        .max = 256,
        .doc = "What the alias is for, for people.",
    },
    {
        .path = "aliases[].additionalVersions",
        .member = "RoutingConfig.AdditionalVersionWeights",
        .type = FIELD_OBJECTS,
        .max = 1,
        .list_key = "version",
        .doc = "Another version that gets a part of the invocations, at most one: a canary.",
    },
    {
        .path = "aliases[].additionalVersions[].version",
        .type = FIELD_STRING,
        .min = 1,
        .max = 20,
        .pattern = ALIAS_VERSION,
        .pattern_hint = ALIAS_VERSION_HINT,
        .schema_required = true,
        .doc = "Latest, Previous, or the number of a version.",
    },
    {
        .path = "aliases[].additionalVersions[].weight",
        .type = FIELD_INT,
        .min = 0,
        .max = 100,
        .schema_required = true,
        .doc = "Its part of the invocations in percent; the rest goes to the alias's own version.",
    },
    {
        .path = "aliases[].provisionedConcurrency",
        .member = "ProvisionedConcurrentExecutions",
        .type = FIELD_INT,
        .min = 1,
        .max = INT32_MAX,
        .unset = "null",
        .doc =
            "Execution environments that are kept initialized for the alias. Absent: none of kubelambda's; "
            "what somebody else's scaling sets is left alone.",
    },
    ASYNC_INVOKE("aliases[].asyncInvoke", CALL_NONE,
                 "How asynchronous invocations of the alias are retried and where their results go. It is "
                 "replaced as a whole."),
    /* --- the URL --------------------------------------------------------------------------------------- */
    {
        .path = "functionUrl",
        .type = FIELD_OBJECT,
        .no_default = true,
        .doc = "A URL of its own for the function. NONE as authType makes it public, with both permissions "
               "that this takes.",
    },
    {
        .path = "functionUrl.qualifier",
        .member = "Qualifier",
        .type = FIELD_STRING,
        .call = CALL_FUNCTION_URL,
        .min = 1,
        .max = 128,
        .pattern = ALIAS_NAME,
        .pattern_hint = ALIAS_NAME_HINT,
        .unset = "\"\"",
        .no_default = true,
        .doc = "Alias that the URL invokes. Absent: the function as it is now.",
    },
    {
        .path = "functionUrl.authType",
        .member = "AuthType",
        .type = FIELD_STRING,
        .call = CALL_FUNCTION_URL,
        .values = URL_AUTH_TYPES,
        .no_default = true,
        .schema_required = true,
        .doc = "AWS_IAM lets in who signs requests and may, NONE everybody.",
    },
    {
        .path = "functionUrl.invokeMode",
        .member = "InvokeMode",
        .type = FIELD_STRING,
        .call = CALL_FUNCTION_URL,
        .values = INVOKE_MODES,
        .unset = "\"BUFFERED\"",
        .no_default = true,
        .doc = "BUFFERED (AWS's default) answers when the function is done, RESPONSE_STREAM while it works.",
    },
    {
        .path = "functionUrl.cors",
        .member = "Cors",
        .type = FIELD_OBJECT,
        .no_default = true,
        .doc = "Cross-origin resource sharing: which web pages may call the URL.",
    },
    {
        .path = "functionUrl.cors.allowCredentials",
        .member = "Cors.AllowCredentials",
        .type = FIELD_BOOL,
        .call = CALL_FUNCTION_URL,
        .unset = "null",
        .no_default = true,
        .doc = "Whether such requests may carry cookies or credentials.",
    },
    {
        .path = "functionUrl.cors.allowHeaders",
        .member = "Cors.AllowHeaders",
        .type = FIELD_LIST,
        .call = CALL_FUNCTION_URL,
        .max = 100,
        .item_max = 1024,
        .unset = "null",
        .any_order = true,
        .no_default = true,
        .doc = "Headers that requests may have; * stands for all.",
    },
    {
        .path = "functionUrl.cors.allowMethods",
        .member = "Cors.AllowMethods",
        .type = FIELD_LIST,
        .call = CALL_FUNCTION_URL,
        .max = 6,
        .item_max = 6,
        .values = CORS_METHODS,
        .unset = "null",
        .any_order = true,
        .no_default = true,
        .doc = "Methods that requests may use; * stands for all.",
    },
    {
        .path = "functionUrl.cors.allowOrigins",
        .member = "Cors.AllowOrigins",
        .type = FIELD_LIST,
        .call = CALL_FUNCTION_URL,
        .max = 100,
        .pattern = "[^[:space:]]+",
        .pattern_hint = "an origin such as https://www.example.com, or *",
        .item_max = 253,
        .unset = "null",
        .any_order = true,
        .no_default = true,
        .doc = "Origins that may call the URL, such as https://www.example.com; * stands for all.",
    },
    {
        .path = "functionUrl.cors.exposeHeaders",
        .member = "Cors.ExposeHeaders",
        .type = FIELD_LIST,
        .call = CALL_FUNCTION_URL,
        .max = 100,
        .item_max = 1024,
        .unset = "null",
        .any_order = true,
        .no_default = true,
        .doc = "Headers of the answer that a page may read.",
    },
    {
        .path = "functionUrl.cors.maxAge",
        .member = "Cors.MaxAge",
        .type = FIELD_INT,
        .call = CALL_FUNCTION_URL,
        .max = 86400,
        .unset = "null",
        .no_default = true,
        .doc = "Seconds for which a browser may keep the answer to its preflight request, at most a day.",
    },
    /* --- the statements of the function's policy ------------------------------------------------------- */
    {
        .path = "permissions",
        .type = FIELD_OBJECTS,
        .max = 50,
        .list_key = "sid",
        .no_default = true,
        .doc = "Statements of the function's own policy: who may invoke it. Those that others made are left "
               "alone.",
    },
    {
        .path = "permissions[].sid",
        .member = "StatementId",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .min = 1,
        .max = 100,
        .pattern = "[a-zA-Z0-9_-]+",
        .pattern_hint = "letters, digits, hyphens and underscores",
        .schema_required = true,
        .doc = "Names the statement, uniquely in the function's policy.",
    },
    {
        .path = "permissions[].principal",
        .member = "Principal",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .min = 1,
        .max = 2048,
        .pattern = "[^[:space:]]+",
        .pattern_hint = "a service, an account, an ARN or *, without blanks",
        .schema_required = true,
        .doc = "A service such as s3.amazonaws.com, an account, the ARN of a user or a role, or *.",
    },
    {
        .path = "permissions[].action",
        .member = "Action",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .min = 1,
        .max = 256,
        .pattern = "lambda:[*]|lambda:[a-zA-Z]+|[*]",
        .pattern_hint = "an action of Lambda, such as lambda:InvokeFunction",
        .schema_required = true,
        .doc = "What is allowed, usually lambda:InvokeFunction.",
    },
    {
        .path = "permissions[].sourceArn",
        .member = "SourceArn",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .min = 1,
        .max = 2048,
        .pattern = ANY_ARN,
        .pattern_hint = ANY_ARN_HINT,
        .unset = "null",
        .arn = ARN_GLOBAL,
        .doc = "ARN of what invokes the function, for a service; * and ? stand for any text and character.",
    },
    {
        .path = "permissions[].sourceAccount",
        .member = "SourceAccount",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .max = 12,
        .pattern = ACCOUNT,
        .pattern_hint = "an account, 12 digits",
        .unset = "null",
        .doc = "Account that owns what invokes the function, for a service.",
    },
    {
        .path = "permissions[].eventSourceToken",
        .member = "EventSourceToken",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .min = 1,
        .max = 256,
        .pattern = "[a-zA-Z0-9._-]+",
        .pattern_hint = "letters, digits and ._-",
        .unset = "null",
        .doc = "Token that an Alexa skill must show.",
    },
    {
        .path = "permissions[].principalOrgID",
        .member = "PrincipalOrgID",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .max = 34,
        .pattern = "o-[a-z0-9]{10,32}",
        .pattern_hint = "an organization, such as o-a1b2c3d4e5",
        .unset = "null",
        .doc = "Organization whose accounts the principal * is limited to.",
    },
    {
        .path = "permissions[].functionUrlAuthType",
        .member = "FunctionUrlAuthType",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .values = URL_AUTH_TYPES,
        .unset = "null",
        .doc = "Auth type of the function's URL that the statement holds for, with lambda:InvokeFunctionUrl.",
    },
    {
        .path = "permissions[].invokedViaFunctionUrl",
        .member = "InvokedViaFunctionUrl",
        .type = FIELD_BOOL,
        .call = CALL_PERMISSIONS,
        .unset = "null",
        .doc = "Only for invocations by the function's URL.",
    },
    {
        .path = "permissions[].qualifier",
        .member = "Qualifier",
        .type = FIELD_STRING,
        .call = CALL_PERMISSIONS,
        .min = 1,
        .max = 128,
        .pattern = "[a-zA-Z0-9_-]+",
        .pattern_hint = "the name of an alias or the number of a version",
        .unset = "\"\"",
        .doc = "Alias or version that the statement is about. Absent: the function.",
    },
    /* --- event source mappings ------------------------------------------------------------------------- */
    {
        .path = "eventSources",
        .type = FIELD_OBJECTS,
        .max = 50,
        .list_key = "name",
        .no_default = true,
        .doc = "What Lambda reads events from to invoke the function: queues, streams, topics. Mappings that "
               "others made are left alone.",
    },
    {
        .path = "eventSources[].name",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 63,
        .pattern = "[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?",
        .pattern_hint = "letters, digits, hyphens and underscores, a letter or digit at both ends",
        .schema_required = true,
        .doc = "Names the source here and in a tag of its mapping.",
    },
    {
        .path = "eventSources[].eventSourceArn",
        .member = "EventSourceArn",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 2048,
        .pattern = ANY_ARN,
        .pattern_hint = ANY_ARN_HINT,
        .arn = ARN_REGIONAL,
        .immutable = true,
        .doc = "ARN of an SQS queue, a Kinesis stream or consumer, a DynamoDB stream, an MSK cluster or VPC "
               "connection, an MQ broker or a DocumentDB cluster. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].selfManagedEventSource",
        .member = "SelfManagedEventSource",
        .type = FIELD_OBJECT,
        .doc = "A Kafka cluster of one's own, instead of eventSourceArn.",
    },
    {
        .path = "eventSources[].selfManagedEventSource.endpoints",
        .member = "SelfManagedEventSource.Endpoints",
        .type = FIELD_OBJECT,
        .schema_required = true,
        .doc = "Where it is.",
    },
    {
        .path = "eventSources[].selfManagedEventSource.endpoints.kafkaBootstrapServers",
        .member = "SelfManagedEventSource.Endpoints.KAFKA_BOOTSTRAP_SERVERS",
        .type = FIELD_LIST,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 10,
        .pattern = "([a-zA-Z0-9._-]+):[0-9]{1,5}",
        .pattern_hint = "host:port",
        .item_max = 300,
        .any_order = true,
        .immutable = true,
        .schema_required = true,
        .doc = "Bootstrap servers, such as broker.example.com:9092. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].qualifier",
        .member = "Qualifier",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 128,
        .pattern = "[a-zA-Z0-9_-]+",
        .pattern_hint = "the name of an alias or the number of a version",
        .unset = "\"\"",
        .doc = "Alias or version that the events go to. Absent: the function as it is now.",
    },
    {
        .path = "eventSources[].enabled",
        .member = "Enabled",
        .type = FIELD_BOOL,
        .call = CALL_EVENT_SOURCES,
        .unset = "true",
        .doc = "false pauses the source. AWS's default is true.",
    },
    {
        .path = "eventSources[].batchSize",
        .member = "BatchSize",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 10000,
        .doc = "Most records of an invocation. AWS's default is 10 for SQS, else 100; a FIFO queue takes at "
               "most 10.",
    },
    {
        .path = "eventSources[].maximumBatchingWindowInSeconds",
        .member = "MaximumBatchingWindowInSeconds",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .max = 300,
        .doc = "Seconds to gather records for, 0 to 300. Of queues and streams AWS's default is 0, of others "
               "half a second, which cannot be put back.",
    },
    {
        .path = "eventSources[].filterCriteria",
        .member = "FilterCriteria",
        .type = FIELD_OBJECT,
        .doc = "Which events the function gets.",
    },
    {
        .path = "eventSources[].filterCriteria.filters",
        .member = "FilterCriteria.Filters",
        .type = FIELD_OBJECTS,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 10,
        .unset = "null",
        .doc = "Filters; one that matches suffices.",
    },
    {
        .path = "eventSources[].filterCriteria.filters[].pattern",
        .member = "Pattern",
        .type = FIELD_STRING,
        .min = 1,
        .max = 4096,
        .schema_required = true,
        .doc = "Pattern, as JSON text.",
    },
    {
        .path = "eventSources[].kmsKeyArn",
        .member = "KMSKeyArn",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .max = 2048,
        .pattern = KMS_KEY,
        .pattern_hint = KMS_KEY_HINT,
        .unset = "\"\"",
        .arn = ARN_REGIONAL,
        .doc = "ARN of the KMS key that encrypts the filters.",
    },
    {
        .path = "eventSources[].metricsConfig",
        .member = "MetricsConfig",
        .type = FIELD_OBJECT,
        .doc = "Metrics of the source.",
    },
    {
        .path = "eventSources[].metricsConfig.metrics",
        .member = "MetricsConfig.Metrics",
        .type = FIELD_LIST,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 3,
        .values = SOURCE_METRICS,
        .unset = "[]",
        .any_order = true,
        .doc = "EventCount; of Kafka also ErrorCount and KafkaMetrics.",
    },
    {
        .path = "eventSources[].loggingConfig",
        .member = "LoggingConfig",
        .type = FIELD_OBJECT,
        .doc = "Logs of a Kafka source.",
    },
    {
        .path = "eventSources[].loggingConfig.systemLogLevel",
        .member = "LoggingConfig.SystemLogLevel",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .values = SYSTEM_LOG_LEVELS,
        .doc = "The least severe records that are kept. Removed, it stays as it was.",
    },
    {
        .path = "eventSources[].scalingConfig",
        .member = "ScalingConfig",
        .type = FIELD_OBJECT,
        .doc = "Limits of an SQS queue.",
    },
    {
        .path = "eventSources[].scalingConfig.maximumConcurrency",
        .member = "ScalingConfig.MaximumConcurrency",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = 2,
        .max = 1000,
        .unset = "null",
        .doc = "Most invocations at a time by the queue, 2 to 1000.",
    },
    {
        .path = "eventSources[].parallelizationFactor",
        .member = "ParallelizationFactor",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 10,
        .unset = "1",
        .doc = "Batches of a shard that are processed at a time, 1 to 10. Of Kinesis and DynamoDB; AWS's "
               "default is 1.",
    },
    {
        .path = "eventSources[].startingPosition",
        .member = "StartingPosition",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .values = STARTING_POSITIONS,
        .immutable = true,
        .doc = "Where reading a stream or topic begins: TRIM_HORIZON, LATEST or AT_TIMESTAMP. Cannot be "
               "changed afterwards.",
    },
    {
        .path = "eventSources[].startingPositionTimestamp",
        .member = "StartingPositionTimestamp",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .max = INT32_MAX,
        .immutable = true,
        .doc = "With AT_TIMESTAMP: the time, in seconds since 1970. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].onFailure",
        .member = "DestinationConfig.OnFailure.Destination",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 350,
        .pattern = DESTINATION "|kafka://[a-zA-Z0-9_-][a-zA-Z0-9_.-]*",
        .pattern_hint = "the ARN of an SQS queue, an SNS topic or a bucket, or kafka:// and a topic",
        .unset = "\"\"",
        .doc = "Where batches go that could not be processed: the ARN of a queue, topic or bucket, or "
               "kafka://TOPIC. Of streams and Kafka.",
    },
    {
        .path = "eventSources[].maximumRecordAgeInSeconds",
        .member = "MaximumRecordAgeInSeconds",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = -1,
        .max = 604800,
        .unset = "-1",
        .doc = "Age at which a record is discarded; -1 (AWS's default): never. Of streams and Kafka.",
    },
    {
        .path = "eventSources[].bisectBatchOnFunctionError",
        .member = "BisectBatchOnFunctionError",
        .type = FIELD_BOOL,
        .call = CALL_EVENT_SOURCES,
        .unset = "false",
        .doc = "Splits a batch that failed in two. Of streams and Kafka.",
    },
    {
        .path = "eventSources[].maximumRetryAttempts",
        .member = "MaximumRetryAttempts",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = -1,
        .max = 10000,
        .unset = "-1",
        .doc = "How often a failed batch is tried again; -1 (AWS's default): until it expires. Of streams "
               "and Kafka.",
    },
    {
        .path = "eventSources[].tumblingWindowInSeconds",
        .member = "TumblingWindowInSeconds",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .max = 900,
        .unset = "0",
        .doc =
            "Seconds of a processing window, at most 900; 0 (AWS's default): none. Of Kinesis and DynamoDB.",
    },
    {
        .path = "eventSources[].topics",
        .member = "Topics",
        .type = FIELD_LIST,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 1,
        .pattern = "[a-zA-Z0-9_-][a-zA-Z0-9_.-]+",
        .pattern_hint = "the name of a topic",
        .item_max = 249,
        .immutable = true,
        .doc = "Kafka topic. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].queues",
        .member = "Queues",
        .type = FIELD_LIST,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 1,
        .item_max = 1000,
        .immutable = true,
        .doc = "Queue of the MQ broker. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].sourceAccessConfigurations",
        .member = "SourceAccessConfigurations",
        .type = FIELD_OBJECTS,
        .call = CALL_EVENT_SOURCES,
        .max = 22,
        .unset = "[]",
        .doc = "How to reach the source: secrets, subnets, security groups, a virtual host.",
    },
    {
        .path = "eventSources[].sourceAccessConfigurations[].type",
        .member = "Type",
        .type = FIELD_STRING,
        .values = ACCESS_TYPES,
        .schema_required = true,
        .doc = "What the URI is, for example BASIC_AUTH.",
    },
    {
        .path = "eventSources[].sourceAccessConfigurations[].uri",
        .member = "URI",
        .type = FIELD_STRING,
        .min = 1,
        .max = 200,
        .pattern = "[ a-zA-Z0-9/*:_+=.@-]*",
        .pattern_hint = "letters, digits, blanks and /*:_+=.@-",
        .schema_required = true,
        .doc = "ARN of a secret, or subnet:subnet-…, security_group:sg-…, the name of a virtual host.",
    },
    {
        .path = "eventSources[].functionResponseTypes",
        .member = "FunctionResponseTypes",
        .type = FIELD_LIST,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 1,
        .values = RESPONSE_TYPES,
        .unset = "[]",
        .doc = "ReportBatchItemFailures lets the function name the records that failed.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig",
        .member = "AmazonManagedKafkaEventSourceConfig",
        .type = FIELD_OBJECT,
        .doc = "Settings of an MSK cluster.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.consumerGroupId",
        .member = "AmazonManagedKafkaEventSourceConfig.ConsumerGroupId",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 200,
        .pattern = "[ a-zA-Z0-9/*:_+=.@-]*",
        .pattern_hint = "letters, digits, blanks and /*:_+=.@-",
        .immutable = true,
        .doc = "Consumer group to join. Absent: AWS makes one. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig",
        .member = "AmazonManagedKafkaEventSourceConfig.SchemaRegistryConfig",
        .type = FIELD_OBJECT,
        .doc = "Schema registry that describes the records.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig.schemaRegistryURI",
        .member = "AmazonManagedKafkaEventSourceConfig.SchemaRegistryConfig.SchemaRegistryURI",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 2048,
        .pattern = "[a-zA-Z0-9/*:_+=.@-]*",
        .pattern_hint = "an ARN or a URL",
        .unset = "null",
        .schema_required = true,
        .doc = "ARN of a Glue registry, or URL of a Confluent one.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig.eventRecordFormat",
        .member = "AmazonManagedKafkaEventSourceConfig.SchemaRegistryConfig.EventRecordFormat",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .values = RECORD_FORMATS,
        .unset = "null",
        .schema_required = true,
        .doc = "JSON, or SOURCE for the records as they are.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig.accessConfigs",
        .member = "AmazonManagedKafkaEventSourceConfig.SchemaRegistryConfig.AccessConfigs",
        .type = FIELD_OBJECTS,
        .call = CALL_EVENT_SOURCES,
        .max = 4,
        .unset = "null",
        .doc = "How to reach the registry.",
    },
    {
        .path =
            "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig.accessConfigs[].type",
        .member = "Type",
        .type = FIELD_STRING,
        .values = REGISTRY_ACCESS_TYPES,
        .schema_required = true,
        .doc = "What the URI is.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig.accessConfigs[].uri",
        .member = "URI",
        .type = FIELD_STRING,
        .min = 1,
        .max = 2048,
        .pattern = ANY_ARN,
        .pattern_hint = ANY_ARN_HINT,
        .schema_required = true,
        .doc = "ARN of a secret.",
    },
    {
        .path =
            "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig.schemaValidationConfigs",
        .member = "AmazonManagedKafkaEventSourceConfig.SchemaRegistryConfig.SchemaValidationConfigs",
        .type = FIELD_OBJECTS,
        .call = CALL_EVENT_SOURCES,
        .max = 2,
        .unset = "null",
        .doc = "Parts of the records that are checked.",
    },
    {
        .path = "eventSources[].amazonManagedKafkaEventSourceConfig.schemaRegistryConfig."
                "schemaValidationConfigs[].attribute",
        .member = "Attribute",
        .type = FIELD_STRING,
        .values = RECORD_PARTS,
        .schema_required = true,
        .doc = "KEY or VALUE.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig",
        .member = "SelfManagedKafkaEventSourceConfig",
        .type = FIELD_OBJECT,
        .doc = "Settings of a Kafka cluster of one's own.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.consumerGroupId",
        .member = "SelfManagedKafkaEventSourceConfig.ConsumerGroupId",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 200,
        .pattern = "[ a-zA-Z0-9/*:_+=.@-]*",
        .pattern_hint = "letters, digits, blanks and /*:_+=.@-",
        .immutable = true,
        .doc = "Consumer group to join. Absent: AWS makes one. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.consumptionMode",
        .member = "SelfManagedKafkaEventSourceConfig.ConsumptionMode",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .values = CONSUMPTION_MODES,
        .immutable = true,
        .doc =
            "Stream (AWS's default) or Queue, which takes no startingPosition. Cannot be changed afterwards.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig",
        .member = "SelfManagedKafkaEventSourceConfig.SchemaRegistryConfig",
        .type = FIELD_OBJECT,
        .doc = "Schema registry that describes the records.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig.schemaRegistryURI",
        .member = "SelfManagedKafkaEventSourceConfig.SchemaRegistryConfig.SchemaRegistryURI",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 2048,
        .pattern = "[a-zA-Z0-9/*:_+=.@-]*",
        .pattern_hint = "an ARN or a URL",
        .unset = "null",
        .schema_required = true,
        .doc = "ARN of a Glue registry, or URL of a Confluent one.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig.eventRecordFormat",
        .member = "SelfManagedKafkaEventSourceConfig.SchemaRegistryConfig.EventRecordFormat",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .values = RECORD_FORMATS,
        .unset = "null",
        .schema_required = true,
        .doc = "JSON, or SOURCE for the records as they are.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig.accessConfigs",
        .member = "SelfManagedKafkaEventSourceConfig.SchemaRegistryConfig.AccessConfigs",
        .type = FIELD_OBJECTS,
        .call = CALL_EVENT_SOURCES,
        .max = 4,
        .unset = "null",
        .doc = "How to reach the registry.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig.accessConfigs[].type",
        .member = "Type",
        .type = FIELD_STRING,
        .values = REGISTRY_ACCESS_TYPES,
        .schema_required = true,
        .doc = "What the URI is.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig.accessConfigs[].uri",
        .member = "URI",
        .type = FIELD_STRING,
        .min = 1,
        .max = 2048,
        .pattern = ANY_ARN,
        .pattern_hint = ANY_ARN_HINT,
        .schema_required = true,
        .doc = "ARN of a secret.",
    },
    {
        .path =
            "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig.schemaValidationConfigs",
        .member = "SelfManagedKafkaEventSourceConfig.SchemaRegistryConfig.SchemaValidationConfigs",
        .type = FIELD_OBJECTS,
        .call = CALL_EVENT_SOURCES,
        .max = 2,
        .unset = "null",
        .doc = "Parts of the records that are checked.",
    },
    {
        .path = "eventSources[].selfManagedKafkaEventSourceConfig.schemaRegistryConfig."
                "schemaValidationConfigs[].attribute",
        .member = "Attribute",
        .type = FIELD_STRING,
        .values = RECORD_PARTS,
        .schema_required = true,
        .doc = "KEY or VALUE.",
    },
    {
        .path = "eventSources[].documentDBEventSourceConfig",
        .member = "DocumentDBEventSourceConfig",
        .type = FIELD_OBJECT,
        .doc = "What of a DocumentDB cluster is read.",
    },
    {
        .path = "eventSources[].documentDBEventSourceConfig.databaseName",
        .member = "DocumentDBEventSourceConfig.DatabaseName",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 63,
        .pattern = "[^] /.$\"\\\\[]*",
        .pattern_hint = "the name of a database",
        .schema_required = true,
        .doc = "Database.",
    },
    {
        .path = "eventSources[].documentDBEventSourceConfig.collectionName",
        .member = "DocumentDBEventSourceConfig.CollectionName",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 57,
        .pattern = "[_a-zA-Z0-9][^$]*",
        .pattern_hint = "the name of a collection",
        .unset = "null",
        .doc = "Collection. Absent: all of the database.",
    },
    {
        .path = "eventSources[].documentDBEventSourceConfig.fullDocument",
        .member = "DocumentDBEventSourceConfig.FullDocument",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .values = FULL_DOCUMENT,
        .unset = "\"Default\"",
        .doc = "UpdateLookup sends the whole document with an update, Default (AWS's) only what changed.",
    },
    {
        .path = "eventSources[].provisionedPollerConfig",
        .member = "ProvisionedPollerConfig",
        .type = FIELD_OBJECT,
        .doc = "Pollers that are kept ready, of SQS and Kafka.",
    },
    {
        .path = "eventSources[].provisionedPollerConfig.minimumPollers",
        .member = "ProvisionedPollerConfig.MinimumPollers",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 200,
        .unset = "null",
        .doc = "Least pollers, 1 to 200; of SQS at least 2.",
    },
    {
        .path = "eventSources[].provisionedPollerConfig.maximumPollers",
        .member = "ProvisionedPollerConfig.MaximumPollers",
        .type = FIELD_INT,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 10000,
        .unset = "null",
        .doc = "Most pollers: of SQS 2 to 10000, of Kafka 1 to 2000.",
    },
    {
        .path = "eventSources[].provisionedPollerConfig.pollerGroupName",
        .member = "ProvisionedPollerConfig.PollerGroupName",
        .type = FIELD_STRING,
        .call = CALL_EVENT_SOURCES,
        .min = 1,
        .max = 128,
        .pattern = "[a-zA-Z0-9_-]+",
        .pattern_hint = "letters, digits, hyphens and underscores",
        .unset = "null",
        .doc = "Group of Kafka sources that share pollers.",
    },
    {
        .path = "eventSources[].tags",
        .member = "Tags",
        .type = FIELD_MAP,
        .call = CALL_EVENT_SOURCES,
        .max = 48,
        .pattern = TAG_CHARACTERS "*",
        .pattern_hint = TAG_HINT,
        .key_pattern = TAG_CHARACTERS "+",
        .key_hint = TAG_HINT,
        .key_max = 128,
        .item_max = 256,
        .unset = "{}",
        .doc = "Tags of the mapping, at most 48: two name the owning resource and the source. Others' tags "
               "are left alone.",
    },
    /* --- kubelambda's own ------------------------------------------------------------------------------ */
    {
        .path = "deletionPolicy",
        .type = FIELD_STRING,
        .values = DELETION_POLICIES,
        .otherwise = "\"Delete\"",
        .doc =
            "What becomes of the function when this resource is deleted: Delete, or Retain, which leaves it "
            "in AWS without the tag that names its owner.",
    },
    {
        .path = "adoptionPolicy",
        .type = FIELD_STRING,
        .values = ADOPTION_POLICIES,
        .otherwise = "\"Never\"",
        .doc =
            "What happens when a function of that name is there already: Never leaves it alone, Adopt takes "
            "it over, after the status has told what differs. Of an adopted function, what is not declared "
            "stays as it is. A function that another resource owns is never taken.",
    },
    {
        .path = "driftPolicy",
        .type = FIELD_STRING,
        .values = DRIFT_POLICIES,
        .otherwise = "\"Correct\"",
        .doc = "What happens when AWS differs from what was in force, because somebody changed it there: "
               "Correct puts it right, Report leaves it and names the fields in the condition Drifted, while "
               "Ready stays True. A value of environment.valueFrom that was changed counts as such a "
               "difference, too. A change of this spec is always applied as a whole.",
    },
    {
        .path = "suspend",
        .type = FIELD_BOOL,
        .otherwise = "false",
        .doc = "While true, nothing is written to AWS. A resource that is deleted meanwhile leaves its "
               "function behind.",
    },
};

const size_t field_count = ARRAY_LEN(fields);

static uint8_t below[ARRAY_LEN(fields)];
_Static_assert(ARRAY_LEN(fields) <= UINT8_MAX, "below");
const struct field_table function_table = {fields, ARRAY_LEN(fields), below};
