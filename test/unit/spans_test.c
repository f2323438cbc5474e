/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Spans of targets: who is met for which prefix, and in which round. See spans.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "spans.h"

#define COUNT 100U

/* No target is looked into: each is a place here. */
static struct target *number(size_t i)
{
	static char places[UINT8_MAX + 1];

	return (struct target *)(void *)&places[i];
}

static struct addr address(uint8_t host)
{
	return (struct addr){ADDR_IPV4, {198, 18, 0, host}};
}

static struct prefix prefix(uint8_t host, uint8_t length)
{
	return (struct prefix){.addr = address(host), .length = length};
}

/* 198.18.0.0 to .99, given in reverse order, so that wide spans go backwards. */
static struct spans *new_spans(void)
{
	struct spans_place *places = calloc(COUNT, sizeof(*places));
	struct spans *spans = calloc(1, sizeof(*spans));

	assert_true(spans && places);
	for (size_t i = 0; i < COUNT; i++)
		places[i] = (struct spans_place){.address = address((uint8_t)(COUNT - 1 - i)),
						 .target = number(COUNT - 1 - i)};
	assert_int_equal(spans_init(spans, places, COUNT), 0);
	return spans;
}

static void drop(struct spans *spans)
{
	spans_free(spans);
	free(spans);
}

static void add(struct spans *spans, uint8_t host, uint8_t length)
{
	const struct prefix changed = prefix(host, length);

	assert_true(spans_add(spans, &changed));
}

/* The round meets these, for that length. */
static void assert_meets(struct spans *spans, size_t first, size_t end, uint8_t length)
{
	struct spans_turn turn;

	for (size_t i = first; i < end; i++) {
		assert_true(spans_take(spans, &turn));
		assert_ptr_equal(turn.target, number(i));
		assert_int_equal(turn.length, length);
		assert_false(turn.several);
	}
}

/* Whoever is not in the prefix is passed. */
static void assert_meets_backwards(struct spans *spans, size_t first, size_t end, uint8_t length)
{
	struct spans_turn turn;

	for (size_t i = COUNT; i-- > 0;) {
		assert_true(spans_take(spans, &turn));
		assert_ptr_equal(turn.target, i >= first && i < end ? number(i) : NULL);
		assert_int_equal(turn.length, length);
	}
}

static void assert_over(struct spans *spans)
{
	struct spans_turn turn;

	assert_false(spans_take(spans, &turn));
	assert_false(spans_any(spans));
}

static void a_prefix_meets_those_that_it_covers(void **state)
{
	struct spans *spans = new_spans();

	(void)state;
	add(spans, 32, 28);
	add(spans, 0, 31);
	add(spans, 77, 32);
	assert_true(spans_any(spans));
	spans_begin(spans);
	assert_meets_backwards(spans, 32, 48, 28);
	assert_meets(spans, 0, 2, 31);
	assert_meets(spans, 77, 78, 32);
	assert_over(spans);
	add(spans, 0, 0);
	spans_begin(spans);
	assert_meets_backwards(spans, 0, COUNT, 0);
	assert_over(spans);
	drop(spans);
}

static void a_prefix_that_covers_nobody_is_nothing_to_do(void **state)
{
	const struct prefix other = {.addr = {ADDR_IPV6, {0x20, 1}}, .length = 16};
	struct spans *spans = new_spans();

	(void)state;
	add(spans, 128, 25);
	assert_true(spans_add(spans, &other));
	assert_false(spans_any(spans));
	drop(spans);
}

static void what_is_added_behind_the_round_waits_for_the_next(void **state)
{
	struct spans *spans = new_spans();
	struct spans_turn turn;

	(void)state;
	add(spans, 0, 30);
	spans_begin(spans);
	assert_meets(spans, 0, 2, 30);
	add(spans, 0, 30);
	add(spans, 0, 30); /* the same is there once */
	assert_meets(spans, 2, 4, 30);
	assert_false(spans_take(spans, &turn));
	assert_true(spans_any(spans));
	spans_begin(spans);
	assert_meets(spans, 0, 4, 30);
	assert_over(spans);
	drop(spans);
}

static void who_is_in_several_is_met_in_the_last(void **state)
{
	struct spans *spans = new_spans();
	struct spans_turn turn;

	(void)state;
	add(spans, 0, 30);
	add(spans, 2, 31);
	spans_begin(spans);
	assert_meets(spans, 0, 2, 30);
	for (size_t i = 2; i < 4; i++) {
		assert_true(spans_take(spans, &turn));
		assert_null(turn.target);
	}
	for (size_t i = 2; i < 4; i++) {
		assert_true(spans_take(spans, &turn));
		assert_ptr_equal(turn.target, number(i));
		assert_true(turn.several);
	}
	assert_over(spans);
	drop(spans);
}

static void who_left_is_not_met(void **state)
{
	const struct addr gone = address(1), nobody = address(200);
	struct spans *spans = new_spans();
	struct spans_turn turn;

	(void)state;
	add(spans, 0, 31);
	spans_leave(spans, &gone);
	spans_leave(spans, &nobody);
	spans_begin(spans);
	assert_meets(spans, 0, 1, 31);
	assert_true(spans_take(spans, &turn));
	assert_null(turn.target);
	assert_over(spans);
	drop(spans);
}

static void more_than_fit_are_refused_and_forgotten(void **state)
{
	const struct prefix more = prefix(99, 32);
	struct spans *spans = new_spans();

	(void)state;
	for (uint8_t i = 0; i < SPANS_MAX; i++)
		add(spans, i, 32);
	assert_false(spans_add(spans, &more));
	spans_forget(spans);
	assert_over(spans);
	drop(spans);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_prefix_meets_those_that_it_covers),
		cmocka_unit_test(a_prefix_that_covers_nobody_is_nothing_to_do),
		cmocka_unit_test(what_is_added_behind_the_round_waits_for_the_next),
		cmocka_unit_test(who_is_in_several_is_met_in_the_last),
		cmocka_unit_test(who_left_is_not_met),
		cmocka_unit_test(more_than_fit_are_refused_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
