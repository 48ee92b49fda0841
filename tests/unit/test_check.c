/* The checks of a spec: each field by the table, each rule kept and broken. */
#include "common/base/mem.h"
#include "common/function/check.h"
#include "common/function/fields.h"
#include "common/function/rules.h"

#include <stdio.h>
#include <time.h>

#define GOOD                                                                                                 \
    "\"functionName\":\"hello\",\"region\":\"us-east-1\",\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":"    \
    "\"a.zip\"},"                                                                                            \
    "\"runtime\":\"python3.13\",\"handler\":\"app.handler\",\"role\":\"arn:aws:iam::123456789012:role/"      \
    "fake\""

#define IMAGE                                                                                                \
    "\"packageType\":\"Image\",\"code\":{\"imageUri\":\"123456789012.dkr.ecr.us-east-1.amazonaws.com/"       \
    "a:1\"},"                                                                                                \
    "\"runtime\":null,\"handler\":null"
#define PROVIDER "capacityProviderConfig.lambdaManagedInstancesCapacityProviderConfig."
#define CAPACITY                                                                                             \
    "\"" PROVIDER "capacityProviderArn\":\"arn:aws:lambda:us-east-1:123456789012:capacity-provider:a\""
#define ACCELERATOR "\"acceleratorConfig.acceleratorMemorySize\":8"
#define EFS                                                                                                  \
    "\"fileSystemConfigs\":[{\"localMountPath\":\"/mnt/a\",\"arn\":\"arn:aws:elasticfilesystem:us-east-1:"   \
    "123456789012:access-point/fsap-0123456789abcdef0\"}]"
#define NETWORK "\"vpcConfig\":{\"subnetIds\":[\"subnet-1\"],\"securityGroupIds\":[\"sg-1\"]}"

#include "rule_cases.h"
#include "tests/unit/texts.h"

/* A good spec with some members set or, with null, removed. The caller frees. */
static struct json *spec_with(const char *members)
{
    struct json *spec = parse("{" GOOD "}");
    _cleanup_(freep) char *text = xasprintf("{%s}", members);
    _cleanup_(json_freep) struct json *changes = parse(text);

    for (const struct json *change = json_first(changes); change; change = json_next(change))
        json_set_at(spec, json_key(change), json_type(change) == JSON_NULL ? NULL : json_copy(change));
    return spec;
}

static struct findings check(const char *members, const char *old_members)
{
    _cleanup_(json_freep) struct json *status = json_new_object();
    _cleanup_(json_freep) struct json *spec = spec_with(members);
    _cleanup_(json_freep) struct json *old = old_members ? spec_with(old_members) : NULL;
    struct findings findings = {0};

    json_set_str(status, "versions", "1-3,5");
    check_spec(&(struct check){spec, old, &runtimes_builtin, "2026-11-24", status}, &findings);
    return findings;
}

static void assert_finding(const char *members, const char *old_members, const char *field, bool warning,
                           const char *says)
{
    struct findings findings = check(members, old_members);
    bool found = false;

    for (size_t i = 0; i < findings.count && !found; i++)
        found = str_equal(findings.items[i].field, field) && findings.items[i].warning == warning &&
                strstr(findings.items[i].message, says);
    if (!found) {
        for (size_t i = 0; i < findings.count; i++)
            print_error("%s%s: %s\n", findings.items[i].warning ? "(warning) " : "", findings.items[i].field,
                        findings.items[i].message);
        fail_msg("{%s} gives no finding at %s that says: %s", members, field, says);
    }
    findings_done(&findings);
}

static void assert_clean(const char *members, const char *old_members)
{
    struct findings findings = check(members, old_members);

    for (size_t i = 0; i < findings.count; i++)
        print_error("%s: %s\n", findings.items[i].field, findings.items[i].message);
    assert_int_equal(findings.count, 0);
    findings_done(&findings);
}

static void a_good_spec_has_no_findings(void **state)
{
    (void)state;
    assert_clean("", NULL);
    assert_clean("", "");
    assert_clean(
        "\"memorySize\":10240,\"timeout\":900,\"architectures\":[\"arm64\"],\"description\":\"\","
        "\"layers\":[\"arn:aws:lambda:us-east-1:123456789012:layer:a:1\"],\"ephemeralStorage.size\":512,"
        "\"environment.variables\":{\"A_B\":\"\"},\"tags\":{\"größe\":\"a b+c=d\",\"x\":\"\"}",
        NULL);
}

