/* A review in a world that is made up as well: {"phase": …, "facts": {"policies": […], …}, "review": {…}}. */
#include "common/base/json.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/property/review_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(json_freep) struct json *question = NULL, *answer = NULL;
    _cleanup_(str_done) struct str out = STR_INIT(64 << 20);
    struct err err;

    if (json_parse(view_of_input(data, size), &question, &err) < 0)
        return 0;
    _cleanup_(freep) char *body = json_text(json_get(question, "review"));

    review_world_answer(question, view(body), &out);
    must_hold(json_parse(str_view_of(&out), &answer, &err) == 0);
    return 0;
}
