/* Signing: method, path, pairs of a query and a header, each ended by NUL; the rest is the body. The
 * canonical request keeps its lines whatever is in them, and the order of the query does not matter. */
#include "common/aws/sign.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

static size_t lines_of(const struct str *text)
{
    size_t count = 0;

    for (const char *at = str_text(text); (at = strchr(at, '\n')); at++)
        count++;
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str_view input = view_of_input(data, size);
    _cleanup_(freep) char *method = take_text(&input), *path = take_text(&input);
    _cleanup_(freep) char *name = take_text(&input), *value = take_text(&input), *other = take_text(&input);
    struct sign_query query[] = {{name, value}, {other, ""}}, turned[] = {{other, ""}, {name, value}};
    struct sign_request request = {
        .method = method,
        .host = "lambda.us-east-1.amazonaws.com",
        .path = path,
        .query = query,
        .query_count = ARRAY_LEN(query),
        .headers = (const char *const[]){"x-amz-meta-a:  b  c ", NULL},
        .body = input,
        .service = size % 2 ? "lambda" : "s3",
        .region = "us-east-1",
        .access_key_id = "AKIDEXAMPLE",
        .secret_access_key = "secret",
        .wall_s = 1790000000,
    };
    _cleanup_(str_done) struct str canonical = STR_INIT(64 << 20), same = STR_INIT(64 << 20);
    _cleanup_(str_done) struct str headers = STR_INIT(64 << 20);

    sign_canonical(&request, &canonical);
    request.query = turned;
    sign_canonical(&request, &same);
    must_hold(strcmp(name, other) == 0 || str_equal(str_text(&canonical), str_text(&same)));
    /* Method and path are ours; a line end in one of them would be seen. */
    if (!strchr(method, '\n') && !strchr(path, '\n'))
        must_hold(lines_of(&canonical) >= 8);
    sign_headers(&request, &headers);
    must_hold(!strstr(str_text(&headers), "secret"));
    return 0;
}
