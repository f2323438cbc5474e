/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Records in use, resting and free, as facts and against a model.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "index.h"

#define SIZE 64

/* What the test knows of each record. */
struct known {
	bool used[SIZE], cleared[SIZE];
	int rests[SIZE]; /* reaps still to be seen; 0: not resting */
};

static void clear(uint32_t record, void *arg)
{
	struct known *known = arg;

	assert_true(record > 0 && record < SIZE);
	known->cleared[record] = true;
}

static uint32_t take(struct index *index)
{
	uint32_t record = 0;

	assert_int_equal(index_take(index, &record), 0);
	return record;
}

static void record_0_is_never_handed_out(void **state)
{
	struct known known = {0};
	struct index index;
	uint32_t record = 77;

	(void)state;
	assert_int_equal(index_init(&index, SIZE), 0);
	for (int i = 1; i < SIZE; i++) {
		record = take(&index);
		assert_in_range(record, 1, SIZE - 1);
		assert_false(known.used[record]);
		known.used[record] = true;
	}
	record = 77;
	assert_int_equal(index_take(&index, &record), -ENOSPC);
	assert_int_equal(record, 77);
	index_free(&index);
}

static void what_is_claimed_is_not_handed_out(void **state)
{
	struct index index;

	(void)state;
	assert_int_equal(index_init(&index, 6), 0);
	index_claim(&index, 1);
	index_claim(&index, 4);
	assert_int_equal(take(&index), 2);
	assert_int_equal(take(&index), 3);
	assert_int_equal(take(&index), 5);
	assert_int_equal(index_take(&index, &(uint32_t){0}), -ENOSPC);
	index_free(&index);
}

static void what_is_given_up_rests_two_reaps(void **state)
{
	struct known known = {0};
	struct index index;
	uint32_t record;

	(void)state;
	assert_int_equal(index_init(&index, 2), 0);
	record = take(&index);
	index_give_up(&index, record);
	assert_int_equal(index_take(&index, &record), -ENOSPC);
	assert_true(index_reap(&index, clear, &known));
	assert_false(known.cleared[1]);
	assert_int_equal(index_take(&index, &record), -ENOSPC);
	assert_false(index_reap(&index, clear, &known));
	assert_true(known.cleared[1]);
	assert_int_equal(take(&index), 1);
	index_free(&index);
}

static void the_longest_free_goes_first(void **state)
{
	struct known known = {0};
	struct index index;

	(void)state;
	assert_int_equal(index_init(&index, 5), 0);
	index_give_up(&index, take(&index));
	index_reap(&index, clear, &known);
	index_reap(&index, clear, &known);
	assert_int_equal(take(&index), 2);
	assert_int_equal(take(&index), 3);
	assert_int_equal(take(&index), 4);
	assert_int_equal(take(&index), 1);
	index_free(&index);
}

static void a_claimed_record_can_be_given_up(void **state)
{
	struct known known = {0};
	struct index index;

	(void)state;
	assert_int_equal(index_init(&index, 3), 0);
	index_claim(&index, 1);
	index_give_up(&index, 1);
	assert_true(index_reap(&index, clear, &known));
	assert_false(index_reap(&index, clear, &known));
	assert_int_equal(take(&index), 2);
	assert_int_equal(take(&index), 1);
	index_free(&index);
}

/* ---- against a model ------------------------------------------------------------------------ */

static uint32_t count_of(const struct known *known, bool resting)
{
	uint32_t count = 0;

	for (int i = 1; i < SIZE; i++)
		count += resting ? known->rests[i] > 0 : known->used[i];
	return count;
}

static void random_take(struct index *index, struct known *known)
{
	uint32_t record = 0;
	int err = index_take(index, &record);

	if (count_of(known, false) + count_of(known, true) == SIZE - 1) {
		assert_int_equal(err, -ENOSPC);
		return;
	}
	assert_int_equal(err, 0);
	assert_in_range(record, 1, SIZE - 1);
	assert_false(known->used[record]);
	assert_int_equal(known->rests[record], 0);
	known->used[record] = true;
}

static void random_give_up(struct index *index, struct known *known)
{
	uint32_t record = 1 + (uint32_t)rand() % (SIZE - 1);

	if (!known->used[record])
		return;
	known->used[record] = false;
	known->rests[record] = 2;
	index_give_up(index, record);
}

static void reap(struct index *index, struct known *known)
{
	bool more;

	memset(known->cleared, 0, sizeof(known->cleared));
	more = index_reap(index, clear, known);
	for (int i = 1; i < SIZE; i++) {
		bool over = known->rests[i] && !--known->rests[i];

		assert_int_equal(known->cleared[i], over);
	}
	assert_int_equal(more, count_of(known, true) > 0);
}

static void any_order_of_calls_agrees_with_a_model(void **state)
{
	struct known known = {0};
	struct index index;

	(void)state;
	srand(1);
	assert_int_equal(index_init(&index, SIZE), 0);
	for (int i = 0; i < 100000; i++) {
		int what = rand() % 20;

		if (what < 10)
			random_take(&index, &known);
		else if (what < 19)
			random_give_up(&index, &known);
		else
			reap(&index, &known);
	}
	index_free(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_0_is_never_handed_out),
		cmocka_unit_test(what_is_claimed_is_not_handed_out),
		cmocka_unit_test(what_is_given_up_rests_two_reaps),
		cmocka_unit_test(the_longest_free_goes_first),
		cmocka_unit_test(a_claimed_record_can_be_given_up),
		cmocka_unit_test(any_order_of_calls_agrees_with_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
