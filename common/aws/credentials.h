/* Who we are to AWS: credentials in force as immutable, reference-counted snapshots. Any thread.
 *
 * Keys in the environment and in files are read by whoever asks for them. What comes over the network or
 * from a program is fetched by one thread of its own, ahead of its expiry, so that nobody else waits. */
#pragma once

#include "common/aws/endpoints.h"
#include "common/http/client.h"

#include <stdatomic.h>

struct credentials {
    char *access_key_id, *secret_access_key;
    char *session_token; /* or NULL */
    char *account;       /* twelve digits, or NULL: not known */
    int64_t expires_s;   /* 0: never */
    int references;
};
void credentials_unref(struct credentials *credentials); /* accepts NULL */
static inline void credentials_unrefp(struct credentials **credentials)
{
    credentials_unref(*credentials);
}

struct credentials_settings { /* everything must outlive the store */
    struct http *http;
    const struct endpoints *endpoints;
    const char *ca_file;          /* or NULL */
    const char *region;           /* or NULL: to be found out */
    atomic_llong *clock_offset_s; /* AWS's clock less ours; learned here, too */
};

struct credentials_store;

struct credentials_store *credentials_store_new(const struct credentials_settings *settings);

/* Those of a role, assumed with what is in force in `base` (made by credentials_store_new). */
struct credentials_store *credentials_store_for_role(struct credentials_store *base, const char *role_arn);

/* Frees one made by credentials_store_new and all of its roles; a fetch under way is waited for. */
void credentials_store_free(struct credentials_store *store);

/* Those in force, with a reference for the caller. Files are read again once they changed, so that
 * rotated keys are taken without a restart. `wait_ms`: how long a first fetch may be waited for; 0 on the
 * http thread. ERR_DENIED when there are none (yet): which providers were asked, and why each has nothing. */
int credentials_get(struct credentials_store *store, int64_t wait_ms, struct credentials **ret_credentials,
                    struct err *err) __attribute__((warn_unused_result));

/* Of a role: they are let go, and nothing is renewed before somebody asks for them again. */
void credentials_rest(struct credentials_store *store);

/* AWS said that `refused` expired: asks the providers again, waiting up to `wait_ms` for what has to be
 * fetched. True when there are others now. */
bool credentials_renew(struct credentials_store *store, const struct credentials *refused, int64_t wait_ms);

/* The account that they belong to, which the caller frees; NULL when it is not known (yet). Asking once
 * makes it be found out, for those in force and all that follow. */
char *credentials_account(struct credentials_store *store);
/* The same, but nothing is found out. */
char *credentials_known_account(struct credentials_store *store);

/* The region by the settings, else of the machine that we run on; NULL when it is not known (yet). Asking
 * makes it be found out. */
const char *credentials_region(struct credentials_store *store);

/* Pure: when to fetch again, in ms. `left_s` of their life are left (0: there are none, INT64_MAX: they do
 * not expire), after `failures` in a row. Fifteen minutes ahead, or after half of a shorter life; a minute
 * after ones that had expired when they came. */
int64_t credentials_schedule_ms(int64_t left_s, unsigned failures);
