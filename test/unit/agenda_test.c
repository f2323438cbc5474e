/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is to be done next: as facts, and against a model that looks at everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agenda.h"

#define SIZE 40

struct thing {
	int number;
	struct agenda_item item;
	bool there, marked; /* what the test knows */
};

struct fixture {
	struct agenda agenda;
	struct thing things[SIZE];
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	agenda_init(&fixture.agenda);
	for (int i = 0; i < SIZE; i++) {
		fixture.things[i].number = i;
		fixture.things[i].there = true;
		agenda_add(&fixture.agenda, &fixture.things[i].item);
	}
	*state = &fixture;
	return 0;
}

static void mark(struct fixture *fixture, int number)
{
	agenda_mark(&fixture->agenda, &fixture->things[number].item);
}

/* The number of the next one of the round, or -1. */
static int take(struct fixture *fixture, bool *all)
{
	struct agenda_item *item = agenda_take(&fixture->agenda, all);

	return item ? AGENDA_OF(item, struct thing, item)->number : -1;
}

static void nothing_is_to_be_done_at_first(void **state)
{
	struct fixture *fixture = *state;

	assert_false(agenda_any(&fixture->agenda));
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, NULL), -1);
}

static void what_is_marked_comes_once_and_in_order(void **state)
{
	struct fixture *fixture = *state;
	bool all = true;

	mark(fixture, 7);
	mark(fixture, 3);
	mark(fixture, 7);
	assert_true(agenda_any(&fixture->agenda));
	assert_int_equal(take(fixture, NULL), -1); /* no round has begun */
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, &all), 7);
	assert_false(all);
	assert_int_equal(take(fixture, NULL), 3);
	assert_int_equal(take(fixture, NULL), -1);
	assert_false(agenda_any(&fixture->agenda));
}

static void a_mark_behind_the_round_is_for_the_next(void **state)
{
	struct fixture *fixture = *state;

	mark(fixture, 1);
	mark(fixture, 2);
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, NULL), 1);
	mark(fixture, 1);
	mark(fixture, 2); /* which is still to come */
	assert_int_equal(take(fixture, NULL), 2);
	assert_int_equal(take(fixture, NULL), -1);
	assert_true(agenda_any(&fixture->agenda));
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, NULL), 1);
	assert_int_equal(take(fixture, NULL), -1);
}

static void all_are_marked_in_their_order(void **state)
{
	struct fixture *fixture = *state;
	bool all = false;

	mark(fixture, 5);
	agenda_mark_all(&fixture->agenda);
	for (int i = 0; i < SIZE; i++)
		assert_true(agenda_is_marked(&fixture->agenda, &fixture->things[i].item));
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, &all), 5); /* in line before */
	assert_true(all);
	for (int i = 0; i < SIZE; i++) {
		if (i != 5)
			assert_int_equal(take(fixture, &all), i);
		assert_true(all);
	}
	assert_int_equal(take(fixture, NULL), -1);
	assert_false(agenda_any(&fixture->agenda));
}

static void a_round_that_was_left_comes_first(void **state)
{
	struct fixture *fixture = *state;

	mark(fixture, 1);
	mark(fixture, 2);
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, NULL), 1);
	mark(fixture, 0);
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, NULL), 2);
	assert_int_equal(take(fixture, NULL), 0);
}

static void who_leaves_does_not_come(void **state)
{
	struct fixture *fixture = *state;

	mark(fixture, 1);
	mark(fixture, 2);
	agenda_remove(&fixture->things[1].item);
	agenda_begin(&fixture->agenda);
	assert_int_equal(take(fixture, NULL), 2);
	assert_int_equal(take(fixture, NULL), -1);
	mark(fixture, 3);
	agenda_begin(&fixture->agenda);
	agenda_remove(&fixture->things[3].item);
	assert_false(agenda_any(&fixture->agenda));
}

/* ---- against a model ------------------------------------------------------------------------ */

static void check_taken(struct fixture *fixture)
{
	int number = take(fixture, NULL);

	if (number < 0)
		return;
	assert_true(fixture->things[number].there);
	assert_true(fixture->things[number].marked);
	fixture->things[number].marked = false;
}

static void do_something(struct fixture *fixture)
{
	struct thing *thing = &fixture->things[rand() % SIZE];

	switch (rand() % 12) {
	case 0:
		agenda_mark_all(&fixture->agenda);
		for (int i = 0; i < SIZE; i++)
			fixture->things[i].marked = fixture->things[i].there;
		break;
	case 1:
		if (thing->there)
			agenda_remove(&thing->item);
		else
			agenda_add(&fixture->agenda, &thing->item);
		thing->there = !thing->there;
		thing->marked = false;
		break;
	case 2:
	case 3:
		agenda_begin(&fixture->agenda);
		break;
	case 4:
	case 5:
	case 6:
		if (!thing->there)
			break;
		agenda_mark(&fixture->agenda, &thing->item);
		thing->marked = true;
		break;
	default:
		check_taken(fixture);
	}
}

static void it_knows_who_is_marked_whatever_happens(void **state)
{
	struct fixture *fixture = *state;

	srand(1);
	for (int i = 0; i < 100000; i++) {
		bool any = false;

		do_something(fixture);
		for (int j = 0; j < SIZE; j++) {
			const struct thing *thing = &fixture->things[j];

			if (!thing->there)
				continue;
			any |= thing->marked;
			assert_int_equal(agenda_is_marked(&fixture->agenda, &thing->item), thing->marked);
		}
		assert_int_equal(agenda_any(&fixture->agenda), any);
	}
	agenda_begin(&fixture->agenda);
	for (int i = 0; i < SIZE; i++)
		check_taken(fixture);
	assert_false(agenda_any(&fixture->agenda));
}

#define FACT(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(nothing_is_to_be_done_at_first),	       FACT(what_is_marked_comes_once_and_in_order),
		FACT(a_mark_behind_the_round_is_for_the_next), FACT(all_are_marked_in_their_order),
		FACT(a_round_that_was_left_comes_first),       FACT(who_leaves_does_not_come),
		FACT(it_knows_who_is_marked_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
