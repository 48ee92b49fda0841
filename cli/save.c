/* Reads files by mapping and writes them by rename. Any thread, no state. */
#include "cli/save.h"

#include "common/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const int ENDING[] = {SIGINT, SIGTERM, SIGHUP};

static int failed(const char *path, struct err *err)
{
    return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_FATAL, "%s: %s", path, strerror(errno));
}

static int check_regular(const struct stat *status, const char *path, struct err *err)
{
    if (S_ISDIR(status->st_mode))
        return err_set(err, ERR_INVALID, "%s is a directory: name a file", path);
    return S_ISREG(status->st_mode) ? 0 : err_set(err, ERR_INVALID, "%s is not a regular file", path);
}

static int map(int fd, const char *path, size_t max_bytes, struct str_view *ret_bytes, struct err *err)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return failed(path, err);
    int r = check_regular(&status, path, err);

    if (r < 0)
        return r;
    if ((uintmax_t)status.st_size > max_bytes)
        return err_set(err, ERR_INVALID, "%s has %lld bytes; at most %zu are accepted", path,
                       (long long)status.st_size, max_bytes);
    *ret_bytes = (struct str_view){"", 0};
    if (status.st_size == 0)
        return 0;
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

    if (bytes == MAP_FAILED)
        return failed(path, err);
    *ret_bytes = (struct str_view){bytes, (size_t)status.st_size};
    return 0;
}

int file_map(const char *path, size_t max_bytes, struct str_view *ret_bytes, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang */

    if (fd < 0)
        return failed(path, err);
    int r = map(fd, path, max_bytes, ret_bytes, err);

    close(fd);
    return r;
}

void file_unmap(struct str_view bytes)
{
    if (bytes.len > 0)
        munmap((void *)(uintptr_t)bytes.ptr, bytes.len);
}

static bool write_all(int fd, struct str_view bytes)
{
    while (bytes.len > 0) {
        ssize_t written = write(fd, bytes.ptr, bytes.len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes.ptr += written;
        bytes.len -= (size_t)written;
    }
    return true;
}

static int save(const char *path, struct str_view bytes, struct err *err)
{
    _cleanup_(freep) char *real = realpath(path, NULL);
    const char *target = real ? real : path;
    _cleanup_(freep) char *temporary = xasprintf("%s.XXXXXX", target);
    struct stat old;
    bool there = stat(target, &old) == 0;
    mode_t mask = umask(0);

    umask(mask);
    if (there && check_regular(&old, path, err) < 0) /* a device would be replaced */
        return ERR_INVALID;
    mode_t mode = there ? old.st_mode & 0777 : 0666 & ~mask;
    int fd = mkostemp(temporary, O_CLOEXEC);

    if (fd < 0)
        return failed(path, err);
    bool ok = write_all(fd, bytes) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    int saved = errno;

    if (close(fd) < 0 && ok) {
        ok = false;
        saved = errno;
    }
    if (ok && rename(temporary, target) == 0)
        return 0;
    if (ok)
        saved = errno;
    unlink(temporary);
    return err_set(err, ERR_FATAL, "%s cannot be written and is as it was: %s", path, strerror(saved));
}

/* A signal that ends us waits, so that no temporary file is left. */
int file_save(const char *path, struct str_view bytes, struct err *err)
{
    sigset_t ending, before;

    sigemptyset(&ending);
    for (size_t i = 0; i < ARRAY_LEN(ENDING); i++)
        sigaddset(&ending, ENDING[i]);
    pthread_sigmask(SIG_BLOCK, &ending, &before);
    int r = save(path, bytes, err);

    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}
