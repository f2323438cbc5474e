/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables on the heap: identities, resting, adoption, and how many words each change stores.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	fixture->heap = heap_port_new(RECORDS, SLOTS);
	assert_int_equal(tables_new(&fixture->heap->port, &fixture->tables), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture->heap->windows, 0);
	tables_free(fixture->tables);
	heap_port_free(fixture->heap);
	free(fixture);
	return 0;
}

/* The process ends and another one begins: the memory stays. */
static void restart(struct fixture *fixture)
{
	tables_free(fixture->tables);
	assert_int_equal(tables_new(&fixture->heap->port, &fixture->tables), 0);
}

static struct rt_neigh_key neighbour(int ifindex, const char *address)
{
	return (struct rt_neigh_key){.ifindex = ifindex, .addr = test_addr(address)};
}

static struct table_nexthop *nexthop(struct fixture *fixture, int ifindex, const char *address)
{
	const struct rt_neigh_key key = neighbour(ifindex, address);

	return tables_nexthop(fixture->tables, &key);
}

static struct table_path *path(struct fixture *fixture, uint32_t to)
{
	const struct sh_path key = {.buckets = 2, .nexthop = {to, to}};

	return tables_path(fixture->tables, &key);
}

static struct table_backend *backend(struct fixture *fixture, uint64_t owner, const char *address)
{
	const struct addr addr = test_addr(address);

	return tables_backend(fixture->tables, owner, &addr);
}

static struct table_service *service(struct fixture *fixture, const char *vip, uint16_t port,
				     uint8_t protocol)
{
	const struct addr addr = test_addr(vip);
	const struct config_port config = {.port = port, .protocol = protocol};

	return tables_service(fixture->tables, &addr, &config);
}

static uint64_t writes(const struct fixture *fixture)
{
	return tables_writes(fixture->tables);
}

/* ---- identities ----------------------------------------------------------------------------- */

static void an_identity_has_one_record(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *a = nexthop(f, 2, "192.0.2.1");

	assert_ptr_equal(nexthop(f, 2, "192.0.2.1"), a);
	assert_int_equal(tables_nexthop_refs(a), 2);
	assert_ptr_not_equal(nexthop(f, 3, "192.0.2.1"), a);
	assert_ptr_not_equal(nexthop(f, 2, "192.0.2.2"), a);
	assert_ptr_not_equal(nexthop(f, 2, "2001:db8::1"), a);
	assert_int_equal(tables_nexthop_count(f->tables), 4);
	assert_ptr_equal(path(f, 1), path(f, 1));
	assert_ptr_not_equal(path(f, 1), path(f, 2));
	assert_ptr_equal(backend(f, 1, "198.51.100.1"), backend(f, 1, "198.51.100.1"));
	assert_ptr_not_equal(backend(f, 1, "198.51.100.1"), backend(f, 2, "198.51.100.1"));
	assert_ptr_equal(service(f, "203.0.113.1", 80, IPPROTO_TCP),
			 service(f, "203.0.113.1", 80, IPPROTO_TCP));
	assert_ptr_not_equal(service(f, "203.0.113.1", 80, IPPROTO_TCP),
			     service(f, "203.0.113.1", 80, IPPROTO_UDP));
	assert_ptr_not_equal(service(f, "203.0.113.1", 80, IPPROTO_TCP),
			     service(f, "203.0.113.1", 81, IPPROTO_TCP));
	assert_ptr_equal(tables_ring(f->tables, 1, RING), tables_ring(f->tables, 1, RING));
	assert_ptr_not_equal(tables_ring(f->tables, 1, RING), tables_ring(f->tables, 2, RING));
}

/* What lies between the fields of a caller's key does not make it another one. */
static void padding_is_no_identity(void **state)
{
	struct fixture *f = *state;
	struct rt_neigh_key clean = neighbour(2, "192.0.2.1"), dirty;

	memset(&dirty, 0xff, sizeof(dirty));
	dirty.ifindex = clean.ifindex;
	dirty.addr = clean.addr;
	assert_ptr_equal(tables_nexthop(f->tables, &dirty), tables_nexthop(f->tables, &clean));
	assert_non_null(tables_find_nexthop(f->tables, &dirty));
}

