/* Inside common/base/json: where cJSON gets its memory.
 *
 * A value that is parsed or copied lies in one block, which goes with its last piece: hundreds of small
 * allocations and their release were a third of what a review cost. What is built piece by piece comes from
 * malloc.
 *
 * A block's pieces belong to one tree and its one owner: json.h has no way to take a value out of its tree.
 */
#pragma once

#include "common/base/json_scan.h"

/* From here to json_block_end what cJSON allocates on this thread lies in one block with room for `extent`.
 */
void json_block_start(const struct json_extent *extent);
void json_block_end(void);

/* The size of the block that a piece lies in; 0 for one of malloc's. */
size_t json_block_bytes(const void *piece);
