/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A pass in parts: what others do between two of them, and that it ends as a whole one. Most of all a large
 * ring, which is worked out and stored in many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apply_start.h"
#include "ring.h"

#define WIDEST 4096 /* slots in one go: 65,536 are in a ring of MANY */

/* The smallest part there is. True while there is more. */
static bool part(void)
{
	bool more;

	assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	return more;
}

static struct service *service(void)
{
	return &world->apply.model->services[0];
}

/* How many words differ. */
static size_t count_changed(const struct sh_slot *before)
{
	size_t count = 0;

	for (uint32_t i = 0; i < world->heap->port.slots_size; i++)
		count += world->heap->slots[i].both != before[i].both;
	return count;
}

/* To where the ring is worked out. */
static void go_to_ring(void)
{
	while (!world->apply.ring_job)
		assert_true(part());
}

/* To where some slots are stored. */
static void go_to_slots(const struct sh_slot *before)
{
	while (!count_changed(before))
		assert_true(part());
}

static void finish(void)
{
	while (part())
		;
}

/* Every slot leads where it leads if the ring is built in one go. */
static void assert_ring(void)
{
	struct ring_member *members = calloc(MANY, sizeof(*members));
	uint32_t *want = calloc(RING_MAX, sizeof(*want)), size;
	const struct sh_slot *slots = slots_of(service(), &size);
	size_t count = 0;

	for (size_t i = 0; i < service()->config->backends_count; i++) {
		if (backend_state_serves(member(i)->state))
			members[count++] = (struct ring_member){member(i)->config->address, 1,
								tables_backend_index(member(i)->backend)};
	}
	assert_int_equal(ring_build(members, count, want, size), 0);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(slots[i].now, want[i]);
	free(members);
	free(want);
}

static void a_pass_in_parts_ends_as_a_whole_one(void **state)
{
	struct sh_slot *slots;
	uint64_t before, asks;
	bool more;

	(void)state;
	start(MANY);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	slots = copy_slots();
	asks = world->apply.asks;
	route(0, 0, NULL, 0, NULL); /* half of them can't be reached any more */
	assert_int_equal(apply_part(&world->apply, 2400, &more), 0);
	assert_true(more && apply_pending(&world->apply));
	assert_true(world->apply.asks == asks + 100);
	assert_int_equal(count_in(STATE_UNREACHABLE), 100);
	assert_memory_equal(world->heap->slots, slots, world->heap->port.slots_size * sizeof(*slots));
	/* A neighbour's change between two parts is one write, at once. */
	before = writes();
	neighbour(2, G1, RT_NEIGH_VALID, 0x77);
	assert_true(writes() == before + 1);
	while (more)
		assert_int_equal(apply_part(&world->apply, 100, &more), 0);
	assert_true(world->apply.asks == asks + MANY / 2);
	assert_int_equal(count_in(STATE_UNREACHABLE), MANY / 2);
	assert_int_equal(slots_leading_to(member(0)), 0);
	assert_true(slots_leading_to(member(1)) > 0);
	free(slots);
	pass();
}

/* The tables may be larger ones by then. */
static void a_pass_that_was_given_up_leaves_no_room_behind(void **state)
{
	bool more = true;

	(void)state;
	start(100);
	route(0, 0, NULL, 0, NULL);
	while (more && !world->apply.ring_job)
		assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_true(more);
	world->apply.model->passing = false;
	apply_mark_all(&world->apply);
	assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_null(world->apply.ring_job);
	pass();
}

static void what_is_marked_behind_a_part_is_for_the_next_pass(void **state)
{
	bool more;

	(void)state;
	start(MANY);
	route(0, 0, NULL, 0, NULL);
	assert_int_equal(apply_part(&world->apply, 100, &more), 0);
	route(0, 2, G1, 0, NULL); /* back, for those that are past already, too */
	while (more)
		assert_int_equal(apply_part(&world->apply, 100, &more), 0);
	assert_true(apply_pending(&world->apply));
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), MANY);
}

/* ---- a ring ----------------------------------------------------------------------------------- */

static void a_ring_waits_for_nobody_and_nobody_for_a_ring(void **state)
{
	struct sh_slot *slots;
	size_t parts = 0;
	uint64_t before;

	(void)state;
	start(MANY);
	slots = copy_slots();
	world->widest = 0;
	route(0, 0, NULL, 0, NULL);
	go_to_ring();
	assert_int_equal(count_changed(slots), 0);
	before = writes();
	neighbour(2, G1, RT_NEIGH_VALID, 0x77);
	assert_true(writes() == before + 1);
	assert_int_equal(hop_of(1)->dst_mac[0], 0x77);
	go_to_slots(slots);
	assert_true(count_changed(slots) <= WIDEST);
	before = writes();
	neighbour(2, G1, RT_NEIGH_VALID, 0x78);
	assert_true(writes() == before + 1);
	while (part())
		parts++;
	assert_true(parts > RING_MAX / WIDEST);
	assert_in_range(world->widest, 1, WIDEST);
	free(slots);
	assert_ring();
	pass();
	assert_int_equal(slots_leading_to(member(0)), 0);
}

