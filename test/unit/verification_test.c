/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A look at rings in parts, as the audit takes it: what it finds, and that it finds nothing in what is stored
 * between two of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apply_start.h"
#include "controller.h"
#include "verification.h"

#define PIECE 1000

struct look {
	struct controller controller;
	struct verification verification;
	size_t pieces;
};

static void begin(struct look *look)
{
	*look = (struct look){.controller = {.apply = world->apply}};
	look->verification = (struct verification){.controller = &look->controller,
						   .differences = json_array()};
}

static bool piece(struct look *look)
{
	look->pieces++;
	return verification_service(&look->verification, &world->apply.model->services[0], PIECE);
}

/* What is wrong, or NULL; of the last one. */
static const char *end(struct look *look)
{
	size_t count = json_array_size(look->verification.differences);
	static char text[64];

	if (count)
		snprintf(text, sizeof(text), "%s",
			 json_string_value(json_object_get(
				 json_array_get(look->verification.differences, count - 1), "have")));
	verification_end(&look->verification);
	return count ? text : NULL;
}

static const char *look_whole(void)
{
	struct look look;

	begin(&look);
	while (piece(&look))
		;
	assert_int_equal(look.verification.checked, 1);
	assert_true(look.pieces > 2 * RING_MAX / PIECE);
	return end(&look);
}

static void every_slot_is_looked_at(void **state)
{
	static const uint32_t wrong[] = {0, 999, 1000, 40000, RING_MAX - 1};
	struct sh_slot *slots;
	uint32_t first;

	(void)state;
	start(MANY);
	first = world->heap->port.services[tables_service_index(world->apply.model->services[0].entries[0])]
			.ring;
	slots = &world->heap->slots[first];
	assert_null(look_whole());
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		slots[wrong[i]].now++;
		assert_string_equal(look_whole(), "1 wrong slots");
		slots[wrong[i]].now--;
	}
	for (size_t i = 0; i < RING_MAX; i++)
		slots[i].now++;
	assert_string_equal(look_whole(), "65536 wrong slots");
}

static void what_cannot_be_looked_at_is_told(void **state)
{
	struct sh_service *record;

	(void)state;
	start(MANY);
	world->heap->broken = true;
	assert_string_equal(look_whole(), "Cannot allocate memory");
	world->heap->broken = false;
	record =
		&world->heap->port.services[tables_service_index(world->apply.model->services[0].entries[0])];
	record->slots /= 2;
	assert_string_equal(look_whole(), "a ring of 32768 slots");
}

/* The pool changes, and its ring with it: in each part of the look once. */
static void a_ring_that_is_stored_meanwhile_is_not_judged(void **state)
{
	bool there = true, over = false;

	(void)state;
	start(MANY);
	for (size_t before = 1; !over; before += 10) {
		struct look look;
		bool more = true;

		begin(&look);
		for (size_t i = 0; i < before && more; i++)
			more = piece(&look);
		over = !more;
		there = !there;
		route(0, there ? 2 : 0, there ? G1 : NULL, 0, NULL);
		pass();
		while (more)
			more = piece(&look);
		assert_int_equal(look.verification.checked, over);
		assert_null(end(&look));
	}
	assert_null(look_whole());
}

/* Begun before the ring was, and gone on with in its midst. */
static void a_ring_that_is_being_stored_is_not_judged(void **state)
{
	struct look look;
	bool more = true;

	(void)state;
	start(MANY);
	begin(&look);
	assert_true(piece(&look));
	route(0, 0, NULL, 0, NULL);
	while (slots_leading_to(member(0)) > 0 && more)
		assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_true(more);
	while (piece(&look))
		;
	assert_null(end(&look));
	pass();
	assert_null(look_whole());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(every_slot_is_looked_at),
		FACT(what_cannot_be_looked_at_is_told),
		FACT(a_ring_that_is_stored_meanwhile_is_not_judged),
		FACT(a_ring_that_is_being_stored_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
