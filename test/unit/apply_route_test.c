/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From routes to what packets see: whom the kernel is asked about, how many words each change stores, and
 * what a failure leaves as it was.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apply_start.h"

static void a_route_that_moves_takes_its_backends_along(void **state)
{
	uint64_t before, asks;
	struct sh_slot *slots;

	(void)state;
	start(MANY);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	slots = copy_slots();
	before = writes();
	asks = world->apply.asks;
	route(0, 3, G3, 0, NULL);
	pass();
	assert_true(world->apply.asks == asks + MANY / 2); /* those of the block, no others */
	/* The next hop with its two words, and each of the backends. */
	assert_true(writes() == before + 3 + MANY / 2);
	assert_int_equal(hop_of(0)->ifindex, 3);
	assert_int_equal(hop_of(1)->ifindex, 2);
	assert_int_equal(count_in(STATE_ACTIVE), MANY);
	assert_slots(slots);
}

/* By rules that leave it to the tables: one question for all whose route it was. */
static void a_route_is_asked_about_once_where_it_is_everyone_s(void **state)
{
	uint64_t asks, before;

	(void)state;
	start(MANY);
	world->apply.policy.v4.first = TABLE;
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	asks = world->apply.asks;
	before = writes();
	route(0, 3, G3, 0, NULL);
	pass();
	assert_true(world->apply.asks == asks + 1);
	assert_true(writes() == before + 3 + MANY / 2);
	assert_int_equal(hop_of(0)->ifindex, 3);
	assert_int_equal(hop_of(MANY - 2)->ifindex, 3);
	assert_int_equal(hop_of(1)->ifindex, 2);
	/* What is behind all links: nothing says what an answer has to do with another. */
	apply_mark_all(&world->apply);
	pass();
	assert_true(world->apply.asks == asks + 1 + MANY);
}

/* What was said before an event is not taken for an answer after it. */
static void an_event_between_two_parts_ends_the_sharing(void **state)
{
	uint64_t asks;
	bool more;

	(void)state;
	start(MANY);
	world->apply.policy.v4.first = TABLE;
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	asks = world->apply.asks;
	route(0, 3, G3, 0, NULL);
	assert_int_equal(apply_part(&world->apply, 100, &more), 0);
	assert_true(more);
	assert_true(world->apply.asks == asks + 1);
	route(0, 2, G1, 0, NULL);
	while (more)
		assert_int_equal(apply_part(&world->apply, 100, &more), 0);
	pass();
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(hop_of(i)->ifindex, 2);
}

/* Two routes that changed cover it: which of them it has is to be asked. */
static void whoever_is_in_two_changed_prefixes_is_asked_about(void **state)
{
	const struct prefix half = {.addr = {ADDR_IPV4, {198, 18}}, .length = 17};
	uint64_t asks;

	(void)state;
	start(10);
	world->apply.policy.v4.first = TABLE;
	asks = world->apply.asks;
	route(0, 2, G1, 0, NULL);
	apply_mark_prefix(&world->apply, &half);
	pass();
	assert_true(world->apply.asks == asks + 5);
}

/* Between the parts of a pass: when it is found unreachable, it is not behind the new next hop yet. */
static void a_next_hop_that_answers_before_its_backends_left_is_noticed(void **state)
{
	bool more = true;

	(void)state;
	start(100);
	neighbour(3, G3, RT_NEIGH_FAILED, 0);
	route(0, 3, G3, 0, NULL);
	while (more && (agenda_any(&world->apply.model->work) || spans_any(&world->apply.model->spans)))
		assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_true(more);
	assert_int_equal(count_in(STATE_UNREACHABLE), 50);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	while (more)
		assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), 100);
	assert_int_equal(hop_of(0)->ifindex, 3);
	assert_true(slots_leading_to(member(0)) > 0);
}

/* Each by a route of its own that is new: what another was asked about says nothing of it. */
static void an_answer_is_not_shared_beyond_the_changed_prefix(void **state)
{
	uint64_t asks;

	(void)state;
	start(10);
	world->apply.policy.v4.first = TABLE;
	asks = world->apply.asks;
	for (unsigned i = 0; i < 10; i += 2) {
		const struct prefix own = {.addr = backend_address(i), .length = 32};

		apply_mark_prefix(&world->apply, &own);
	}
	pass();
	assert_true(world->apply.asks == asks + 5);
}

static void no_route_leaves_the_ring_before_the_records(void **state)
{
	struct sh_slot *slots;
	int paths;

	(void)state;
	start(100);
	slots = copy_slots();
	paths = world->paths;
	route(0, 0, NULL, 0, NULL);
	pass(); /* on_path asserts the order */
	assert_int_equal(world->paths, paths + 50);
	assert_int_equal(count_in(STATE_UNREACHABLE), 50);
	assert_int_equal(record_of(member(0))->how, 0);
	assert_non_null(member(0)->reason);
	assert_int_equal(slots_leading_to(member(0)), 0);
	assert_true(slots_leading_to(member(1)) > 0);

	route(0, 2, G1, 0, NULL);
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), 100);
	assert_null(member(0)->reason);
	elapse(IDLE); /* of those who had its slots meanwhile */
	assert_slots(slots);
}

static void a_router_that_does_not_answer_takes_its_backends_out(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(100);
	route(0, 3, G3, 0, NULL);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	pass();
	slots = copy_slots();
	neighbour(3, G3, RT_NEIGH_FAILED, 0);
	pass();
	assert_int_equal(count_in(STATE_UNREACHABLE), 50);
	assert_int_equal(slots_leading_to(member(0)), 0);
	assert_int_equal(record_of(member(0))->how, 0);
	/* Its next hop is still known, or nobody would notice that it answers again. */
	assert_int_equal(tables_nexthop_count(world->apply.tables), 2);
	neighbour(3, G3, RT_NEIGH_VALID, 0x32);
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), 100);
	assert_int_equal(hop_of(0)->dst_mac[0], 0x32);
	elapse(IDLE);
	assert_slots(slots);
}

