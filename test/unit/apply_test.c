/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From what the kernel says to what packets see: how many words each change stores, and that at every moment
 * whoever is led anywhere arrives (apply_world.h checks the order beneath every test).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apply_world.h"
#include "ring.h"

#define G1 "192.0.2.1"
#define G2 "192.0.2.2"
#define G3 "192.0.2.129" /* on eth1 */

#define MANY 1000U

static uint64_t writes(void)
{
	return tables_writes(world->apply.tables);
}

static void pass(void)
{
	assert_int_equal(apply_pass(&world->apply), 0);
	assert_false(apply_pending(&world->apply));
}

static size_t count_in(enum backend_state state)
{
	const struct service *service = &world->apply.model->services[0];
	size_t count = 0;

	for (size_t i = 0; i < service->config->backends_count; i++)
		count += service->members[i].state == state;
	assert_int_equal(count, service->in_state[state]);
	return count;
}

static struct sh_path path_of(size_t at)
{
	struct sh_path path;

	tables_path_read(&world->heap->port, record_of(member(at))->path, &path);
	return path;
}

/* The only next hop of a backend's path. */
static const struct sh_nexthop *hop_of(size_t at)
{
	assert_int_equal(path_of(at).buckets, 1);
	return &world->heap->port.nexthops[path_of(at).nexthop[0]];
}

static struct sh_slot *copy_slots(void)
{
	size_t size = world->heap->port.slots_size * sizeof(struct sh_slot);

	return memcpy(malloc(size), world->heap->slots, size);
}

static void assert_slots(struct sh_slot *as)
{
	assert_memory_equal(world->heap->slots, as, world->heap->port.slots_size * sizeof(*as));
	free(as);
}

/* Both blocks by G1, whose MAC is known, and the backends 0 to `backends` - 1. */
static void start(unsigned backends)
{
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	load(file_of(0, backends - 1));
	assert_int_equal(count_in(STATE_ACTIVE), backends);
}

/* ---- next hops ------------------------------------------------------------------------------ */

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

/* ---- routes --------------------------------------------------------------------------------- */

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
	while (more && !world->apply.scratch.fates)
		assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_true(more);
	world->apply.model->passing = false;
	apply_mark_all(&world->apply);
	assert_int_equal(apply_part(&world->apply, 1, &more), 0);
	assert_null(world->apply.scratch.fates);
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

/* ---- restart and reload --------------------------------------------------------------------- */

static void a_restart_writes_nothing(void **state)
{
	struct sh_slot *slots;

	(void)state;
	start(MANY);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	route(1, 2, G1, 3, G3);
	pass();
	slots = copy_slots();
	/* What the moves gave up rested and is gone. */
	tables_reap(world->apply.tables);
	tables_reap(world->apply.tables);
	restart(file_of(0, MANY - 1));
	assert_true(writes() == 0);
	assert_int_equal(count_in(STATE_ACTIVE), MANY);
	assert_false(tables_reap(world->apply.tables));
	assert_slots(slots);
}

static void a_restart_writes_what_changed_meanwhile(void **state)
{
	struct rt_neigh neigh = {.ifindex = 2, .addr = test_addr(G1), .state = RT_NEIGH_VALID, .mac = {0x66}};

	(void)state;
	start(100);
	assert_int_equal(rt_state_put_neigh(world->state, &neigh), 0);
	restart(file_of(0, 99));
	assert_true(writes() == 1);
	assert_int_equal(hop_of(0)->dst_mac[0], 0x66);
}

static void the_same_file_again_writes_nothing(void **state)
{
	uint64_t before;
	int states;

	(void)state;
	start(MANY);
	before = writes();
	states = world->states;
	load(file_of(0, MANY - 1));
	assert_true(writes() == before);
	assert_int_equal(world->states, states); /* nothing to tell, either */
	assert_false(tables_reap(world->apply.tables));
}

