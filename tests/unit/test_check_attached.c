/* What hangs on a function is judged by what it is: each kind of source, each permission. */
#include "common/base/mem.h"
#include "common/function/check.h"
#include "tests/unit/texts.h"

#include <inttypes.h>
#include <stdio.h>

#define SQS "\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q\""
#define FIFO "\"eventSourceArn\":\"arn:aws:sqs:us-east-1:123456789012:q.fifo\""
#define KINESIS                                                                                              \
    "\"eventSourceArn\":\"arn:aws:kinesis:us-east-1:123456789012:stream/s\",\"startingPosition\":\"LATEST\""
#define DYNAMODB "\"eventSourceArn\":\"arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/2026\""
#define MSK "\"eventSourceArn\":\"arn:aws:kafka:us-east-1:123456789012:cluster/c/1\""
#define MQ "\"eventSourceArn\":\"arn:aws:mq:us-east-1:123456789012:broker:b:b-1\""
#define DOCUMENTDB "\"eventSourceArn\":\"arn:aws:rds:us-east-1:123456789012:cluster:c\""
#define KAFKA                                                                                                \
    "\"selfManagedEventSource\":{\"endpoints\":{\"kafkaBootstrapServers\":[\"b.example.com:9092\"]}},"       \
    "\"topics\":[\"orders\"]"
#define LATEST "\"startingPosition\":\"LATEST\""
#define SECRET                                                                                               \
    "\"sourceAccessConfigurations\":[{\"type\":\"BASIC_AUTH\",\"uri\":\"arn:aws:secretsmanager:us-east-1:"   \
    "123456789012:secret:s\"}]"

/* What is said of the list, "" where it is right. The caller frees. */
static char *said(const char *list, const char *items, const char *old_items)
{
    static const char good[] =
        "{\"functionName\":\"f\",\"region\":\"us-east-1\",\"code\":{\"s3Bucket\":\"artifacts\",\"s3Key\":"
        "\"a.zip\"},\"runtime\":\"python3.13\",\"handler\":\"app.handler\",\"role\":\"arn:aws:iam::"
        "123456789012:role/fake\",\"%s\":[%s]}";
    _cleanup_(freep) char *text = xmalloc(8192), *old_text = xmalloc(8192);
    struct findings findings = {0};
    struct str out = STR_INIT(1 << 16);

    snprintf(text, 8192, good, list, items);
    snprintf(old_text, 8192, good, list, old_items ? old_items : "");
    _cleanup_(json_freep) struct json *spec = parse(text), *old_spec = old_items ? parse(old_text) : NULL;

    check_spec(&(struct check){spec, old_spec, &runtimes_builtin, "2026-11-24", NULL}, &findings);
    findings_summary(&findings, &out);
    findings_done(&findings);
    return str_take(&out);
}

static void assert_source(const char *members, const char *says)
{
    _cleanup_(freep) char *item = xasprintf("{\"name\":\"s\",%s}", members);
    _cleanup_(freep) char *text = said("eventSources", item, NULL);

    if (*says ? !strstr(text, says) : *text)
        fail_msg("{%s}: \"%s\", not \"%s\"", members, text, says);
}

