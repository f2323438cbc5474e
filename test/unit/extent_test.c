/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs of slots, as facts and against a model that knows the owner of each slot.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "extent.h"

#define SIZE 500
#define RUNS 40

static uint32_t take(struct extents *extents, uint32_t count)
{
	uint32_t first = 0;

	assert_int_equal(extents_take(extents, count, &first), 0);
	return first;
}

/* The free runs lie in order within 1..size-1 and no two touch. */
static void assert_sound(const struct extents *extents, uint32_t size)
{
	uint32_t end = 0;

	for (size_t i = 0; i < extents->free_count; i++) {
		assert_true(extents->free[i].first > end);
		assert_true(extents->free[i].count > 0);
		end = extents->free[i].first + extents->free[i].count;
	}
	assert_true(end <= size);
}

static void assert_all_free(const struct extents *extents, uint32_t size)
{
	assert_int_equal(extents->free_count, 1);
	assert_int_equal(extents->free[0].first, 1);
	assert_int_equal(extents->free[0].count, size - 1);
}

static void slot_0_is_never_handed_out(void **state)
{
	struct extents extents;
	uint32_t first = 77;

	(void)state;
	assert_int_equal(extents_init(&extents, 11), 0);
	assert_int_equal(extents_take(&extents, 11, &first), -ENOSPC);
	assert_int_equal(first, 77);
	assert_int_equal(take(&extents, 10), 1);
	assert_int_equal(extents_take(&extents, 1, &first), -ENOSPC);
	extents_free(&extents);
}

static void the_first_run_that_is_long_enough_is_taken(void **state)
{
	struct extents extents;

	(void)state;
	assert_int_equal(extents_init(&extents, 101), 0);
	assert_int_equal(extents_claim(&extents, 6, 10), 0); /* leaves 1..5 and 16..100 */
	assert_int_equal(take(&extents, 6), 16);
	assert_int_equal(take(&extents, 5), 1);
	assert_int_equal(take(&extents, 1), 22);
	extents_free(&extents);
}

static void only_what_is_free_can_be_claimed(void **state)
{
	static const struct {
		uint32_t first, count;
		int want;
	} rows[] = {
		{0, 1, -ENOENT},
		{1, 0x7fffffff, -ENOENT},
		{10, 0xfffffff8, -ENOENT},
		{95, 6, -ENOENT},
		{100, 1, -ENOENT},
		{20, 10, 0},
		{20, 1, -ENOENT},
		{29, 1, -ENOENT},
		{15, 6, -ENOENT},
		{29, 2, -ENOENT},
		{10, 30, -ENOENT},
		{19, 1, 0},
		{30, 70, 0},
		{1, 18, 0},
		{1, 1, -ENOENT},
	};
	struct extents extents;

	(void)state;
	assert_int_equal(extents_init(&extents, 100), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(extents_claim(&extents, rows[i].first, rows[i].count), rows[i].want);
		assert_sound(&extents, 100);
	}
	assert_int_equal(extents.free_count, 0);
	extents_free(&extents);
}

static void what_is_given_up_rests_two_reaps(void **state)
{
	struct extents extents;
	uint32_t first;

	(void)state;
	assert_int_equal(extents_init(&extents, 11), 0);
	first = take(&extents, 10);
	assert_int_equal(extents_give_up(&extents, first, 10), 0);
	assert_int_equal(extents_take(&extents, 1, &first), -ENOSPC);
	assert_true(extents_reap(&extents));
	assert_int_equal(extents_take(&extents, 1, &first), -ENOSPC);
	assert_false(extents_reap(&extents));
	assert_all_free(&extents, 11);
	extents_free(&extents);
}

/* Three runs side by side, given back in every order: they become one again. */
static void neighbours_merge(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct extents extents;

		assert_int_equal(extents_init(&extents, 31), 0);
		for (int j = 0; j < 3; j++)
			assert_int_equal(take(&extents, 10), 1 + 10 * j);
		for (int j = 0; j < 3; j++) {
			assert_int_equal(extents_give_up(&extents, 1 + 10 * (uint32_t)orders[i][j], 10), 0);
			extents_reap(&extents);
			extents_reap(&extents);
			assert_sound(&extents, 31);
		}
		assert_all_free(&extents, 31);
		extents_free(&extents);
	}
}

/* ---- against a model ------------------------------------------------------------------------ */

struct run {
	uint32_t first, count;
	int rests; /* reaps still to be seen; -1: in use; 0: not there */
};

struct known {
	struct extents extents;
	struct run runs[RUNS];
	bool taken[SIZE]; /* in use or resting */
};

static void mark(struct known *known, const struct run *run, bool taken)
{
	for (uint32_t i = run->first; i < run->first + run->count; i++) {
		assert_in_range(i, 1, SIZE - 1);
		assert_int_equal(known->taken[i], !taken);
		known->taken[i] = taken;
	}
}

static uint32_t longest_free(const struct known *known)
{
	uint32_t longest = 0, length = 0;

	for (uint32_t i = 1; i < SIZE; i++) {
		length = known->taken[i] ? 0 : length + 1;
		longest = length > longest ? length : longest;
	}
	return longest;
}

static void random_take(struct known *known, struct run *run)
{
	int err;

	run->count = 1 + (uint32_t)rand() % 50;
	err = extents_take(&known->extents, run->count, &run->first);
	assert_int_equal(err, run->count > longest_free(known) ? -ENOSPC : 0);
	if (err)
		return;
	run->rests = -1;
	mark(known, run, true);
}

static void reap(struct known *known)
{
	bool more = extents_reap(&known->extents), resting = false;

	for (int i = 0; i < RUNS; i++) {
		if (known->runs[i].rests > 0 && --known->runs[i].rests == 0)
			mark(known, &known->runs[i], false);
		resting |= known->runs[i].rests > 0;
	}
	assert_int_equal(more, resting);
}

static void step(struct known *known)
{
	struct run *run = &known->runs[rand() % RUNS];

	if (rand() % 10 == 0) {
		reap(known);
	} else if (run->rests == 0) {
		random_take(known, run);
	} else if (run->rests < 0) {
		run->rests = 2;
		assert_int_equal(extents_give_up(&known->extents, run->first, run->count), 0);
	}
}

static void runs_never_overlap_and_all_come_back(void **state)
{
	struct known known = {0};

	(void)state;
	srand(2);
	assert_int_equal(extents_init(&known.extents, SIZE), 0);
	for (int i = 0; i < 50000; i++) {
		step(&known);
		assert_sound(&known.extents, SIZE);
	}
	for (int i = 0; i < RUNS; i++) {
		if (known.runs[i].rests < 0)
			assert_int_equal(
				extents_give_up(&known.extents, known.runs[i].first, known.runs[i].count), 0);
	}
	extents_reap(&known.extents);
	assert_false(extents_reap(&known.extents));
	assert_all_free(&known.extents, SIZE);
	extents_free(&known.extents);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slot_0_is_never_handed_out),
		cmocka_unit_test(the_first_run_that_is_long_enough_is_taken),
		cmocka_unit_test(only_what_is_free_can_be_claimed),
		cmocka_unit_test(what_is_given_up_rests_two_reaps),
		cmocka_unit_test(neighbours_merge),
		cmocka_unit_test(runs_never_overlap_and_all_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
