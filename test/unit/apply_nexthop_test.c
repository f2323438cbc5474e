/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From links and neighbours to what packets see: how many words each change stores, and that at every moment
 * whoever is led anywhere arrives (apply_world.h checks the order beneath every test).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apply_start.h"

static void all_behind_a_router_share_a_way(void **state)
{
	(void)state;
	start(MANY);
	assert_int_equal(tables_nexthop_count(world->apply.tables), 1);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(record_of(member(i))->path, record_of(member(0))->path);
		assert_true(slots_leading_to(member(i)) > 0);
	}
	assert_int_equal(world->apply.asks, MANY);
	assert_int_equal(world->states, 0); /* of new ones only trouble is told */
}

static void a_new_mac_is_one_write_for_a_thousand_backends(void **state)
{
	uint64_t before;

	(void)state;
	start(MANY);
	before = writes();
	neighbour(2, G1, RT_NEIGH_VALID, 0x99);
	assert_true(writes() == before + 1);
	assert_int_equal(hop_of(7)->dst_mac[0], 0x99);
	pass();
	assert_true(writes() == before + 1);
	assert_int_equal(world->apply.asks, MANY); /* and nobody is asked anew */
	assert_int_equal(world->states, 0);
}

static void the_same_mac_again_is_no_write(void **state)
{
	uint64_t before;

	(void)state;
	start(10);
	before = writes();
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	neighbour(2, "192.0.2.77", RT_NEIGH_VALID, 0x55); /* nobody's next hop */
	pass();
	assert_true(writes() == before);
}

/* Block 0 by G3 for so many ms, and then, without a word, as `after` has it. */
static void end_of_lifetime(int64_t lifetime, uint64_t end, const char *after)
{
	route(0, 3, G3, 0, NULL);
	world->kernel.blocks[0].lifetime = lifetime;
	pass();
	assert_true(world->apply.next_end == end);
	assert_int_equal(hop_of(0)->link, 3);
	world->now_ms = end - 1;
	apply_mark_ended(&world->apply);
	assert_false(apply_pending(&world->apply));
	assert_true(world->apply.next_end == end);
	world->kernel.blocks[0].lifetime = 0;
	world->kernel.blocks[0].legs[0].ifindex = 2;
	world->kernel.blocks[0].legs[0].gateway = test_addr(after);
	world->now_ms = end;
	apply_mark_ended(&world->apply);
}

static void a_route_is_asked_about_when_its_lifetime_ends(void **state)
{
	uint64_t asks;

	(void)state;
	start(10);
	neighbour(3, G3, RT_NEIGH_VALID, 0x23);
	assert_true(world->apply.next_end == 0);
	world->now_ms = 1000;
	end_of_lifetime(5000, 6000, G1);
	asks = world->apply.asks;
	pass();
	assert_int_equal(world->apply.asks, asks + 5); /* who is in block 1 has to do with nothing of this */
	assert_int_equal(hop_of(0)->link, 2);
	assert_true(world->apply.next_end == 0);
}

static void a_lifetime_may_be_prolonged_in_silence(void **state)
{
	(void)state;
	start(10);
	neighbour(3, G3, RT_NEIGH_VALID, 0x23);
	route(0, 3, G3, 0, NULL);
	world->kernel.blocks[0].lifetime = 5000;
	pass();
	world->now_ms = 5000;
	apply_mark_ended(&world->apply);
	pass();
	assert_true(world->apply.next_end == 10000);
	/* Less than 10 ms ahead nothing is said of the end: it is as it was. */
	world->kernel.blocks[0].lifetime = 0;
	apply_mark_all(&world->apply);
	pass();
	assert_true(world->apply.next_end == 10000);
}

