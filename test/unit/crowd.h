/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows by the hundred through random changes of a pool: backends added, drained, removed, weighted anew,
 * dead and back, rings of other sizes, other names, restarts, and all of it while transitions go on. A packet
 * of an established flow must arrive at the backend that the flow began with, unless that died.
 *
 * Where packets go is the test's to say: a model of the packet path, or the program itself.
 */
#ifndef SHUNT_TEST_CROWD_H
#define SHUNT_TEST_CROWD_H

#include <stdlib.h>

#include "apply_world.h"

#define CROWD_FLOWS_MAX 2000
#define CROWD_POOL	24
#define CROWD_ROUTER	"192.0.2.1"

/* A flow as a client and its backend know it, and what a model remembers of it. */
struct crowd_flow {
	uint32_t number;     /* of all that ever began */
	uint32_t share;	     /* at random, for a model */
	struct addr backend; /* family 0: none */
	uint32_t remembered;
	uint32_t last; /* packet */
};

struct crowd {
	/* Where a packet goes: its backend, or family 0. */
	struct addr (*pick)(struct crowd_flow *flow, bool begins);
	unsigned flows_count, changes;
	int ifindex; /* of the router */
	uint64_t dice;
	struct crowd_flow flows[CROWD_FLOWS_MAX];
	uint32_t begun;
	uint32_t weights[CROWD_POOL];
	bool blocks[2]; /* of the pool, that are in reach */
	char name;	/* of the service, behind SERVICE; 0: that alone */
};

static uint32_t crowd_throw(struct crowd *crowd, uint32_t sides)
{
	crowd->dice ^= crowd->dice << 13; /* xorshift64 (Marsaglia, 2003) */
	crowd->dice ^= crowd->dice >> 7;
	crowd->dice ^= crowd->dice << 17;
	return (uint32_t)(crowd->dice >> 33) % sides;
}

static unsigned crowd_number_of(const struct addr *backend)
{
	for (unsigned i = 0; i < CROWD_POOL; i++) {
		struct addr address = backend_address(i);

		if (addr_equal(&address, backend))
			return i;
	}
	return 999;
}

static void crowd_go_on(struct crowd *crowd, struct crowd_flow *flow)
{
	struct addr address = crowd->pick(flow, false);

	flow->last = world->now;
	if (!addr_equal(&address, &flow->backend))
		fail_msg("flow %u of backend %u arrives at %u", flow->number, crowd_number_of(&flow->backend),
			 crowd_number_of(&address));
}

static void crowd_begin(struct crowd *crowd, struct crowd_flow *flow)
{
	*flow = (struct crowd_flow){.number = crowd->begun++, .share = crowd_throw(crowd, UINT32_MAX)};
	flow->backend = crowd->pick(flow, true);
	if (flow->backend.family)
		crowd_go_on(crowd, flow);
}

/* Some flows end and others begin; the rest sends, and must arrive. */
static void crowd_traffic(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->flows_count; i++) {
		struct crowd_flow *flow = &crowd->flows[i];

		if (!flow->backend.family || !crowd_throw(crowd, 10))
			crowd_begin(crowd, flow);
		/* Some are silent, but less than the idle time. */
		else if (world->now - flow->last >= IDLE / 2 || !crowd_throw(crowd, 3))
			crowd_go_on(crowd, flow);
	}
}

static struct config *crowd_file(const struct crowd *crowd)
{
	struct config *config = file_of(0, CROWD_POOL - 1);
	struct config_service *pool = &config->services[0];

	free(pool->name);
	pool->name = strdup((const char[]){SERVICE[0], SERVICE[1], SERVICE[2], crowd->name, '\0'});
	pool->backends_count = 0;
	for (unsigned i = 0; i < CROWD_POOL; i++) {
		if (crowd->weights[i])
			pool->backends[pool->backends_count++] = (struct config_backend){
				.address = backend_address(i), .weight = crowd->weights[i] - 1};
	}
	return config;
}

