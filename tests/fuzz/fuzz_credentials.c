/* Whoever gives credentials: programs, metadata services, STS. The first byte chooses who says the rest. What
 * is accepted can be put into a header. */
#include "common/aws/providers.h"
#include "common/base/mem.h"
#include "common/kube/login.h"
#include "tests/fuzz/fuzz.h"

static void fits_a_header(const char *text)
{
    for (; text && *text; text++)
        must_hold(*text > ' ' && *text <= '~');
}

static void read_login(struct str_view text)
{
    struct login_credential credential;
    struct err err;

    if (login_read(text, "client.authentication.k8s.io/v1", &credential, &err) < 0)
        return;
    fits_a_header(credential.token);
    must_hold((credential.token || credential.cert) && !credential.cert == !credential.key);
    must_hold(login_schedule_ms(1795500000, credential.expires_s, 0) > 0);
    login_credential_done(&credential);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(credentials_unrefp) struct credentials *credentials = NULL;
    struct err err;
    int r = -1;

    if (size < 1)
        return 0;
    struct str_view text = view_of_input(data + 1, size - 1);

    switch (data[0]) {
    case 'l':
        read_login(text);
        break;
    case 's':
        r = sts_read_credentials(text, "AssumeRole", &credentials, &err);
        break;
    case 'p':
        r = credentials_read_json(text, "the program", "SessionToken", &credentials, &err);
        break;
    default:
        r = credentials_read_json(text, "the service", "Token", &credentials, &err);
    }
    if (r < 0)
        return 0;
    must_hold(credentials->access_key_id && credentials->secret_access_key);
    fits_a_header(credentials->access_key_id);
    fits_a_header(credentials->session_token);
    return 0;
}
