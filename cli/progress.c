/* Draws a bar on a terminal, ten times a second, on a thread of its own. `lock` is of the terminal's last
 * line. */
#include "cli/progress.h"

#include "cli/session.h"
#include "common/base/clock.h"
#include "common/base/mem.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { DRAW_MS = 100, BAR_CELLS = 24, LINE_SIZE = 160, USUAL_COLUMNS = 80 };

struct progress {
    progress_look_fn *look;
    void *arg;
    bool drawn;
    int64_t began_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ending;
};

static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : USUAL_COLUMNS;
}

/* Under the lock. Nothing is drawn in the last column, where some terminals begin a new line. */
static void draw(struct progress *progress)
{
    struct progress_state state;
    char line[LINE_SIZE], bar[BAR_CELLS + 1];

    progress->look(progress->arg, &state);
    double part = state.bytes > 0 ? (double)state.done_bytes / (double)state.bytes : 1;
    double seconds = (double)(clock_mono_ms() - progress->began_ms) / 1000;

    if (part > 1)
        part = 1;
    for (int i = 0; i < BAR_CELLS; i++)
        bar[i] = i < (int)(part * BAR_CELLS) ? '#' : '-';
    bar[BAR_CELLS] = '\0';
    snprintf(line, sizeof(line), "[%s] %3.0f %%  %.1f of %.1f MB  %zu of %zu file%s  %.1f MB/s", bar,
             part * 100, (double)state.done_bytes / 1e6, (double)state.bytes / 1e6, state.done_files,
             state.files, state.files == 1 ? "" : "s",
             seconds > 0 ? (double)state.done_bytes / 1e6 / seconds : 0);
    fprintf(stderr, "\r%.*s\033[K", columns() - 1, line);
    fflush(stderr);
}

static void *run(void *arg)
{
    struct progress *progress = arg;

    pthread_mutex_lock(&progress->lock);
    while (!progress->ending) {
        struct timespec until;

        draw(progress);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += DRAW_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&progress->changed, &progress->lock, &until);
    }
    draw(progress);
    fputc('\n', stderr);
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

struct progress *progress_start(progress_look_fn *look, void *arg)
{
    struct progress *progress = xcalloc(1, sizeof(*progress));

    *progress = (struct progress){.look = look,
                                  .arg = arg,
                                  .began_ms = clock_mono_ms(),
                                  .lock = PTHREAD_MUTEX_INITIALIZER,
                                  .changed = PTHREAD_COND_INITIALIZER};
    progress->drawn = isatty(STDERR_FILENO) && pthread_create(&progress->thread, NULL, run, progress) == 0;
    return progress;
}

void progress_end(struct progress *progress)
{
    pthread_mutex_lock(&progress->lock);
    progress->ending = true;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->lock);
    if (progress->drawn)
        pthread_join(progress->thread, NULL);
    free(progress);
}

bool progress_is_drawn(const struct progress *progress)
{
    return progress->drawn;
}

void progress_say(struct progress *progress, const char *line)
{
    pthread_mutex_lock(&progress->lock);
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    session_print(stderr, line);
    if (progress->drawn)
        draw(progress);
    pthread_mutex_unlock(&progress->lock);
}
