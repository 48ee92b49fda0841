/* Programs that are run for their output. */
#include "common/base/process.h"

#include "common/base/clock.h"
#include "common/base/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static int run(const char *script, struct str *output, struct err *err)
{
    const char *const argv[] = {"sh", "-c", script, "name", "an argument", NULL};
    const char *const env[] = {"ADDED=more", "HOME=changed", NULL};

    return process_run(&(struct process){argv, env, 2000}, output, err);
}

static void its_output_environment_and_arguments_are_as_given(void **state)
{
    _cleanup_(str_done) struct str output = STR_INIT(1 << 20);
    struct err err;

    (void)state;
    setenv("KEPT", "kept", 1);
    setenv("HOME", "old", 1);
    assert_int_equal(run("echo $KEPT $ADDED $HOME \"$1\"; cat; echo ignored >&2", &output, &err), 0);
    assert_string_equal(str_text(&output), "kept more changed an argument\n");
    str_clear(&output);
    assert_int_equal(run("head -c 300000 /dev/zero | tr '\\0' x", &output, &err), 0);
    assert_int_equal(output.len, 300000);
}

static void it_has_no_descriptors_and_no_blocked_signals_of_ours(void **state)
{
    _cleanup_(str_done) struct str output = STR_INIT(4096);
    struct err err;
    sigset_t term, before;
    int fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */

    (void)state;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, &before);
    assert_int_equal(run("ls /proc/self/fd | wc -l; grep SigBlk /proc/self/status", &output, &err), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fd);
    assert_string_equal(str_text(&output), "4\nSigBlk:\t0000000000000000\n"); /* 0, 1, 2 and the folder */
}

static void failures_say_what_happened(void **state)
{
    static const char *const none[] = {"/nowhere/at-all", NULL};
    _cleanup_(str_done) struct str output = STR_INIT(1000);
    struct err err;

    (void)state;
    assert_int_equal(process_run(&(struct process){.argv = none, .timeout_ms = 1000}, &output, &err),
                     ERR_NOT_FOUND);
    assert_string_equal(err.msg, "/nowhere/at-all cannot be run: No such file or directory");
    assert_int_equal(run("printf 'not\\nlogged\\033 in\\n' >&2; exit 3", &output, &err), ERR_RETRY);
    assert_string_equal(err.msg, "sh ended with status 3: not logged  in");
    assert_int_equal(run("kill -9 $$", &output, &err), ERR_RETRY);
    assert_string_equal(err.msg, "sh was ended by signal 9");
    assert_int_equal(run("head -c 2000 /dev/zero", &output, &err), ERR_RETRY);
    assert_string_equal(err.msg, "sh wrote more than 1000 bytes");
}

static void one_that_does_not_end_is_killed_with_its_children(void **state)
{
    _cleanup_(str_done) struct str output = STR_INIT(1000);
    struct err err;
    int64_t start_ms = clock_mono_ms(), child;

    (void)state;
    assert_int_equal(run("sleep 60 & echo $!; wait", &output, &err), ERR_RETRY);
    assert_string_equal(err.msg, "sh did not end within 2000 ms");
    assert_true(clock_mono_ms() - start_ms < 10000);
    output.ptr[strcspn(output.ptr, "\n")] = '\0';
    assert_true(parse_int(output.ptr, 1, INT32_MAX, &child));
    for (int i = 0; i < 50 && kill((pid_t)child, 0) == 0; i++) { /* a zombie until init has seen it */
        _cleanup_(freep) char *path = xasprintf("/proc/%d/stat", (int)child);
        FILE *file = fopen(path, "re");
        char letter = 'Z';

        if (file && fscanf(file, "%*d %*s %c", &letter) != 1)
            letter = 'Z';
        if (file)
            fclose(file);
        if (letter == 'Z')
            return;
        clock_sleep_ms(100);
    }
    assert_int_not_equal(kill((pid_t)child, 0), 0);
}

static void a_child_that_keeps_the_output_open_is_not_waited_for(void **state)
{
    _cleanup_(str_done) struct str output = STR_INIT(1000);
    struct err err;
    int64_t start_ms = clock_mono_ms();

    (void)state;
    assert_int_equal(run("sleep 60 & echo done", &output, &err), 0);
    assert_string_equal(str_text(&output), "done\n");
    assert_true(clock_mono_ms() - start_ms < 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_output_environment_and_arguments_are_as_given),
        cmocka_unit_test(it_has_no_descriptors_and_no_blocked_signals_of_ours),
        cmocka_unit_test(failures_say_what_happened),
        cmocka_unit_test(one_that_does_not_end_is_killed_with_its_children),
        cmocka_unit_test(a_child_that_keeps_the_output_open_is_not_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