static void records_say_who_they_are(void **state)
{
	struct fixture *f = *state;
	const struct port *port = &f->heap->port;
	const struct sh_nexthop *hop = &port->nexthops[tables_nexthop_index(nexthop(f, 7, "2001:db8::9"))];
	const struct sh_backend *there = &port->backends[tables_backend_index(backend(f, 5, "198.51.100.1"))];
	const struct sh_service *entry =
		&port->services[tables_service_index(service(f, "203.0.113.1", 443, IPPROTO_UDP))];
	struct addr address;
	char text[ADDR_TEXT_SIZE];

	assert_int_equal(hop->ifindex, 7);
	assert_int_equal(hop->flags, 0);
	tables_addr(&hop->neighbour, hop->family, &address);
	assert_string_equal(addr_format(&address, text), "2001:db8::9");
	assert_int_equal(there->owner, 5);
	assert_int_equal(there->how, 0);
	assert_int_equal(there->address.w[0], htonl(0xc6336401));
	assert_int_equal(entry->vip_port, htons(443));
	assert_int_equal(entry->protocol, IPPROTO_UDP);
	assert_int_equal(entry->family, SH_FAMILY_IPV4);
}

static void owners_are_never_zero(void **state)
{
	(void)state;
	/* RFC 9923: the offset basis, and the published value of "a". */
	assert_true(tables_owner("") == 0xcbf29ce484222325U);
	assert_true(tables_owner("a") == 0xaf63dc4c8601ec8cU);
}

/* ---- resting -------------------------------------------------------------------------------- */

static void what_is_put_rests_two_reaps(void **state)
{
	struct fixture *f = *state;
	struct table_backend *there = backend(f, 1, "198.51.100.1");
	uint32_t index = tables_backend_index(there);

	for (int i = 2; i < RECORDS; i++)
		assert_non_null(backend(f, (uint64_t)i, "198.51.100.1"));
	tables_backend_put(f->tables, there);
	assert_null(backend(f, 99, "198.51.100.1"));
	assert_int_equal(errno, ENOSPC);
	assert_true(tables_reap(f->tables));
	assert_null(backend(f, 99, "198.51.100.1"));
	assert_int_equal(f->heap->port.backends[index].owner, 1); /* a packet may still look at it */
	f->heap->backends_reset = 0;
	assert_false(tables_reap(f->tables));
	assert_int_equal(f->heap->port.backends[index].owner, 0);
	assert_int_equal(f->heap->backends_reset, 1);
	there = backend(f, 99, "198.51.100.1");
	assert_int_equal(tables_backend_index(there), index);
}

/* Whoever is new begins to count at zero, whatever a run that ended in between has left there. */
static void counters_begin_at_zero(void **state)
{
	struct fixture *f = *state;

	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_int_equal(f->heap->backends_reset, 1);
	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_int_equal(f->heap->backends_reset, 1);
	restart(f);
	assert_non_null(backend(f, 1, "198.51.100.1"));
	assert_int_equal(f->heap->backends_reset, 1);
	assert_non_null(service(f, "203.0.113.10", 80, IPPROTO_TCP));
	assert_int_equal(f->heap->services_reset, 1);
}

static void a_second_reference_keeps_it(void **state)
{
	struct fixture *f = *state;
	struct table_path *first = path(f, 1), *second = path(f, 1);

	tables_path_put(f->tables, first);
	assert_false(tables_reap(f->tables));
	assert_ptr_equal(path(f, 1), second);
	tables_path_put(f->tables, second);
	tables_path_put(f->tables, second);
	assert_true(tables_reap(f->tables));
}

static void a_full_array_is_enospc(void **state)
{
	struct fixture *f = *state;
	char text[ADDR_TEXT_SIZE];

	for (int i = 1; i < RECORDS; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		assert_non_null(nexthop(f, 2, text));
		assert_non_null(path(f, (uint32_t)i));
		assert_non_null(service(f, text, 80, IPPROTO_TCP));
	}
	errno = 0;
	assert_null(nexthop(f, 2, "192.0.2.99"));
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_null(path(f, 99));
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_null(service(f, "192.0.2.99", 80, IPPROTO_TCP));
	assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_null(tables_ring(f->tables, 1, SLOTS));
	assert_int_equal(errno, ENOSPC);
	assert_non_null(nexthop(f, 2, "192.0.2.1")); /* what is there is still found */
	assert_non_null(tables_ring(f->tables, 1, SLOTS - 1));
}

