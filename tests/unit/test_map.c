/* The hash map, against a naive model. */
#include "common/base/map.h"

#include "common/base/mem.h"
#include "common/base/str.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

static uint64_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

static void an_empty_map_has_nothing(void **state)
{
    struct map map = {0};
    size_t cursor = 0;

    (void)state;
    assert_null(map_get(&map, "a"));
    assert_null(map_remove(&map, "a"));
    assert_null(map_next(&map, &cursor));
    map_done(&map);
    map_done(&map);
}

static void put_returns_what_it_replaces_and_remove_gives_it_back(void **state)
{
    struct map map = {0};
    int one, two;

    (void)state;
    assert_null(map_put(&map, "a", &one));
    assert_ptr_equal(map_put(&map, "a", &two), &one);
    assert_int_equal(map.count, 1);
    assert_ptr_equal(map_get(&map, "a"), &two);
    assert_null(map_get(&map, "A"));
    assert_null(map_get(&map, ""));
    assert_null(map_remove(&map, "b"));
    assert_ptr_equal(map_remove(&map, "a"), &two);
    assert_null(map_remove(&map, "a"));
    assert_null(map_get(&map, "a"));
    assert_int_equal(map.count, 0);
    map_done(&map);
}

static void keys_are_copied(void **state)
{
    struct map map = {0};
    char key[] = "a";
    int value;

    (void)state;
    map_put(&map, key, &value);
    memset(key, 'b', 1);
    assert_ptr_equal(map_get(&map, "a"), &value);
    assert_null(map_get(&map, "b"));
    map_done(&map);
}

enum { KEYS = 300, STEPS = 30000 };

static void assert_same(const struct map *map, void *const model[KEYS])
{
    size_t cursor = 0, count = 0, visited = 0;

    for (int i = 0; i < KEYS; i++) {
        char key[16];

        snprintf(key, sizeof(key), "key-%d", i);
        assert_ptr_equal(map_get(map, key), model[i]);
        count += model[i] != NULL;
    }
    assert_int_equal(map->count, count);
    for (const struct map_slot *slot; (slot = map_next(map, &cursor)); visited++) {
        int64_t i;

        assert_true(parse_int(slot->key + strlen("key-"), 0, KEYS - 1, &i));
        assert_ptr_equal(slot->value, model[i]);
    }
    assert_int_equal(visited, count);
}

/* Phases in which it mostly grows and phases in which it mostly shrinks. */
static void many_puts_and_removes_agree_with_a_plain_array(void **state)
{
    struct map map = {0};
    void *model[KEYS] = {0};
    static char values[STEPS];

    (void)state;
    random_state = (uint64_t)time(NULL);
    print_message("seed %" PRIu64 "\n", random_state);
    for (int step = 0; step < STEPS; step++) {
        uint32_t i = next_random() % KEYS;
        char key[16];

        snprintf(key, sizeof(key), "key-%" PRIu32, i);
        if (next_random() % 10 < (step / 3000 % 2 ? 2u : 8u)) {
            assert_ptr_equal(map_put(&map, key, &values[step]), model[i]);
            model[i] = &values[step];
        } else {
            assert_ptr_equal(map_remove(&map, key), model[i]);
            model[i] = NULL;
        }
        assert_ptr_equal(map_get(&map, key), model[i]);
        if (step % 500 == 0)
            assert_same(&map, model);
    }
    assert_same(&map, model);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(put_returns_what_it_replaces_and_remove_gives_it_back),
        cmocka_unit_test(keys_are_copied),
        cmocka_unit_test(many_puts_and_removes_agree_with_a_plain_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
