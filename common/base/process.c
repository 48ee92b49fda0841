/* Runs a program for its output, by posix_spawn: a process with threads must not fork. Any thread that may
 * block; no state. */
#include "common/base/process.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMPLAINT_BYTES = 200, READ_BYTES = 4096 };

struct child {
    pid_t pid;
    int ended; /* pidfd: readable once it has ended */
    int out, complaints;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static size_t name_len(const char *setting)
{
    return strcspn(setting, "=");
}

static bool is_overridden(const char *setting, const char *const *env)
{
    size_t len = name_len(setting);

    for (; env && *env; env++)
        if (name_len(*env) == len && memcmp(*env, setting, len) == 0)
            return true;
    return false;
}

/* Ours with `env` over it: an array of borrowed strings. */
static const char **merge_environment(const char *const *env)
{
    size_t count = 0, n = 0;

    while (environ && environ[count])
        count++;
    for (const char *const *one = env; one && *one; one++)
        count++;
    const char **merged = xcalloc(count + 1, sizeof(*merged));

    for (char **one = environ; one && *one; one++)
        if (!is_overridden(*one, env))
            merged[n++] = *one;
    for (; env && *env; env++)
        merged[n++] = *env;
    return merged;
}

/* Its own group, no blocked or ignored signals, and only the three standard descriptors. */
static int spawn(const struct process *process, int out, int complaints, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    _cleanup_(freep) const char **env = merge_environment(process->env);

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, complaints, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    int failed = posix_spawnp(ret_pid, process->argv[0], &files, &attributes,
                              (char *const *)(uintptr_t)process->argv, (char *const *)(uintptr_t)env);

    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return failed;
}

static int start(const struct process *process, struct child *ret_child, struct err *err)
{
    int out[2] = {-1, -1}, complaints[2] = {-1, -1};
    int failed = pipe2(out, O_CLOEXEC) < 0 || pipe2(complaints, O_CLOEXEC) < 0 ? errno : 0;
    struct child child = {.ended = -1};

    if (!failed)
        failed = spawn(process, out[1], complaints[1], &child.pid);
    close_fd(&out[1]);
    close_fd(&complaints[1]);
    if (!failed) {
        child.ended = pidfd_open(child.pid, 0);
        child.out = out[0];
        child.complaints = complaints[0];
        fcntl(child.out, F_SETFL, O_NONBLOCK);
        fcntl(child.complaints, F_SETFL, O_NONBLOCK);
        *ret_child = child;
        return 0;
    }
    close_fd(&out[0]);
    close_fd(&complaints[0]);
    return err_set(err, failed == ENOENT ? ERR_NOT_FOUND : ERR_FATAL, "%s cannot be run: %s",
                   process->argv[0], strerror(failed));
}

/* What is there now; closes the descriptor at its end. Over the cap the rest is dropped. */
static void drain(int *fd, struct str *into)
{
    char bytes[READ_BYTES];
    ssize_t got = -1;

    while (*fd >= 0 && (got = read(*fd, bytes, sizeof(bytes))) > 0)
        str_add_bytes(into, bytes, (size_t)got);
    if (*fd >= 0 && (got == 0 || errno != EAGAIN))
        close_fd(fd);
}

/* True when it ended by itself. What its own children still hold open is not waited for. */
static bool wait_for_end(struct child *child, int64_t deadline_ms, struct str *output, struct str *complaints)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = child->ended, .events = POLLIN},
                               {.fd = child->out, .events = POLLIN},
                               {.fd = child->complaints, .events = POLLIN}};
        int64_t left_ms = deadline_ms - clock_mono_ms();

        if (left_ms <= 0 || output->overflow || child->ended < 0)
            return false;
        if (poll(fds, ARRAY_LEN(fds), (int)(left_ms < 60000 ? left_ms : 60000)) < 0 && errno != EINTR)
            return false;
        drain(&child->out, output);
        drain(&child->complaints, complaints);
        if (fds[0].revents)
            return true;
    }
}

/* For a message: one line, nothing that is not printable. */
static void tidy(struct str *complaints)
{
    while (complaints->len > 0 && (unsigned char)complaints->ptr[complaints->len - 1] <= ' ')
        complaints->ptr[--complaints->len] = '\0';
    for (size_t i = 0; i < complaints->len; i++)
        if ((unsigned char)complaints->ptr[i] < ' ' || (unsigned char)complaints->ptr[i] > '~')
            complaints->ptr[i] = ' ';
    if (complaints->len > COMPLAINT_BYTES)
        complaints->ptr[complaints->len = COMPLAINT_BYTES] = '\0';
}

int process_run(const struct process *process, struct str *output, struct err *err)
{
    _cleanup_(str_done) struct str complaints = STR_INIT(READ_BYTES);
    const char *name = process->argv[0];
    struct child child = {0};
    int status = 0, result = start(process, &child, err);

    if (result < 0)
        return result;
    bool ended = wait_for_end(&child, clock_mono_ms() + process->timeout_ms, output, &complaints);

    kill(-child.pid, SIGKILL); /* its group: itself, or what it left behind */
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        ;
    close_fd(&child.ended);
    close_fd(&child.out);
    close_fd(&child.complaints);
    tidy(&complaints);
    const char *separator = complaints.len ? ": " : "";

    if (output->overflow)
        return err_set(err, ERR_RETRY, "%s wrote more than %zu bytes", name, output->max);
    if (!ended)
        return err_set(err, ERR_RETRY, "%s did not end within %lld ms%s%s", name,
                       (long long)process->timeout_ms, separator, str_text(&complaints));
    if (WIFSIGNALED(status))
        return err_set(err, ERR_RETRY, "%s was ended by signal %d%s%s", name, WTERMSIG(status), separator,
                       str_text(&complaints));
    if (WEXITSTATUS(status) != 0)
        return err_set(err, ERR_RETRY, "%s ended with status %d%s%s", name, WEXITSTATUS(status), separator,
                       str_text(&complaints));
    return 0;
}
