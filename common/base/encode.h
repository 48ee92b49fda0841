/* Hex, base64 and SHA-256, thin over GnuTLS. Any thread. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

enum { SHA256_BYTES = 32, SHA256_HEX_SIZE = 65, SHA256_BASE64_SIZE = 45 };

void sha256(struct str_view data, unsigned char ret_digest[SHA256_BYTES]);
void sha256_hex(struct str_view data, char ret_hex[SHA256_HEX_SIZE]);
void hmac_sha256(struct str_view key, struct str_view data, unsigned char ret_digest[SHA256_BYTES]);

void hex_encode(const unsigned char *bytes, size_t len, char *ret_hex /* 2 * len + 1 */);

/* Appends the text form, with padding. */
void base64_encode(struct str_view bytes, struct str *out);

/* Appends the bytes. ERR_INVALID when the text is not base64. Blanks and line ends are ignored. */
int base64_decode(struct str_view text, struct str *out, struct err *err) __attribute__((warn_unused_result));
