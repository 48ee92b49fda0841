/* The review as a filter, for test_review_properties.py: reads questions, writes answers, a line each. A
 * question is a line of JSON as review_world.h has it, with "bytes": N, and then N bytes, which are the body.
 */
#include "common/base/mem.h"
#include "tests/property/review_world.h"

#include <stdio.h>

enum { LINE_MAX_BYTES = 16 << 20 };

int main(void)
{
    _cleanup_(freep) char *line = NULL;
    size_t room = 0;
    ssize_t len;

    while ((len = getline(&line, &room, stdin)) > 0) {
        _cleanup_(json_freep) struct json *question = NULL;
        _cleanup_(str_done) struct str out = STR_INIT(LINE_MAX_BYTES);
        struct err err;

        if (json_parse((struct str_view){line, (size_t)len}, &question, &err) < 0) {
            fprintf(stderr, "a question is not readable: %s\n", err.msg);
            return 2;
        }
        size_t bytes = (size_t)json_int_at(question, "bytes", 0);
        _cleanup_(freep) char *body = xmalloc(bytes + 1);

        if (fread(body, 1, bytes, stdin) != bytes)
            return 2;
        review_world_answer(question, (struct str_view){body, bytes}, &out);
        if (out.overflow || puts(str_text(&out)) < 0)
            return 2;
    }
    return fflush(stdout) != 0;
}
