/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Established flows stay where they are, whatever becomes of the pool: the rule for one slot, what the
 * controller does with it, and flows by the hundred through random changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crowd.h"
#include "transition.h"

#define G1 "192.0.2.1"
#define G3 "192.0.2.129" /* on eth1 */

/* ---- the rule for one slot ------------------------------------------------------------------ */

enum { DEAD = 1, STEADY, LEFT, LEFT2 };

/* What becomes of {now, before} when new flows go to `want`; only those of the bits in `left` are LEFT. */
static struct sh_slot next(uint32_t now, uint32_t before, uint32_t want, unsigned left, bool close)
{
	uint8_t fates[8] = {
		[DEAD] = FATE_DEAD, [STEADY] = FATE_STEADY, [LEFT] = FATE_STEADY, [LEFT2] = FATE_STEADY};
	struct transition transition = {.fates = fates, .fates_size = 8, .close = close};

	for (uint32_t i = 0; i < 8; i++) {
		if (left & 1U << i)
			assert_true(transition_leave(&transition, i));
	}
	return transition_next((struct sh_slot){.now = now, .before = before}, want, &transition);
}

static void one_slot(void **state)
{
	static const struct {
		uint32_t now, before, want;
		unsigned left;
		uint32_t next;
	} cases[] = {
		/* steady, and stays so */
		{STEADY, 0, STEADY, 0, 0},
		{STEADY, 0, STEADY, 1 << LEFT, 0},
		{0, 0, 0, 0, 0},
		{0, 0, 0, 1 << LEFT, 0},
		/* moves: who was there keeps its flows */
		{LEFT, 0, STEADY, 1 << LEFT, LEFT},
		{LEFT, 0, 0, 1 << LEFT, LEFT},
		/* unless it is dead, or there was none */
		{DEAD, 0, STEADY, 0, 0},
		{0, 0, STEADY, 0, 0},
		/* which says nothing of flows that are remembered */
		{DEAD, 0, STEADY, 1 << LEFT, STEADY},
		{DEAD, 0, LEFT, 1 << LEFT, 0},
		/* moves on: the oldest stays */
		{LEFT2, LEFT, STEADY, 1 << LEFT | 1 << LEFT2, LEFT},
		{LEFT2, LEFT, 0, 1 << LEFT | 1 << LEFT2, LEFT},
		/* and back */
		{LEFT2, LEFT, LEFT, 1 << LEFT | 1 << LEFT2, LEFT},
		{LEFT2, LEFT, LEFT, 1 << LEFT, 0},
		/* the oldest is over, others have flows that are remembered */
		{STEADY, LEFT, STEADY, 1 << LEFT, LEFT},
		{STEADY, DEAD, STEADY, 1 << LEFT, STEADY},
		{STEADY, DEAD, STEADY, 0, 0},
		{STEADY, STEADY, STEADY, 1 << LEFT, STEADY},
		{STEADY, STEADY, STEADY, 0, 0},
		{LEFT, LEFT, LEFT, 1 << LEFT, 0},
		{0, DEAD, 0, 1 << LEFT, LEFT},
		{0, DEAD, 0, 0, 0},
		/* indices beyond the records are nobody's */
		{99, 0, STEADY, 0, 0},
		{STEADY, 99, STEADY, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sh_slot slot = next(cases[i].now, cases[i].before, cases[i].want, cases[i].left,
					   false);

		if (slot.now != cases[i].want || slot.before != cases[i].next)
			fail_msg("case %zu: {%u, %u}", i, slot.now, slot.before);
	}
}

static void a_transition_is_closed_to_datagrams(void **state)
{
	(void)state;
	assert_int_equal(next(STEADY, LEFT, STEADY, 1 << LEFT, true).before, LEFT | SH_BEFORE_CLOSED);
	assert_int_equal(next(STEADY, LEFT | SH_BEFORE_CLOSED, STEADY, 1 << LEFT, false).before,
			 LEFT | SH_BEFORE_CLOSED);
	assert_int_equal(next(STEADY, LEFT | SH_BEFORE_CLOSED, STEADY, 0, true).before, 0);
	assert_int_equal(next(STEADY, 0, STEADY, 1 << LEFT, true).before, 0);
}

/* ---- through the controller ----------------------------------------------------------------- */

static uint32_t index_of(size_t at)
{
	return tables_backend_index(member(at)->backend);
}

static struct sh_backend *record(uint32_t index)
{
	return &world->heap->port.backends[index];
}

static struct service *service(void)
{
	return &world->apply.model->services[0];
}

static uint32_t moving(void)
{
	uint32_t size, count = 0;
	const struct sh_slot *slots = slots_of(service(), &size);

	for (uint32_t i = 0; i < size; i++)
		count += slots[i].before != 0;
	assert_int_equal(count, tables_ring_moving(service()->ring));
	return count;
}

static void start(unsigned backends)
{
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	load(file_of(0, backends - 1));
	assert_int_equal(moving(), 0);
	assert_false(apply_moving(&world->apply));
}

/* `backends` of weight 1, but the one of that number. */
static struct config *file_with(unsigned backends, unsigned number, uint32_t weight)
{
	struct config *config = file_of(0, backends - 1);

	config->services[0].backends[number].weight = weight;
	return config;
}

static void assert_steady(void)
{
	assert_int_equal(moving(), 0);
	assert_null(service()->gone);
	assert_false(apply_moving(&world->apply));
}

static void a_drained_backend_keeps_its_flows_until_they_are_idle(void **state)
{
	size_t slots;

	(void)state;
	start(4);
	slots = slots_leading_to(member(1));
	load(file_with(4, 1, 0));
	assert_int_equal(slots_leading_to(member(1)), 0);
	assert_int_equal(slots_left_to(member(1)), slots);
	assert_int_equal(record(index_of(1))->seen, 100);
	elapse(IDLE - 1);
	assert_int_equal(slots_left_to(member(1)), slots);
	record(index_of(1))->seen = world->now; /* a packet */
	elapse(IDLE - 1);
	assert_int_equal(slots_left_to(member(1)), slots);
	elapse(1);
	assert_steady();
	assert_int_equal(record(index_of(1))->seen, 0);
	assert_whole_way(member(1)); /* it is still in the file */
}

static void a_removed_backend_serves_on_until_its_flows_are_idle(void **state)
{
	const struct gone *gone;
	struct sh_path path;
	uint32_t index;

	(void)state;
	start(4);
	index = index_of(3);
	load(file_of(0, 2));
	gone = service()->gone;
	assert_non_null(gone);
	assert_null(gone->next);
	assert_int_equal(tables_backend_index(gone->member.backend), index);
	assert_int_equal(gone->member.state, STATE_DRAINING);
	assert_non_null(strstr(gone->member.reason, "removed"));
	assert_whole_way(&gone->member);
	assert_true(slots_left_to(&gone->member) > 0);
	/* It is followed like any other: backend 3 lies in block 1. */
	neighbour(3, G3, RT_NEIGH_VALID, 0x31);
	route(1, 3, G3, 0, NULL);
	elapse(1);
	assert_whole_way(&gone->member);
	tables_path_read(&world->heap->port, record(index)->path, &path);
	assert_int_equal(world->heap->port.nexthops[path.nexthop[0]].ifindex, 3);
	/* Other changes do not matter. */
	load(file_with(3, 0, 5));
	assert_non_null(service()->gone);
	elapse(IDLE);
	elapse(IDLE);
	assert_steady();
	tables_reap(world->apply.tables);
	tables_reap(world->apply.tables);
	assert_int_equal(record(index)->owner, 0);
}

static void a_removed_backend_comes_back_to_its_record(void **state)
{
	uint32_t index;
	size_t slots;

	(void)state;
	start(4);
	index = index_of(3);
	slots = slots_leading_to(member(3));
	load(file_of(0, 2));
	load(file_of(0, 3));
	assert_null(service()->gone);
	assert_int_equal(index_of(3), index);
	assert_int_equal(slots_leading_to(member(3)), slots);
	assert_int_equal(slots_left_to(member(3)), slots); /* others may have begun flows meanwhile */
	elapse(IDLE);
	assert_steady();
}

static void a_dead_backend_keeps_nothing(void **state)
{
	(void)state;
	start(4);
	load(file_of(0, 2));	    /* backend 3 is gone, */
	load(file_with(3, 1, 0));   /* 1 drains, */
	route(1, 0, NULL, 0, NULL); /* and both are out of reach */
	assert_int_equal(apply_pass(&world->apply), 0);
	assert_int_equal(slots_left_to(member(1)), 0);
	assert_int_equal(record(index_of(1))->how, 0);
	elapse(1);
	assert_null(service()->gone);
	elapse(IDLE);
	assert_steady();
}

static void overlapping_changes_keep_the_oldest(void **state)
{
	size_t slots;

	(void)state;
	start(4);
	slots = slots_leading_to(member(1));
	load(file_with(4, 1, 0));
	elapse(IDLE / 2);
	load(file_with(4, 2, 0)); /* 1 is back, 2 drains */
	load(file_of(0, 0));	  /* and all but 0 are removed */
	assert_int_equal(slots_leading_to(member(0)), tables_ring_size(service()->ring));
	for (const struct gone *gone = service()->gone; gone; gone = gone->next) {
		assert_whole_way(&gone->member);
		if (tables_backend_index(gone->member.backend) == 2)
			assert_int_equal(slots_left_to(&gone->member), slots);
	}
	elapse(IDLE);
	assert_steady();
}

static void rings_of_other_sizes_move_no_flow(void **state)
{
	uint32_t small, large, *before;
	const struct sh_slot *slots;

	(void)state;
	start(2);
	slots = slots_of(service(), &small);
	before = calloc(small, sizeof(*before));
	for (uint32_t i = 0; i < small; i++)
		before[i] = slots[i].now;
	load(file_of(0, 19));
	slots = slots_of(service(), &large);
	assert_int_equal(large, ring_size(20));
	for (uint32_t i = 0; i < large; i++)
		assert_int_equal(slots[i].before ? slots[i].before : slots[i].now, before[i * small / large]);
	/* Down again: the larger ring stays, and says what the smaller would. */
	load(file_of(0, 1));
	elapse(IDLE);
	assert_steady();
	slots = slots_of(service(), &large);
	assert_int_equal(large, ring_size(20));
	for (uint32_t i = 0; i < large; i++)
		assert_int_equal(slots[i].now, before[i * small / large]);
	free(before);
}

static void a_restart_goes_on_with_transitions(void **state)
{
	size_t slots;
	uint32_t index;

	(void)state;
	start(4);
	index = index_of(3);
	slots = slots_leading_to(member(3));
	load(file_of(0, 2));
	elapse(IDLE / 2);
	restart(file_of(0, 2));
	assert_true(tables_writes(world->apply.tables) == 0);
	assert_non_null(service()->gone);
	assert_int_equal(tables_backend_index(service()->gone->member.backend), index);
	assert_int_equal(slots_left_to(&service()->gone->member), slots);
	assert_true(apply_moving(&world->apply));
	elapse(IDLE / 2);
	assert_steady();
}

static void a_file_changed_while_nobody_ran_moves_no_flow(void **state)
{
	size_t slots;

	(void)state;
	start(4);
	slots = slots_leading_to(member(3));
	restart(file_of(0, 2));
	assert_non_null(service()->gone);
	assert_int_equal(slots_left_to(&service()->gone->member), slots);
	elapse(IDLE);
	assert_steady();
}

static uint32_t closed(void)
{
	uint32_t size, count = 0;
	const struct sh_slot *slots = slots_of(service(), &size);

	for (uint32_t i = 0; i < size; i++)
		count += (slots[i].before & SH_BEFORE_CLOSED) != 0;
	return count;
}

static void datagrams_are_let_go_after_the_idle_time(void **state)
{
	(void)state;
	start(4);
	load(file_of(0, 2));
	for (uint32_t i = 0; i < IDLE; i++) {
		record(tables_backend_index(service()->gone->member.backend))->seen = world->now;
		assert_int_equal(closed(), 0);
		elapse(1);
	}
	assert_true(moving() > 0);
	assert_int_equal(closed(), moving());
	elapse(IDLE);
	assert_steady();
}

static void random_keeps_its_flows_without_slots(void **state)
{
	struct config *config = file_of(0, 3);

	(void)state;
	config->services[0].scheduler = SCHEDULER_RANDOM;
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	load(config);
	config = file_of(0, 2);
	config->services[0].scheduler = SCHEDULER_RANDOM;
	load(config);
	assert_int_equal(moving(), 0);
	assert_non_null(service()->gone);
	assert_whole_way(&service()->gone->member);
	elapse(IDLE - 1);
	assert_non_null(service()->gone);
	elapse(1);
	assert_steady();
}

static void whoever_is_forgotten_between_two_parts_is_not_looked_at(void **state)
{
	(void)state;
	start(4);
	load(file_of(0, 1));
	assert_non_null(service()->gone->next);
	world->now += IDLE;
	assert_true(apply_settle(&world->apply, 3)); /* both of the file, and one who is gone */
	assert_ptr_equal(world->apply.model->settling.gone, service()->gone->next);
	tables_see_backend(world->apply.tables, service()->gone->next->member.backend, 0);
	assert_int_equal(apply_pass(&world->apply), 0);
	assert_null(service()->gone);
	assert_null(world->apply.model->settling.gone);
	elapse(0);
	assert_steady();
}

/* ---- flows through random changes ------------------------------------------------------------ */

static struct config *file_by(unsigned backends, enum forward forward, enum forward remote, uint32_t dscp)
{
	struct config *config = file_of(0, backends - 1);

	config->services[0].forward = forward;
	config->services[0].remote = remote;
	config->services[0].dscp = dscp;
	return config;
}

static struct sh_backend *gone_record(void)
{
	return record(tables_backend_index(service()->gone->member.backend));
}

/* How to reach it is no part of who it is: at once for all packets, those of flows in transition, too. */
static void a_mode_changes_for_who_stays_and_not_for_who_is_gone(void **state)
{
	size_t left;

	(void)state;
	world->modes |= 1U << SH_MODE_IPIP | 1U << SH_MODE_GUE;
	start(4);
	load(file_by(4, FORWARD_L3, FORWARD_IPIP, 7));
	load(file_by(3, FORWARD_L3, FORWARD_IPIP, 7));
	left = slots_left_to(&service()->gone->member);
	assert_true(left > 0);
	load(file_by(3, FORWARD_IPIP, FORWARD_IPIP, 0));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(record(index_of(i))->mode, SH_MODE_IPIP);
		assert_int_equal(record(index_of(i))->dscp, 0);
	}
	assert_int_equal(gone_record()->mode, SH_MODE_L3);
	assert_int_equal(gone_record()->dscp, 7);
	assert_int_equal(slots_left_to(&service()->gone->member), left);
	restart(file_by(3, FORWARD_GUE, FORWARD_IPIP, 0));
	assert_int_equal(record(index_of(0))->mode, SH_MODE_GUE);
	assert_int_equal(gone_record()->mode, SH_MODE_L3);
	assert_whole_way(&service()->gone->member);
	/* It comes back as everybody is. */
	load(file_by(4, FORWARD_GUE, FORWARD_IPIP, 0));
	assert_int_equal(record(index_of(3))->mode, SH_MODE_GUE);
	assert_null(service()->gone);
}

