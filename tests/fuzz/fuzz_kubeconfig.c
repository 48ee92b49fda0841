/* A kubeconfig, as far as reading it goes: its exec plugin is not run here, whatever the file says. */
#include "common/base/mem.h"
#include "common/kube/config.h"
#include "tests/fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

/* Instead of common/kube/login.c, so that nothing here can start a program. */
int login_start(const struct json *exec, const char *directory, struct login **ret_login, struct err *err)
{
    must_hold(exec && directory);
    *ret_login = NULL;
    return json_get(exec, "command") ? 0 : err_set(err, ERR_FATAL, "no command");
}

/* cppcheck-suppress constParameter ; the library declares it so */
void login_free(struct login *login)
{
    must_hold(!login);
}

int memory_file(struct str_view bytes, int *ret_fd, char **ret_path, struct err *err)
{
    (void)err;
    must_hold(bytes.len == 0 || bytes.ptr);
    *ret_fd = -1;
    *ret_path = xstrdup("/dev/null");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz_kubeconfig", MFD_CLOEXEC);
    _cleanup_(freep) char *path = xasprintf("/proc/self/fd/%d", fd);
    struct kube_config config;
    struct err err = {0};

    must_hold(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (kube_config_load(path, &config, &err) < 0) {
        must_hold(err.class == ERR_FATAL && str_starts_with(err.msg, "kubeconfig"));
    } else {
        must_hold(strstr(config.server, "://"));
        must_hold(!config.token || !strpbrk(config.token, "\r\n"));
        must_hold(!config.cert_file == !config.key_file);
        kube_config_done(&config);
    }
    close(fd);
    return 0;
}
