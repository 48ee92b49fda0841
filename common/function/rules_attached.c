/* The rules on what hangs on a function. Pure. Source: the Lambda API's model and its documentation of event
 * source mappings. */
#include "common/function/rules_attached.h"

#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/fields.h"
#include "common/function/plan_attached.h"
#include "common/function/plan_event_sources.h"
#include "common/function/plan_permissions.h"

enum { FIFO_BATCH = 10, QUEUE_POLLERS = 2, KAFKA_POLLERS_MAX = 2000 };

/* --- event sources --------------------------------------------------------------------------- */

enum {
    SQS = 1,
    KINESIS = 2,
    DYNAMODB = 4,
    MSK = 8,
    MQ = 16,
    DOCUMENTDB = 32,
    KAFKA = 64,
    STREAMS = KINESIS | DYNAMODB,
    TOPICS = MSK | KAFKA,
};

static const struct {
    const char *service, *name;
    unsigned source;
} services[] = {
    {"sqs", "an SQS queue", SQS},
    {"kinesis", "a Kinesis stream", KINESIS},
    {"dynamodb", "a DynamoDB stream", DYNAMODB},
    {"kafka", "an MSK cluster", MSK},
    {"mq", "an MQ broker", MQ},
    {"rds", "a DocumentDB cluster", DOCUMENTDB},
    {NULL, "a Kafka cluster of one's own", KAFKA},
};

/* What only some sources have, and which of them need it. */
static const struct {
    const char *member;
    unsigned takes, needs;
    const char *write;
} members[] = {
    {"startingPosition", STREAMS | TOPICS | DOCUMENTDB, STREAMS | TOPICS | DOCUMENTDB,
     "write LATEST or TRIM_HORIZON"},
    {"startingPositionTimestamp", KINESIS | TOPICS | DOCUMENTDB, 0, NULL},
    {"topics", TOPICS, TOPICS, "name the topic"},
    {"queues", MQ, MQ, "name the queue"},
    {"sourceAccessConfigurations", MSK | MQ | DOCUMENTDB | KAFKA, MQ | DOCUMENTDB,
     "name the secret as BASIC_AUTH"},
    {"documentDBEventSourceConfig", DOCUMENTDB, DOCUMENTDB, "name the database"},
    {"amazonManagedKafkaEventSourceConfig", MSK, 0, NULL},
    {"selfManagedKafkaEventSourceConfig", KAFKA, 0, NULL},
    {"parallelizationFactor", STREAMS, 0, NULL},
    {"tumblingWindowInSeconds", STREAMS, 0, NULL},
    {"onFailure", STREAMS | TOPICS, 0, NULL},
    {"maximumRecordAgeInSeconds", STREAMS | TOPICS, 0, NULL},
    {"bisectBatchOnFunctionError", STREAMS | TOPICS, 0, NULL},
    {"maximumRetryAttempts", STREAMS | TOPICS, 0, NULL},
    {"functionResponseTypes", SQS | STREAMS | TOPICS, 0, NULL},
    {"scalingConfig", SQS, 0, NULL},
    {"provisionedPollerConfig", SQS | TOPICS, 0, NULL},
    {"loggingConfig", TOPICS, 0, NULL},
};

static bool has(const struct json *item, const char *path)
{
    return json_type(json_at(item, path)) > JSON_NULL;
}

static const char *text_at(const struct json *item, const char *path)
{
    const char *text = json_str_at(item, path);

    return text ? text : "";
}

static const struct json *first_of(const struct check *check, const char *path)
{
    return json_first(field_list(path, check->spec));
}

/* Of services[]; past its end where it is none of them. */
static size_t service_of(const struct json *source)
{
    struct str_view named = arn_part(text_at(source, "eventSourceArn"), ARN_PART_SERVICE);
    size_t i = 0;

    while (services[i].service && !view_equal(named, view(services[i].service)))
        i++;
    return services[i].service || !has(source, "eventSourceArn") ? i : ARRAY_LEN(services);
}

static bool is_queue(const struct json *source)
{
    size_t service = service_of(source);

    return service < ARRAY_LEN(services) && services[service].source == SQS;
}

static bool shares(const struct json *source)
{
    return str_equal(json_str_at(source, "selfManagedKafkaEventSourceConfig.consumptionMode"), "Queue");
}

