/* S3's answer to a HEAD, or that of whoever stands in the way: a byte for the status, then headers. */
#include "common/aws/s3.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 206, 301, 307, 400, 403, 404, 405, 412, 429, 500, 503};
    static const struct s3_target targets[] = {{"us-east-1", "artifacts", "app.zip", NULL},
                                               {"us-east-1", "artifacts", "app.zip", "v1"}};
    struct http_response response = {.headers = STR_INIT(1 << 20), .body = STR_INIT(8)};

    if (size < 1)
        return 0;
    _cleanup_(freep) char *headers = xstrndup((const char *)data + 1, size - 1);

    str_add(&response.headers, headers);
    response.status = statuses[data[0] % ARRAY_LEN(statuses)];
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct s3_object object;
        struct err err = {0};

        if (s3_read_answer(&targets[i], &response, &object, &err) == 0)
            must_hold(response.status == 200 && memchr(object.sha256, '\0', sizeof(object.sha256)));
        else
            must_hold(err.msg[0]);
    }
    http_response_done(&response);
    return 0;
}
