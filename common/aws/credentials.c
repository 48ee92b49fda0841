/* The credentials in force, and the thread that fetches them ahead of time. One lock guards a store and
 * those of its roles; snapshots are counted atomically. Files are small and local, so reading them under
 * the lock is fine; nothing is sent under it. */
#include "common/aws/credentials.h"

#include "common/aws/metadata.h"
#include "common/aws/providers.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/mem.h"
#include "common/base/thread.h"

#include <assert.h>
#include <sys/random.h>
#include <sys/stat.h>

enum {
    AHEAD_S = 15 * 60,    /* of the expiry, when a fetch is tried first */
    PRESSING_S = 10 * 60, /* of it, when it must not wait long any more */
    RETRY_MAX_MS = 60 * 1000,
    RETRY_PRESSING_MAX_MS = 10 * 1000,
    SHORTEST_MS = 1000,
    RENEW_PAUSE_MS = 5 * 1000, /* a refusal so soon after a try does not cause another */
    SLOW_RETRIES = 6,          /* a wait of a minute to begin with, for what can be done without */
    SLOW_RETRY_MAX_MS = 10 * 60 * 1000,
};

#define NEVER_MS INT64_MAX

/* Tells one state of a file from the next, also when a link to it is swapped; zero when it is absent. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* What a store and those of its roles share. */
struct refresher {
    struct credentials_settings settings;
    pthread_mutex_t lock; /* of everything below, and of the stores */
    pthread_cond_t changed;
    pthread_t thread;
    bool started, stopping;
    struct credentials_store *stores; /* the one that was made first at the front: roles need it */
    char *region;                     /* of the machine; set once */
    bool region_wanted;
    int64_t region_due_ms;
    unsigned region_failures;
};

struct credentials_store {
    struct refresher *refresher;
    struct credentials_store *next;
    char *role_arn; /* NULL: the providers are asked */
    struct credentials *current;
    struct stamp
        stamps[PROFILE_FILES]; /* of the files when the providers were last asked for what is at hand */
    bool looked;               /* they were */
    bool fetched;              /* `current` has to be fetched, or will have been */
    bool account_wanted;
    int64_t due_ms;                      /* of clock_mono_ms: when the thread works on it */
    unsigned failures, account_failures; /* in a row */
    unsigned looks;                      /* at what is at hand */
    unsigned rounds;                     /* that the thread has done */
    int64_t round_ms;                    /* when the last one ended */
    struct err problem;                  /* of the last try; class 0: none */
};

static struct credentials *credentials_ref(struct credentials *credentials)
{
    __atomic_add_fetch(&credentials->references, 1, __ATOMIC_RELAXED);
    return credentials;
}