/* Half of the pool dies or is back. Flows of the dead have died with them. */
static void crowd_reach(struct crowd *crowd, int block)
{
	crowd->blocks[block] = !crowd->blocks[block];
	route(block, crowd->ifindex, crowd->blocks[block] ? CROWD_ROUTER : NULL, 0, NULL);
	assert_int_equal(apply_pass(&world->apply), 0);
	for (unsigned i = 0; i < crowd->flows_count && !crowd->blocks[block]; i++) {
		struct crowd_flow *flow = &crowd->flows[i];

		if (flow->backend.family && crowd_number_of(&flow->backend) % 2 == (unsigned)block)
			crowd_begin(crowd, flow);
	}
}

static void crowd_change(struct crowd *crowd)
{
	unsigned what = crowd_throw(crowd, 20), number = crowd_throw(crowd, CROWD_POOL);

	if (!crowd_throw(crowd, 10))
		crowd->name = (char)('0' + crowd_throw(crowd, 3));
	if (what == 0)
		crowd_reach(crowd, (int)crowd_throw(crowd, 2));
	else if (what == 1)
		restart(crowd_file(crowd));
	else if (what < 4)
		for (unsigned i = 0; i < CROWD_POOL; i++) /* enough for a ring of another size */
			crowd->weights[i] = crowd_throw(crowd, 2) * (1 + crowd_throw(crowd, 3));
	else
		crowd->weights[number] = crowd_throw(crowd, 5); /* 0: removed, 1: weight 0 */
	crowd->weights[number] += !crowd->weights[number] && crowd_throw(crowd, 2);
	for (unsigned i = 0, any = 0; i < CROWD_POOL; i++)
		crowd->weights[i] = (any |= crowd->weights[i]) || i < CROWD_POOL - 1 ? crowd->weights[i] : 1;
	load(crowd_file(crowd));
}

/* A second goes by, in parts with packets between. Some are left in the midst, for what comes next. */
static void crowd_elapse(struct crowd *crowd)
{
	bool more = true;

	world->now++;
	while (more && crowd_throw(crowd, 30)) {
		bool settles = apply_settle(&world->apply, 7);

		assert_int_equal(apply_part(&world->apply, 1, &more), 0);
		more |= settles;
		for (uint32_t i = 0; i < crowd->flows_count; i += 1 + crowd_throw(crowd, 60)) {
			if (crowd->flows[i].backend.family)
				crowd_go_on(crowd, &crowd->flows[i]);
		}
	}
}

/* Four backends to begin with. */
static void crowd_gather(struct crowd *crowd)
{
	crowd->blocks[0] = crowd->blocks[1] = true;
	for (unsigned i = 0; i < 4; i++)
		crowd->weights[i] = 2;
	route(0, crowd->ifindex, CROWD_ROUTER, 0, NULL);
	route(1, crowd->ifindex, CROWD_ROUTER, 0, NULL);
	neighbour(crowd->ifindex, CROWD_ROUTER, RT_NEIGH_VALID, 0x21);
	load(crowd_file(crowd));
}

static void crowd_live_through(struct crowd *crowd)
{
	for (unsigned i = 0; i < crowd->changes; i++) {
		uint32_t pause = crowd_throw(crowd, 5);

		crowd_traffic(crowd);
		crowd_change(crowd);
		crowd_traffic(crowd);
		for (uint32_t j = 0; j < pause; j++) {
			crowd_elapse(crowd);
			crowd_traffic(crowd);
		}
		while (tables_reap(world->apply.tables))
			;
	}
	elapse(IDLE);
	elapse(IDLE);
	assert_int_equal(tables_ring_moving(world->apply.model->services[0].ring), 0);
	assert_null(world->apply.model->services[0].gone);
}

/* SHUNT_CROWD_SEED=N: other dice. */
static inline uint64_t crowd_seed(void)
{
	const char *wanted = getenv("SHUNT_CROWD_SEED"); // NOLINT(concurrency-mt-unsafe): there is one thread

	return 88172645463325252ULL + (wanted ? strtoull(wanted, NULL, 10) * 0x9e3779b97f4a7c15ULL : 0);
}

#endif
