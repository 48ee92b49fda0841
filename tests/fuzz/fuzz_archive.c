/* A ZIP archive that somebody wants to upload. */
#include "cli/archive.h"
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct archive archive;
    struct err err;

    if (archive_read(view_of_input(data, size), &archive, &err) < 0)
        return 0;
    (void)!archive_verify(&archive, &err);
    (void)!archive_has_handler(&archive, "python3.13", "app.handler", &err);
    (void)!archive_has_handler(&archive, "nodejs24.x", "src/index.handler", &err);
    (void)!archive_has_handler(&archive, "provided.al2023", NULL, &err);
    archive_done(&archive);
    return 0;
}