static void who_had_an_end_lately_is_asked_about_for_a_while(void **state)
{
	uint64_t asks;

	(void)state;
	start(10);
	apply_mark_ending(&world->apply);
	assert_false(apply_pending(&world->apply));
	neighbour(3, G3, RT_NEIGH_VALID, 0x23);
	end_of_lifetime(5000, 5000, G1);
	pass();
	asks = world->apply.asks;
	world->now_ms += 35000;
	apply_mark_ending(&world->apply);
	pass();
	assert_int_equal(world->apply.asks, asks + 5);
	world->now_ms += 10000;
	apply_mark_ending(&world->apply);
	assert_false(apply_pending(&world->apply));
	assert_false(world->apply.ending);
}

static void a_link_s_new_mac_is_one_write(void **state)
{
	uint64_t before;
	struct rt_link link;

	(void)state;
	start(MANY);
	before = writes();
	link = *rt_state_link(world->state, 2);
	memset(link.mac, 0x77, sizeof(link.mac));
	assert_int_equal(rt_state_put_link(world->state, &link), 0);
	apply_link(&world->apply, 3);
	assert_true(writes() == before); /* that is not about it */
	apply_link(&world->apply, 2);
	assert_true(writes() == before + 1); /* and does not wait for a pass */
	assert_int_equal(hop_of(0)->src_mac[5], 0x77);
	pass();
	assert_true(writes() == before + 1);
}

static struct rt_link *below(int ifindex, struct rt_link *link)
{
	*link = *rt_state_link(world->state, ifindex);
	link->mtu = 1400;
	return link;
}

/* A VLAN upon eth0: what happens to eth0 concerns it, at once. */
static void a_change_of_a_lower_link_is_stored_at_once(void **state)
{
	struct rt_link link = {.ifindex = 7,
			       .name = "vlan",
			       .kind = "vlan",
			       .lower = 2,
			       .vlan_id = 5,
			       .mtu = 1500,
			       .up = true,
			       .carrier = true};
	uint64_t before;

	(void)state;
	memset(link.mac, 0x17, sizeof(link.mac));
	assert_int_equal(rt_state_put_link(world->state, &link), 0);
	start(10);
	neighbour(7, G1, RT_NEIGH_VALID, 0x21);
	route(0, 7, G1, 0, NULL);
	pass();
	assert_int_equal(hop_of(0)->mtu, 1500);
	before = writes();
	assert_int_equal(rt_state_put_link(world->state, below(2, &link)), 0);
	apply_link(&world->apply, 2);
	assert_int_equal(hop_of(0)->mtu, 1400);
	assert_int_equal(hop_of(1)->mtu, 1400);
	assert_true(writes() == before + 2);
}

/* Also without a word about which link it was, in the next pass. */
static void all_next_hops_are_looked_at_in_the_pass(void **state)
{
	struct rt_link link;

	(void)state;
	start(10);
	assert_false(apply_pending(&world->apply));
	assert_int_equal(rt_state_put_link(world->state, below(2, &link)), 0);
	apply_all_nexthops(&world->apply);
	assert_true(apply_pending(&world->apply));
	pass();
	assert_int_equal(hop_of(0)->mtu, 1400);
}

static size_t kept;

static void keep(struct table_nexthop *nexthop, void *arg)
{
	(void)nexthop;
	(void)arg;
	kept++;
}

/* The kernel is told once of each that is new, not again with every pass. */
static void a_new_next_hop_is_to_be_kept_resolved(void **state)
{
	struct apply_ops ops = checking_ops;

	(void)state;
	kept = 0;
	ops.keep_resolved = keep;
	world->apply.ops = &ops;
	start(MANY);
	assert_int_equal(kept, 1);
	neighbour(2, G1, RT_NEIGH_VALID, 0x99);
	pass();
	assert_int_equal(kept, 1);
	route(0, 2, G2, 3, G3);
	pass();
	assert_int_equal(kept, 3);
}

/* While those behind it are marked, in parts, its link goes down and comes up: the kernel has forgotten it.
 */