static bool misses_or_has(const struct json *source, size_t service, struct str *message)
{
    const char *name = text_at(source, "name");

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        bool position = str_starts_with(members[i].member, "startingPosition"),
             there = has(source, members[i].member);
        unsigned without = position && shares(source) ? KAFKA : 0, of = services[service].source & ~without;

        if (there && !(members[i].takes & of)) {
            str_addf(message, "%.63s: %s takes no %s; remove it", name,
                     without ? "consumptionMode Queue" : services[service].name, members[i].member);
            return true;
        }
        if (!there && members[i].needs & of) {
            str_addf(message, "%.63s: %s needs %s; %s", name, services[service].name, members[i].member,
                     members[i].write);
            return true;
        }
    }
    return false;
}

static bool position_is_wrong(const struct json *source, size_t service, struct str *message)
{
    bool at_time = str_equal(json_str_at(source, "startingPosition"), "AT_TIMESTAMP");
    const char *name = text_at(source, "name");

    if (at_time && services[service].source == DYNAMODB)
        str_addf(message,
                 "%.63s: a DynamoDB stream cannot be read from a time on; write LATEST or TRIM_HORIZON",
                 name);
    else if (at_time != has(source, "startingPositionTimestamp"))
        str_addf(message,
                 "%.63s: startingPosition AT_TIMESTAMP and startingPositionTimestamp go together; %s", name,
                 at_time ? "write the time" : "write AT_TIMESTAMP, or remove the time");
    return message->len > 0;
}

enum rule_result look_source_members(const struct check *check, struct str *message)
{
    for (const struct json *source = first_of(check, "eventSources"); source && !message->len;
         source = json_next(source)) {
        size_t service = service_of(source);

        if (has(source, "eventSourceArn") == has(source, "selfManagedEventSource"))
            str_addf(message, "%.63s: write either eventSourceArn or selfManagedEventSource",
                     text_at(source, "name"));
        else if (service == ARRAY_LEN(services))
            str_addf(message,
                     "%.63s: Lambda reads from SQS, Kinesis, DynamoDB, MSK, MQ and DocumentDB, which appears "
                     "as rds; "
                     "write the ARN of one of these",
                     text_at(source, "name"));
        else if (!misses_or_has(source, service, message))
            position_is_wrong(source, service, message);
    }
    return message->len ? RULE_BROKEN : RULE_KEPT;
}

static void judge_batch(const struct json *source, struct str *message)
{
    int64_t size = json_int_at(source, "batchSize", 0);
    int64_t window = json_int_at(source, "maximumBatchingWindowInSeconds", 0);
    const char *arn = text_at(source, "eventSourceArn"), *name = text_at(source, "name");
    const char *dot = strrchr(arn, '.');

    if (services[service_of(source) % ARRAY_LEN(services)].source != SQS ||
        size > field_find("eventSources[].batchSize")->max)
        return;
    if (dot && str_equal(dot, ".fifo") && (size > FIFO_BATCH || window > 0))
        str_addf(message, "%.63s: a FIFO queue takes a batchSize of at most %d and no batching window", name,
                 FIFO_BATCH);
    else if (size > FIFO_BATCH && window == 0)
        str_addf(message, "%.63s: a batchSize above %d needs maximumBatchingWindowInSeconds: 1 or more", name,
                 FIFO_BATCH);
}

static void judge_pollers(const struct json *source, struct str *message)
{
    int64_t least = json_int_at(source, "provisionedPollerConfig.minimumPollers", 0);
    int64_t most = json_int_at(source, "provisionedPollerConfig.maximumPollers", 0);
    bool queue = is_queue(source);
    const char *name = text_at(source, "name");

    if (least && most && least > most)
        str_addf(message, "%.63s: minimumPollers is above maximumPollers; write less", name);
    else if (queue && ((least && least < QUEUE_POLLERS) || (most && most < QUEUE_POLLERS)))
        str_addf(message, "%.63s: an SQS queue has at least %d pollers", name, QUEUE_POLLERS);
    else if (!queue && most > KAFKA_POLLERS_MAX)
        str_addf(message, "%.63s: Kafka has at most %d pollers", name, KAFKA_POLLERS_MAX);
}

enum rule_result look_source_batches(const struct check *check, struct str *message)
{
    for (const struct json *source = first_of(check, "eventSources"); source && !message->len;
         source = json_next(source)) {
        judge_batch(source, message);
        if (!message->len)
            judge_pollers(source, message);
    }
    return message->len ? RULE_BROKEN : RULE_KEPT;
}

/* Which read the same is the plan's rule, on items in the form of the requests. */
static void judge_same(const struct check *check, struct str *message)
{
    _cleanup_(json_freep) struct json *all =
        plan_attached_wanted(plan_attached_of(CALL_EVENT_SOURCES), check->spec, NULL);

    for (const struct json *a = json_first(all); a && !message->len; a = json_next(a))
        for (const struct json *b = json_next(a); b && !message->len; b = json_next(b))
            if (source_same(a, b))
                str_addf(message, "%.63s and %.63s read the same; keep one", json_key(a), json_key(b));
}

