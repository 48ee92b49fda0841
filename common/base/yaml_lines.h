/* On which line of a YAML text each value is: recorded while it is parsed, asked for by path.
 * Any thread once it is complete. */
#pragma once

#include <stddef.h>

struct yaml_lines;

void yaml_lines_free(struct yaml_lines *lines); /* accepts NULL */
static inline void yaml_lines_freep(struct yaml_lines **lines)
{
    yaml_lines_free(*lines);
}

/* The line of the value at `path` ("spec.layers[0]", "spec.tags[team]") in the nth document, else of the
 * nearest one around it that is known; members are at their key, and what an alias stands for is at the
 * alias. An empty path is the document's start. 0 when there is no such document, or `lines` is NULL. */
size_t yaml_line(const struct yaml_lines *lines, size_t document, const char *path);

/* For the parser: values in the order in which they begin, `key` NULL for an item of a list. */
struct yaml_lines *yaml_lines_new(void);
void yaml_lines_add(struct yaml_lines *lines, int depth, const char *key, size_t index, size_t line);
/* The value at depth 1 that was added last is the start of the next document. */
void yaml_lines_add_document(struct yaml_lines *lines);
