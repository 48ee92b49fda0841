/* The text of the Secret that the replicas share. */
#include "certs/secret.h"
#include "common/base/mem.h"
#include "tests/unit/texts.h"

static const int64_t NOW = 1764000000;

static void what_is_written_is_read_back(void **state)
{
    struct authorities first, second, read;
    struct err err;

    (void)state;
    assert_int_equal(rotation_succeed(NULL, 0, NOW, &first, &err), 0);
    const char *const trusted[] = {first.current.certificate};

    assert_int_equal(rotation_succeed(trusted, 1, NOW, &second, &err), 0);
    _cleanup_(json_freep) struct json *alone = secret_document(NULL, &first);
    _cleanup_(json_freep) struct json *document = secret_document(NULL, &second);

    assert_int_equal(secret_parse(alone, &read, &err), 0);
    assert_null(read.previous);
    authorities_done(&read);
    assert_int_equal(secret_parse(document, &read, &err), 0);
    assert_string_equal(read.current.certificate, second.current.certificate);
    assert_string_equal(read.current.key, second.current.key);
    assert_int_equal(read.current.not_after_s, second.current.not_after_s);
    assert_string_equal(read.previous, first.current.certificate);
    authorities_done(&first);
    authorities_done(&second);
    authorities_done(&read);
}

static void a_replacement_can_only_meet_the_version_that_was_read(void **state)
{
    struct authorities made;
    struct err err;

    (void)state;
    assert_int_equal(rotation_succeed(NULL, 0, NOW, &made, &err), 0);
    _cleanup_(json_freep) struct json *secret = parse("{\"metadata\":{\"resourceVersion\":\"17\"}}");
    _cleanup_(json_freep) struct json *document = secret_document(secret, &made);

    assert_string_equal(json_str_at(document, "metadata.resourceVersion"), "17");
    authorities_done(&made);
}

static void damage_is_named(void **state)
{
    static const char *const members[] = {"ca.crt", "ca.key"};
    struct authorities made, other, read;
    struct pem_pair leaf;
    struct err err;
    const char *const dns[] = {"localhost", NULL};

    (void)state;
    assert_int_equal(rotation_succeed(NULL, 0, NOW, &made, &err), 0);
    assert_int_equal(rotation_succeed(NULL, 0, NOW, &other, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        _cleanup_(json_freep) struct json *document = secret_document(NULL, &made);
        _cleanup_(freep) char *wanted = xasprintf("it has no %s", members[i]);
        struct json *data = json_make_object(document, "data");

        json_set(data, members[i], NULL);
        assert_int_equal(secret_parse(document, &read, &err), ERR_INVALID);
        assert_string_equal(err.msg, wanted);
        json_set_str(data, members[i], "!");
        assert_int_equal(secret_parse(document, &read, &err), ERR_INVALID);
        json_set_str(data, members[i], "cnViYmlzaA==");
        assert_int_equal(secret_parse(document, &read, &err), ERR_INVALID);
        assert_non_null(strstr(err.msg, "cannot be read"));
    }
    free(made.current.key);
    made.current.key = xstrdup(other.current.key);
    _cleanup_(json_freep) struct json *mixed = secret_document(NULL, &made);

    assert_int_equal(secret_parse(mixed, &read, &err), ERR_INVALID);
    assert_string_equal(err.msg, "the key is not that of the certificate authority");

    assert_int_equal(
        authority_sign(&other.current, &(struct authority_names){.dns = dns}, NOW, 3600, &leaf, &err), 0);
    pem_pair_done(&made.current);
    made.current = leaf;
    _cleanup_(json_freep) struct json *no_authority = secret_document(NULL, &made);

    assert_int_equal(secret_parse(no_authority, &read, &err), ERR_INVALID);
    assert_string_equal(err.msg, "the certificate is not an authority's");
    authorities_done(&made);
    authorities_done(&other);
}

static void something_else_than_a_secret_is_damage(void **state)
{
    static const char *const bad[] = {"{}", "[]", "{\"data\":null}", "{\"data\":{\"ca.crt\":7}}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        _cleanup_(json_freep) struct json *secret = parse(bad[i]);
        struct authorities read;
        struct err err;

        assert_int_equal(secret_parse(secret, &read, &err), ERR_INVALID);
        assert_string_equal(err.msg, "it has no ca.crt");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_replacement_can_only_meet_the_version_that_was_read),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(something_else_than_a_secret_is_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
