/* What a Lease says, and what follows. Pure; one thread at a time. */
#include "common/kube/lease.h"

#include "common/base/mem.h"

enum { MAX_DURATION_S = 3600 };

void lease_init(struct lease *lease, const char *identity)
{
    *lease = (struct lease){.identity = identity};
}

static void forget_record(struct lease *lease)
{
    free(take(lease->version));
    free(take(lease->record));
    free(take(lease->holder));
}

void lease_done(struct lease *lease)
{
    forget_record(lease);
}

int64_t lease_deadline_ms(const struct lease *lease)
{
    return lease->leads ? lease->renewed_ms + LEASE_DEADLINE_MS : 0;
}

/* May we write our name into it, as far as we know? */
static bool may_take(const struct lease *lease, int64_t now_ms)
{
    return !lease->holder || str_equal(lease->holder, lease->identity) ||
           now_ms - lease->seen_ms >= lease->duration_ms;
}

enum lease_action lease_next(struct lease *lease, int64_t now_ms)
{
    if (lease->leads && (lease->stolen || now_ms >= lease_deadline_ms(lease))) {
        lease->leads = lease->stolen = lease->known = false;
        lease->next_ms = now_ms + LEASE_RETRY_MS; /* whatever kept us from it, another one first */
        return LEASE_STEP_DOWN;
    }
    if (now_ms < lease->next_ms)
        return LEASE_WAIT;
    if (!lease->known)
        return LEASE_READ;
    if (lease->absent)
        return LEASE_CREATE;
    if (may_take(lease, now_ms))
        return LEASE_UPDATE;
    lease->known = false; /* look again later, and at the very moment when it may be over */
    lease->next_ms = now_ms + LEASE_RETRY_MS;
    if (lease->seen_ms + lease->duration_ms < lease->next_ms)
        lease->next_ms = lease->seen_ms + lease->duration_ms;
    return LEASE_WAIT;
}

int64_t lease_wake_ms(const struct lease *lease)
{
    int64_t deadline_ms = lease_deadline_ms(lease);

    return lease->leads && deadline_ms < lease->next_ms ? deadline_ms : lease->next_ms;
}

/* A holder that says nothing that can be used has the usual time. */
static int64_t duration_of(const struct json *object)
{
    int64_t seconds = json_int_at(object, "spec.leaseDurationSeconds", 0);

    return seconds > 0 && seconds <= MAX_DURATION_S ? seconds * 1000 : LEASE_DURATION_MS;
}

/* The record counts, not the version: a label that somebody changes is no sign of life. */
static void note_record(struct lease *lease, const struct json *object, int64_t now_ms)
{
    const char *holder = json_str_at(object, "spec.holderIdentity");
    char *record = json_text(json_get(object, "spec"));

    if (!str_equal(record, lease->record))
        lease->seen_ms = now_ms;
    forget_record(lease);
    lease->record = record;
    lease->version = xstrdup(json_str_at(object, "metadata.resourceVersion"));
    lease->holder = holder && *holder ? xstrdup(holder) : NULL;
    lease->duration_ms = duration_of(object);
    lease->transitions = json_int_at(object, "spec.leaseTransitions", 0);
    lease->absent = false;
    lease->known = true;
}

void lease_follow(struct lease *lease, const struct json *object, int64_t now_ms)
{
    if (object) {
        note_record(lease, object, now_ms);
        lease->stolen = lease->leads && !str_equal(lease->holder, lease->identity);
    } else {
        forget_record(lease);
        lease->absent = lease->known = true;
    }
}

void lease_wrote(struct lease *lease, const struct json *object, int64_t sent_ms, int64_t now_ms)
{
    lease_follow(lease, object, now_ms);
    lease->failures = 0;
    lease->next_ms = sent_ms + LEASE_RETRY_MS;
    if (lease->stolen || !str_equal(lease->holder, lease->identity))
        return; /* something on the way does not let our name through */
    if (now_ms - sent_ms >= LEASE_DEADLINE_MS) {
        lease->known = false; /* an answer from before a long sleep */
        return;
    }
    lease->leads = true;
    lease->renewed_ms = sent_ms;
}

void lease_failed(struct lease *lease, int class, int64_t sent_ms, int64_t now_ms)
{
    bool changed = class == ERR_CONFLICT || class == ERR_NOT_FOUND;
    int64_t next_ms = sent_ms + LEASE_RETRY_MS;

    lease->known = false;
    /* The holder looks at once at what came in between; the others were too late. */
    lease->next_ms = changed && lease->leads && lease->failures == 0 ? now_ms : next_ms;
    lease->failures++;
}

static struct json *spec_of(const struct lease *lease, const char *now)
{
    struct json *spec = json_new_object();
    bool ours = !lease->absent && str_equal(lease->holder, lease->identity);
    int64_t before = lease->absent || lease->transitions < 0 || lease->transitions >= INT32_MAX
                         ? 0
                         : lease->transitions + !ours;

    json_set_str(spec, "holderIdentity", lease->identity);
    json_set(spec, "leaseDurationSeconds", json_new_int(LEASE_DURATION_MS / 1000));
    json_set(spec, "leaseTransitions", json_new_int(before));
    if (!ours)
        json_set_str(spec, "acquireTime", now);
    json_set_str(spec, "renewTime", now);
    return spec;
}

struct json *lease_body(const struct lease *lease, enum lease_action action, const char *name,
                        const char *now)
{
    struct json *body = json_new_object(), *metadata = json_make_object(body, "metadata");

    if (action == LEASE_CREATE) {
        json_set_str(body, "apiVersion", "coordination.k8s.io/v1");
        json_set_str(body, "kind", "Lease");
        json_set_str(metadata, "name", name);
    } else {
        json_set_str(metadata, "resourceVersion", lease->version);
    }
    json_set(body, "spec", spec_of(lease, now));
    return body;
}

struct json *lease_release(const struct lease *lease, const char *now)
{
    struct json *body = json_new_object(), *spec = json_make_object(body, "spec");

    json_set_str(json_make_object(body, "metadata"), "resourceVersion", lease->version);
    json_set_str(spec, "holderIdentity", "");
    json_set_str(spec, "renewTime", now);
    return body;
}
