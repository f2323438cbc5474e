/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables on the heap: what the next run finds, takes over and gives up.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables_world.h"

struct indices {
	uint32_t hops[2], paths[2], backends[3], services[2], ring;
};

/* Two services with a ring each, three backends, two ways. Asked for in any order the same. */
static struct indices ask_for_all(struct fixture *f, bool reverse)
{
	static const char *const gateways[] = {"192.0.2.1", "2001:db8::1"};
	static const char *const addresses[] = {"198.51.100.1", "198.51.100.2", "2001:db8:1::1"};
	struct table_path *paths[2];
	struct table_ring *rings[2];
	struct indices all = {0};
	struct sh_path before;
	uint32_t slots[RING];

	for (int n = 0; n < 2; n++) {
		int i = reverse ? 1 - n : n;
		struct table_nexthop *hop = nexthop(f, 2 + i, gateways[i]);
		const struct sh_nexthop record = with_macs(2 + i, gateways[i], (uint8_t)(0x20 + i), 0x44);
		struct table_service *entry = service(f, "203.0.113.1", (uint16_t)(80 + i), IPPROTO_TCP);

		tables_store_nexthop(f->tables, hop, &record);
		all.hops[i] = tables_nexthop_index(hop);
		paths[i] = path(f, all.hops[i]);
		all.paths[i] = tables_path_word(paths[i]);
		rings[i] = tables_ring(f->tables, 1 + (uint64_t)i, RING);
		for (uint32_t slot = 0; slot < RING; slot++)
			slots[slot] = (uint32_t)i + 1;
		assert_true(store_ring(f->tables, rings[i], slots) >= 0);
		tables_point_service(f->tables, entry, 1 + (uint64_t)i, rings[i], 0);
		all.services[i] = tables_service_index(entry);
	}
	for (int n = 0; n < 3; n++) {
		int i = reverse ? 2 - n : n;
		struct table_backend *there = backend(f, 1, addresses[i]);

		tables_weigh_backend(f->tables, there, (uint32_t)i);
		tables_route_backend(f->tables, there, SH_MODE_L3, paths[i % 2], &before);
		all.backends[i] = tables_backend_index(there);
	}
	all.ring = f->heap->port.services[all.services[1]].ring;
	return all;
}

static void a_restart_writes_nothing(void **state)
{
	struct fixture *f = *state;
	const struct indices before = ask_for_all(f, false);
	struct indices after;

	assert_true(writes(f) > RING);
	restart(f);
	after = ask_for_all(f, true);
	assert_memory_equal(&after, &before, sizeof(after));
	assert_true(writes(f) == 0);
	tables_sweep(f->tables);
	assert_false(tables_reap(f->tables));
	assert_int_equal(tables_nexthop_count(f->tables), 2);
}

static void released(struct table_nexthop *nexthop, void *arg)
{
	struct fixture *fixture = arg;

	fixture->released++;
	fixture->last = *tables_nexthop_key(nexthop);
}