enum rule_result look_sources_distinct(const struct check *check, struct str *message)
{
    const struct json *first = first_of(check, "eventSources");

    for (const struct json *a = first; a && !message->len; a = json_next(a))
        for (const struct json *b = json_next(a); b && !message->len; b = json_next(b))
            if (str_equal(text_at(a, "name"), text_at(b, "name")))
                str_addf(message, "two are named %.63s; give one another name", text_at(a, "name"));
    if (first && !message->len)
        judge_same(check, message);
    return message->len ? RULE_BROKEN : RULE_KEPT;
}

/* --- permissions ------------------------------------------------------------------------------ */

enum rule_result look_permission_ids(const struct check *check, struct str *message)
{
    for (const struct json *a = first_of(check, "permissions"); a; a = json_next(a)) {
        const char *sid = text_at(a, "sid");

        if (str_starts_with(sid, PERMISSION_OURS)) {
            str_addf(message, "%.100s: ids that begin with %s are kubelambda's; choose another", sid,
                     PERMISSION_OURS);
            return RULE_BROKEN;
        }
        for (const struct json *b = json_next(a); b; b = json_next(b))
            if (str_equal(sid, text_at(b, "sid"))) {
                str_addf(message, "two have the sid %.100s; give one another", sid);
                return RULE_BROKEN;
            }
    }
    return RULE_KEPT;
}

enum rule_result look_permission_conditions(const struct check *check, struct str *message)
{
    for (const struct json *one = first_of(check, "permissions"); one; one = json_next(one)) {
        const char *sid = text_at(one, "sid");

        if (has(one, "functionUrlAuthType") && !str_equal(text_at(one, "action"), "lambda:InvokeFunctionUrl"))
            str_addf(message,
                     "%.100s: functionUrlAuthType goes with the action lambda:InvokeFunctionUrl only", sid);
        else if (json_is_true(json_get(one, "invokedViaFunctionUrl")) &&
                 !str_equal(text_at(one, "action"), "lambda:InvokeFunction"))
            str_addf(message, "%.100s: invokedViaFunctionUrl goes with the action lambda:InvokeFunction only",
                     sid);
        if (message->len)
            return RULE_BROKEN;
    }
    return RULE_KEPT;
}

/* A service acts for everybody: without a source it would invoke the function for anyone's bucket or topic,
 * the "confused deputy". */
enum rule_result look_permission_sources(const struct check *check, struct str *message)
{
    for (const struct json *one = first_of(check, "permissions"); one; one = json_next(one)) {
        const char *sid = text_at(one, "sid"), *principal = text_at(one, "principal");
        bool service = strchr(principal, '.') && !str_starts_with(principal, "arn:");

        if (permission_is_open(one) && str_equal(principal, "*"))
            str_addf(message, "%.100s lets everybody in; name a principal or principalOrgID", sid);
        else if (permission_is_open(one) && service)
            str_addf(message, "%.100s lets %.64s in for any account; add sourceArn or sourceAccount", sid,
                     principal);
        if (message->len)
            return RULE_WARNING;
    }
    return RULE_KEPT;
}

/* --- aliases ---------------------------------------------------------------------------------- */

static bool is_alias(const struct check *check, const char *name)
{
    for (const struct json *alias = json_first(json_get(check->spec, "aliases")); alias;
         alias = json_next(alias))
        if (str_equal(json_str(json_get(alias, "name")), name))
            return true;
    return false;
}

/* It may be somebody else's alias; only AWS knows. */
static bool is_unknown(const struct check *check, const struct json *of)
{
    const char *qualifier = text_at(of, "qualifier");

    return *qualifier && strspn(qualifier, "0123456789") < strlen(qualifier) && !is_alias(check, qualifier);
}

enum rule_result look_qualifiers(const struct check *check, struct str *message)
{
    const struct json *of = json_get(check->spec, "functionUrl");
    const char *const lists[] = {"permissions", "eventSources"};

    for (size_t i = 0; i < ARRAY_LEN(lists) && !is_unknown(check, of); i++)
        for (of = first_of(check, lists[i]); of && !is_unknown(check, of);)
            of = json_next(of);
    if (!is_unknown(check, of))
        return RULE_KEPT;
    str_addf(
        message,
        "the qualifier %.128s is none of spec.aliases; AWS refuses it unless somebody else made the alias",
        text_at(of, "qualifier"));
    return RULE_WARNING;
}
