/* The mounted table of runtimes. */
#include "common/base/mem.h"
#include "common/function/runtimes.h"
#include "tests/fuzz/fuzz.h"

#define TODAY "2026-11-24"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_(str_done) struct str newest = STR_INIT(1 << 20);
    struct runtimes *runtimes = NULL;
    struct err err;

    if (runtimes_parse(view_of_input(data, size), &runtimes, &err) < 0)
        return 0;
    must_hold(runtimes->count >= runtimes_builtin.count);
    for (size_t i = 0; i < runtimes->count; i++)
        must_hold(runtime_find(runtimes, runtimes->rows[i].name));
    (void)runtime_suggestion(runtimes, "pyton3.13", TODAY);
    runtimes_newest(runtimes, TODAY, &newest);
    must_hold(!newest.overflow);
    runtimes_free(runtimes);
    return 0;
}
