/* Feeds files to a fuzz target once, as one test: the corpus and what was ever found must go through.
 * usage: fuzz_TARGET FOLDER… (by default the folders that the build names) */
#include "common/base/mem.h"
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

enum { INPUT_MAX_BYTES = 8 << 20 };

static void feed(const char *path)
{
    FILE *file = fopen(path, "rb");
    _cleanup_(freep) uint8_t *bytes = xmalloc(INPUT_MAX_BYTES);

    must_hold(file);
    size_t size = fread(bytes, 1, INPUT_MAX_BYTES, file);

    must_hold(!ferror(file) && fclose(file) == 0);
    /* In a block of its size, so that a read beyond the end is seen. */
    _cleanup_(freep) uint8_t *exact = xmemdup(bytes, size);

    printf("# %s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, size);
}

static size_t feed_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    size_t fed = 0;

    for (int i = 0; i < count; i++) {
        _cleanup_(freep) char *path = xasprintf("%s/%s", folder, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.') {
            feed(path);
            fed++;
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return fed;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
    _cleanup_(freep) char *folder = xasprintf("tests/fuzz/corpus/%s", program + strlen("fuzz_"));
    size_t fed = 0;

    for (int i = 1; i < argc; i++)
        fed += feed_folder(argv[i]);
    if (argc < 2)
        fed = feed_folder(folder);
    printf("%s 1 - the_corpus_goes_through\n1..1\n", fed ? "ok" : "not ok");
    return fed ? 0 : 1;
}
