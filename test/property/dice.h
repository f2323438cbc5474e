/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random numbers that are the same on every machine: xorshift64* (Vigna 2016). A state is never 0.
 */
#ifndef TEST_PROPERTY_DICE_H
#define TEST_PROPERTY_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

static inline uint32_t dice_roll(struct dice *dice)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (uint32_t)(dice->state * 0x2545f4914f6cdd1dULL >> 32);
}

/* 0 to below - 1. */
static inline uint32_t dice_below(struct dice *dice, uint32_t below)
{
	return (uint32_t)((uint64_t)dice_roll(dice) * below >> 32);
}

/* Once in `times`. */
static inline bool dice_once(struct dice *dice, uint32_t times)
{
	return !dice_below(dice, times);
}

#endif
