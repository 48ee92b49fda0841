/* Open addressing with linear probing and backward-shift deletion. The hash is seeded at start
 * (keys come from outside, and known collisions would make a slow map). */
#include "common/base/map.h"

#include "common/base/mem.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

static uint64_t seed;
static pthread_once_t seeded = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
        seed = (uint64_t)(uintptr_t)&seed;
}

/* FNV-1a over a secret start value, then a finaliser that spreads the low bits. */
static uint64_t hash(const char *key)
{
    uint64_t h = seed ^ 0xcbf29ce484222325u;

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu ^ (seed | 1);
    return h ^ (h >> 33);
}

/* The slot that holds the key, or the free one where it would go. */
static size_t find(const struct map *map, const char *key)
{
    size_t i = hash(key) & (map->capacity - 1);

    while (map->slots[i].key && strcmp(map->slots[i].key, key) != 0)
        i = (i + 1) & (map->capacity - 1);
    return i;
}

static void grow(struct map *map)
{
    struct map old = *map;

    pthread_once(&seeded, make_seed);
    map->capacity = old.capacity ? old.capacity * 2 : 16;
    map->slots = xcalloc(map->capacity, sizeof(*map->slots));
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slots[i].key)
            map->slots[find(map, old.slots[i].key)] = old.slots[i];
    free(old.slots);
}

void *map_get(const struct map *map, const char *key)
{
    return map->count ? map->slots[find(map, key)].value : NULL;
}

void *map_put(struct map *map, const char *key, void *value)
{
    if (map->count * 4 >= map->capacity * 3)
        grow(map);
    struct map_slot *slot = &map->slots[find(map, key)];
    void *old = slot->value;

    if (!slot->key) {
        slot->key = xstrdup(key);
        map->count++;
    }
    slot->value = value;
    return old;
}

void *map_remove(struct map *map, const char *key)
{
    if (!map->count)
        return NULL;
    size_t hole = find(map, key), mask = map->capacity - 1;

    if (!map->slots[hole].key)
        return NULL;
    void *value = map->slots[hole].value;

    free(map->slots[hole].key);
    map->slots[hole] = (struct map_slot){0};
    map->count--;
    /* Close the gap: move back every entry that probed past the hole. */
    for (size_t i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
        size_t home = hash(map->slots[i].key) & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            map->slots[i] = (struct map_slot){0};
            hole = i;
        }
    }
    return value;
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        free(map->slots[i].key);
    free(map->slots);
    *map = (struct map){0};
}

const struct map_slot *map_next(const struct map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        const struct map_slot *slot = &map->slots[(*cursor)++];

        if (slot->key)
            return slot;
    }
    return NULL;
}