/* Who was reached as `auto` has it goes on following its route. */
static void who_is_gone_follows_auto(void **state)
{
	(void)state;
	world->modes |= 1U << SH_MODE_IPIP | 1U << SH_MODE_GUE | 1U << SH_MODE_L2;
	start(4);
	load(file_by(4, FORWARD_AUTO, FORWARD_IPIP, 0));
	load(file_by(3, FORWARD_AUTO, FORWARD_IPIP, 0));
	assert_int_equal(gone_record()->mode, SH_MODE_IPIP);
	/* Now it is on-link. */
	neighbour(2, "198.19.0.1", RT_NEIGH_VALID, 0x22);
	neighbour(2, "198.19.0.2", RT_NEIGH_VALID, 0x23);
	world->kernel.blocks[1].legs[0].gateway = (struct addr){0};
	apply_mark_all(&world->apply);
	assert_int_equal(apply_pass(&world->apply), 0);
	assert_int_equal(gone_record()->mode, SH_MODE_L2);
	/* Nor by another tunnel, when the file has that for the others. */
	load(file_by(3, FORWARD_AUTO, FORWARD_GUE, 0));
	assert_int_equal(gone_record()->mode, SH_MODE_L2);
}

static struct sh_slot slot_of(const struct crowd_flow *flow)
{
	const struct sh_service *at =
		&world->heap->port.services[tables_service_index(service()->entries[0])];