static void the_last_backend_leaves_an_empty_ring(void **state)
{
	(void)state;
	start(1);
	route(0, 0, NULL, 0, NULL);
	pass();
	for (uint32_t i = 0; i < world->heap->port.slots_size; i++)
		assert_int_equal(world->heap->slots[i].now, 0);
}

static void two_gateways_share_the_buckets(void **state)
{
	int share[2] = {0, 0};
	struct sh_path path;
	uint64_t before;

	(void)state;
	start(10);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	route(0, 2, G2, 3, G3);
	pass();
	path = path_of(0);
	assert_int_equal(path.buckets, SH_PATH_BUCKETS);
	for (int i = 0; i < SH_PATH_BUCKETS; i++)
		share[world->heap->port.nexthops[path.nexthop[i]].ifindex - 2]++;
	assert_in_range(share[0], 63, 64);
	assert_in_range(share[1], 63, 64);
	for (size_t i = 2; i < 10; i += 2) /* the block shares one path */
		assert_int_equal(record_of(member(i))->path, record_of(member(0))->path);
	/* What comes or goes of the neighbours is one word each; packets pass over what is not valid. */
	before = writes();
	neighbour(2, G2, RT_NEIGH_VALID, 0x22);
	pass();
	neighbour(3, G3, RT_NEIGH_FAILED, 0);
	pass();
	assert_true(writes() == before + 2);
	assert_int_equal(count_in(STATE_ACTIVE), 10);
}

static void a_leg_taken_from_the_route_moves_its_buckets_alone(void **state)
{
	struct sh_path whole, less;
	uint32_t gone;

	(void)state;
	start(10);
	neighbour(2, G2, RT_NEIGH_VALID, 0x22);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	route(0, 2, G2, 3, G3);
	add_leg(&world->kernel.blocks[0], 2, G1, 1);
	pass();
	whole = path_of(0);
	gone = tables_nexthop_index(tables_find_nexthop(
		world->apply.tables, &(struct rt_neigh_key){.ifindex = 2, .addr = test_addr(G1)}));
	route(0, 2, G2, 3, G3);
	pass();
	less = path_of(0);
	for (int i = 0; i < SH_PATH_BUCKETS; i++)
		assert_true(whole.nexthop[i] == gone ? less.nexthop[i] != gone
						     : less.nexthop[i] == whole.nexthop[i]);
	whole = less;
	restart(file_of(0, 9)); /* another process goes on from what it finds */
	less = path_of(0);
	assert_memory_equal(&less, &whole, sizeof(less));
	assert_int_equal(count_in(STATE_ACTIVE), 10);
}

static void a_question_that_fails_is_asked_again(void **state)
{
	uint64_t before;

	(void)state;
	start(10);
	before = writes();
	world->kernel.fails = -EAGAIN;
	apply_mark_all(&world->apply);
	assert_int_equal(apply_pass(&world->apply), -EAGAIN);
	assert_true(apply_pending(&world->apply));
	assert_int_equal(count_in(STATE_ACTIVE), 10);
	world->kernel.fails = 0;
	pass();
	assert_true(writes() == before);
}

static void full_tables_leave_all_as_it_was(void **state)
{
	(void)state;
	start(10);
	for (uint32_t i = 2; i < world->heap->port.nexthops_size; i++) {
		struct rt_neigh_key key = {.ifindex = (int)i, .addr = test_addr("192.0.2.200")};

		assert_non_null(tables_nexthop(world->apply.tables, &key));
	}
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	route(0, 3, G3, 0, NULL);
	assert_int_equal(apply_pass(&world->apply), -ENOSPC);
	assert_true(apply_pending(&world->apply));
	assert_int_equal(hop_of(0)->ifindex, 2);
	assert_int_equal(count_in(STATE_ACTIVE), 10);
	route(0, 2, G1, 0, NULL);
	pass();
}

static void a_ring_that_cannot_be_written_keeps_who_leaves(void **state)
{
	(void)state;
	start(10);
	world->heap->broken = true;
	route(0, 0, NULL, 0, NULL);
	assert_int_equal(apply_pass(&world->apply), -ENOMEM);
	assert_int_equal(count_in(STATE_UNREACHABLE), 5);
	assert_true(slots_leading_to(member(0)) > 0);
	assert_whole_way(member(0));
	world->heap->broken = false;
	pass();
	assert_int_equal(slots_leading_to(member(0)), 0);
	assert_int_equal(record_of(member(0))->how, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_route_that_moves_takes_its_backends_along),
		FACT(a_route_is_asked_about_once_where_it_is_everyone_s),
		FACT(an_event_between_two_parts_ends_the_sharing),
		FACT(whoever_is_in_two_changed_prefixes_is_asked_about),
		FACT(a_next_hop_that_answers_before_its_backends_left_is_noticed),
		FACT(an_answer_is_not_shared_beyond_the_changed_prefix),
		FACT(no_route_leaves_the_ring_before_the_records),
		FACT(a_router_that_does_not_answer_takes_its_backends_out),
		FACT(the_last_backend_leaves_an_empty_ring),
		FACT(two_gateways_share_the_buckets),
		FACT(a_leg_taken_from_the_route_moves_its_buckets_alone),
		FACT(a_question_that_fails_is_asked_again),
		FACT(full_tables_leave_all_as_it_was),
		FACT(a_ring_that_cannot_be_written_keeps_who_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
