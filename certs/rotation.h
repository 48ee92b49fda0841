/* What becomes of authorities and of the leaf: decisions over PEM text, of one replica that sees the Secret
 * and both webhook configurations. Pure: time and what was seen are arguments. Any thread.
 *
 * The replicas share one current authority. A new one takes its place at once, the one before goes on being
 * trusted; but a replica keeps its leaf until both configurations have shown the new authority for a while.
 * So all that could be lost on the way (the Secret, a caBundle, a replica) is the same case: somebody makes a
 * new authority and puts it beside those that are still trusted. */
#pragma once

#include "certs/authority.h"

enum { ROTATION_LEAF_LIFETIME_S = 30 * 24 * 60 * 60, ROTATION_BUNDLES = 2 };

/* What the Secret holds. */
struct authorities {
    struct pem_pair current; /* the one that signs */
    char *previous;          /* certificates that are trusted besides, or NULL */
};
void authorities_done(struct authorities *authorities);

/* What to write into the caBundles: all that are trusted now. The caller frees. */
char *authorities_bundle(const struct authorities *authorities, int64_t wall_s);

/* Why the current authority must be replaced, "has expired"; NULL: it need not. */
const char *rotation_reason(const struct authorities *authorities, int64_t wall_s);

/* A new authority beside all valid ones of ours in `trusted` (texts, NULL passed over). */
int rotation_succeed(const char *const *trusted, size_t count, int64_t wall_s,
                     struct authorities *ret_authorities, struct err *err)
    __attribute__((warn_unused_result));

/* What one replica knows. */
struct rotation_view {
    int64_t wall_s, settle_s;
    const struct authorities *authorities;
    const char *leaf;                      /* that is served; NULL: none */
    int64_t leaf_renew_s;                  /* when it is to be renewed */
    const char *bundles[ROTATION_BUNDLES]; /* of the configurations; NULL: none there */
    int64_t shown_since_s;                 /* as rotation_shown_since said last */
};

/* Since when both configurations have shown the current authority; 0: they do not. */
int64_t rotation_shown_since(const struct rotation_view *view);

/* Why a new leaf must be signed by the current authority and served at once, "there is a new authority";
 * NULL: it need not. */
const char *rotation_sign(const struct rotation_view *view);

/* May requests be sent here: does every API server accept the leaf? NULL: yes; else what is missing. */
const char *rotation_missing(const struct rotation_view *view);

/* The beginning of the last third of its life. */
int64_t rotation_renew_s(const struct pem_pair *pair);
