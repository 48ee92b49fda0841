/* The body of a request to the webhook, with everything that can be known about it: both phases come to an
 * answer that is an AdmissionReview, the same each time, and what is let through has a plan. The patch
 * applies, and to what it made there is nothing to add. */
#include "common/base/encode.h"
#include "common/base/json.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/patch.h"
#include "tests/property/review_world.h"

#define FACTS                                                                                                \
    "\"plans\":true,\"facts\":{\"defaultRegion\":\"us-east-1\",\"environment\":\"preview\",\"access\":true," \
    "\"policies\":[{\"name\":\"p\",\"spec\":{\"functionName\":{\"prefix\":\"preview-\"},"                    \
    "\"defaults\":{\"memorySize\":256,\"tags\":{\"team\":\"a\"},\"environment\":{\"variables\":{\"A\":"      \
    "\"b\"}}},"                                                                                              \
    "\"allow\":{\"runtimes\":[\"python3.*\",\"nodejs*\"],\"memorySize\":{\"max\":1024}}}}]}}"

/* The answer as a new object, which has been seen twice. */
static struct json *ask(const char *phase, struct str_view body)
{
    _cleanup_(freep) char *text = xasprintf("{\"phase\":\"%s\"," FACTS, phase);
    _cleanup_(json_freep) struct json *question = NULL;
    _cleanup_(str_done) struct str out = STR_INIT(64 << 20), same = STR_INIT(64 << 20);
    struct json *answer = NULL;
    struct err err;

    must_hold(json_parse(view(text), &question, &err) == 0);
    review_world_answer(question, body, &out);
    review_world_answer(question, body, &same);
    must_hold(str_equal(str_text(&out), str_text(&same)));
    must_hold(json_parse(str_view_of(&out), &answer, &err) == 0);
    must_hold(json_int_at(answer, "status", 0) == 400 || json_str_at(answer, "response.response.uid"));
    return answer;
}

/* The review of what the patch makes of the object; NULL: there is no patch. */
static char *patched(struct str_view body, const struct json *answer)
{
    const char *base64 = json_str_at(answer, "response.response.patch");
    _cleanup_(str_done) struct str text = STR_INIT(1 << 20);
    _cleanup_(json_freep) struct json *patch = NULL, *review = NULL;
    struct err err;

    if (!base64)
        return NULL;
    must_hold(base64_decode(view(base64), &text, &err) == 0);
    must_hold(json_parse(str_view_of(&text), &patch, &err) == 0);
    must_hold(json_parse_without(body, NULL, JSON_MAX_VALUES, &review, &err) == 0);
    struct json *object = patch_apply(json_at(review, "request.object"), patch);

    must_hold(object);
    json_set_at(review, "request.object", object);
    return json_text(review);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str_view body = view_of_input(data, size);
    _cleanup_(json_freep) struct json *mutated = ask("mutate", body), *validated = ask("validate", body);
    _cleanup_(freep) char *again = patched(body, mutated);

    (void)validated;
    if (again) {
        _cleanup_(json_freep) struct json *twice = ask("mutate", view(again));

        must_hold(!json_at(twice, "response.response.patch"));
    }
    return 0;
}
