/* XML: a path, NUL, the document. */
#include "common/aws/xml.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str_view input = view_of_input(data, size);
    _cleanup_(freep) char *path = take_text(&input);
    _cleanup_(str_done) struct str out = STR_INIT(4096);
    struct err err;

    if (xml_text(input, path, &out, &err) < 0)
        must_hold(out.len == 0);
    return 0;
}
