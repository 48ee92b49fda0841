/* Chance that a seed repeats (splitmix64). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_roll(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15U;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

/* 0 to `count` - 1. */
static inline size_t dice_below(struct dice *dice, size_t count)
{
    return (size_t)(dice_roll(dice) % count);
}

static inline bool dice_percent(struct dice *dice, unsigned percent)
{
    return dice_roll(dice) % 100 < percent;
}