static void a_reload_writes_only_the_difference(void **state)
{
	struct sh_slot *slots;
	uint64_t before, moved = 0;
	uint32_t gone;

	(void)state;
	start(100);
	gone = tables_backend_index(member(0)->backend);
	slots = copy_slots();
	before = writes();
	load(file_of(1, 100)); /* without backend 0, with backend 100 */
	for (uint32_t i = 0; i < world->heap->port.slots_size; i++) {
		moved += world->heap->slots[i].both != slots[i].both;
		assert_int_not_equal(world->heap->slots[i].now, gone);
	}
	free(slots);
	/* The new one's record, weight and way, the old one's weight, and the slots that moved: few more than
	 * the two's own. */
	assert_true(writes() == before + 4 + moved);
	assert_true(moved < ring_size(100) * 4 / 100);
	elapse(IDLE);
	assert_true(writes() == before + 4 + 2 * moved);
	assert_true(tables_reap(world->apply.tables));
	assert_int_not_equal(world->heap->port.backends[gone].owner, 0);
	assert_false(tables_reap(world->apply.tables));
	assert_int_equal(world->heap->port.backends[gone].owner, 0);
}

static void weight_0_drains(void **state)
{
	struct config *config = file_of(0, 9);

	(void)state;
	start(10);
	config->services[0].backends[3].weight = 0;
	load(config);
	assert_int_equal(member(3)->state, STATE_DRAINING);
	assert_int_equal(slots_leading_to(member(3)), 0);
	assert_whole_way(member(3)); /* for the flows that it has */
	load(file_of(0, 9));
	assert_int_equal(count_in(STATE_ACTIVE), 10);
	assert_true(slots_leading_to(member(3)) > 0);
}

/* ---- echo ----------------------------------------------------------------------------------- */

/* A second service of the same VIP, with one backend in the other block. */
static struct config *file_of_two(void)
{
	struct config *config = file_of(0, 0), *other = file_of(1, 1);

	config->services = realloc(config->services, 2 * sizeof(*config->services));
	config->services[1] = other->services[0];
	config->services[1].ports[0].port = 443;
	config->services_count = 2;
	free(config->services[1].name);
	config->services[1].name = strdup("other");
	free(other->services);
	free(other);
	return config;
}

static bool answers(size_t service)
{
	const struct service *at = &world->apply.model->services[service];

	return world->heap->port.services[tables_service_index(at->entries[0])].answers;
}

static void a_vip_answers_while_a_service_of_it_has_an_active_backend(void **state)
{
	(void)state;
	route(0, 2, G1, 0, NULL);
	route(1, 3, G3, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	load(file_of_two());
	assert_true(answers(0));
	assert_false(answers(1)); /* the first speaks for both */
	route(0, 0, NULL, 0, NULL);
	pass();
	assert_true(answers(0));
	route(1, 0, NULL, 0, NULL);
	pass();
	assert_false(answers(0));
	route(1, 3, G3, 0, NULL);
	pass();
	assert_true(answers(0));
	neighbour(3, G3, RT_NEIGH_NONE, 0);
	pass();
	assert_false(answers(0)); /* in the ring, and not active */
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	pass();
	assert_true(answers(0));
	assert_false(answers(1));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

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
		FACT(a_route_that_moves_takes_its_backends_along),
		FACT(a_route_is_asked_about_once_where_it_is_everyone_s),
		FACT(an_event_between_two_parts_ends_the_sharing),
		FACT(whoever_is_in_two_changed_prefixes_is_asked_about),
		FACT(an_answer_is_not_shared_beyond_the_changed_prefix),
		FACT(a_next_hop_that_answers_before_its_backends_left_is_noticed),
		FACT(no_route_leaves_the_ring_before_the_records),
		FACT(a_router_that_does_not_answer_takes_its_backends_out),
		FACT(the_last_backend_leaves_an_empty_ring),
		FACT(two_gateways_share_the_buckets),
		FACT(a_leg_taken_from_the_route_moves_its_buckets_alone),
		FACT(a_pass_in_parts_ends_as_a_whole_one),
		FACT(a_pass_that_was_given_up_leaves_no_room_behind),
		FACT(what_is_marked_behind_a_part_is_for_the_next_pass),
		FACT(a_question_that_fails_is_asked_again),
		FACT(full_tables_leave_all_as_it_was),
		FACT(a_ring_that_cannot_be_written_keeps_who_leaves),
		FACT(a_restart_writes_nothing),
		FACT(a_restart_writes_what_changed_meanwhile),
		FACT(the_same_file_again_writes_nothing),
		FACT(a_reload_writes_only_the_difference),
		FACT(weight_0_drains),
		FACT(a_vip_answers_while_a_service_of_it_has_an_active_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