/* ---- words ---------------------------------------------------------------------------------- */

static struct sh_nexthop with_macs(int ifindex, const char *address, uint8_t dst, uint8_t src)
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

/* Without transitions. */
static int store_ring(struct tables *tables, struct table_ring *ring, const uint32_t *want)
{
	struct ring_change change = {.want = want};
	size_t budget = SIZE_MAX;
	int err = tables_store_ring(tables, ring, &change, &budget);

	return err ? err : (int)change.stores;
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

/* ---- adopting ------------------------------------------------------------------------------- */

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

static void count_it(struct table_nexthop *nexthop, void *arg)
{
	(void)nexthop;
	++*(int *)arg;
}

static int count_on(const struct fixture *f, int ifindex)
{
	int count = 0;

	tables_each_on_link(f->tables, ifindex, count_it, &count);
	return count;
}

static void add_exit(int ifindex, void *arg)
{
	*(int *)arg += ifindex;
}

static int sum_of_exits(const struct fixture *f)
{
	int sum = 0;

	tables_each_exit(f->tables, add_exit, &sum);
	return sum;
}

static void next_hops_are_found_by_their_link(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *first = nexthop(f, 2, "192.0.2.1"), *second = nexthop(f, 2, "192.0.2.2"),
			     *other = nexthop(f, 3, "192.0.2.1");

	assert_int_equal(count_on(f, 2), 2);
	assert_int_equal(count_on(f, 3), 1);
	assert_int_equal(count_on(f, 4), 0);
	tables_nexthop_put(f->tables, first);
	assert_int_equal(count_on(f, 2), 1);
	tables_nexthop_put(f->tables, second);
	tables_nexthop_put(f->tables, other);
	assert_int_equal(count_on(f, 2) + count_on(f, 3), 0);
}

/* Links are exits from the first next hop that leads out by them to the last. */
static void exits_are_counted(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *first = nexthop(f, 2, "192.0.2.1"), *second = nexthop(f, 2, "192.0.2.2");

	assert_int_equal(sum_of_exits(f), 0);
	assert_int_equal(tables_set_exit(f->tables, first, 7), 0);
	assert_true(tables_exits_changed(f->tables));
	assert_false(tables_exits_changed(f->tables));
	assert_int_equal(tables_set_exit(f->tables, second, 7), 0);
	assert_false(tables_exits_changed(f->tables)); /* is one already */
	assert_int_equal(sum_of_exits(f), 7);
	assert_int_equal(tables_set_exit(f->tables, first, 2), 0);
	assert_int_equal(sum_of_exits(f), 9);
	tables_nexthop_put(f->tables, second);
	assert_true(tables_exits_changed(f->tables));
	assert_int_equal(sum_of_exits(f), 2);
	tables_nexthop_put(f->tables, first);
	assert_int_equal(sum_of_exits(f), 0);
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

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(an_identity_has_one_record),
		FACT(padding_is_no_identity),
		FACT(records_say_who_they_are),
		FACT(owners_are_never_zero),
		FACT(what_is_put_rests_two_reaps),
		FACT(a_second_reference_keeps_it),
		FACT(a_full_array_is_enospc),
		FACT(a_new_mac_is_one_store),
		FACT(a_path_to_one_next_hop_needs_no_record),
		FACT(a_backend_switches_in_one_store),
		FACT(a_ring_stores_the_slots_that_differ),
		FACT(a_service_is_pointed_once),
		FACT(a_restart_writes_nothing),
		FACT(next_hops_are_found_by_their_link),
		FACT(exits_are_counted),
		FACT(a_sweep_gives_up_what_nobody_asked_for),
		FACT(who_puts_the_last_reference_releases),
		FACT(a_record_that_rested_is_swept),
		FACT(counters_begin_at_zero),
		FACT(who_rests_is_not_taken_for_its_namesake),
		FACT(who_has_left_gives_nothing_up),
		FACT(ports_share_an_adopted_ring),
		FACT(a_damaged_ring_is_not_adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
