/* Hex, base64 and SHA-256, thin over GnuTLS. Any thread, no state. */
#include "common/base/encode.h"

#include "common/base/mem.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

void sha256(struct str_view data, unsigned char ret_digest[SHA256_BYTES])
{
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data.ptr, data.len, ret_digest) < 0)
        abort(); /* the library has no SHA-256: nothing works */
}

void hmac_sha256(struct str_view key, struct str_view data, unsigned char ret_digest[SHA256_BYTES])
{
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.ptr, key.len, data.ptr, data.len, ret_digest) < 0)
        abort();
}

void hex_encode(const unsigned char *bytes, size_t len, char *ret_hex)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret_hex[2 * i] = digits[bytes[i] >> 4];
        ret_hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_hex[2 * len] = '\0';
}

void sha256_hex(struct str_view data, char ret_hex[SHA256_HEX_SIZE])
{
    unsigned char digest[SHA256_BYTES];

    sha256(data, digest);
    hex_encode(digest, sizeof(digest), ret_hex);
}

void base64_encode(struct str_view bytes, struct str *out)
{
    gnutls_datum_t raw = {(unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len}, text = {0};

    if (gnutls_base64_encode2(&raw, &text) < 0)
        abort(); /* only when memory is out */
    str_add_bytes(out, (const char *)text.data, text.size);
    gnutls_free(text.data);
}

int base64_decode(struct str_view text, struct str *out, struct err *err)
{
    gnutls_datum_t raw = {(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len}, bytes = {0};
    bool blank = true;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '-') /* the library takes it for the end, as in PEM */
            return err_set(err, ERR_INVALID, "not base64");
        blank = blank && text.ptr[i] && strchr(" \t\r\n", text.ptr[i]);
    }
    if (blank)
        return 0;
    if (text.len > INT32_MAX || gnutls_base64_decode2(&raw, &bytes) < 0)
        return err_set(err, ERR_INVALID, "not base64");
    str_add_bytes(out, (const char *)bytes.data, bytes.size);
    gnutls_free(bytes.data);
    return 0;
}
