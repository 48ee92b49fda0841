/* A hash map from strings to pointers. The map copies its keys and never frees values.
 * Not locked: the owner of the map locks. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct map_slot {
    char *key; /* NULL: free; otherwise owned by the map */
    void *value;
};

struct map { /* zero-initialised is an empty map */
    struct map_slot *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

void *map_get(const struct map *map, const char *key);        /* NULL when absent */
void *map_put(struct map *map, const char *key, void *value); /* returns the value that it replaced */
void *map_remove(struct map *map, const char *key); /* returns the value, which is the caller's again */
void map_done(struct map *map);                     /* frees the map, not the values */

/* Visits every entry; the map must not be changed meanwhile. Start with *cursor = 0. */
const struct map_slot *map_next(const struct map *map, size_t *cursor);