static void each_kind_of_source_has_what_it_needs_and_no_more(void **state)
{
    static const struct {
        const char *members, *says;
    } rows[] = {
        {SQS, ""},
        {SQS "," LATEST, "an SQS queue takes no startingPosition"},
        {SQS ",\"scalingConfig\":{\"maximumConcurrency\":2}", ""},
        {SQS ",\"parallelizationFactor\":2", "an SQS queue takes no parallelizationFactor"},
        {SQS ",\"provisionedPollerConfig\":{\"minimumPollers\":1}", "at least 2 pollers"},
        {SQS ",\"provisionedPollerConfig\":{\"minimumPollers\":5,\"maximumPollers\":4}",
         "minimumPollers is above maximumPollers"},
        {FIFO ",\"batchSize\":11,\"maximumBatchingWindowInSeconds\":1",
         "a FIFO queue takes a batchSize of at most 10"},
        {KINESIS ",\"bisectBatchOnFunctionError\":true,\"parallelizationFactor\":10,\"batchSize\":10000", ""},
        {KINESIS ",\"scalingConfig\":{\"maximumConcurrency\":2}", "takes no scalingConfig"},
        {KINESIS ",\"startingPositionTimestamp\":7", "write AT_TIMESTAMP, or remove the time"},
        {DYNAMODB, "a DynamoDB stream needs startingPosition"},
        {DYNAMODB ",\"startingPosition\":\"AT_TIMESTAMP\"", "cannot be read from a time on"},
        {DYNAMODB "," LATEST ",\"onFailure\":\"arn:aws:sqs:us-east-1:123456789012:dead\"", ""},
        {MSK "," LATEST, "an MSK cluster needs topics"},
        {MSK ",\"startingPosition\":\"AT_TIMESTAMP\",\"topics\":[\"orders\"]", "write the time"},
        {MSK "," LATEST ",\"topics\":[\"orders\"],\"amazonManagedKafkaEventSourceConfig\":{"
             "\"consumerGroupId\":\"g\"}",
         ""},
        {MQ ",\"queues\":[\"q\"]", "an MQ broker needs sourceAccessConfigurations"},
        {MQ ",\"queues\":[\"q\"]," SECRET, ""},
        {MQ "," SECRET, "an MQ broker needs queues"},
        {DOCUMENTDB "," LATEST "," SECRET, "a DocumentDB cluster needs documentDBEventSourceConfig"},
        {DOCUMENTDB "," LATEST "," SECRET ",\"documentDBEventSourceConfig\":{\"databaseName\":\"d\"}", ""},
        {KAFKA, "a Kafka cluster of one's own needs startingPosition"},
        {KAFKA "," LATEST ",\"onFailure\":\"kafka://dead\"", ""},
        {KAFKA ",\"selfManagedKafkaEventSourceConfig\":{\"consumptionMode\":\"Queue\"}", ""},
        {KAFKA "," LATEST ",\"selfManagedKafkaEventSourceConfig\":{\"consumptionMode\":\"Queue\"}",
         "consumptionMode Queue takes no startingPosition"},
        {KAFKA "," SQS, "write either eventSourceArn or selfManagedEventSource"},
        {LATEST, "write either eventSourceArn or selfManagedEventSource"},
        {"\"eventSourceArn\":\"arn:aws:sns:us-east-1:123456789012:t\"", "write the ARN of one of these"},
        {"\"eventSourceArn\":\"arn:aws:sqs:eu-west-1:123456789012:q\"", "use one of that region"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_source(rows[i].members, rows[i].says);
}

static void what_aws_fixes_of_a_source_is_kept_by_its_name(void **state)
{
    static const char was[] = "{\"name\":\"s\"," SQS "}", other[] = "{\"name\":\"s\"," FIFO "}";
    static const char renamed[] = "{\"name\":\"t\"," FIFO "}";
    _cleanup_(freep) char *refused = said("eventSources", other, was);
    _cleanup_(freep) char *taken = said("eventSources", renamed, was), *same = said("eventSources", was, was);

    (void)state;
    if (!strstr(refused, "give the item another name, so that it is made anew"))
        fail_msg("%s", refused);
    assert_string_equal(taken, "");
    assert_string_equal(same, "");
}

static void ids_of_ours_and_conditions_of_other_actions_are_refused(void **state)
{
    static const struct {
        const char *item, *says;
    } rows[] = {
        {"{\"sid\":\"kubelambda-url-public\",\"principal\":\"1\",\"action\":\"lambda:*\"}",
         "ids that begin with kubelambda- are kubelambda's"},
        {"{\"sid\":\"a\",\"principal\":\"*\",\"action\":\"lambda:GetFunction\",\"invokedViaFunctionUrl\":"
         "true}",
         "invokedViaFunctionUrl goes with the action lambda:InvokeFunction only"},
        {"{\"sid\":\"a b\",\"principal\":\"1\",\"action\":\"lambda:*\"}", "must be letters"},
        {"{\"sid\":\"a\",\"principal\":\"1\",\"action\":\"s3:GetObject\"}", "must be an action of Lambda"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        _cleanup_(freep) char *text = said("permissions", rows[i].item, NULL);

        if (!strstr(text, rows[i].says))
            fail_msg("%s: \"%s\"", rows[i].item, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_source_has_what_it_needs_and_no_more),
        cmocka_unit_test(what_aws_fixes_of_a_source_is_kept_by_its_name),
        cmocka_unit_test(ids_of_ours_and_conditions_of_other_actions_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