/* Whom slots move away from is marked before any does, and each slot moves once. */
static void between_two_parts_every_slot_is_as_it_was_or_as_it_is_to_be(void **state)
{
	struct sh_slot *slots, *middle;
	size_t parts = 0;
	bool more = true;

	(void)state;
	start(MANY);
	route(0, 0, NULL, 0, NULL);
	pass();
	slots = copy_slots();
	middle = copy_slots();
	route(0, 2, G1, 0, NULL); /* away from those of the other block */
	while (more) {
		more = part();
		parts += count_changed(slots) > 0;
		for (uint32_t i = 0; i < world->heap->port.slots_size; i++) {
			struct sh_slot slot = world->heap->slots[i];

			assert_true(slot.both == middle[i].both || middle[i].both == slots[i].both);
			/* Or nobody in particular: others have flows that are remembered. */
			assert_true(slot.before == slot.now || !slot.before ||
				    world->heap->port.backends[slot.before].seen);
			middle[i] = slot;
		}
	}
	assert_true(parts > RING_MAX / WIDEST);
	free(slots);
	free(middle);
	assert_ring();
	assert_in_range(tables_ring_moving(service()->ring), RING_MAX / 3, RING_MAX * 2 / 3);
}

static void a_pool_that_changes_while_its_ring_is_built_has_it_built_again(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(MANY);
	slots = copy_slots();
	route(0, 0, NULL, 0, NULL);
	go_to_ring();
	route(1, 0, NULL, 0, NULL);
	finish();
	assert_int_equal(count_in(STATE_ACTIVE), MANY / 2); /* as it was when the pass began */
	assert_ring();
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), 0);
	assert_ring();
	free(slots);
	slots = copy_slots();
	route(1, 2, G1, 0, NULL);
	go_to_slots(slots);
	route(0, 2, G1, 0, NULL);
	finish();
	assert_int_equal(count_in(STATE_ACTIVE), MANY / 2);
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), MANY);
	assert_ring();
	free(slots);
}

static void a_ring_that_is_marked_while_it_is_built_is_built_again(void **state)
{
	unsigned stored;

	(void)state;
	start(MANY);
	route(0, 0, NULL, 0, NULL);
	go_to_ring();
	stored = service()->stored;
	model_stale(service());
	finish();
	assert_int_equal(service()->stored, stored + 1);
	assert_true(apply_pending(&world->apply));
	pass();
	assert_int_equal(service()->stored, stored + 3);
}

/* As by whoever needs all to be done at once. */
static void a_pass_that_is_begun_anew_begins_the_ring_anew(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(MANY);
	slots = copy_slots();
	route(0, 0, NULL, 0, NULL);
	go_to_ring();
	pass();
	assert_ring();
	free(slots);
	slots = copy_slots();
	route(0, 2, G1, 0, NULL);
	go_to_slots(slots);
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), MANY);
	assert_ring();
	free(slots);
}

static void a_reload_while_a_ring_is_built_builds_its_own(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(MANY);
	slots = copy_slots();
	route(0, 0, NULL, 0, NULL);
	go_to_slots(slots);
	load(file_of(1, MANY - 1)); /* of as many slots */
	assert_null(world->apply.ring_job);
	assert_ring();
	free(slots);
	slots = copy_slots();
	route(0, 2, G1, 0, NULL);
	go_to_slots(slots);
	restart(file_of(0, MANY - 1));
	assert_ring();
	assert_int_equal(count_in(STATE_ACTIVE), MANY);
	free(slots);
}

/* Nobody's flows are held for longer, as what has become idle is marked behind the pass. */
static void a_mark_that_ends_while_a_ring_is_built_ends_its_transition(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(MANY);
	route(0, 0, NULL, 0, NULL);
	pass();
	route(0, 2, G1, 0, NULL);
	pass();
	assert_true(tables_ring_moving(service()->ring) > 0);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	slots = copy_slots();
	world->now += IDLE / 2;
	model_stale(service());
	go_to_ring();
	world->now += IDLE;
	while (apply_settle(&world->apply, 100))
		(void)part();
	finish();
	assert_true(apply_pending(&world->apply));
	pass();
	assert_int_equal(tables_ring_moving(service()->ring), 0);
	assert_false(apply_moving(&world->apply));
	assert_ring();
	free(slots);
}

static void a_ring_that_cannot_be_stored_to_its_end_is_built_again(void **state)
{
	struct sh_slot *slots;
	bool more = true;
	int err = 0;

	(void)state;
	start(MANY);
	slots = copy_slots();
	route(0, 0, NULL, 0, NULL);
	go_to_slots(slots);
	world->heap->broken = true;
	while (more)
		err = apply_part(&world->apply, 1, &more);
	assert_int_equal(err, -ENOMEM);
	assert_null(world->apply.ring_job);
	assert_true(apply_pending(&world->apply));
	assert_whole_way(member(0)); /* slots lead there yet */
	world->heap->broken = false;
	pass();
	assert_ring();
	assert_int_equal(record_of(member(0))->how, 0);
	free(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_pass_in_parts_ends_as_a_whole_one),
		FACT(a_pass_that_was_given_up_leaves_no_room_behind),
		FACT(what_is_marked_behind_a_part_is_for_the_next_pass),
		FACT(a_ring_waits_for_nobody_and_nobody_for_a_ring),
		FACT(between_two_parts_every_slot_is_as_it_was_or_as_it_is_to_be),
		FACT(a_pool_that_changes_while_its_ring_is_built_has_it_built_again),
		FACT(a_ring_that_is_marked_while_it_is_built_is_built_again),
		FACT(a_pass_that_is_begun_anew_begins_the_ring_anew),
		FACT(a_reload_while_a_ring_is_built_builds_its_own),
		FACT(a_mark_that_ends_while_a_ring_is_built_ends_its_transition),
		FACT(a_ring_that_cannot_be_stored_to_its_end_is_built_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
