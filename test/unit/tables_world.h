/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Tables on the heap, in a few records of each kind.
 */
#ifndef SHUNT_TEST_TABLES_WORLD_H
#define SHUNT_TEST_TABLES_WORLD_H

#include <netinet/in.h>
#include <string.h>

#include "heap_port.h"
#include "observed.h"
#include "model.h"

#define RECORDS 16
#define SLOTS	400
#define RING	128

struct fixture {
	struct heap_port *heap;
	struct tables *tables;
	int released; /* next hops that were given up */
	struct rt_neigh_key last;
};

static inline int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->heap = heap_port_new(RECORDS, SLOTS);
	assert_int_equal(tables_new(&fixture->heap->port, &fixture->tables), 0);
	*state = fixture;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->heap->windows, 0);
	tables_free(fixture->tables);
	heap_port_free(fixture->heap);
	free(fixture);
	return 0;
}

/* The process ends and another one begins: the memory stays. */
static inline void restart(struct fixture *fixture)
{
	tables_free(fixture->tables);
	assert_int_equal(tables_new(&fixture->heap->port, &fixture->tables), 0);
}

static inline struct rt_neigh_key neighbour(int ifindex, const char *address)
{
	return (struct rt_neigh_key){.ifindex = ifindex, .addr = test_addr(address)};
}

static inline struct table_nexthop *nexthop(struct fixture *fixture, int ifindex, const char *address)
{
	const struct rt_neigh_key key = neighbour(ifindex, address);

	return tables_nexthop(fixture->tables, &key);
}

static inline struct table_path *path(struct fixture *fixture, uint32_t to)
{
	const struct sh_path key = {.buckets = 2, .nexthop = {to, to}};

	return tables_path(fixture->tables, &key);
}

static inline struct table_backend *backend(struct fixture *fixture, uint64_t owner, const char *address)
{
	const struct addr addr = test_addr(address);

	return tables_backend(fixture->tables, owner, &addr);
}

static inline struct table_service *service(struct fixture *fixture, const char *vip, uint16_t port,
					    uint8_t protocol)
{
	const struct addr addr = test_addr(vip);
	const struct config_port config = {.port = port, .protocol = protocol};

	return tables_service(fixture->tables, &addr, &config);
}

static inline uint64_t writes(const struct fixture *fixture)
{
	return tables_writes(fixture->tables);
}

static inline struct sh_nexthop with_macs(int ifindex, const char *address, uint8_t dst, uint8_t src)
{
	struct sh_nexthop record = {.ifindex = (uint32_t)ifindex,
				    .link = (uint32_t)ifindex,
				    .flags = SH_NEXTHOP_VALID,
				    .mtu = 1500};
	const struct addr addr = test_addr(address);

	record.family = addr.family;
	tables_ip(&addr, &record.neighbour);
	memset(record.dst_mac, dst, sizeof(record.dst_mac));
	memset(record.src_mac, src, sizeof(record.src_mac));
	return record;
}

/* Without transitions. */
static inline int store_ring(struct tables *tables, struct table_ring *ring, const uint32_t *want)
{
	struct ring_change change = {.want = want};
	size_t budget = SIZE_MAX;
	int err = tables_store_ring(tables, ring, &change, &budget);

	return err ? err : (int)change.stores;
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