	return world->heap->slots[at->ring + (uint32_t)((uint64_t)flow->share * at->slots >> 32)];
}

static bool lives(uint32_t index)
{
	return record(index)->owner && record(index)->mode != SH_MODE_NONE;
}

static void saw(uint32_t index, uint32_t now)
{
	if (index != now && record(index)->seen)
		record(index)->seen = world->now;
}

/* What xdp/pick.h does. */
static uint32_t model(struct crowd_flow *flow, bool begins)
{
	struct sh_slot slot = slot_of(flow);
	uint32_t before = slot.before & ~SH_BEFORE_CLOSED;

	if (!slot.before)
		return slot.now;
	if (flow->remembered && lives(flow->remembered)) {
		saw(flow->remembered, slot.now);
		return flow->remembered;
	}
	if (begins)
		return flow->remembered = slot.now;
	if (!lives(before))
		return slot.now;
	saw(before, slot.now);
	return before;
}

static struct addr pick(struct crowd_flow *flow, bool begins)
{
	uint32_t index = model(flow, begins);
	struct addr address = {0};

	if (index)
		tables_addr(&record(index)->address, record(index)->family, &address);
	return address;
}

static void no_flow_is_lost_in_any_order_of_changes(void **state)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	(void)state;
	*crowd = (struct crowd){
		.pick = pick, .flows_count = 2000, .changes = 300, .ifindex = 2, .dice = crowd_seed()};
	crowd_gather(crowd);
	crowd_live_through(crowd);
	free(crowd);
	assert_steady();
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_slot),
		cmocka_unit_test(a_transition_is_closed_to_datagrams),
		FACT(a_drained_backend_keeps_its_flows_until_they_are_idle),
		FACT(a_removed_backend_serves_on_until_its_flows_are_idle),
		FACT(a_removed_backend_comes_back_to_its_record),
		FACT(a_dead_backend_keeps_nothing),
		FACT(overlapping_changes_keep_the_oldest),
		FACT(rings_of_other_sizes_move_no_flow),
		FACT(a_restart_goes_on_with_transitions),
		FACT(a_file_changed_while_nobody_ran_moves_no_flow),
		FACT(datagrams_are_let_go_after_the_idle_time),
		FACT(random_keeps_its_flows_without_slots),
		FACT(whoever_is_forgotten_between_two_parts_is_not_looked_at),
		FACT(a_mode_changes_for_who_stays_and_not_for_who_is_gone),
		FACT(who_is_gone_follows_auto),
		FACT(no_flow_is_lost_in_any_order_of_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
