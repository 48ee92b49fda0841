/* The threads of `kubelambda upload`: asks S3 what is there, sends the rest, again where that helps. */
#include "cli/progress.h"
#include "cli/repeat.h"
#include "cli/upload.h"
#include "common/aws/s3.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    THREADS = 4,
    HEAD_MS = 30 * 1000,
    PUT_MS = 60 * 1000,
    SLOWEST_BYTES_PER_MS = 64,
    IN_FLIGHT_MAX_BYTES = 128 << 20, /* of bodies, which libcurl gets as copies */
};

/* --- a few at a time ---------------------------------------------------------------------- */

struct queue {
    const struct uploads *uploads;
    atomic_size_t next;
    void (*step)(void *arg, struct upload *upload);
    void *arg;
};

static void *run(void *arg)
{
    struct queue *queue = arg;

    for (size_t i; (i = atomic_fetch_add(&queue->next, 1)) < queue->uploads->count;)
        queue->step(queue->arg, &queue->uploads->items[i]);
    return NULL;
}

void uploads_each(const struct uploads *uploads, void (*step)(void *arg, struct upload *upload), void *arg)
{
    struct queue queue = {.uploads = uploads, .step = step, .arg = arg};
    pthread_t threads[THREADS];
    size_t started = 0;

    while (started + 1 < THREADS && started + 1 < uploads->count &&
           pthread_create(&threads[started], NULL, run, &queue) == 0)
        started++;
    run(&queue);
    while (started > 0)
        pthread_join(threads[--started], NULL);
}

/* --- one file ----------------------------------------------------------------------------- */

struct sending {
    const struct uploads *uploads;
    struct progress *progress;
    atomic_bool ended;    /* by what would end every file */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t landed;
    size_t in_flight_bytes;
    struct err err; /* why it ended */
};

/* Is it there as we would send it? What cannot be known, because we may only write, is sent. */
static int ask(struct sending *sending, struct upload *upload, struct err *err)
{
    const struct uploads *uploads = sending->uploads;
    struct s3_object object;
    int r = s3_head_wait(uploads->aws, uploads->region, uploads->bucket, upload->key, NULL, HEAD_MS, &object,
                         err);

    if (r == 0)
        upload->existed = str_equal(object.sha256, str_text(&upload->sha256_base64)) && !object.archived;
    if (r == ERR_CONFLICT)
        return err_set(err, ERR_CONFLICT, "the bucket '%s' is in %s: give that with --region",
                       uploads->bucket, err->code[0] ? err->code : "another region");
    return r == ERR_NOT_FOUND || r == ERR_DENIED ? 0 : r;
}

static void reserve(struct sending *sending, size_t bytes)
{
    pthread_mutex_lock(&sending->lock);
    while (sending->in_flight_bytes > 0 && sending->in_flight_bytes + bytes > IN_FLIGHT_MAX_BYTES)
        pthread_cond_wait(&sending->landed, &sending->lock);
    sending->in_flight_bytes += bytes;
    pthread_mutex_unlock(&sending->lock);
}

static void release(struct sending *sending, size_t bytes)
{
    pthread_mutex_lock(&sending->lock);
    sending->in_flight_bytes -= bytes;
    pthread_cond_broadcast(&sending->landed);
    pthread_mutex_unlock(&sending->lock);
}

static int put(struct sending *sending, struct upload *upload, struct err *err)
{
    size_t len = upload->bytes.len;

    reserve(sending, len);
    int r = s3_put(sending->uploads->aws,
                   &(struct s3_put){.region = sending->uploads->region,
                                    .bucket = sending->uploads->bucket,
                                    .key = upload->key,
                                    .body = upload->bytes,
                                    .sha256_base64 = str_text(&upload->sha256_base64),
                                    .timeout_ms = PUT_MS + (int64_t)(len / SLOWEST_BYTES_PER_MS),
                                    .sent_bytes = &upload->sent_bytes},
                   err);

    release(sending, len);
    return r;
}

static int repeat(struct sending *sending, struct upload *upload,
                  int (*call)(struct sending *sending, struct upload *upload, struct err *err),
                  struct err *err)
{
    for (int attempt = 1;; attempt++) {
        int r = call(sending, upload, err);
        int64_t pause_ms = repeat_after_ms(attempt, r, err);

        if (pause_ms < 0 || atomic_load(&sending->ended))
            return r;
        _cleanup_(freep) char *line = xasprintf("%s: %s; trying again", upload->file, err->msg);

        progress_say(sending->progress, line);
        clock_sleep_ms(pause_ms);
    }
}

static int ask_and_put(struct sending *sending, struct upload *upload, struct err *err)
{
    int r = repeat(sending, upload, ask, err);

    if (r < 0 || upload->existed)
        return r;
    r = archive_verify(&upload->archive, err);
    if (r < 0)
        return r;
    if (!progress_is_drawn(sending->progress)) {
        _cleanup_(freep) char *line = xasprintf("%s: sending %zu bytes", upload->file, upload->bytes.len);

        progress_say(sending->progress, line);
    }
    return repeat(sending, upload, put, err);
}

/* No such bucket, another region, no S3 that answers, or not with these credentials. */
static bool is_for_all(const struct err *err)
{
    return err->class == ERR_NOT_FOUND || err->class == ERR_CONFLICT || repeat_is_unreachable(err) ||
           aws_refused_credentials(err);
}

static void send_one(void *arg, struct upload *upload)
{
    struct sending *sending = arg;
    struct err err;

    if (atomic_load(&sending->ended))
        return;
    int r = ask_and_put(sending, upload, &err);

    if (r == 0) {
        atomic_store(&upload->done, true);
    } else if (is_for_all(&err)) {
        pthread_mutex_lock(&sending->lock);
        if (!atomic_exchange(&sending->ended, true))
            sending->err = err;
        pthread_mutex_unlock(&sending->lock);
    } else {
        err_wrap(&err, "%s", upload->file);
        upload->err = err;
    }
}

/* --- all of them -------------------------------------------------------------------------- */

static void look(void *arg, struct progress_state *ret_state)
{
    const struct uploads *uploads = arg;
    struct progress_state state = {.files = uploads->count};

    for (size_t i = 0; i < uploads->count; i++) {
        struct upload *upload = &uploads->items[i];
        bool done = atomic_load(&upload->done);

        state.done_files += done;
        state.bytes += (int64_t)upload->bytes.len;
        state.done_bytes += done ? (int64_t)upload->bytes.len : atomic_load(&upload->sent_bytes);
    }
    *ret_state = state;
}

int uploads_send(const struct uploads *uploads, struct err *err)
{
    struct sending sending = {
        .uploads = uploads, .lock = PTHREAD_MUTEX_INITIALIZER, .landed = PTHREAD_COND_INITIALIZER};

    sending.progress = progress_start(look, (void *)(uintptr_t)uploads);
    uploads_each(uploads, send_one, &sending);
    progress_end(sending.progress);
    if (sending.err.class && err)
        *err = sending.err;
    return sending.err.class;
}
