/* The body of a request to the webhook, with everything that can be known about it: both phases come to an
 * answer that is an AdmissionReview, and what is let through has a plan. */
#include "common/base/json.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/property/review_world.h"

#define FACTS                                                                                                \
    "\"plans\":true,\"facts\":{\"defaultRegion\":\"us-east-1\",\"environment\":\"preview\",\"access\":true," \
    "\"policies\":[{\"name\":\"p\",\"spec\":{\"functionName\":{\"prefix\":\"preview-\"},"                    \
    "\"defaults\":{\"memorySize\":256,\"tags\":{\"team\":\"a\"},\"environment\":{\"variables\":{\"A\":"      \
    "\"b\"}}},"                                                                                              \
    "\"allow\":{\"runtimes\":[\"python3.*\",\"nodejs*\"],\"memorySize\":{\"max\":1024}}}}]}}"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const questions[] = {"{\"phase\":\"mutate\"," FACTS, "{\"phase\":\"validate\"," FACTS};

    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        _cleanup_(json_freep) struct json *question = NULL, *answer = NULL;
        _cleanup_(str_done) struct str out = STR_INIT(64 << 20);
        struct err err;

        must_hold(json_parse(view(questions[i]), &question, &err) == 0);
        review_world_answer(question, view_of_input(data, size), &out);
        must_hold(json_parse(str_view_of(&out), &answer, &err) == 0);
        must_hold(json_int_at(answer, "status", 0) == 400 || json_str_at(answer, "response.response.uid"));
    }
    return 0;
}
