/* Objects that are there and cannot be read: storage classes of archives, restored copies. */
#include "common/aws/s3.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void what_is_in_an_archive_can_be_read_only_once_it_is_restored(void **state)
{
    static const struct {
        const char *headers;
        bool archived;
    } cases[] = {
        {"", false},
        {"x-amz-storage-class: STANDARD_IA\n", false},
        {"x-amz-storage-class: GLACIER_IR\n", false},
        {"x-amz-storage-class: GLACIER\n", true},
        {"x-amz-storage-class: DEEP_ARCHIVE\n", true},
        {"x-amz-storage-class: GLACIER\nx-amz-restore: ongoing-request=\"true\"\n", true},
        {"x-amz-storage-class: GLACIER\nx-amz-restore: ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec "
         "2026 "
         "00:00:00 GMT\"\n",
         false},
        {"x-amz-storage-class: INTELLIGENT_TIERING\n", false},
        {"x-amz-storage-class: INTELLIGENT_TIERING\nx-amz-archive-status: ARCHIVE_ACCESS\n", true},
    };
    const struct s3_target target = {.region = "us-east-1", .bucket = "b", .key = "k"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_response response = {.status = 200, .headers = STR_INIT(4096), .body = STR_INIT(16)};
        struct s3_object object;
        struct err err;

        str_addf(&response.headers, "x-amz-request-id: 1\n%s", cases[i].headers);
        assert_int_equal(s3_read_answer(&target, &response, &object, &err), 0);
        if (object.archived != cases[i].archived)
            fail_msg("%s: archived is %d", cases[i].headers, object.archived);
        http_response_done(&response);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_an_archive_can_be_read_only_once_it_is_restored),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
