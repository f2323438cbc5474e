/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A director without a kernel: tables on the heap, a FIB of two routes, links and neighbours put by hand.
 *
 * eth0 (2) and eth1 (3) have routers. Even backends lie in 198.18.0.0/16 (block 0), odd ones in 198.19.0.0/16
 * (block 1). Whatever a test does, each change of a path and each write to a ring is checked for its order.
 */
#ifndef SHUNT_TEST_APPLY_WORLD_H
#define SHUNT_TEST_APPLY_WORLD_H

#include <netinet/in.h>
#include <stdio.h>

#include "apply.h"
#include "heap_port.h"
#include "observed.h"
#include "ring.h"

#define SERVICE "web"
#define TABLE	254 /* of all routes */
#define IDLE_MS 10000U
#define IDLE	10U /* of it in the unit of `seen`, rounded up */

/* The kernel that is asked. */
struct rt_query {
	struct rt_route blocks[2]; /* 198.18.0.0/16 and 198.19.0.0/16 */
	int fails;		   /* every question fails with this */
	struct rules_cause cause;
};

struct world {
	struct heap_port *heap;
	struct rt_query kernel;
	struct rt_state *state;
	struct apply apply;
	struct sh_slot *(*slots)(struct port *port, uint32_t first, uint32_t count); /* the heap's */
	uint32_t widest;	     /* window of slots that was opened */
	int states, nexthops, paths; /* changes told */
	uint64_t now_ms;
	uint32_t now;	/* in the unit of `seen` */
	unsigned modes; /* that there may be: bits */
};

/* The world of the test that runs: a struct port has no argument to carry it. */
static struct world *world;

static inline struct addr backend_address(unsigned number)
{
	return (struct addr){
		ADDR_IPV4,
		{198, 18 + number % 2, (uint8_t)(number / 2 / 250), (uint8_t)(1 + number / 2 % 250)}};
}

static inline int fake_fib(const struct policy *policy, struct rt_query *query, const struct addr *dst,
			   struct rt_route *out, struct rules_cause *cause)
{
	(void)policy;
	if (query->fails)
		return query->fails;
	*cause = query->cause;
	*out = query->blocks[dst->bytes[1] - 18];
	return 0;
}

static inline uint32_t fake_clock(void)
{
	return world->now;
}

static inline uint64_t fake_now_ms(void)
{
	return world->now_ms;
}

/* ---- order ---------------------------------------------------------------------------------- */

static inline const struct sh_backend *record_of(const struct member *member)
{
	return &world->heap->port.backends[tables_backend_index(member->backend)];
}

/* A whole way: a path whose next hops are what links and neighbours say. */
static inline void assert_whole_way(const struct member *member)
{
	struct sh_path path;

	tables_path_read(&world->heap->port, record_of(member)->path, &path);
	assert_true(1U << record_of(member)->mode & world->modes);
	assert_in_range(path.buckets, 1, SH_PATH_BUCKETS);
	for (uint32_t i = 0; i < path.buckets; i++) {
		struct sh_nexthop hop = world->heap->port.nexthops[path.nexthop[i]];
		struct rt_neigh_key key = {.ifindex = (int)hop.link};
		struct sh_nexthop want;

		assert_int_not_equal(hop.family, 0);
		tables_addr(&hop.neighbour, hop.family, &key.addr);
		resolve_nexthop(&key, world->state, NULL, &want);
		hop.version = 0;
		assert_memory_equal(&hop, &want, sizeof(want));
	}
}

/* The ring that packets go by: none before the first services are stored. */
static inline const struct sh_slot *slots_of(const struct service *service, uint32_t *count)
{
	const struct sh_service *record =
		&world->heap->port.services[tables_service_index(service->entries[0])];

	*count = record->slots;
	return &world->heap->slots[record->ring];
}

static inline size_t slots_leading_to(const struct member *member)
{
	uint32_t index = tables_backend_index(member->backend), size;
	const struct sh_slot *slots = slots_of(member->service, &size);
	size_t count = 0;

	for (uint32_t i = 0; i < size; i++)
		count += slots[i].now == index;
	return count;
}

