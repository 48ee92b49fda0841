/* Strict JSON: what is accepted is printed, and read again as the same value. */
#include "common/base/json.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(json_freep) struct json *json = NULL, *again = NULL;
    struct err err;

    if (json_parse(view_of_input(data, size), &json, &err) < 0)
        return 0;
    _cleanup_(freep) char *text = json_text(json);

    must_hold(json_parse(view(text), &again, &err) == 0);
    must_hold(json_equal(json, again));
    _cleanup_(freep) char *same = json_text(again);

    must_hold(str_equal(text, same));
    return 0;
}
