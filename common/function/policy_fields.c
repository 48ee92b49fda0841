/* A table of data: every field of a LambdaPolicy's spec. */
#include "common/function/fields.h"

#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/tag_characters.h"

/* `*` and `?` are all there is: what means something in other languages of patterns is a mistake. */
#define GLOB "[^][{}()\\\\^$|[:cntrl:]]+"
#define GLOB_HINT "a glob: * stands for any text, ? for one character, everything else for itself"
#define GLOBS .type = FIELD_LIST, .min = 1, .max = 64, .pattern = GLOB, .pattern_hint = GLOB_HINT
#define NAME_PART "[a-zA-Z0-9_-]+"

#define LABEL_NAME "[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
#define LABEL_KEY "([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?" LABEL_NAME
#define LABEL_KEY_HINT "a label's key, such as team or example.com/team"
#define LABEL_VALUE "(" LABEL_NAME ")?"
#define LABEL_VALUE_HINT "a label's value: at most 63 letters, digits and _.-, a letter or digit at both ends"

static const char *const OPERATORS[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
static const char *const ENFORCEMENTS[] = {"Enforce", "Warn", NULL};
static const char *const WHEN_MISSING[] = {"Reject", "Prepend", NULL};
static const char *const ON_UNAVAILABLE[] = {"Reject", "Allow", NULL};

static const struct field rows[] = {
    {
        .path = "namespaceSelector",
        .type = FIELD_OBJECT,
        .doc = "Namespaces that the policy governs, by their labels; all of it must match. Absent or empty: "
               "all namespaces. Each namespace has the label kubernetes.io/metadata.name, its name.",
    },
    {
        .path = "namespaceSelector.matchLabels",
        .type = FIELD_MAP,
        .max = 64,
        .pattern = LABEL_VALUE,
        .pattern_hint = LABEL_VALUE_HINT,
        .key_pattern = LABEL_KEY,
        .key_hint = LABEL_KEY_HINT,
        .item_max = 63,
        .doc = "Labels that the namespace must have.",
    },
    {
        .path = "namespaceSelector.matchExpressions",
        .type = FIELD_OBJECTS,
        .max = 64,
        .doc = "Requirements on the namespace's labels.",
    },
    {
        .path = "namespaceSelector.matchExpressions[].key",
        .type = FIELD_STRING,
        .min = 1,
        .max = 317,
        .pattern = LABEL_KEY,
        .pattern_hint = LABEL_KEY_HINT,
        .schema_required = true,
        .doc = "Key of the label.",
    },
    {
        .path = "namespaceSelector.matchExpressions[].operator",
        .type = FIELD_STRING,
        .min = 1,
        .max = 16,
        .values = OPERATORS,
        .schema_required = true,
        .doc = "In and NotIn compare with the values; NotIn also matches without the label. Exists and "
               "DoesNotExist take no values.",
    },
    {
        .path = "namespaceSelector.matchExpressions[].values",
        .type = FIELD_LIST,
        .max = 64,
        .pattern = LABEL_VALUE,
        .pattern_hint = LABEL_VALUE_HINT,
        .item_max = 63,
        .doc = "Values for In and NotIn.",
    },
    {
        .path = "priority",
        .type = FIELD_INT,
        .min = -1000000,
        .max = 1000000,
        .doc =
            "Of several policies for a namespace the highest priority gives the defaults, the environment, "
            "the prefix and the role; among equals the first by name. Absent: 0.",
    },
    {
        .path = "enforcement",
        .type = FIELD_STRING,
        .min = 1,
        .max = 16,
        .values = ENFORCEMENTS,
        .doc = "Enforce (the default) refuses what breaks the policy; Warn lets it pass with a warning "
               "and takes the place of nothing that is enforced.",
    },
    {
        .path = "environment",
        .type = FIELD_STRING,
        .min = 1,
        .max = 62,
        .pattern = NAME_PART,
        .pattern_hint = "letters, digits, hyphens and underscores, since functions' names begin with it",
        .doc = "Environment of the namespaces, instead of their label kubelambda.io/environment.",
    },
    {
        .path = "functionName",
        .type = FIELD_OBJECT,
        .doc = "What the functions' names in AWS begin with.",
    },
    {
        .path = "functionName.prefix",
        .type = FIELD_STRING,
        .min = 1,
        .max = 63,
        .pattern = NAME_PART,
        .pattern_hint = "letters, digits, hyphens and underscores, since functions' names begin with it",
        .doc =
            "Prefix of every function's name, for example \"production-\". Absent: that of another policy, "
            "or the environment and a hyphen.",
    },
    {
        .path = "functionName.whenMissing",
        .type = FIELD_STRING,
        .min = 1,
        .max = 16,
        .values = WHEN_MISSING,
        .doc =
            "What happens to a spec.functionName that was written without the prefix: Reject (the default) "
            "refuses it; Prepend changes it, which GitOps tools show as a difference.",
    },
    {
        .path = "defaults",
        .type = FIELD_PARTIAL,
        .doc = "Members of a LambdaFunction's spec that are filled in where they are absent; tags and "
               "environment variables one by one. Nothing that was written is changed.",
    },
    {
        .path = "require",
        .type = FIELD_OBJECT,
        .doc = "What every function must have.",
    },
    {
        .path = "require.tags",
        .type = FIELD_LIST,
        .min = 1,
        .max = 49,
        .pattern = TAG_CHARACTERS "+",
        .pattern_hint = TAG_HINT,
        .item_max = 128,
        .doc = "Keys of tags that must be there, after defaults.",
    },
    {
        .path = "require.description",
        .type = FIELD_BOOL,
        .doc = "A description must be there.",
    },
    {
        .path = "require.objectVersion",
        .type = FIELD_BOOL,
        .doc = "code.s3ObjectVersion must be there, so that the code cannot change under its key.",
    },
    {
        .path = "require.contentAddressedKey",
        .type = FIELD_BOOL,
        .doc =
            "The last part of code.s3Key must hold the SHA-256 of the archive as 64 hexadecimal digits, as "
            "in app/3f9c….zip.",
    },
    {
        .path = "allow",
        .type = FIELD_OBJECT,
        .doc = "What functions may have; an absent member allows everything. Texts are globs (* and ?).",
    },
    {
        .path = "allow.runtimes",
        GLOBS,
        .item_max = 64,
        .doc = "Globs of runtimes, for example python3.*.",
    },
    {
        .path = "allow.regions",
        GLOBS,
        .item_max = 32,
        .doc = "Globs of regions, for example eu-*.",
    },
    {
        .path = "allow.buckets",
        .type = FIELD_OBJECTS,
        .min = 1,
        .max = 64,
        .doc = "Buckets that code may come from, each with a prefix of the keys. No image is in one of them: "
               "allow.images.",
    },
    {
        .path = "allow.buckets[].name",
        .type = FIELD_STRING,
        .min = 1,
        .max = 63,
        .pattern = GLOB,
        .pattern_hint = GLOB_HINT,
        .schema_required = true,
        .doc = "Glob of the bucket's name.",
    },
    {
        .path = "allow.buckets[].keyPrefix",
        .type = FIELD_STRING,
        .max = 1024,
        .doc = "What the keys must begin with, as it is, no glob. Absent: any key.",
    },
    {
        .path = "allow.images",
        GLOBS,
        .item_max = 1024,
        .doc =
            "Globs of container images, for example "
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/*@sha256:*, which demands a digest. Where no "
            "policy has it, allow.buckets refuses images. Runtimes and keys are not asked of an image.",
    },
    {
        .path = "allow.roles",
        GLOBS,
        .item_max = 2048,
        .doc = "Globs of roles' ARNs, for example arn:aws:iam::123456789012:role/team-*.",
    },
    {
        .path = "allow.layerAccounts",
        GLOBS,
        .item_max = 12,
        .doc = "Globs of the accounts that layers may come from.",
    },
    {
        .path = "allow.memorySize",
        .type = FIELD_OBJECT,
        .doc = "Bound of memorySize.",
    },
    {
        .path = "allow.memorySize.max",
        .type = FIELD_INT,
        .min = 128,
        .max = 32768,
        .schema_required = true,
        .doc = "Most memory in MB.",
    },
    {
        .path = "allow.timeout",
        .type = FIELD_OBJECT,
        .doc = "Bound of timeout.",
    },
    {
        .path = "allow.timeout.max",
        .type = FIELD_INT,
        .min = 1,
        .max = 5400,
        .schema_required = true,
        .doc = "Most seconds of an invocation.",
    },
    {
        .path = "allow.adoption",
        .type = FIELD_BOOL,
        .doc = "false: adoptionPolicy: Adopt is refused, so no function that is already there is taken over.",
    },
    {
        .path = "allow.publicUrls",
        .type = FIELD_BOOL,
        .doc = "false: functionUrl.authType: NONE is refused, and permissions that let everybody in.",
    },
    {
        .path = "allow.principals",
        GLOBS,
        .item_max = 2048,
        .doc = "Globs of the principals that permissions may name, for example *.amazonaws.com or "
               "arn:aws:iam::123456789012:*. A public URL is for the principal *.",
    },
    {
        .path = "artifactCheck",
        .type = FIELD_OBJECT,
        .doc = "The question to S3 whether the code is there.",
    },
    {
        .path = "artifactCheck.onUnavailable",
        .type = FIELD_STRING,
        .min = 1,
        .max = 16,
        .values = ON_UNAVAILABLE,
        .schema_required = true,
        .doc = "When S3 does not answer: Reject, or Allow with a warning. Absent: as the installation says.",
    },
    {
        .path = "aws",
        .type = FIELD_OBJECT,
        .doc = "The AWS account that the functions are in.",
    },
    {
        .path = "aws.assumeRoleArn",
        .type = FIELD_STRING,
        .min = 1,
        .max = 2048,
        .pattern = ARN_ROLE,
        .pattern_hint = ARN_ROLE_HINT,
        .schema_required = true,
        .doc = "Role that kubelambda assumes to manage the functions, in their account. Absent: its own "
               "credentials.",
    },
    {
        .path = "deletionProtection",
        .type = FIELD_BOOL,
        .doc = "true: LambdaFunctions cannot be deleted. Those of a namespace that is deleted go with it, "
               "and their "
               "functions stay in AWS.",
    },
};

static uint8_t below[ARRAY_LEN(rows)];
_Static_assert(ARRAY_LEN(rows) <= UINT8_MAX, "below");

const struct field_table policy_table = {rows, ARRAY_LEN(rows), below};