/* Slots whose flows in midstream stay with it. */
static inline size_t slots_left_to(const struct member *member)
{
	uint32_t index = tables_backend_index(member->backend), size;
	const struct sh_slot *slots = slots_of(member->service, &size);
	size_t count = 0;

	for (uint32_t i = 0; i < size; i++)
		count += (slots[i].before & ~SH_BEFORE_CLOSED) == index;
	return count;
}

/* A ring of another size is filled, and packets go by the former: who leaves is dead there, too. */
static inline bool goes_over(const struct member *member)
{
	uint32_t size;

	slots_of(member->service, &size);
	return size != tables_ring_size(member->service->ring);
}

static void on_path(const struct member *member, const struct sh_path *before, const struct sh_path *after,
		    void *arg)
{
	(void)before;
	(void)arg;
	world->paths++;
	if (after->buckets)
		assert_whole_way(member);
	else if (!goes_over(member)) /* it leaves: its flows went first */
		assert_int_equal(slots_leading_to(member) + slots_left_to(member), 0);
}

static void on_state(const struct member *member, enum backend_state before, void *arg)
{
	(void)arg;
	if (backend_state_serves(member->state)) /* else it is told of who is new, too */
		assert_int_not_equal(member->state, before);
	world->states++;
}

static void on_nexthop(const struct rt_neigh_key *key, const struct sh_nexthop *before,
		       const struct sh_nexthop *after, void *arg)
{
	(void)key;
	(void)arg;
	assert_memory_not_equal(before, after, sizeof(*before));
	world->nexthops++;
}

static const struct apply_ops checking_ops = {
	.state_changed = on_state, .nexthop_changed = on_nexthop, .path_changed = on_path};

/* A ring is about to be written: whom it will lead to has a whole way already. */
static struct sh_slot *checking_slots(struct port *port, uint32_t first, uint32_t count)
{
	const struct service *service = world->apply.model ? &world->apply.model->services[0] : NULL;

	for (size_t i = 0; service && i < service->config->backends_count; i++) {
		if (backend_state_serves(service->members[i].state))
			assert_whole_way(&service->members[i]);
	}
	world->widest = count > world->widest ? count : world->widest;
	return world->slots(port, first, count);
}

/* ---- the kernel ----------------------------------------------------------------------------- */

static inline void put_link(int ifindex, const char *name)
{
	struct rt_link link = {.ifindex = ifindex, .mtu = 1500, .up = true, .carrier = true};

	snprintf(link.name, sizeof(link.name), "%s", name);
	memset(link.mac, 0x10 + ifindex, sizeof(link.mac));
	assert_int_equal(rt_state_put_link(world->state, &link), 0);
}

/* A neighbour's event. `mac` is every byte of it, where it has one. */
static inline void neighbour(int ifindex, const char *address, enum rt_neigh_state state, uint8_t mac)
{
	const struct rt_neigh_key key = {.ifindex = ifindex, .addr = test_addr(address)};
	struct rt_neigh neigh = {.ifindex = ifindex, .addr = key.addr, .state = state};

	memset(neigh.mac, mac, sizeof(neigh.mac));
	if (state == RT_NEIGH_NONE)
		rt_state_drop_neigh(world->state, ifindex, &key.addr);
	else
		assert_int_equal(rt_state_put_neigh(world->state, &neigh), 0);
	apply_neighbour(&world->apply, &key);
}

static inline void add_leg(struct rt_route *route, int ifindex, const char *gateway, uint32_t weight)
{
	route->legs[route->legs_count++] = (struct rt_leg){
		.ifindex = ifindex, .gateway = test_addr(gateway), .weight = weight};
}

