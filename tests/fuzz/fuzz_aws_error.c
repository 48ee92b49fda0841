/* An answer of AWS that is no success, or of whoever stands in the way: headers, NUL, body. */
#include "common/aws/client.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {301, 400, 403, 404, 409, 412, 429, 500, 503};
    struct str_view input = view_of_input(data, size);
    struct http_response response = {.headers = STR_INIT(1 << 20), .body = STR_INIT(8 << 20)};
    _cleanup_(freep) char *headers = take_text(&input);

    str_add(&response.headers, headers);
    str_add_bytes(&response.body, input.ptr, input.len);
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct err err = {0};

        response.status = statuses[i];
        must_hold(aws_error(&response, &err) < 0 && err.msg[0]);
        for (const char *at = err.msg; *at; at++)
            must_hold((unsigned char)*at >= ' ' && *at != 0x7f);
    }
    http_response_done(&response);
    return 0;
}