void credentials_unref(struct credentials *credentials)
{
    if (!credentials || __atomic_sub_fetch(&credentials->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    explicit_bzero(credentials->secret_access_key, strlen(credentials->secret_access_key));
    if (credentials->session_token)
        explicit_bzero(credentials->session_token, strlen(credentials->session_token));
    free(credentials->access_key_id);
    free(credentials->secret_access_key);
    free(credentials->session_token);
    free(credentials->account);
    free(credentials);
}

static bool same(const struct credentials *a, const struct credentials *b)
{
    return str_equal(a->access_key_id, b->access_key_id) &&
           str_equal(a->secret_access_key, b->secret_access_key) &&
           str_equal(a->session_token, b->session_token);
}

/* --- when --------------------------------------------------------------------------------- */

/* 1 s, 2 s, 4 s, … up to `most`. */
static int64_t backoff_ms(unsigned failures, int64_t most)
{
    int64_t wait_ms = 1000LL << (failures > 16 ? 16 : failures > 0 ? failures - 1 : 0);

    return wait_ms < most ? wait_ms : most;
}

int64_t credentials_schedule_ms(int64_t left_s, unsigned failures)
{
    if (failures > 0)
        return backoff_ms(failures,
                          left_s > PRESSING_S || left_s <= 0 ? RETRY_MAX_MS : RETRY_PRESSING_MAX_MS);
    if (left_s == INT64_MAX)
        return NEVER_MS;
    if (left_s <= 0) /* brand new, and expired: our clock is wrong by more than we know */
        return RETRY_MAX_MS;
    int64_t wait_s = left_s > 2 * AHEAD_S ? left_s - AHEAD_S : left_s / 2;

    return wait_s > 0 ? wait_s * 1000 : SHORTEST_MS;
}

/* Up to a tenth less, so that many pods do not ask at the same moment. */
static int64_t due_after(int64_t wait_ms)
{
    uint32_t random = 0;

    if (wait_ms == NEVER_MS)
        return NEVER_MS;
    if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
        random = 0;
    int64_t spread = wait_ms / 10 < 60 * 1000 ? wait_ms / 10 : 60 * 1000;

    return clock_mono_ms() + wait_ms - random % (spread + 1);
}

/* --- the thread --------------------------------------------------------------------------- */

static const char *region_of(const struct refresher *refresher)
{
    return refresher->settings.region ? refresher->settings.region
                                      : __atomic_load_n(&refresher->region, __ATOMIC_ACQUIRE);
}

static struct sts sts_of(const struct refresher *refresher)
{
    const struct credentials_settings *settings = &refresher->settings;

    return (struct sts){.http = settings->http,
                        .endpoints = settings->endpoints,
                        .ca_file = settings->ca_file,
                        .region = region_of(refresher),
                        .clock_offset_s = settings->clock_offset_s};
}

static int assume_role(struct credentials_store *store, const struct sts *sts,
                       struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(credentials_unrefp) struct credentials *signer = NULL;
    int result = credentials_get(store->refresher->stores, 0, &signer, err);

    if (result == 0)
        result =
            sts_assume_role(sts, signer, &(struct sts_role){.arn = store->role_arn}, ret_credentials, err);
    return result < 0 ? err_wrap(err, "%s", store->role_arn) : 0;
}

static int ask_providers(const struct sts *sts, struct credentials **ret_credentials, struct err *err)
{
    _cleanup_(profile_done) struct profile profile = {0};
    int result = profile_load(&profile, err);

    return result < 0 ? result : providers_ask(&(struct provider_input){&profile, sts}, ret_credentials, err);
}

/* Without the lock. The account may stay unknown: then `ret_account_problem` says why. */
static int fetch(struct credentials_store *store, bool account_wanted, struct credentials **ret_credentials,
                 struct err *ret_account_problem, struct err *err)
{
    struct sts sts = sts_of(store->refresher);
    struct credentials *found = NULL;

    if (!sts.region)
        (void)credentials_region(store); /* it may be needed at the next try */
    int result = store->role_arn ? assume_role(store, &sts, &found, err) : ask_providers(&sts, &found, err);

    if (result < 0)
        return result;
    assert(found); /* with `sts` no provider leaves it at that */
    if (account_wanted && !found->account)
        (void)!sts_account(&sts, found, &found->account, ret_account_problem);
    *ret_credentials = found;
    return 0;
}

/* Says once that something is wrong, and once that it is right again. */
static void take_result(struct credentials_store *store, int result, struct credentials *found,
                        const struct err *err)
{
    if (result == 0) {
        if (store->failures > 0)
            log_info("there are AWS credentials again", "role", store->role_arn);
        credentials_unref(store->current);
        store->current = found;
        store->failures = 0;
        store->problem = (struct err){0};
        return;
    }
    if (store->failures++ == 0)
        log_warn("no new AWS credentials; trying again", "error", err->msg);
    store->problem = *err;
}

static void take_account_result(struct credentials_store *store, const struct err *problem)
{
    if (!problem->class)
        store->account_failures = 0;
    else if (store->account_failures++ == 0)
        log_warn("the account of the AWS credentials is not known; trying again", "error", problem->msg);
}

/* Of the life of `current`, by the clock of AWS that its end is told in; INT64_MAX: it has none. */
static int64_t life_left_s(const struct credentials_store *store)
{
    const struct credentials *current = store->current;

    if (!current->expires_s)
        return INT64_MAX;
    return current->expires_s - (clock_wall_s() + atomic_load(store->refresher->settings.clock_offset_s));
}

static int64_t next_due_ms(const struct credentials_store *store)
{
    int64_t wait_ms = credentials_schedule_ms(store->current ? life_left_s(store) : 0, store->failures);
    int64_t slow_ms = backoff_ms(store->account_failures + SLOW_RETRIES, SLOW_RETRY_MAX_MS);

    return due_after(store->account_failures > 0 && slow_ms < wait_ms ? slow_ms : wait_ms);
}

/* Under the lock, which it leaves for the fetch. */
static void work(struct credentials_store *store)
{
    struct refresher *refresher = store->refresher;
    struct credentials *found = NULL;
    bool account_wanted = store->account_wanted;
    unsigned looks = store->looks;
    struct err err = {0}, account_problem = {0};

    store->due_ms = NEVER_MS;
    pthread_mutex_unlock(&refresher->lock);
    int result = fetch(store, account_wanted, &found, &account_problem, &err);

    pthread_mutex_lock(&refresher->lock);
    if (looks != store->looks) { /* let go, or the files changed meanwhile: these may be the old ones */
        credentials_unref(found);
        store->due_ms = store->looked ? 0 : NEVER_MS;
        return;
    }
    take_result(store, result, found, &err);
    take_account_result(store, &account_problem);
    int64_t due_ms = next_due_ms(store);

    if (due_ms < store->due_ms) /* somebody may have asked for more meanwhile */
        store->due_ms = due_ms;
    store->rounds++;
    store->round_ms = clock_mono_ms();
    pthread_cond_broadcast(&refresher->changed);
}

/* Under the lock, which it leaves for the question. */
static void find_region(struct refresher *refresher)
{
    _cleanup_(profile_done) struct profile profile = {0};
    struct sts sts = sts_of(refresher);
    char *region = NULL;
    struct err err;

    pthread_mutex_unlock(&refresher->lock);
    int result = profile_load(&profile, &err);

    if (result == 0)
        result = instance_region(&(struct provider_input){&profile, &sts}, &region, &err);
    if (result < 0)
        log_debug("the region of this machine is not known", "error", err.msg);
    pthread_mutex_lock(&refresher->lock);
    refresher->region_due_ms =
        result == 0 ? NEVER_MS : due_after(backoff_ms(++refresher->region_failures, SLOW_RETRY_MAX_MS));
    if (region)
        __atomic_store_n(&refresher->region, region, __ATOMIC_RELEASE);
}

/* One thing that is due, or the wait for the next. */
static void step(struct refresher *refresher)
{
    int64_t now_ms = clock_mono_ms(), first_ms = NEVER_MS;

    if (refresher->region_wanted && refresher->region_due_ms <= now_ms) {
        find_region(refresher);
        return;
    }
    if (refresher->region_wanted)
        first_ms = refresher->region_due_ms;
    for (struct credentials_store *store = refresher->stores; store; store = store->next) {
        if (store->due_ms <= now_ms) {
            work(store);
            return;
        }
        if (store->due_ms < first_ms)
            first_ms = store->due_ms;
    }
    thread_wait_until(&refresher->changed, &refresher->lock, first_ms);
}

static void *run(void *arg)
{
    struct refresher *refresher = arg;

    pthread_mutex_lock(&refresher->lock);
    while (!refresher->stopping)
        step(refresher);
    pthread_mutex_unlock(&refresher->lock);
    return NULL;
}

/* Under the lock: tells the thread that there is something to do, starting it if need be. */
static void wake(struct refresher *refresher)
{
    pthread_cond_broadcast(&refresher->changed);
    if (refresher->started)
        return;
    thread_must_start(&refresher->thread, "credentials", run, refresher);
    refresher->started = true;
}

/* --- what is at hand ---------------------------------------------------------------------- */

static void take_stamps(struct stamp stamps[PROFILE_FILES])
{
    memset(stamps, 0, PROFILE_FILES * sizeof(*stamps));
    for (int file = 0; file < PROFILE_FILES; file++) {
        _cleanup_(freep) char *path = profile_file_path(file);
        struct stat found;

        if (!path || stat(path, &found) < 0)
            continue;
        stamps[file].device = found.st_dev;
        stamps[file].inode = found.st_ino;
        stamps[file].size = found.st_size;
        stamps[file].modified = found.st_mtim;
    }
}

static void due_now(struct credentials_store *store)
{
    store->due_ms = 0;
    wake(store->refresher);
}

/* Under the lock: asks the providers for what is at hand. A file that is just being rewritten and cannot
 * be parsed leaves the old credentials in force, and is read again at the next call. */
static void look(struct credentials_store *store, const struct stamp stamps[PROFILE_FILES])
{
    struct credentials *found = NULL;
    struct err err = {0};
    int result = store->role_arn ? 0 : ask_providers(NULL, &found, &err);

    if (result < 0 && result != ERR_NOT_FOUND && store->current)
        return;
    bool keep = result == 0 && !found && store->fetched; /* until there are fetched ones that are newer */

    if (found && store->current && same(found, store->current))
        found->account = xstrdup(store->current->account);
    if (!keep) {
        credentials_unref(store->current);
        store->current = found;
        store->problem = err;
        store->failures = 0;
    }
    store->fetched = result == 0 && !found;
    store->due_ms = NEVER_MS;
    store->looked = true;
    store->looks++;
    memcpy(store->stamps, stamps, sizeof(store->stamps));
    if (store->fetched || (found && store->account_wanted && !found->account))
        due_now(store);
}

static void look_when_changed(struct credentials_store *store, const struct stamp stamps[PROFILE_FILES])
{
    if (!store->looked || (!store->role_arn && memcmp(stamps, store->stamps, sizeof(store->stamps)) != 0) ||
        (!store->current && !store->fetched))
        look(store, stamps);
}

/* Under the lock: until the thread has been through with it once more, at most `wait_ms`. */
static void await_round(struct credentials_store *store, int64_t wait_ms)
{
    int64_t deadline_ms = clock_mono_ms() + wait_ms;
    unsigned rounds = store->rounds;

    while (store->rounds == rounds && !store->refresher->stopping && clock_mono_ms() < deadline_ms)
        thread_wait_until(&store->refresher->changed, &store->refresher->lock, deadline_ms);
}

/* --- for everybody ------------------------------------------------------------------------ */

static struct credentials_store *add_store(struct refresher *refresher, const char *role_arn)
{
    struct credentials_store *store = xcalloc(1, sizeof(*store)), **at = &refresher->stores;

    *store =
        (struct credentials_store){.refresher = refresher, .role_arn = xstrdup(role_arn), .due_ms = NEVER_MS};
    while (*at)
        at = &(*at)->next;
    *at = store;
    return store;
}

struct credentials_store *credentials_store_new(const struct credentials_settings *settings)
{
    struct refresher *refresher = xcalloc(1, sizeof(*refresher));

    refresher->settings = *settings;
    thread_cond_init(&refresher->changed);
    pthread_mutex_init(&refresher->lock, NULL);
    return add_store(refresher, NULL);
}

struct credentials_store *credentials_store_for_role(struct credentials_store *base, const char *role_arn)
{
    pthread_mutex_lock(&base->refresher->lock);
    struct credentials_store *store = add_store(base->refresher, role_arn);

    pthread_mutex_unlock(&base->refresher->lock);
    return store;
}

void credentials_store_free(struct credentials_store *store)
{
    if (!store)
        return;
    struct refresher *refresher = store->refresher;

    pthread_mutex_lock(&refresher->lock);
    refresher->stopping = true;
    pthread_cond_broadcast(&refresher->changed);
    pthread_mutex_unlock(&refresher->lock);
    if (refresher->started)
        pthread_join(refresher->thread, NULL);
    while ((store = refresher->stores)) {
        refresher->stores = store->next;
        credentials_unref(store->current);
        free(store->role_arn);
        free(store);
    }
    free(refresher->region);
    pthread_cond_destroy(&refresher->changed);
    pthread_mutex_destroy(&refresher->lock);
    free(refresher);
}

/* Under the lock. Expired ones are still tried while nothing is known to be wrong: our clock may be. */
static int in_force(struct credentials_store *store, struct credentials **ret_credentials, struct err *err)
{
    const struct credentials *current = store->current;
    const char *why = store->problem.class ? store->problem.msg : "they are just being fetched";
    char expired[CLOCK_TEXT_SIZE];

    if (!current)
        return err_set(err, ERR_DENIED, "no AWS credentials: %s", why);
    if (life_left_s(store) <= 0 && store->problem.class) {
        clock_rfc3339(current->expires_s, expired);
        return err_set(err, ERR_DENIED, "the AWS credentials expired at %s and there are no new ones: %s",
                       expired, why);
    }
    *ret_credentials = credentials_ref(store->current);
    return 0;
}

int credentials_get(struct credentials_store *store, int64_t wait_ms, struct credentials **ret_credentials,
                    struct err *err)
{
    struct stamp stamps[PROFILE_FILES];

    take_stamps(stamps); /* before the files are read: a change meanwhile shows at the next call */
    pthread_mutex_lock(&store->refresher->lock);
    look_when_changed(store, stamps);
    if (!store->current && store->fetched && !store->problem.class && wait_ms > 0)
        await_round(store, wait_ms);
    int result = in_force(store, ret_credentials, err);

    pthread_mutex_unlock(&store->refresher->lock);
    return result;
}

void credentials_rest(struct credentials_store *store)
{
    pthread_mutex_lock(&store->refresher->lock);
    credentials_unref(take(store->current));
    store->looked = store->fetched = false;
    store->looks++; /* what is being fetched is not taken */
    store->due_ms = NEVER_MS;
    pthread_mutex_unlock(&store->refresher->lock);
}

bool credentials_renew(struct credentials_store *store, const struct credentials *refused, int64_t wait_ms)
{
    struct stamp stamps[PROFILE_FILES];

    take_stamps(stamps);
    pthread_mutex_lock(&store->refresher->lock);
    if (!store->fetched) {
        look(store, stamps);
    } else if (store->current && same(store->current, refused)) {
        bool tried = store->rounds > 0 && clock_mono_ms() - store->round_ms < RENEW_PAUSE_MS;

        if (!tried)
            due_now(store);
        if (!tried && wait_ms > 0)
            await_round(store, wait_ms);
    }
    bool renewed = store->current && !same(store->current, refused);

    pthread_mutex_unlock(&store->refresher->lock);
    return renewed;
}

/* Under the lock. */
static char *known_account(const struct credentials_store *store)
{
    return store->current ? xstrdup(store->current->account) : NULL;
}

char *credentials_known_account(struct credentials_store *store)
{
    pthread_mutex_lock(&store->refresher->lock);
    char *account = known_account(store);

    pthread_mutex_unlock(&store->refresher->lock);
    return account;
}

char *credentials_account(struct credentials_store *store)
{
    struct stamp stamps[PROFILE_FILES];

    take_stamps(stamps);
    pthread_mutex_lock(&store->refresher->lock);
    look_when_changed(store, stamps);
    if (!store->account_wanted) {
        store->account_wanted = true;
        due_now(store);
    }
    char *account = known_account(store);

    pthread_mutex_unlock(&store->refresher->lock);
    return account;
}

const char *credentials_region(struct credentials_store *store)
{
    struct refresher *refresher = store->refresher;
    const char *region = region_of(refresher);

    if (region)
        return region;
    pthread_mutex_lock(&refresher->lock);
    if (!refresher->region_wanted) {
        refresher->region_wanted = true;
        wake(refresher);
    }
    pthread_mutex_unlock(&refresher->lock);
    return NULL;
}