/* The walk over a spec passes by what is below an object that is not there. */
static void what_is_below_a_row_follows_it(void **state)
{
    const struct field_table tables[] = {function_table, policy_table};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        for (size_t j = 0; j < tables[i].count; j++) {
            const struct field *row = &tables[i].rows[j];
            const char *dot = strrchr(row->path, '.');
            bool item = dot && dot[-1] == ']';
            size_t len = dot ? (size_t)(dot - row->path) - (item ? strlen("[]") : 0) : 0;
            const struct field *above = row;

            while (dot && above > tables[i].rows && strncmp((--above)->path, row->path, len) == 0 &&
                   above->path[len])
                ;
            if (dot && (strlen(above->path) != len || above->type != (item ? FIELD_OBJECTS : FIELD_OBJECT)))
                fail_msg("%s does not follow what it is below", row->path);
        }
}

static void every_field_refuses_every_wrong_type(void **state)
{
    (void)state;
    static const char *const values[] = {"\"x y\\\"\"", "7.5", "true", "[7]", "{\"a\":7}"};
    static const enum json_type types[] = {JSON_STRING, JSON_NUMBER, JSON_BOOL, JSON_ARRAY, JSON_OBJECT};
    static const enum json_type wanted[] = {
        [FIELD_OBJECT] = JSON_OBJECT, [FIELD_STRING] = JSON_STRING, [FIELD_INT] = JSON_NUMBER,
        [FIELD_BOOL] = JSON_BOOL,     [FIELD_LIST] = JSON_ARRAY,    [FIELD_MAP] = JSON_OBJECT,
        [FIELD_OBJECTS] = JSON_ARRAY};

    for (size_t i = 0; i < field_count; i++) {
        for (size_t j = 0; j < ARRAY_LEN(values); j++) {
            if ((types[j] == wanted[fields[i].type] && types[j] != JSON_NUMBER) ||
                !field_path_in(&fields[i], NULL)) /* in an item: test_check_lists.c */
                continue;
            _cleanup_(freep) char *members = xasprintf("\"%s\":%s", fields[i].path, values[j]);
            _cleanup_(freep) char *where = xasprintf("spec.%s", fields[i].path);

            assert_finding(members, NULL, where, false, "must be ");
        }
    }
}