static void a_next_hop_whose_link_is_back_is_kept_before_all_are_marked(void **state)
{
	struct apply_ops ops = checking_ops;
	bool more;

	(void)state;
	ops.keep_resolved = keep;
	world->apply.ops = &ops;
	start(MANY);
	neighbour(2, G1, RT_NEIGH_NONE, 0);
	assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_true(more);
	kept = 0;
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_true(more);
	assert_int_equal(kept, 1);
	pass();
}

/* What somebody else wrote there is for the audit to find and to count. */
static void keeping_next_hops_resolved_stores_nothing(void **state)
{
	struct apply_ops ops = checking_ops;
	struct sh_nexthop *record;

	(void)state;
	ops.keep_resolved = keep;
	world->apply.ops = &ops;
	start(10);
	kept = 0;
	record = &world->heap->port.nexthops[path_of(0).nexthop[0]];
	record->dst_mac[5] ^= 0xff;
	apply_keep_nexthops(&world->apply);
	pass();
	assert_int_equal(kept, 1);
	assert_int_equal(record->dst_mac[5], 0x21 ^ 0xff);
	apply_all_nexthops(&world->apply);
	pass();
	assert_int_equal(record->dst_mac[5], 0x21);
}

/* However many there are: nobody behind other routers is looked at. */
static void who_is_behind_a_neighbour_is_found_without_the_others(void **state)
{
	int states;

	(void)state;
	start(MANY);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	route(0, 3, G3, 0, NULL);
	pass();
	for (size_t i = 1; i < MANY; i += 2) /* would be told of if it were resolved */
		member(i)->drained = true;
	states = world->states;
	neighbour(3, G3, RT_NEIGH_NONE, 0);
	pass();
	assert_int_equal(world->states, states + MANY / 2);
	assert_int_equal(count_in(STATE_RESOLVING), MANY / 2);
}

static void a_backend_waits_in_the_ring_for_its_mac(void **state)
{
	struct sh_slot *slots;
	uint64_t before;

	(void)state;
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	load(file_of(0, 9));
	assert_int_equal(count_in(STATE_RESOLVING), 10);
	assert_int_equal(hop_of(0)->flags, 0);
	slots = copy_slots();
	before = writes();
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	assert_true(writes() == before + 1);
	pass();
	assert_true(writes() == before + 2); /* the VIP answers */
	assert_int_equal(count_in(STATE_ACTIVE), 10);
	assert_slots(slots);
}

/* Also where nothing was heard of the neighbour since the start. */
static void a_mac_that_is_forgotten_makes_them_wait_again(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(10);
	slots = copy_slots();
	neighbour(2, G1, RT_NEIGH_NONE, 0);
	pass();
	assert_int_equal(hop_of(0)->flags, 0);
	assert_int_equal(count_in(STATE_RESOLVING), 10);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	pass();
	assert_int_equal(count_in(STATE_ACTIVE), 10);
	assert_slots(slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(all_behind_a_router_share_a_way),
		FACT(a_new_mac_is_one_write_for_a_thousand_backends),
		FACT(the_same_mac_again_is_no_write),
		FACT(a_route_is_asked_about_when_its_lifetime_ends),
		FACT(a_lifetime_may_be_prolonged_in_silence),
		FACT(who_had_an_end_lately_is_asked_about_for_a_while),
		FACT(a_link_s_new_mac_is_one_write),
		FACT(a_change_of_a_lower_link_is_stored_at_once),
		FACT(all_next_hops_are_looked_at_in_the_pass),
		FACT(a_new_next_hop_is_to_be_kept_resolved),
		FACT(a_next_hop_whose_link_is_back_is_kept_before_all_are_marked),
		FACT(keeping_next_hops_resolved_stores_nothing),
		FACT(who_is_behind_a_neighbour_is_found_without_the_others),
		FACT(a_backend_waits_in_the_ring_for_its_mac),
		FACT(a_mac_that_is_forgotten_makes_them_wait_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
