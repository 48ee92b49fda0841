/* The XML that AWS answers with, read strictly: elements, attributes, text. Pure. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

enum { XML_MAX_DEPTH = 16 };

/* Appends the text of the first element without children whose names, from an ancestor down to itself, are
 * `path`: "AssumeRoleResult/Credentials/AccessKeyId". The whole document must be well-formed, with at most
 * 16 levels; document types, CDATA and comments, which AWS never sends, are refused.
 * ERR_NOT_FOUND when it has no such element; ERR_INVALID with the offset where it went wrong, or when the
 * text does not fit. On failure `out` stays as it was. */
int xml_text(struct str_view document, const char *path, struct str *out, struct err *err)
    __attribute__((warn_unused_result));