static void a_wrong_type_is_told_what_to_write(void **state)
{
    (void)state;
    static const struct {
        const char *members, *where, *says;
    } cases[] = {
        {"\"memorySize\":\"256\"", "spec.memorySize", "\"256\": must be a whole number, without quotes"},
        {"\"memorySize\":256.5", "spec.memorySize", "256.5: must be a whole number"},
        {"\"memorySize\":[256]", "spec.memorySize", "must be a whole number, not array"},
        {"\"suspend\":\"yes\"", "spec.suspend", "\"yes\": must be true or false, without quotes"},
        {"\"runtime\":3.13", "spec.runtime", "must be a string (put it in quotes), not number"},
        {"\"runtime\":[]", "spec.runtime", "must be a string, not array"},
        {"\"environment.variables\":{\"DEBUG\":true}", "spec.environment.variables[DEBUG]",
         "must be a string (put it in quotes), not boolean"},
        {"\"tags\":[\"a\"]", "spec.tags", "must be a map of names to values, not array"},
        {"\"architectures\":\"arm64\"", "spec.architectures", "\"arm64\": must be a list; put it in [ ]"},
        {"\"architectures\":{\"a\":1}", "spec.architectures", "must be a list, not object"},
        {"\"ephemeralStorage\":1024", "spec.ephemeralStorage", "must be an object with size, not number"},
        {"\"vpcConfig\":\"vpc-1\"", "spec.vpcConfig",
         "must be an object with subnetIds, securityGroupIds, ipv6AllowedForDualStack, not string"},
        {"\"fileSystemConfigs\":[\"fs-1\"]", "spec.fileSystemConfigs[0]",
         "must be an object with arn, localMountPath, s3FilesConfig, not string"},
        {"\"handler\":\"\"", "spec.handler", "\"\": it is empty. Method in the code"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_finding(cases[i].members, NULL, cases[i].where, false, cases[i].says);
}

static void every_required_field_is_missed(void **state)
{
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        _cleanup_(freep) char *zip = xasprintf("\"%s\":null", fields[i].path);
        _cleanup_(freep) char *image = xasprintf(IMAGE ",%s", zip);
        _cleanup_(freep) char *where = xasprintf("spec.%s", fields[i].path);

        if (fields[i].required & FOR_ZIP)
            assert_finding(zip, NULL, where, false, "Required value");
        if (fields[i].required & FOR_IMAGE)
            assert_finding(image, NULL, where, false, "Required value");
    }
}

static void what_the_package_type_does_not_have_is_refused(void **state)
{
    (void)state;
    size_t seen = 0;

    assert_clean(IMAGE ",\"imageConfig\":{\"command\":[\"app.handler\"],\"workingDirectory\":\"/app\"}",
                 NULL);
    for (size_t i = 0; i < field_count; i++) {
        _cleanup_(freep) char *zip = xasprintf("\"packageType\":\"Zip\",\"%s\":\"x\"", fields[i].path);
        _cleanup_(freep) char *image = xasprintf("\"packageType\":\"Image\",\"%s\":\"x\"", fields[i].path);
        _cleanup_(freep) char *where = xasprintf("spec.%s", fields[i].path);

        if (fields[i].forbidden & FOR_ZIP)
            assert_finding(zip, NULL, where, false,
                           "packageType Zip (the default) cannot have it; remove it");
        if (fields[i].forbidden & FOR_IMAGE)
            assert_finding(image, NULL, where, false, "packageType Image cannot have it; remove it");
        seen += fields[i].forbidden != 0;
    }
    assert_true(seen >= 9);
}

static void what_needs_another_field_is_refused_without_it(void **state)
{
    (void)state;
    size_t seen = 0;

    for (size_t i = 0; i < field_count; i++) {
        if (!fields[i].only_path)
            continue;
        _cleanup_(freep) char *members =
            xasprintf("\"%s\":%s", fields[i].path, fields[i].type == FIELD_INT ? "1" : "\"x\"");
        _cleanup_(freep) char *where = xasprintf("spec.%s", fields[i].path);
        _cleanup_(freep) char *says =
            xasprintf("only with spec.%s: %s", fields[i].only_path, fields[i].only_value);

        assert_finding(members, NULL, where, fields[i].only_warns, says);
        seen++;
    }
    assert_true(seen >= 5);
    assert_clean("\"loggingConfig\":{\"logFormat\":\"JSON\",\"applicationLogLevel\":\"WARN\"}", NULL);
    /* It was right before, and what it needs was changed: that is no old sin. */
    assert_finding("\"loggingConfig\":{\"logFormat\":\"Text\",\"applicationLogLevel\":\"WARN\"}",
                   "\"loggingConfig\":{\"logFormat\":\"JSON\",\"applicationLogLevel\":\"WARN\"}",
                   "spec.loggingConfig.applicationLogLevel", false, "only with");
}

static void arns_are_of_the_functions_partition_and_region(void **state)
{
    (void)state;
    static const struct {
        const char *path, *value; /* with the partition and the region to be filled in */
    } rows[] = {
        {"role", "\"arn:%s:iam::123456789012:role/fake%.0s\""},
        {"kmsKeyArn", "\"arn:%s:kms:%s:123456789012:key/1234-ab\""},
        {"code.sourceKMSKeyArn", "\"arn:%s:kms:%s:123456789012:key/1234-ab\""},
        {"layers[0]", "[\"arn:%s:lambda:%s:123456789012:layer:a:1\"]"},
        {"deadLetterConfig.targetArn", "\"arn:%s:sqs:%s:123456789012:q\""},
        {"codeSigningConfigArn",
         "\"arn:%s:lambda:%s:123456789012:code-signing-config:csc-0123456789abcdef0\""},
        {"asyncInvoke.onFailure", "\"arn:%s:s3:::bucket%.0s\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *path = xstrndup(rows[i].path, strcspn(rows[i].path, "["));
        _cleanup_(freep) char *pattern = xasprintf("\"%s\":%s", path, rows[i].value);
        _cleanup_(freep) char *where = xasprintf("spec.%s", rows[i].path);
        char members[512];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(members, sizeof(members), pattern, "aws", "us-east-1");
        assert_clean(members, NULL);
        snprintf(members, sizeof(members), pattern, "aws-cn", "us-east-1");
        assert_finding(members, NULL, where, false, "in the partition aws-cn, the region us-east-1 in aws");
        snprintf(members, sizeof(members), pattern, "aws", "eu-west-1");
#pragma GCC diagnostic pop
        if (strstr(members, "eu-west-1"))
            assert_finding(members, NULL, where, false,
                           "it is in eu-west-1, the function in us-east-1; use one of that region");
    }
    static const char *const regions[][2] = {{"cn-north-1", "aws-cn"},        {"us-gov-west-1", "aws-us-gov"},
                                             {"us-iso-east-1", "aws-iso"},    {"us-isob-east-1", "aws-iso-b"},
                                             {"eusc-de-east-1", "aws-eusc"},  {"eu-isoe-west-1", "aws-iso-e"},
                                             {"us-isof-south-1", "aws-iso-f"}};

    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        _cleanup_(freep) char *members =
            xasprintf("\"region\":\"%s\",\"role\":\"arn:%s:iam::123456789012:role/fake\"", regions[i][0],
                      regions[i][1]);

        assert_clean(members, NULL);
    }
}

static void what_is_fixed_is_neither_changed_nor_set_nor_removed_later(void **state)
{
    (void)state;
    static const char tenancy[] = "\"tenancyConfig\":{\"tenantIsolationMode\":\"PER_TENANT\"}";

    assert_clean("\"packageType\":\"Zip\"", "");
    assert_clean("", "\"packageType\":\"Zip\"");
    assert_finding(IMAGE, "", "spec.packageType", false, "it cannot be changed from \"Zip\"");
    assert_finding("", IMAGE, "spec.packageType", false, "it cannot be changed from \"Image\"");
    assert_finding("\"code\":{\"imageUri\":\"x\"}", "", "spec.packageType", false,
                   "code.imageUri is declared, but a Zip function cannot become an image; create a new "
                   "LambdaFunction with another functionName");
    assert_clean(tenancy, NULL);
    assert_clean(tenancy, tenancy);
    assert_finding(tenancy, "", "spec.tenancyConfig", false, "it cannot be changed from absent");
    assert_finding("", tenancy, "spec.tenancyConfig", false, "it cannot be changed from {");
}

/* What a value at the limit needs beside it. */
static const char *needed_by(const char *path)
{
    static const char *const needs[][2] = {{"timeout", CAPACITY},
                                           {"memorySize", CAPACITY},
                                           {"ephemeralStorage.size", ACCELERATOR},
                                           {"functionUrl.cors.maxAge", "\"functionUrl.authType\":\"NONE\""},
                                           {"versions.keep", "\"versions.publish\":\"OnChange\""},
                                           {PROVIDER "perExecutionEnvironmentMaxConcurrency", CAPACITY},
                                           {PROVIDER "executionEnvironmentMemoryGiBPerVCpu", CAPACITY}};

    for (size_t i = 0; i < ARRAY_LEN(needs); i++)
        if (str_equal(needs[i][0], path))
            return needs[i][1];
    return "\"description\":\"\"";
}

static void every_limit_is_kept_at_its_edges(void **state)
{
    (void)state;
    for (size_t i = 0; i < field_count; i++) {
        const struct field *field = &fields[i];
        _cleanup_(freep) char *where = xasprintf("spec.%s", field->path);

        if (!field_path_in(field, NULL)) /* in an item: test_check_lists.c */
            continue;
        if (field->type == FIELD_INT) {
            const int64_t values[] = {field->min, field->max, field->min - 1, field->max + 1};

            for (size_t j = 0; j < ARRAY_LEN(values); j++) {
                _cleanup_(freep) char *members =
                    xasprintf("%s,\"%s\":%lld", needed_by(field->path), field->path, (long long)values[j]);

                if (j < 2)
                    assert_clean(members, NULL);
                else
                    assert_finding(members, NULL, where, false, "must be between");
            }
        } else if (field->type == FIELD_STRING && field->max > 0) {
            _cleanup_(freep) char *text = xmalloc((size_t)field->max + 2);

            memset(text, 'a', (size_t)field->max + 1);
            text[field->max + 1] = '\0';
            _cleanup_(freep) char *members = xasprintf("\"%s\":\"%s\"", field->path, text);

            assert_finding(members, NULL, where, false, "Too long");
        }
    }
}

static void more_than_usual_needs_what_allows_it(void **state)
{
    (void)state;
    static const struct {
        const char *path, *with, *says;
        int usual;
    } rows[] = {
        {"timeout", CAPACITY, "901: must be between 1 and 900, or up to 5400 with capacityProviderConfig",
         900},
        {"memorySize", CAPACITY,
         "10241: must be between 128 and 10240, or up to 32768 with capacityProviderConfig or "
         "acceleratorConfig",
         10240},
        {"memorySize", ACCELERATOR, "10241: must be between 128 and 10240, or", 10240},
        {"ephemeralStorage.size", ACCELERATOR,
         "10241: must be between 512 and 10240, or up to 32768 with acceleratorConfig", 10240},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *most = xasprintf("\"%s\":%d", rows[i].path, rows[i].usual);
        _cleanup_(freep) char *more = xasprintf("\"%s\":%d", rows[i].path, rows[i].usual + 1);
        _cleanup_(freep) char *with = xasprintf("%s,%s", more, rows[i].with);
        _cleanup_(freep) char *where = xasprintf("spec.%s", rows[i].path);

        assert_clean(most, NULL);
        assert_clean(with, NULL);
        assert_finding(more, NULL, where, false, rows[i].says);
        assert_finding(more, more, where, true, rows[i].says);
        assert_finding(more, with, where, false, rows[i].says); /* what allowed it is gone */
    }
    assert_finding("\"memorySize\":64", "\"memorySize\":64", "spec.memorySize", true,
                   "64: must be between 128 and 10240");
}

static void every_rule_is_kept_and_broken(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(rule_cases), rule_count);
    for (size_t i = 0; i < rule_count; i++) {
        _cleanup_(freep) char *where = xasprintf("spec.%s", rules[i].paths[0]);
        _cleanup_(freep) char *value = xmalloc(4081);

        assert_string_equal(rule_cases[i].rule, rules[i].name);
        assert_clean(rule_cases[i].kept, rule_cases[i].kept_old);
        if (rule_cases[i].broken) {
            const char *says = rule_cases[i].says;
            bool warns = str_starts_with(says, WARNS);

            assert_finding(rule_cases[i].broken, rule_cases[i].broken_old, where, warns,
                           warns ? says + strlen(WARNS) : says);
            continue;
        }
        /* {"AA":"…"} is nine bytes and the value: 4096 is kept, one more breaks it. */
        memset(value, 'x', 4080);
        value[4080] = '\0';
        for (int more = 0; more < 2; more++) {
            _cleanup_(freep) char *members = xasprintf("\"environment.variables\":{\"AA\":\"%s%s\"}", value,
                                                       more ? "xxxxxxxx" : "xxxxxxx");

            if (more)
                assert_finding(members, NULL, where, false, rule_cases[i].says);
            else
                assert_clean(members, NULL);
        }
    }
}

static void runtimes_are_judged_by_their_dates(void **state)
{
    (void)state;
    assert_finding("\"runtime\":\"python2.7\"", NULL, "spec.runtime", false,
                   "create functions with it since 2021-07-15");
    assert_finding("\"runtime\":\"python3.7\"", NULL, "spec.runtime", false,
                   "since 2024-01-09; use python3.14");
    assert_finding("\"runtime\":\"go1.x\"", NULL, "spec.runtime", false, "use provided.al2023");
    assert_finding("\"runtime\":\"python3.8\"", NULL, "spec.runtime", true,
                   "deprecated since 2024-10-14; AWS refuses updates from 2027-03-03 on; use python3.14");
    assert_finding("\"runtime\":\"Python 3.12\"", NULL, "spec.runtime", false, "did you mean python3.12?");
    assert_finding("\"runtime\":\"pyton3.13\"", NULL, "spec.runtime", false, "did you mean python3.13?");
    assert_finding("\"runtime\":\"python3.99\"", NULL, "spec.runtime", false, "did you mean python3.14?");
    assert_finding("\"runtime\":\"cobol\"", NULL, "spec.runtime", false,
                   "AWS Lambda has no such runtime; the newest are nodejs24.x, python3.14, java25, dotnet10, "
                   "ruby4.0, provided.al2023");
    /* A running function keeps its blocked runtime, until an update of it is blocked, too. */
    assert_finding("\"runtime\":\"python3.7\",\"timeout\":9", "\"runtime\":\"python3.7\"", "spec.runtime",
                   true, "");
    assert_finding("\"runtime\":\"python2.7\",\"timeout\":9", "\"runtime\":\"python2.7\"", "spec.runtime",
                   false, "to update them since 2022-05-30");
    assert_clean("\"runtime\":\"python2.7\",\"tags\":{\"a\":\"b\"}", "\"runtime\":\"python2.7\"");
    assert_finding("\"runtime\":\"cobol\",\"timeout\":9", "\"runtime\":\"cobol\"", "spec.runtime", true, "");
}

static void snapstart_is_for_some_functions_only(void **state)
{
    (void)state;
    static const char *const good[] = {"java11", "java25", "python3.12", "python3.14", "dotnet10"};
    static const char *const bad[] = {"java8.al2", "nodejs24.x", "ruby3.4", "provided.al2023"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        _cleanup_(freep) char *members =
            xasprintf("\"snapStart.applyOn\":\"PublishedVersions\",\"runtime\":\"%s\"", good[i]);

        assert_clean(members, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        _cleanup_(freep) char *members =
            xasprintf("\"snapStart.applyOn\":\"PublishedVersions\",\"runtime\":\"%s\"", bad[i]);

        assert_finding(members, NULL, "spec.snapStart.applyOn", false, "SnapStart is not for the runtime");
    }
    assert_finding(IMAGE ",\"snapStart.applyOn\":\"PublishedVersions\"", NULL, "spec.snapStart.applyOn",
                   false, "not for container images");
    assert_finding("\"snapStart.applyOn\":\"PublishedVersions\"," EFS "," NETWORK, NULL,
                   "spec.snapStart.applyOn", false, "EFS");
    assert_clean("\"snapStart.applyOn\":\"None\",\"ephemeralStorage.size\":513", NULL);
}

static void hostile_values_are_cut_and_escaped(void **state)
{
    (void)state;
    assert_finding("\"role\":\"\\u001b[31mx\"", NULL, "spec.role", false, "\\u001b[31mx");
    assert_finding("\"tags\":{\"\\u001b<\":\"x\"}", NULL, "spec.tags[\\u001b<]", false, "a key must be");
}

/* AWS refuses them, although they look right: found by generating resources. */
static void what_is_nearly_right_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *members, *where, *says;
    } cases[] = {
        {"\"region\":\"eu-central-west-12\"", "spec.region", "an AWS region"},
        {"\"handler\":\"app\\u000c.handler\"", "spec.handler", "without blanks"},
        {"\"code.s3Key\":\"a\\nb.zip\"", "spec.code.s3Key", "without line breaks"},
        {"\"code.s3ObjectVersion\":\"v\\n\"", "spec.code.s3ObjectVersion", "without line breaks"},
        {"\"code.s3ObjectVersion\":\"\"", "spec.code.s3ObjectVersion", "at least 1 character"},
        {"\"loggingConfig.logGroup\":\"\"", "spec.loggingConfig.logGroup", "at least 1 character"},
        {"\"tracingConfig.mode\":\"\"", "spec.tracingConfig.mode", "supported values: Active"},
        {"\"memorySize\":\"\"", "spec.memorySize", "must be a whole number"},
        {"\"layers\":[\"arn:aws:lambda:us-east:123456789012:layer:a:1\"]", "spec.layers[0]",
         "ARN of a layer"},
        {NETWORK ",\"fileSystemConfigs\":[{\"localMountPath\":\"/mnt/a\",\"arn\":\"arn:aws:elasticfilesystem:"
                 "us-east-1:123456789012:access-point/fsap-0a\"}]",
         "spec.fileSystemConfigs[0].arn", "ARN of an access point"},
        {"\"asyncInvoke.onFailure\":\"arn:aws:sqs:us-east:123456789012:a\"", "spec.asyncInvoke.onFailure",
         "must be the ARN"},
        {"\"runtimeManagement\":{\"updateRuntimeOn\":\"Manual\",\"runtimeVersionArn\":"
         "\"arn:aws:lambda:us-east-1:123456789012:runtime:0123\"}",
         "spec.runtimeManagement.runtimeVersionArn", "ARN of a runtime version"},
        {"\"packageType\":\"Image\",\"runtime\":null,\"handler\":null,\"code\":{\"imageUri\":\"ghcr.io/acme/"
         "app:1\"}",
         "spec.code.imageUri", "must be an image in ECR"},
        {"\"tags\":{\"e\\u0301\":\"\"}", "spec.tags", "a key has the character U+0301"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_finding(cases[i].members, NULL, cases[i].where, false, cases[i].says);
    assert_clean("\"description\":\"\",\"kmsKeyArn\":\"\",\"deadLetterConfig.targetArn\":\"\"", NULL);
    assert_clean(IMAGE ",\"code.imageUri\":\"123456789012.dkr.ecr.us-east-1.amazonaws.com/a/b:1@sha256:"
                       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
                 NULL);
    assert_clean("\"runtimeManagement\":{\"updateRuntimeOn\":\"Manual\",\"runtimeVersionArn\":"
                 "\"arn:aws:lambda:us-east-1:123456789012:runtime/a/version/1\"}",
                 NULL);
}

static void the_tag_that_is_ours_is_counted_aloud(void **state)
{
    struct str members = STR_INIT(4096);

    (void)state;
    for (int i = 0; i < 50; i++)
        str_addf(&members, "%s\"%d\":\"\"", i > 0 ? "," : "\"tags\":{", i);
    str_add(&members, "}");
    assert_finding(str_text(&members), NULL, "spec.tags", false,
                   "it has 50 entries; at most 49 are allowed: AWS takes 50, and one is kubelambda's own");
    str_done(&members);
}

static void a_list_that_is_far_too_long_costs_little(void **state)
{
    (void)state;
    struct str members = STR_INIT(8 << 20);
    clock_t began = clock();

    for (int i = 0; i < 30000; i++)
        str_addf(&members, "%s\"%d:\"", i > 0 ? "," : "\"layers\":[", i);
    str_add(&members, "]");
    assert_finding(str_text(&members), NULL, "spec.layers", false, "at most 5 are allowed");
    str_done(&members);
    assert_true(clock() - began < 3 * CLOCKS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_spec_has_no_findings),
        cmocka_unit_test(what_is_below_a_row_follows_it),
        cmocka_unit_test(every_field_refuses_every_wrong_type),
        cmocka_unit_test(a_wrong_type_is_told_what_to_write),
        cmocka_unit_test(every_required_field_is_missed),
        cmocka_unit_test(what_the_package_type_does_not_have_is_refused),
        cmocka_unit_test(what_needs_another_field_is_refused_without_it),
        cmocka_unit_test(arns_are_of_the_functions_partition_and_region),
        cmocka_unit_test(what_is_fixed_is_neither_changed_nor_set_nor_removed_later),
        cmocka_unit_test(snapstart_is_for_some_functions_only),
        cmocka_unit_test(every_limit_is_kept_at_its_edges),
        cmocka_unit_test(more_than_usual_needs_what_allows_it),
        cmocka_unit_test(every_rule_is_kept_and_broken),
        cmocka_unit_test(runtimes_are_judged_by_their_dates),
        cmocka_unit_test(hostile_values_are_cut_and_escaped),
        cmocka_unit_test(what_is_nearly_right_is_refused),
        cmocka_unit_test(the_tag_that_is_ours_is_counted_aloud),
        cmocka_unit_test(a_list_that_is_far_too_long_costs_little),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
