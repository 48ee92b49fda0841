/* cJSON's allocator. Before each piece is the block that it lies in, NULL for one of malloc's; a block counts
 * its pieces. Any thread; a tree's pieces are released by its one owner. */
#include "common/base/json_memory.h"

#include "common/base/mem.h"

#include <cjson/cJSON.h>
#include <sanitizer/asan_interface.h>

struct block {
    size_t pieces; /* and one while it is being filled */
    char *at, *end;
};

static _Thread_local struct block *filling;

/* Whole pointers, one of them before the piece and at least one for it. */
static size_t piece_size(size_t bytes)
{
    return (bytes + 2 * sizeof(void *) - 1) / sizeof(void *) * sizeof(void *);
}

static void *allocate(size_t bytes)
{
    size_t size = piece_size(bytes);
    struct block *block = filling, **piece;

    if (block && size <= (size_t)(block->end - block->at)) {
        piece = (struct block **)(void *)block->at;
        *piece = block;
        block->at += size;
        block->pieces++;
    } else {
        piece = xmalloc(size);
        *piece = NULL;
    }
    return piece + 1;
}

static void drop(struct block *block)
{
    if (--block->pieces == 0)
        free(block);
}

static void release(void *bytes)
{
    struct block **piece = bytes;

    if (!piece)
        return;
    if (piece[-1]) {
        ASAN_POISON_MEMORY_REGION(piece, sizeof(*piece)); /* for the tests: who uses it now is wrong */
        drop(piece[-1]);
    } else {
        free(piece - 1);
    }
}

/* Before the first thread, since cJSON keeps its hooks in global variables. */
__attribute__((constructor)) static void give_hooks(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){allocate, release});
}

void json_block_start(const struct json_extent *extent)
{
    size_t bytes =
        extent->values * piece_size(sizeof(cJSON)) + extent->strings * piece_size(1) + extent->bytes;

    filling = xmalloc(sizeof(*filling) + bytes);
    *filling = (struct block){1, (char *)(filling + 1), (char *)(filling + 1) + bytes};
}

void json_block_end(void)
{
    drop(take(filling));
}

size_t json_block_bytes(const void *piece)
{
    const struct block *block = ((struct block *const *)piece)[-1];

    return block ? (size_t)(block->end - (const char *)block) : 0;
}
