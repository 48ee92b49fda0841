/* AWS's shared files. */
#include "common/aws/ini.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ini ini;
    struct err err;

    if (ini_parse(view_of_input(data, size), &ini, &err) < 0)
        return 0;
    for (size_t i = 0; i < ini.count; i += 1 + i) { /* a few: each is searched for */
        must_hold(ini_has(&ini, ini.entries[i].section));
        must_hold(!ini.entries[i].key || ini_get(&ini, ini.entries[i].section, ini.entries[i].key));
    }
    ini_done(&ini);
    return 0;
}
