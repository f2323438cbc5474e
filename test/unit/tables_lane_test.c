/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes on the heap: they follow backends and next hops, and are stored only where they differ.
 */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables_world.h"

static struct sh_lane *lane_at(const struct fixture *f, const struct table_backend *backend)
{
	return &f->heap->port.lanes[tables_backend_index(backend)];
}

static struct table_path *one_of(struct fixture *f, const struct table_nexthop *hop)
{
	const struct sh_path key = {.buckets = 1, .nexthop = {tables_nexthop_index(hop)}};

	return tables_path(f->tables, &key);
}

static struct table_nexthop *hop_with(struct fixture *f, const char *address, uint8_t mac)
{
	struct table_nexthop *hop = nexthop(f, 2, address);
	const struct sh_nexthop record = with_macs(2, address, mac, 0x44);

	tables_store_nexthop(f->tables, hop, &record);
	return hop;
}

static void route(struct fixture *f, const struct table_backend *backend, enum sh_mode mode,
		  const struct table_path *path)
{
	struct sh_path before;

	tables_route_backend(f->tables, backend, mode, path, &before);
}

static struct table_backend *by_l2(struct fixture *f, uint64_t owner, const struct table_nexthop *hop)
{
	struct table_backend *there = backend(f, owner, "198.51.100.1");

	route(f, there, SH_MODE_L2, one_of(f, hop));
	return there;
}

static void assert_lane(const struct fixture *f, const struct table_backend *backend, uint8_t mac)
{
	const struct sh_lane *lane = lane_at(f, backend);

	assert_int_equal(lane->ifindex, 2);
	assert_int_equal(lane->mtu, 1500);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(lane->macs[i], mac);
		assert_int_equal(lane->macs[6 + i], 0x44);
	}
}

static void assert_none(const struct fixture *f, const struct table_backend *backend)
{
	assert_true(lane_at(f, backend)->where == 0);
}

static void a_lane_is_what_its_next_hop_is(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = hop_with(f, "192.0.2.1", 0x22);
	struct table_backend *there = backend(f, 1, "198.51.100.1");
	struct sh_nexthop record = with_macs(2, "192.0.2.1", 0x66, 0x44);
	uint64_t count;

	assert_none(f, there);
	route(f, there, SH_MODE_L2, one_of(f, hop));
	assert_lane(f, there, 0x22);
	count = writes(f);
	route(f, there, SH_MODE_L2, one_of(f, hop));
	assert_true(writes(f) == count);
	tables_store_nexthop(f->tables, hop, &record);
	assert_lane(f, there, 0x66);
	assert_true(writes(f) == count + 2);
	record.mtu = 1400;
	tables_store_nexthop(f->tables, hop, &record);
	assert_int_equal(lane_at(f, there)->mtu, 1400);
}

/* And where a next hop takes more than its MACs, or is not usable from everywhere. */
static void others_have_none(void **state)
{
	static const uint16_t flags[] = {0, SH_NEXTHOP_VALID | SH_NEXTHOP_HERE,
					 SH_NEXTHOP_VALID | SH_NEXTHOP_TAGGED | 5};
	struct fixture *f = *state;
	struct table_nexthop *hop = hop_with(f, "192.0.2.1", 0x22);
	struct table_backend *there = by_l2(f, 1, hop);
	const struct sh_path limited = {.buckets = 1, .mtu = 1280, .nexthop = {tables_nexthop_index(hop)}};
	const struct sh_nexthop usable = with_macs(2, "192.0.2.1", 0x22, 0x44);

	assert_lane(f, there, 0x22);
	for (enum sh_mode mode = SH_MODE_NONE; mode <= SH_MODE_GUE; mode++) {
		route(f, there, mode, one_of(f, hop));
		if (mode == SH_MODE_L2)
			assert_lane(f, there, 0x22);
		else
			assert_none(f, there);
	}
	route(f, there, SH_MODE_L2, tables_path(f->tables, &limited));
	assert_none(f, there);
	route(f, there, SH_MODE_L2, path(f, tables_nexthop_index(hop)));
	assert_none(f, there);
	route(f, there, SH_MODE_L2, NULL);
	assert_none(f, there);
	route(f, there, SH_MODE_L2, one_of(f, hop));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		struct sh_nexthop record = usable;

		record.flags = flags[i];
		tables_store_nexthop(f->tables, hop, &record);
		assert_none(f, there);
		tables_store_nexthop(f->tables, hop, &usable);
		assert_lane(f, there, 0x22);
	}
}

/* Whoever leaves: the first of the list, one in the midst, the last. */
static void all_behind_a_next_hop_follow_it(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = hop_with(f, "192.0.2.1", 0x22), *other = hop_with(f, "192.0.2.2", 0x33);
	struct table_backend *all[5];
	const int order[] = {2, 4, 0, 3, 1};
	bool left[5] = {false};

	for (int i = 0; i < 5; i++)
		all[i] = by_l2(f, 1 + (uint64_t)i, hop);
	for (int turn = 0; turn < 5; turn++) {
		struct sh_nexthop record = with_macs(2, "192.0.2.1", (uint8_t)(0x50 + turn), 0x44);

		tables_store_nexthop(f->tables, hop, &record);
		for (int i = 0; i < 5; i++)
			assert_lane(f, all[i], left[i] ? 0x33 : (uint8_t)(0x50 + turn));
		left[order[turn]] = true;
		route(f, all[order[turn]], SH_MODE_L2, one_of(f, other));
	}
	for (int i = 0; i < 5; i++)
		route(f, all[i], SH_MODE_L2, one_of(f, hop));
	tables_backend_put(f->tables, all[2]);
	for (int i = 0; i < 5; i++)
		if (i != 2)
			assert_lane(f, all[i], 0x54);
}