static void a_sweep_gives_up_what_nobody_asked_for(void **state)
{
	struct fixture *f = *state;
	const struct indices all = ask_for_all(f, false);
	struct table_nexthop *kept;
	char text[ADDR_TEXT_SIZE];

	restart(f);
	tables_on_release(f->tables, released, f);
	kept = nexthop(f, 2, "192.0.2.1");
	assert_int_equal(tables_nexthop_index(kept), all.hops[0]);
	assert_non_null(path(f, all.hops[0]));
	tables_sweep(f->tables);
	assert_int_equal(f->released, 1);
	assert_int_equal(f->last.ifindex, 3);
	assert_string_equal(addr_format(&f->last.addr, text), "2001:db8::1");
	assert_int_equal(f->heap->port.backends[all.backends[0]].owner, 1); /* rests */
	assert_true(tables_reap(f->tables));
	assert_false(tables_reap(f->tables));
	for (int i = 0; i < 3; i++)
		assert_int_equal(f->heap->port.backends[all.backends[i]].owner, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(f->heap->port.services[all.services[i]].family, 0);
	assert_int_equal(f->heap->port.paths[all.paths[1]].buckets, 0);
	assert_int_equal(f->heap->port.nexthops[all.hops[1]].family, 0);
	assert_int_equal(f->heap->port.paths[all.paths[0]].buckets, 2);
	assert_int_equal(f->heap->port.nexthops[all.hops[0]].family, SH_FAMILY_IPV4);
	assert_non_null(tables_ring(f->tables, 9, SLOTS - 1)); /* the rings' room came back whole */
}

static void who_puts_the_last_reference_releases(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = nexthop(f, 2, "192.0.2.1");

	tables_on_release(f->tables, released, f);
	assert_ptr_equal(nexthop(f, 2, "192.0.2.1"), hop);
	tables_nexthop_put(f->tables, hop);
	assert_int_equal(f->released, 0);
	tables_nexthop_put(f->tables, hop);
	assert_int_equal(f->released, 1);
	assert_null(tables_find_nexthop(f->tables, &f->last));
}

/* The former record of an identity that came back rests while the process ends: one of the two is taken. */
static void a_record_that_rested_is_swept(void **state)
{
	struct fixture *f = *state;
	int there = 0;

	tables_backend_put(f->tables, backend(f, 1, "198.51.100.1"));
	assert_non_null(backend(f, 1, "198.51.100.1"));
	restart(f);
	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_true(writes(f) == 0);
	tables_sweep(f->tables);
	tables_reap(f->tables);
	tables_reap(f->tables);
	for (int i = 0; i < RECORDS; i++)
		there += f->heap->port.backends[i].owner != 0;
	assert_int_equal(there, 1);
}

/* It came back while its former record rested, and then the process ended: the new one is it, whichever
 * comes first, and the former goes on resting. */
static void who_rests_is_not_taken_for_its_namesake(void **state)
{
	struct fixture *f = *state;
	struct table_backend *former, *other = backend(f, 2, "198.51.100.1");
	uint32_t rests, index;

	for (int i = 3; i < RECORDS; i++)
		assert_non_null(backend(f, (uint64_t)i, "198.51.100.1"));
	former = backend(f, 1, "198.51.100.1");
	rests = tables_backend_index(former);
	tables_backend_put(f->tables, other);
	while (tables_reap(f->tables))
		;
	tables_backend_put(f->tables, former);
	index = tables_backend_index(backend(f, 1, "198.51.100.1"));
	assert_true(index < rests);
	restart(f);
	assert_int_equal(tables_backend_index(backend(f, 1, "198.51.100.1")), index);
	assert_true(tables_reap(f->tables));
	assert_int_equal(f->heap->port.backends[rests].owner, 1);
	assert_false(tables_reap(f->tables));
	assert_int_equal(f->heap->port.backends[rests].owner, 0);
}

/* Others go on with the memory: what is put here is nothing to them. */
static void who_has_left_gives_nothing_up(void **state)
{
	struct fixture *f = *state;
	struct table_backend *there = backend(f, 1, "198.51.100.1");
	uint32_t index = tables_backend_index(there);

	tables_leave(f->tables);
	tables_backend_put(f->tables, there);
	restart(f);
	assert_int_equal(tables_backend_index(backend(f, 1, "198.51.100.1")), index);
	assert_false(tables_reap(f->tables));
}

/* Two ports of one service share its ring, also after a restart. */
static void ports_share_an_adopted_ring(void **state)
{
	struct fixture *f = *state;
	struct table_ring *ring = tables_ring(f->tables, 1, RING);

	tables_point_service(f->tables, service(f, "203.0.113.1", 80, IPPROTO_TCP), 1, ring, 0);
	tables_point_service(f->tables, service(f, "203.0.113.1", 443, IPPROTO_TCP), 1, ring, 0);
	restart(f);
	ring = tables_ring(f->tables, 1, RING);
	tables_point_service(f->tables, service(f, "203.0.113.1", 80, IPPROTO_TCP), 1, ring, 0);
	tables_point_service(f->tables, service(f, "203.0.113.1", 443, IPPROTO_TCP), 1, ring, 0);
	assert_true(writes(f) == 0);
	/* The ring is taken once: all the rest is free. */
	assert_non_null(tables_ring(f->tables, 2, SLOTS - 1 - RING));
}

/* A ring that overlaps another's, or leaves the array, is not taken over from a damaged record. */
static void a_damaged_ring_is_not_adopted(void **state)
{
	static const struct {
		uint32_t ring, slots;
	} rows[] = {{0, RING}, {1, SLOTS}, {SLOTS, 1}, {50, 0xffffffd0}, {0xfffffff0, RING}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture *f = *state;
		struct table_service *entry = service(f, "203.0.113.1", 80, IPPROTO_TCP);
		struct sh_service *record = &f->heap->port.services[tables_service_index(entry)];

		record->owner = 1;
		record->ring = rows[i].ring;
		record->slots = rows[i].slots;
		restart(f);
		assert_non_null(tables_ring(f->tables, 1, SLOTS - 1));
		restart(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_restart_writes_nothing),
		FACT(a_sweep_gives_up_what_nobody_asked_for),
		FACT(who_puts_the_last_reference_releases),
		FACT(a_record_that_rested_is_swept),
		FACT(who_rests_is_not_taken_for_its_namesake),
		FACT(who_has_left_gives_nothing_up),
		FACT(ports_share_an_adopted_ring),
		FACT(a_damaged_ring_is_not_adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
