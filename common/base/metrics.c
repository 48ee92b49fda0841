/* The metrics registry. Registration and printing lock; adding to a series does not. */
#include "common/base/metrics.h"

#include "common/base/json_scan.h"
#include "common/base/mem.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static const double bounds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                0.5,   1,      2.5,   5,    10,    30,   60};

struct series {
    struct series *next;
    char *labels;                                 /* `a="x",b="y"`, "" for none */
    _Atomic double value;                         /* the sum, for a histogram */
    atomic_ullong buckets[ARRAY_LEN(bounds) + 1]; /* not cumulative; the last is +Inf */
};

struct metric {
    struct metric *next;
    enum metric_kind kind;
    const char *name, *help, *labels;
    struct series *series;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *first;

struct metric *metric(enum metric_kind kind, const char *name, const char *help, const char *labels)
{
    struct metric **at = &first;

    pthread_mutex_lock(&lock);
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = xcalloc(1, sizeof(**at));
        **at = (struct metric){.kind = kind, .name = name, .help = help, .labels = labels};
    }
    struct metric *found = *at;

    pthread_mutex_unlock(&lock);
    return found;
}

enum { LABEL_VALUE_MAX = 512 };

/* Prometheus refuses the whole page for an escape other than these three, and for bytes that are not
 * UTF-8. A longer value is cut. */
static void add_label_value(struct str *text, const char *value)
{
    size_t len = strnlen(value, LABEL_VALUE_MAX);

    for (size_t i = 0, step; i < len; i += step ? step : 1) {
        step = utf8_sequence(value + i, len - i);
        if (value[i] == '\n')
            str_add(text, "\\n");
        else if (value[i] == '"' || value[i] == '\\')
            str_addf(text, "\\%c", value[i]);
        else if (step)
            str_add_bytes(text, value + i, step);
        else
            str_add(text, UTF8_REPLACEMENT);
    }
}

static char *label_text(const struct metric *metric, const char *const values[3])
{
    struct str text = STR_INIT(8192);
    const char *name = metric->labels;

    for (int i = 0; i < 3 && *name; i++) {
        size_t len = strcspn(name, ",");

        if (i > 0)
            str_add(&text, ",");
        str_add_bytes(&text, name, len);
        str_add(&text, "=\"");
        add_label_value(&text, values[i] ? values[i] : "");
        str_add(&text, "\"");
        name += len + (name[len] == ',');
    }
    return str_take(&text);
}

struct series *metric_series(struct metric *metric, const char *value1, const char *value2,
                             const char *value3)
{
    _cleanup_(freep) char *labels = label_text(metric, (const char *const[]){value1, value2, value3});
    struct series **at = &metric->series;

    pthread_mutex_lock(&lock);
    while (*at && strcmp((*at)->labels, labels) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = xcalloc(1, sizeof(**at));
        (*at)->labels = take(labels);
    }
    struct series *found = *at;

    pthread_mutex_unlock(&lock);
    return found;
}

void series_add(struct series *series, double amount)
{
    double old = atomic_load_explicit(&series->value, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(&series->value, &old, old + amount, memory_order_relaxed,
                                                  memory_order_relaxed))
        ;
}

void series_set(struct series *series, double value)
{
    atomic_store_explicit(&series->value, value, memory_order_relaxed);
}

void series_observe(struct series *series, double seconds)
{
    size_t i = 0;

    while (i < ARRAY_LEN(bounds) && seconds > bounds[i])
        i++;
    atomic_fetch_add_explicit(&series->buckets[i], 1, memory_order_relaxed);
    series_add(series, seconds);
}

static void print_histogram(const struct metric *metric, struct series *series, struct str *out)
{
    const char *comma = *series->labels ? "," : "";
    unsigned long long total = 0;

    for (size_t i = 0; i < ARRAY_LEN(series->buckets); i++) {
        total += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
        str_addf(out, "%s_bucket{%s%sle=\"", metric->name, series->labels, comma);
        if (i < ARRAY_LEN(bounds))
            str_addf(out, "%g\"} %llu\n", bounds[i], total);
        else
            str_addf(out, "+Inf\"} %llu\n", total);
    }
    const char *open = *series->labels ? "{" : "", *close = *series->labels ? "}" : "";

    str_addf(out, "%s_sum%s%s%s %.15g\n", metric->name, open, series->labels, close, series->value);
    str_addf(out, "%s_count%s%s%s %llu\n", metric->name, open, series->labels, close, total);
}

static void print_process(struct str *out)
{
    struct rusage usage;
    size_t descriptors = 0;
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    DIR *open_files = opendir("/proc/self/fd");

    getrusage(RUSAGE_SELF, &usage);
    if (statm) {
        if (fscanf(statm, "%*s %ld", &pages) != 1) /* NOLINT(cert-err34-c): a number of the kernel's */
            pages = 0;
        fclose(statm);
    }
    while (open_files && readdir(open_files))
        descriptors++;
    if (open_files)
        closedir(open_files);
    str_addf(out,
             "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.3f\n"
             "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %lld\n"
             "# TYPE process_open_fds gauge\nprocess_open_fds %zu\n",
             (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
             (long long)pages * sysconf(_SC_PAGESIZE), descriptors > 3 ? descriptors - 3 : 0);
}

void metrics_print(struct str *out)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    pthread_mutex_lock(&lock);
    for (const struct metric *metric = first; metric; metric = metric->next) {
        str_addf(out, "# HELP %s %s\n# TYPE %s %s\n", metric->name, metric->help, metric->name,
                 kinds[metric->kind]);
        for (struct series *series = metric->series; series; series = series->next) {
            if (metric->kind == METRIC_HISTOGRAM)
                print_histogram(metric, series, out);
            else if (*series->labels)
                str_addf(out, "%s{%s} %.15g\n", metric->name, series->labels, series->value);
            else
                str_addf(out, "%s %.15g\n", metric->name, series->value);
        }
    }
    pthread_mutex_unlock(&lock);
    print_process(out);
}
