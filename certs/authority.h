/* A certificate authority: makes itself, signs leaves, verifies. Pure over PEM text, so that it can
 * be kept in memory or in a Secret; time is an argument. Any thread. */
#pragma once

#include "common/base/err.h"
#include "common/base/str.h"

#define AUTHORITY_NAME "kubelambda-ca"

enum {
    AUTHORITY_LIFETIME_S = 365 * 24 * 60 * 60,
    AUTHORITY_EARLIER_S = 60 * 60, /* valid before it is made, for clocks that are behind ours */
};

/* A certificate and its key, PEM; filled by the functions below, freed by pem_pair_done. */
struct pem_pair {
    char *certificate;
    char *key; /* secret: never logged, wiped when freed */
    int64_t not_before_s, not_after_s;
};
void pem_pair_done(struct pem_pair *pair);

/* NULL-terminated lists; NULL is an empty one. */
struct authority_names {
    const char *const *dns; /* "kubelambda.kubelambda-system.svc" */
    const char *const *ips; /* "10.0.0.7", "::1" */
};

/* A new authority: ECDSA P-256, one year from an hour before `wall_s`, may sign certificates only. */
int authority_make(int64_t wall_s, struct pem_pair *ret_authority, struct err *err)
    __attribute__((warn_unused_result));

/* A server certificate for these names, valid from an hour before `wall_s` for `lifetime_s` from
 * `wall_s`, but never longer than the authority itself. ERR_INVALID for an address that is none, for
 * no name at all, and for an authority that is no longer valid. */
int authority_sign(const struct pem_pair *authority, const struct authority_names *names, int64_t wall_s,
                   int64_t lifetime_s, struct pem_pair *ret_leaf, struct err *err)
    __attribute__((warn_unused_result));

/* Reads back what authority_make made, and whoever kept it may have damaged. ERR_INVALID says what is wrong:
 * not one certificate, none of an authority, a key that is another's. Its times are not looked at. */
int authority_read(const char *certificate_pem, const char *key_pem, struct pem_pair *ret_authority,
                   struct err *err) __attribute__((warn_unused_result));

/* Is that certificate among those of the text? */
bool authority_among(const char *certificate_pem, const char *pem);

/* The certificates of those texts (NULL and what cannot be read are passed over) that are valid authorities
 * of ours, each once, without `except`. At most AUTHORITY_MAX_KEPT, the first ones. NULL: there are none.
 * The caller frees. */
enum { AUTHORITY_MAX_KEPT = 8 };
char *authority_valid_of(const char *const *pems, size_t count, const char *except, int64_t wall_s);

/* Would a client that trusts `ca_pem` (one or several authorities) accept this server certificate
 * (followed by intermediate ones or not) at that time? Names are not looked at. */
bool authority_verifies(const char *ca_pem, const char *leaf_pem, int64_t wall_s);
