/* Event source mappings. Pure. Source: the Lambda API's model. */
#include "common/function/plan_event_sources.h"

#include "common/base/mem.h"
#include "common/function/arn.h"
#include "common/function/plan_attached.h"

#include <ctype.h>

enum { NAME_MAX = 63, BATCH = 100, BATCH_OF_QUEUES = 10 };

void source_complete(struct json *item)
{
    const char *arn = json_str(json_get(item, "EventSourceArn")), *dot = arn ? strrchr(arn, '.') : NULL;
    struct str_view service = arn_part(arn ? arn : "", ARN_PART_SERVICE);
    bool queue = view_equal(service, view("sqs")), fifo = dot && str_equal(dot, ".fifo");
    bool at_once =
        (queue && !fifo) || view_equal(service, view("kinesis")) || view_equal(service, view("dynamodb"));

    if (!json_get(item, "BatchSize"))
        json_set(item, "BatchSize", json_new_int(queue ? BATCH_OF_QUEUES : BATCH));
    if (at_once && !json_get(item, "MaximumBatchingWindowInSeconds"))
        json_set(item, "MaximumBatchingWindowInSeconds", json_new_int(0));
}

static const char *state_of(const struct json *mapping)
{
    const char *state = json_str(json_get(mapping, "State"));

    return state ? state : "";
}

bool source_is_leaving(const struct json *mapping)
{
    return str_equal(state_of(mapping), "Deleting");
}

bool source_is_busy(const struct json *mapping)
{
    static const char *const busy[] = {"Creating", "Enabling", "Disabling", "Updating", "Deleting"};

    for (size_t i = 0; i < ARRAY_LEN(busy); i++)
        if (str_equal(state_of(mapping), busy[i]))
            return true;
    return false;
}

/* "live" of arn:aws:lambda:us-east-1:123456789012:function:name:live. The caller frees. */
static char *qualifier_of(const struct json *mapping)
{
    const char *arn = json_str(json_get(mapping, "FunctionArn"));
    struct str_view part = arn_part(arn ? arn : "", ARN_PART_QUALIFIER);

    return view_equal(part, view(ATTACHED_LATEST)) ? xstrdup("") : xstrndup(part.ptr, part.len);
}

const struct json *source_find(const struct json *have, const char *uuid)
{
    for (const struct json *one = json_first(have); one && uuid; one = json_next(one))
        if (str_equal(json_str(json_get(one, "UUID")), uuid))
            return one;
    return NULL;
}

void source_add(const struct json *mapping, const struct json *tags, const char *owner, struct json *have)
{
    const char *uuid = json_str(json_get(mapping, "UUID"));
    const char *name = json_str(json_get(tags, ATTACHED_NAME_TAG));
    bool ours = owner && name && str_equal(json_str(json_get(tags, PLAN_OWNER_TAG)), owner);
    bool off = str_equal(state_of(mapping), "Disabled") || str_equal(state_of(mapping), "Disabling");

    /* The lists of two qualifiers show it, or two pages do because one before it went. */
    if (!uuid || source_find(have, uuid))
        return;
    struct json *item = json_copy(mapping);
    _cleanup_(freep) char *qualifier = qualifier_of(mapping), *other = xasprintf("mapping %s", uuid);

    json_set(item, "Tags", tags ? json_copy(tags) : NULL);
    json_set_str(item, "Qualifier", qualifier);
    json_set(item, "Enabled", json_new_bool(!off));
    /* Two with one name, as after a copy of the tags: the first is ours. */
    json_set(have, ours && !json_get(have, name) ? name : other, item);
}

int source_read(const struct json *answer, const char *qualifier, const char *owner, struct json *have,
                struct err *err)
{
    (void)qualifier; /* an answer for one may show those of others */
    (void)err;
    for (const struct json *one = json_first(json_get(answer, "EventSourceMappings")); one;
         one = json_next(one))
        source_add(one, json_get(one, "Tags"), owner, have);
    return 0;
}

bool source_same(const struct json *a, const struct json *b)
{
    static const char *const members[] = {"EventSourceArn", "Topics", "Queues", "Qualifier",
                                          "SelfManagedEventSource"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        const struct json *x = json_get(a, members[i]), *y = json_get(b, members[i]);
        bool empty = json_size(x) == 0 && json_size(y) == 0 && !*(json_str(x) ? json_str(x) : "") &&
                     !*(json_str(y) ? json_str(y) : "");

        if (!empty && !json_equal(x, y))
            return false;
    }
    return true;
}

char *source_name(const struct json *mapping)
{
    const char *arn = json_str(json_get(mapping, "EventSourceArn"));
    const char *topic = json_str(json_first(json_get(mapping, "Topics")));
    const char *from = topic ? topic : arn ? arn : "source";
    struct str_view service = arn_part(from, ARN_PART_SERVICE);
    bool table = view_equal(service, view("dynamodb"));
    /* arn:…:queue, arn:…:stream/NAME, arn:…:table/NAME/stream/TIME, arn:…:broker:NAME:ID */
    const char *resource = topic || !arn ? from : arn_part(from, ARN_PART_RESOURCE).ptr;
    const char *slash = strchr(resource, '/'), *start = slash ? slash + 1 : resource;
    char *name = xstrndup(start, strcspn(start, table || slash ? "/" : ""));
    size_t len = 0;

    for (const char *c = name; *c && len < NAME_MAX; c++)
        if (isalnum((unsigned char)*c) || len > 0)
            name[len++] = (char)(isalnum((unsigned char)*c) ? *c : '-');
    while (len > 0 && name[len - 1] == '-')
        len--;
    name[len] = '\0';
    if (len > 0)
        return name;
    free(name);
    return xstrdup("source");
}
