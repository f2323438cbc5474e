/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the file to what packets see: what a restart or a reload writes, and the little that goes by a whole
 * VIP.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_restart_writes_nothing),
		FACT(a_restart_writes_what_changed_meanwhile),
		FACT(the_same_file_again_writes_nothing),
		FACT(a_reload_writes_only_the_difference),
		FACT(weight_0_drains),
		FACT(a_vip_answers_while_a_service_of_it_has_an_active_backend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
