/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables on the heap: how many words each change stores, and in which order.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables_world.h"

static void a_new_mac_is_one_store(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = nexthop(f, 2, "192.0.2.1");
	struct sh_nexthop *memory = &f->heap->port.nexthops[tables_nexthop_index(hop)], before;
	struct sh_nexthop record = with_macs(2, "192.0.2.1", 0x22, 0x44);
	uint64_t count;

	assert_int_equal(tables_store_nexthop(f->tables, hop, &record), 2);
	record.version = memory->version;
	assert_memory_equal(memory, &record, sizeof(record));
	count = writes(f);
	assert_int_equal(tables_store_nexthop(f->tables, hop, &record), 0);
	assert_true(writes(f) == count);

	before = *memory;
	record = with_macs(2, "192.0.2.1", 0x66, 0x44);
	assert_int_equal(tables_store_nexthop(f->tables, hop, &record), 1);
	assert_true(writes(f) == count + 1);
	assert_true(memory->dst == record.dst);
	before.dst = record.dst;
	before.version++;
	assert_memory_equal(memory, &before, sizeof(before));
}

static void a_path_to_one_next_hop_needs_no_record(void **state)
{
	struct fixture *f = *state;
	const struct sh_path key = {.buckets = 1, .nexthop = {7}};
	struct table_backend *there = backend(f, 1, "198.51.100.1");
	uint64_t count = writes(f);
	struct table_path *one = tables_path(f->tables, &key);
	struct sh_path read;

	assert_ptr_equal(tables_path(f->tables, &key), one);
	assert_true(writes(f) == count);
	assert_true(tables_path_word(one) == (SH_PATH_ONE | 7));
	assert_int_equal(tables_path_record(one)->nexthop[0], 7);
	assert_true(tables_route_backend(f->tables, there, SH_MODE_L3, one, &read));
	assert_true(tables_backend_path(f->tables, there) == (SH_PATH_ONE | 7));
	tables_path_read(&f->heap->port, tables_backend_path(f->tables, there), &read);
	assert_memory_equal(&read, &key, sizeof(key));
	tables_path_read(&f->heap->port, f->heap->port.paths_size, &read); /* beyond the table: none */
	assert_int_equal(read.buckets, 0);
	tables_path_put(f->tables, one);
	tables_path_put(f->tables, one);
	assert_false(tables_reap(f->tables)); /* no record, so nothing rests */
}

static void a_backend_switches_in_one_store(void **state)
{
	struct fixture *f = *state;
	struct table_backend *there = backend(f, 1, "198.51.100.1");
	struct table_path *first = path(f, 3), *second = path(f, 4);
	const struct sh_backend *memory = &f->heap->port.backends[tables_backend_index(there)];
	struct sh_path before = {.buckets = 99};
	uint64_t count = writes(f);

	assert_true(tables_route_backend(f->tables, there, SH_MODE_L3, first, &before));
	assert_int_equal(before.buckets, 0);
	assert_true(tables_route_backend(f->tables, there, SH_MODE_L2, second, &before));
	assert_int_equal(before.nexthop[0], 3);
	assert_int_equal(memory->path, tables_path_word(second));
	assert_int_equal(memory->mode, SH_MODE_L2);
	assert_true(writes(f) == count + 2);
	assert_false(tables_route_backend(f->tables, there, SH_MODE_L2, second, &before));
	assert_int_equal(before.nexthop[0], 3); /* untouched where the path stays */
	assert_true(writes(f) == count + 2);
	assert_true(tables_route_backend(f->tables, there, SH_MODE_NONE, NULL, &before));
	assert_int_equal(memory->how, 0);
	assert_int_equal(before.nexthop[0], 4);
}

static void a_ring_stores_the_slots_that_differ(void **state)
{
	struct fixture *f = *state;
	struct table_ring *first = tables_ring(f->tables, 1, RING), *ring = tables_ring(f->tables, 2, RING);
	uint32_t slots[RING];
	uint64_t count = writes(f);

	assert_non_null(first);
	for (uint32_t i = 0; i < RING; i++)
		slots[i] = 1 + i % 3;
	assert_int_equal(store_ring(f->tables, ring, slots), RING);
	assert_int_equal(store_ring(f->tables, ring, slots), 0);
	slots[0] = slots[50] = slots[RING - 1] = 9;
	assert_int_equal(store_ring(f->tables, ring, slots), 3);
	assert_true(writes(f) == count + RING + 3);
	/* They lie behind the first ring's, whose are as they were. */
	for (uint32_t i = 0; i < RING; i++) {
		assert_true(f->heap->slots[1 + i].both == 0);
		assert_int_equal(f->heap->slots[1 + RING + i].now, slots[i]);
	}
	f->heap->broken = true;
	slots[7] = 8;
	assert_int_equal(store_ring(f->tables, ring, slots), -ENOMEM);
	assert_int_equal(f->heap->slots[1 + RING + 7].now, 1 + 7 % 3);
}

static void a_service_is_pointed_once(void **state)
{
	struct fixture *f = *state;
	struct table_service *entry = service(f, "203.0.113.1", 80, IPPROTO_TCP);
	struct table_ring *ring = tables_ring(f->tables, 5, RING);
	const struct sh_service *memory = &f->heap->port.services[tables_service_index(entry)];
	uint64_t count = writes(f);

	tables_point_service(f->tables, entry, 5, ring, SH_SERVICE_RANDOM);
	assert_int_equal(memory->ring, 1);
	assert_int_equal(memory->slots, RING);
	assert_int_equal(memory->owner, 5);
	assert_int_equal(memory->flags, SH_SERVICE_RANDOM);
	assert_true(writes(f) == count + 2);
	tables_point_service(f->tables, entry, 5, ring, SH_SERVICE_RANDOM);
	assert_true(writes(f) == count + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_new_mac_is_one_store),	       FACT(a_path_to_one_next_hop_needs_no_record),
		FACT(a_backend_switches_in_one_store), FACT(a_ring_stores_the_slots_that_differ),
		FACT(a_service_is_pointed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
