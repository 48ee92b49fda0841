/* The metrics registry and its text format. */
#include "common/base/metrics.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static char *printed(void)
{
    struct str text = STR_INIT(1 << 20);

    metrics_print(&text);
    assert_false(text.overflow);
    return str_take(&text);
}

static void assert_line(const char *text, const char *line)
{
    _cleanup_(freep) char *whole = xasprintf("\n%s\n", line), *all = xasprintf("\n%s", text);

    if (!strstr(all, whole))
        fail_msg("no line %s in\n%s", line, text);
}

static void counters_and_gauges_print_with_help_type_and_labels(void **state)
{
    struct metric *counter = metric(METRIC_COUNTER, "t_requests_total", "Requests answered.", "code,method");
    struct metric *gauge = metric(METRIC_GAUGE, "t_depth", "Waiting.", "");

    (void)state;
    series_add(metric_series(counter, "200", "GET", "ignored"), 1);
    series_add(metric_series(counter, "200", "GET", NULL), 2);
    series_add(metric_series(counter, "500", NULL, NULL), 1);
    series_set(metric_series(gauge, NULL, NULL, NULL), -1.5);

    _cleanup_(freep) char *text = printed();

    assert_line(text, "# HELP t_requests_total Requests answered.\n# TYPE t_requests_total counter");
    assert_line(text, "t_requests_total{code=\"200\",method=\"GET\"} 3");
    assert_line(text, "t_requests_total{code=\"500\",method=\"\"} 1");
    assert_line(text, "# TYPE t_depth gauge\nt_depth -1.5");
}

static void a_name_registered_again_is_the_same_family(void **state)
{
    struct metric *one = metric(METRIC_COUNTER, "t_once_total", "Once.", "a");

    (void)state;
    assert_ptr_equal(metric(METRIC_COUNTER, "t_once_total", "Once.", "a"), one);
    assert_ptr_not_equal(metric(METRIC_COUNTER, "t_once", "Another.", "a"), one);
    assert_ptr_equal(metric_series(one, "x", NULL, NULL), metric_series(one, "x", NULL, NULL));
    assert_ptr_not_equal(metric_series(one, "x", NULL, NULL), metric_series(one, "y", NULL, NULL));
}

/* Prometheus knows \\, \" and \n only and refuses the whole page for any other escape. */
static void label_values_are_escaped_as_prometheus_reads_them(void **state)
{
    struct metric *counter = metric(METRIC_COUNTER, "t_labels_total", "Labels.", "v");

    (void)state;
    series_add(metric_series(counter, "a\"b\\c\nd\te\rf\x01", NULL, NULL), 1);
    series_add(metric_series(counter, "\xFF\xC3\xA9", NULL, NULL), 1);

    _cleanup_(freep) char *text = printed();

    assert_line(text, "t_labels_total{v=\"a\\\"b\\\\c\\nd\te\rf\x01\"} 1");
    assert_line(text, "t_labels_total{v=\"\xEF\xBF\xBD\xC3\xA9\"} 1");
}

static void an_overlong_label_value_leaves_a_readable_page(void **state)
{
    struct metric *counter = metric(METRIC_COUNTER, "t_long_total", "Long.", "a,b");
    char value[5000];

    (void)state;
    memset(value, '"', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    series_add(metric_series(counter, value, "second", NULL), 1);

    _cleanup_(freep) char *text = printed();
    const char *line = strstr(text, "t_long_total{a=\"\\\"\\\"");

    assert_non_null(line);
    line += strcspn(line, "\n");
    assert_memory_equal(line - 11, "\"second\"} 1", 11);
}

static void histograms_are_cumulative_and_end_in_infinity(void **state)
{
    struct metric *plain = metric(METRIC_HISTOGRAM, "t_wait_seconds", "Waiting.", "");
    struct metric *labelled = metric(METRIC_HISTOGRAM, "t_call_seconds", "Calls.", "op");
    struct series *series = metric_series(plain, NULL, NULL, NULL);

    (void)state;
    series_observe(series, 0);
    series_observe(series, 0.001); /* a bound belongs to its bucket */
    series_observe(series, 0.0011);
    series_observe(series, 60);
    series_observe(series, 1000);
    series_observe(metric_series(labelled, "get", NULL, NULL), 0.25);

    _cleanup_(freep) char *text = printed();

    assert_line(text, "# TYPE t_wait_seconds histogram\nt_wait_seconds_bucket{le=\"0.001\"} 2");
    assert_line(text, "t_wait_seconds_bucket{le=\"0.0025\"} 3");
    assert_line(text, "t_wait_seconds_bucket{le=\"30\"} 3");
    assert_line(text, "t_wait_seconds_bucket{le=\"60\"} 4");
    assert_line(text, "t_wait_seconds_bucket{le=\"+Inf\"} 5");
    assert_line(text, "t_wait_seconds_sum 1060.0021");
    assert_line(text, "t_wait_seconds_count 5");
    assert_line(text, "t_call_seconds_bucket{op=\"get\",le=\"0.1\"} 0");
    assert_line(text, "t_call_seconds_bucket{op=\"get\",le=\"0.25\"} 1");
    assert_line(text, "t_call_seconds_sum{op=\"get\"} 0.25");
    assert_line(text, "t_call_seconds_count{op=\"get\"} 1");
}

static void the_process_is_described(void **state)
{
    _cleanup_(freep) char *text = printed();

    (void)state;
    const char *memory = strstr(text, "\nprocess_resident_memory_bytes ");
    const char *files = strstr(text, "\nprocess_open_fds ");

    assert_non_null(memory);
    assert_non_null(files);
    assert_non_null(strstr(text, "\nprocess_cpu_seconds_total "));
    assert_true(strtod(memory + strlen("\nprocess_resident_memory_bytes "), NULL) > 100000);
    assert_true(strtod(files + strlen("\nprocess_open_fds "), NULL) >= 1);
}

enum { THREADS = 4, ADDS = 20000 };

static void *add_much(void *name)
{
    struct metric *counter = metric(METRIC_COUNTER, "t_threads_total", "Threads.", "thread");
    struct metric *times = metric(METRIC_HISTOGRAM, "t_threads_seconds", "Threads.", "");

    for (int i = 0; i < ADDS; i++) {
        series_add(metric_series(counter, "all", NULL, NULL), 1);
        series_observe(metric_series(times, NULL, NULL, NULL), 0.5);
        if (i % 1000 == 0)
            series_add(metric_series(counter, name, NULL, NULL), 1); /* a new series beside readers */
    }
    return NULL;
}

static void adds_of_several_threads_sum_up(void **state)
{
    static char names[THREADS][8] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_much, names[i]), 0);
    for (int i = 0; i < 20; i++) {
        free(printed());
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);

    _cleanup_(freep) char *text = printed();

    assert_line(text, "t_threads_total{thread=\"all\"} 80000");
    assert_line(text, "t_threads_total{thread=\"d\"} 20");
    assert_line(text, "t_threads_seconds_count 80000");
    assert_line(text, "t_threads_seconds_sum 40000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges_print_with_help_type_and_labels),
        cmocka_unit_test(a_name_registered_again_is_the_same_family),
        cmocka_unit_test(label_values_are_escaped_as_prometheus_reads_them),
        cmocka_unit_test(an_overlong_label_value_leaves_a_readable_page),
        cmocka_unit_test(histograms_are_cumulative_and_end_in_infinity),
        cmocka_unit_test(the_process_is_described),
        cmocka_unit_test(adds_of_several_threads_sum_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
