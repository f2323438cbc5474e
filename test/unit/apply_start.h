/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A director that is under way, and what is asked of it: for the tests of apply.c, each of one kind of
 * change.
 */
#ifndef SHUNT_TEST_APPLY_START_H
#define SHUNT_TEST_APPLY_START_H

#include <stdlib.h>
#include <string.h>

#include "apply_world.h"

#define G1 "192.0.2.1"
#define G2 "192.0.2.2"
#define G3 "192.0.2.129" /* on eth1 */

#define MANY 1000U

static inline uint64_t writes(void)
{
	return tables_writes(world->apply.tables);
}

static inline void pass(void)
{
	assert_int_equal(apply_pass(&world->apply), 0);
	assert_false(apply_pending(&world->apply));
}

static inline size_t count_in(enum backend_state state)
{
	const struct service *service = &world->apply.model->services[0];
	size_t count = 0;

	for (size_t i = 0; i < service->config->backends_count; i++)
		count += service->members[i].state == state;
	assert_int_equal(count, service->in_state[state]);
	return count;
}

static inline struct sh_path path_of(size_t at)
{
	struct sh_path path;

	tables_path_read(&world->heap->port, record_of(member(at))->path, &path);
	return path;
}

/* The only next hop of a backend's path. */
static inline const struct sh_nexthop *hop_of(size_t at)
{
	assert_int_equal(path_of(at).buckets, 1);
	return &world->heap->port.nexthops[path_of(at).nexthop[0]];
}

static inline struct sh_slot *copy_slots(void)
{
	size_t size = world->heap->port.slots_size * sizeof(struct sh_slot);

	return memcpy(malloc(size), world->heap->slots, size);
}

static inline void assert_slots(struct sh_slot *as)
{
	assert_memory_equal(world->heap->slots, as, world->heap->port.slots_size * sizeof(*as));
	free(as);
}

/* Both blocks by G1, whose MAC is known, and the backends 0 to `backends` - 1. */
static inline void start(unsigned backends)
{
	route(0, 2, G1, 0, NULL);
	route(1, 2, G1, 0, NULL);
	neighbour(2, G1, RT_NEIGH_VALID, 0x21);
	load(file_of(0, backends - 1));
	assert_int_equal(count_in(STATE_ACTIVE), backends);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)

#endif
