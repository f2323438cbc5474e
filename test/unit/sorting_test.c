/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sort that can be left and gone on with: in order, stable, and no more at a time than allowed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sorting.h"

#define COUNT_MAX 200

/* By a key that several have in common. */
static int compare_keys(uint32_t a, uint32_t b, const void *keys)
{
	uint32_t first = ((const uint32_t *)keys)[a], second = ((const uint32_t *)keys)[b];

	return (first > second) - (first < second);
}

static void sort(size_t count, size_t steps)
{
	uint32_t numbers[COUNT_MAX + 1], spare[COUNT_MAX + 1], keys[COUNT_MAX];
	struct sorting sorting = {
		.numbers = numbers, .spare = spare, .count = count, .compare = compare_keys, .arg = keys};
	uint32_t dice = 1;
	size_t budget;
	bool done = false;

	for (uint32_t i = 0; i < count; i++) {
		dice = dice * 1664525 + 1013904223;
		keys[i] = (dice >> 8) % 20;
		numbers[i] = i;
	}
	numbers[count] = spare[count] = 4711;
	while (!done) {
		budget = steps;
		done = sorting_go_on(&sorting, &budget);
		assert_true(done || !budget);
	}
	for (size_t i = 1; i < count; i++) {
		int order = compare_keys(numbers[i - 1], numbers[i], keys);

		assert_true(order < 0 || (order == 0 && numbers[i - 1] < numbers[i]));
	}
	assert_int_equal(numbers[count], 4711);
	assert_int_equal(spare[count], 4711);
}

static void any_count_is_sorted_in_parts_of_any_size(void **state)
{
	static const size_t steps[] = {1, 2, 3, 17, 1000, SIZE_MAX};

	(void)state;
	for (size_t count = 0; count <= COUNT_MAX; count++) {
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
			sort(count, steps[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_count_is_sorted_in_parts_of_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
