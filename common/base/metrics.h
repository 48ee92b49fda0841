/* The metrics registry, in the Prometheus text format.
 *
 * A family is registered once, at start; a series (one set of label values) is looked up once and
 * then added to without a lock. Families and series live as long as the process. */
#pragma once

#include "common/base/str.h"

struct metric; /* a family */
struct series; /* one set of label values */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* `labels` is a comma-separated list of label names, "" for none. Histograms count seconds in
 * buckets from 1 ms to 60 s. Registering a name again returns the same family. The strings must
 * outlive the process's metrics: pass literals. */
struct metric *metric(enum metric_kind kind, const char *name, const char *help, const char *labels);

/* The series with these label values (as many as there are labels; further ones are ignored;
 * longer than 512 bytes is cut). */
struct series *metric_series(struct metric *metric, const char *value1, const char *value2,
                             const char *value3);

void series_add(struct series *series, double amount);
void series_set(struct series *series, double value);
void series_observe(struct series *series, double seconds); /* histograms */

/* Everything, in the text format, with process_* figures read from /proc/self. */
void metrics_print(struct str *out);