/* A packet that saw the lane before it was another's must not take it for unchanged. */
static void a_version_is_never_that_of_before(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *a = hop_with(f, "192.0.2.1", 0x22), *b = hop_with(f, "192.0.2.2", 0x33);
	struct table_backend *there = by_l2(f, 1, a);
	__u64 first = lane_at(f, there)->where, second, third;

	route(f, there, SH_MODE_L2, one_of(f, b));
	second = lane_at(f, there)->where;
	route(f, there, SH_MODE_L2, one_of(f, a));
	third = lane_at(f, there)->where;
	assert_true(first != second && second != third && first != third);
	route(f, there, SH_MODE_NONE, NULL);
	assert_none(f, there);
	restart(f);
	there = by_l2(f, 1, hop_with(f, "192.0.2.1", 0x22));
	assert_lane(f, there, 0x22);
	assert_true(lane_at(f, there)->where != third);
}

static void who_is_given_up_has_none(void **state)
{
	struct fixture *f = *state;
	struct table_backend *there = by_l2(f, 1, hop_with(f, "192.0.2.1", 0x22));
	struct sh_lane *lane = lane_at(f, there);

	assert_lane(f, there, 0x22);
	tables_backend_put(f->tables, there);
	assert_true(lane->where == 0);
}

/* The memory is another's: what is put leaves it as it is. */
static void who_leaves_touches_none(void **state)
{
	struct fixture *f = *state;
	struct table_backend *there = by_l2(f, 1, hop_with(f, "192.0.2.1", 0x22));
	struct sh_lane *lane = lane_at(f, there);
	__u64 where = lane->where;

	tables_leave(f->tables);
	tables_backend_put(f->tables, there);
	assert_true(lane->where == where && where);
}

static void a_copy_has_one_of_its_own(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = hop_with(f, "192.0.2.1", 0x22);
	const struct sh_nexthop record = with_macs(2, "192.0.2.1", 0x66, 0x44);
	struct table_backend *there;

	by_l2(f, 1, hop);
	assert_int_equal(tables_copy_owner(f->tables, 1, 2), 0);
	there = backend(f, 2, "198.51.100.1");
	assert_lane(f, there, 0x22);
	tables_store_nexthop(f->tables, hop, &record);
	assert_lane(f, there, 0x66);
}

/* Left half written, of another next hop, of somebody who rests, or of a next hop that is not there. */
static void a_start_sets_them_right(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = hop_with(f, "192.0.2.1", 0x22);
	struct table_backend *half = by_l2(f, 1, hop), *other = by_l2(f, 2, hop), *rests = by_l2(f, 3, hop),
			     *beyond = by_l2(f, 4, hop);
	struct port *port = &f->heap->port;
	struct sh_lane *lanes[] = {lane_at(f, half), lane_at(f, other), lane_at(f, rests),
				   lane_at(f, beyond)};
	uint32_t rest = tables_backend_index(rests), far = tables_backend_index(beyond);

	restart(f);
	assert_true(writes(f) == 0);
	lanes[0]->where = 0;
	lanes[1]->macs[3]++;
	port->backends[rest].given_up = 1;
	port->backends[far].path = SH_PATH_ONE | RECORDS;
	restart(f);
	assert_lane(f, backend(f, 1, "198.51.100.1"), 0x22);
	assert_lane(f, backend(f, 2, "198.51.100.1"), 0x22);
	assert_true(lanes[2]->where == 0);
	assert_true(lanes[3]->where == 0);
	assert_true(writes(f) == 4);
}

/* Maps of different runs may differ in size. */
static void beyond_the_map_there_are_none(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *hop = hop_with(f, "192.0.2.1", 0x22);
	const struct sh_nexthop record = with_macs(2, "192.0.2.1", 0x66, 0x44);
	struct table_backend *first = by_l2(f, 1, hop), *second;

	f->heap->port.lanes_size = tables_backend_index(first) + 1;
	second = by_l2(f, 2, hop);
	assert_true(tables_backend_index(second) >= f->heap->port.lanes_size);
	tables_store_nexthop(f->tables, hop, &record);
	assert_lane(f, first, 0x66);
	assert_none(f, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_lane_is_what_its_next_hop_is),  FACT(others_have_none),
		FACT(all_behind_a_next_hop_follow_it), FACT(a_version_is_never_that_of_before),
		FACT(who_is_given_up_has_none),	       FACT(who_leaves_touches_none),
		FACT(a_copy_has_one_of_its_own),       FACT(a_start_sets_them_right),
		FACT(beyond_the_map_there_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
