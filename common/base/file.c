/* One open, reads until the end, one close. */
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int file_read(const char *path, struct str *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char piece[4096];
    ssize_t got = -1;

    while (fd >= 0 && !out->overflow && (got = read(fd, piece, sizeof(piece))) > 0)
        str_add_bytes(out, piece, (size_t)got);
    int code = errno;

    explicit_bzero(piece, sizeof(piece));
    if (fd >= 0)
        close(fd);
    if (got < 0)
        return err_set(err, code == ENOENT ? ERR_NOT_FOUND : ERR_FATAL, "%s: %s", path, strerror(code));
    return out->overflow ? err_set(err, ERR_FATAL, "%s: larger than %zu bytes", path, out->max) : 0;
}