/* A route's event: the block goes by these from now on. No gateway: no route. */
static inline void route(int block, int ifindex, const char *gateway, int ifindex2, const char *gateway2)
{
	const struct prefix prefix = {.addr = {ADDR_IPV4, {198, (uint8_t)(18 + block)}}, .length = 16};
	struct rt_route *there = &world->kernel.blocks[block];

	*there = (struct rt_route){.type = gateway ? RT_ROUTE_UNICAST : RT_ROUTE_NONE, .table = TABLE};
	if (gateway)
		there->dst = prefix;
	if (gateway)
		add_leg(there, ifindex, gateway, 1);
	if (gateway2)
		add_leg(there, ifindex2, gateway2, 1);
	if (world->apply.model)
		apply_mark_prefix(&world->apply, &prefix);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* One service with backends `first` to `last`, all of weight 1. */
static inline struct config *file_of(unsigned first, unsigned last)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_service *service = calloc(1, sizeof(*service));

	*service = (struct config_service){
		.name = strdup(SERVICE),
		.vip = {ADDR_IPV4, {203, 0, 113, 1}},
		.ports_count = 1,
		.ports = calloc(1, sizeof(struct config_port)),
		.forward = FORWARD_L3,
		.idle = IDLE_MS,
		.backends_count = last - first + 1,
		.backends = calloc(last - first + 1, sizeof(struct config_backend)),
	};
	service->ports[0] = (struct config_port){80, IPPROTO_TCP};
	for (unsigned i = first; i <= last; i++)
		service->backends[i - first] = (struct config_backend){.address = backend_address(i),
								       .weight = 1};
	config->services = service;
	config->services_count = 1;
	return config;
}

static inline void point_services(void)
{
	for (size_t i = 0; i < world->apply.model->services_count; i++) {
		const struct service *service = &world->apply.model->services[i];

		for (size_t j = 0; j < service->config->ports_count; j++)
			tables_point_service(world->apply.tables, service->entries[j], service->owner,
					     service->ring, 0);
	}
}

/* Start, or a reload beside what there is: as load.c does it. */
static inline void load(struct config *config)
{
	struct model *former = world->apply.model;

	assert_int_equal(model_new(config, true, world->apply.tables, &world->apply.model), 0);
	assert_int_equal(apply_pass(&world->apply), 0);
	point_services();
	model_free(former, world->apply.tables);
	tables_sweep(world->apply.tables);
}

/* The process ends and another begins; memory and kernel stay. */
static inline void restart(struct config *config)
{
	apply_give_up_ring(&world->apply);
	tables_leave(world->apply.tables);
	model_free(world->apply.model, world->apply.tables);
	world->apply.model = NULL;
	tables_free(world->apply.tables);
	assert_int_equal(tables_new(&world->heap->port, &world->apply.tables), 0);
	load(config);
}

static inline struct member *member(size_t at)
{
	return &world->apply.model->services[0].members[at];
}

/* Time goes by, in the unit of `seen`, and the controller looks after transitions. */
static inline void elapse(uint32_t time)
{
	world->now += time;
	while (apply_settle(&world->apply, 7))
		;
	assert_int_equal(apply_pass(&world->apply), 0);
}

/* ---- up and down ---------------------------------------------------------------------------- */

static int world_up(void **state)
{
	(void)state;
	world = calloc(1, sizeof(*world));
	world->heap = heap_port_new(4096, 3 * RING_MAX);
	world->slots = world->heap->port.slots;
	world->heap->port.slots = checking_slots;
	assert_int_equal(rt_state_new(&world->state), 0);
	world->apply = (struct apply){
		.query = &world->kernel,
		.ask = fake_fib,
		.state = world->state,
		.clock = fake_clock,
		.now_ms = fake_now_ms,
		.ops = &checking_ops,
	};
	world->now = 100;
	world->modes = 1U << SH_MODE_L3;
	assert_int_equal(tables_new(&world->heap->port, &world->apply.tables), 0);
	put_link(2, "eth0");
	put_link(3, "eth1");
	return 0;
}

static int world_down(void **state)
{
	(void)state;
	assert_int_equal(world->heap->windows, 0);
	apply_give_up_ring(&world->apply);
	model_free(world->apply.model, world->apply.tables);
	tables_free(world->apply.tables);
	rt_state_free(world->state);
	heap_port_free(world->heap);
	free(world);
	return 0;
}

#endif
