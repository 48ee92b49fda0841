/* Certificates and keys out of a Secret or a file: certificate, NUL, key, NUL, bundle. */
#include "certs/authority.h"
#include "common/base/mem.h"
#include "common/http/certificate.h"
#include "tests/fuzz/fuzz.h"

enum { NOW_S = 1795500000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str_view input = view_of_input(data, size);
    _cleanup_(freep) char *certificate = take_text(&input), *key = take_text(&input),
                          *bundle = take_text(&input);
    _cleanup_(http_certificate_unrefp) struct http_certificate *served = NULL;
    const char *const texts[] = {certificate, bundle, NULL};
    struct pem_pair pair = {0};
    struct err err;

    if (authority_read(certificate, key, &pair, &err) == 0)
        must_hold(authority_among(pair.certificate, pair.certificate));
    pem_pair_done(&pair);
    (void)!http_certificate_new(view(certificate), view(key), &served, &err);
    _cleanup_(freep) char *kept = authority_valid_of(texts, ARRAY_LEN(texts), NULL, NOW_S);

    must_hold(!kept || *kept);
    (void)authority_verifies(bundle, certificate, NOW_S);
    return 0;
}
