/* Signatures against those of AWS's own Python signer (tests/aws/vectors.py). */
#include "common/aws/sign.h"
#include "common/base/json.h"
#include "common/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define VECTORS "tests/unit/data/sign_vectors.json"

enum { MAX_ROWS = 16, TEXT_MAX_BYTES = 1 << 20 };

static struct json *vectors;

static int load_vectors(void **state)
{
    _cleanup_(str_done) struct str text = STR_INIT(TEXT_MAX_BYTES);
    FILE *file = fopen(VECTORS, "re");
    char piece[4096];
    struct err err;

    (void)state;
    if (!file) {
        print_error("cannot open " VECTORS ": run this from the repository's root\n");
        return -1;
    }
    for (size_t len; (len = fread(piece, 1, sizeof(piece), file)) > 0;)
        str_add_bytes(&text, piece, len);
    fclose(file);
    return json_parse(str_view_of(&text), &vectors, &err);
}

static int free_vectors(void **state)
{
    (void)state;
    json_free(vectors);
    return 0;
}

/* A vector as the signer's request; the arrays hold what it points to. */
struct row {
    struct sign_query query[MAX_ROWS];
    const char *headers[MAX_ROWS + 1];
    struct sign_request request;
};

static void read_row(const struct json *vector, struct row *row)
{
    size_t queries = 0, headers = 0;

    *row = (struct row){0};
    for (const struct json *pair = json_first(json_get(vector, "query")); pair; pair = json_next(pair)) {
        assert_true(queries < MAX_ROWS);
        const struct json *name = json_first(pair);

        row->query[queries++] = (struct sign_query){json_str(name), json_str(json_next(name))};
    }
    for (const struct json *line = json_first(json_get(vector, "headers")); line; line = json_next(line)) {
        assert_true(headers < MAX_ROWS);
        row->headers[headers++] = json_str(line);
    }
    row->request = (struct sign_request){
        .method = json_str_at(vector, "method"),
        .host = json_str_at(vector, "host"),
        .path = json_str_at(vector, "path"),
        .query = row->query,
        .query_count = queries,
        .headers = row->headers,
        .body = view(json_str_at(vector, "body")),
        .service = json_str_at(vector, "service"),
        .region = json_str_at(vector, "region"),
        .access_key_id = json_str_at(vectors, "access_key_id"),
        .secret_access_key = json_str_at(vectors, "secret_access_key"),
        .session_token = json_str_at(vector, "token"),
        .wall_s = json_int_at(vectors, "wall_s", 0),
    };
}

/* The value of one of the lines that sign_headers wrote. */
static char *value_of(const struct str *lines, const char *name)
{
    _cleanup_(freep) char *start = xasprintf("%s: ", name);
    const char *line = strstr(str_text(lines), start);

    assert_non_null(line);
    line += strlen(start);
    return xstrndup(line, strcspn(line, "\n"));
}

static void every_vector_is_signed_as_aws_signs_it(void **state)
{
    size_t count = 0;

    (void)state;
    for (const struct json *vector = json_first(json_get(vectors, "vectors")); vector;
         vector = json_next(vector)) {
        _cleanup_(str_done) struct str canonical = STR_INIT(TEXT_MAX_BYTES);
        _cleanup_(str_done) struct str lines = STR_INIT(TEXT_MAX_BYTES);
        struct row row;

        read_row(vector, &row);
        sign_canonical(&row.request, &canonical);
        sign_headers(&row.request, &lines);
        _cleanup_(freep) char *authorization = value_of(&lines, "Authorization");

        if (!str_equal(str_text(&canonical), json_str_at(vector, "canonical")))
            print_error("vector: %s\n", json_str_at(vector, "name"));
        assert_string_equal(str_text(&canonical), json_str_at(vector, "canonical"));
        assert_string_equal(authorization, json_str_at(vector, "authorization"));
        count++;
    }
    assert_true(count >= 40);
}

static void a_query_is_sent_encoded_and_in_the_given_order(void **state)
{
    (void)state;
    for (const struct json *vector = json_first(json_get(vectors, "vectors")); vector;
         vector = json_next(vector)) {
        _cleanup_(str_done) struct str query = STR_INIT(TEXT_MAX_BYTES);
        struct row row;

        read_row(vector, &row);
        sign_query_string(row.request.query, row.request.query_count, &query);
        assert_string_equal(str_text(&query), json_str_at(vector, "query_string"));
    }
}

static struct sign_request simple_request(void)
{
    return (struct sign_request){
        .method = "GET",
        .host = "lambda.us-east-1.amazonaws.com",
        .path = "/2017-03-31/tags/arn%3Aaws",
        .service = "lambda",
        .region = "us-east-1",
        .access_key_id = "AKIDEXAMPLE",
        .secret_access_key = "secret",
        .wall_s = 1795507200,
    };
}

static void an_encoded_path_is_encoded_again_except_for_s3(void **state)
{
    _cleanup_(str_done) struct str lambda = STR_INIT(TEXT_MAX_BYTES), s3 = STR_INIT(TEXT_MAX_BYTES);
    struct sign_request request = simple_request();

    (void)state;
    sign_canonical(&request, &lambda);
    request.service = "s3";
    sign_canonical(&request, &s3);
    assert_non_null(strstr(str_text(&lambda), "GET\n/2017-03-31/tags/arn%253Aaws\n"));
    assert_non_null(strstr(str_text(&s3), "GET\n/2017-03-31/tags/arn%3Aaws\n"));
}

static void the_headers_to_send_are_date_hash_and_authorization(void **state)
{
    _cleanup_(str_done) struct str lines = STR_INIT(TEXT_MAX_BYTES);
    const struct sign_request request = simple_request();

    (void)state;
    sign_headers(&request, &lines);
    const char *start = "X-Amz-Date: 20261124T080000Z\n"
                        "X-Amz-Content-Sha256: "
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"
                        "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261124/us-east-1/lambda/"
                        "aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=";

    assert_true(str_starts_with(str_text(&lines), start));
    assert_int_equal(lines.len, strlen(start) + 64 + 1);
}

static void a_session_token_is_sent_and_signed(void **state)
{
    _cleanup_(str_done) struct str lines = STR_INIT(TEXT_MAX_BYTES);
    struct sign_request request = simple_request();

    (void)state;
    request.session_token = "token==";
    sign_headers(&request, &lines);
    assert_non_null(strstr(str_text(&lines), "\nX-Amz-Security-Token: token==\n"));
    assert_non_null(strstr(str_text(&lines), ";x-amz-security-token, Signature="));
}

static void the_secret_is_not_among_what_is_sent(void **state)
{
    _cleanup_(str_done) struct str lines = STR_INIT(TEXT_MAX_BYTES);
    struct sign_request request = simple_request();

    (void)state;
    request.secret_access_key = "wJalrXUtnFEMI";
    sign_headers(&request, &lines);
    assert_null(strstr(str_text(&lines), "wJalrXUtnFEMI"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_is_signed_as_aws_signs_it),
        cmocka_unit_test(a_query_is_sent_encoded_and_in_the_given_order),
        cmocka_unit_test(an_encoded_path_is_encoded_again_except_for_s3),
        cmocka_unit_test(the_headers_to_send_are_date_hash_and_authorization),
        cmocka_unit_test(a_session_token_is_sent_and_signed),
        cmocka_unit_test(the_secret_is_not_among_what_is_sent),
    };

    return cmocka_run_group_tests(tests, load_vectors, free_vectors);
}
