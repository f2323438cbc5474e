/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From what the kernel says to how a backend is reached.
 *
 * Pure: structs in, structs out; no clock, no descriptor, no log. The FIB's answer for the
 * backend's address and the observed links and neighbours go in; a state with its reason, a
 * mode and the next hops come out.
 */
#ifndef SHUNT_RESOLVER_H
#define SHUNT_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/abi.h>
#include <shunt/addr.h>
#include <shunt/rt.h>

#include "config.h"

enum backend_state {
	STATE_ACTIVE = 0,  /* in the ring, by the cache */
	STATE_RESOLVING,   /* in the ring, by the fall-back, until its next hop's MAC is known */
	STATE_DRAINING,	   /* weight 0 */
	STATE_DOWN,	   /* health */
	STATE_UNREACHABLE, /* routing: no route, or no next hop answers */
};

/* "active", "resolving", ...: part of the contract. */
const char *backend_state_name(enum backend_state state);
/* Does a backend in that state take flows? */
bool backend_state_serves(enum backend_state state);

#define REASON_SIZE 160

struct resolved_leg {
	struct rt_neigh_key nexthop; /* egress link, and the address whose MAC the frame goes to */
	uint32_t weight;
};

struct resolution {
	enum backend_state state;
	enum sh_mode mode; /* SH_MODE_NONE where unreachable */
	size_t legs_count;
	struct resolved_leg legs[RT_LEGS_MAX]; /* sorted by ifindex and address, no leg twice */
	char reason[REASON_SIZE];	       /* why it is not active; empty where it is */
};

struct resolve_input {
	struct addr backend;
	struct addr vip; /* l3 needs the backend's family to be the VIP's */
	uint32_t weight;
	enum forward forward, remote;
	const struct rt_route *route; /* the FIB's answer for `backend` */
	const struct rt_state *state; /* links and neighbours */
};

/*
 * Resolves one backend. A leg is left out where it is dead or its link is down; where all are,
 * or every neighbour has FAILED, the backend is unreachable and the reason names route, link
 * and neighbour. While no neighbour is known and none has failed it is resolving.
 */
void resolve(const struct resolve_input *input, struct resolution *out);

/* The record of one next hop, from its link and neighbour; SH_NEXTHOP_VALID only where the
 * neighbour's MAC is known and the link is up. */
void resolve_nexthop(const struct rt_neigh_key *key, const struct rt_state *state, struct sh_nexthop *out);

/*
 * Fills a path's buckets from legs: one bucket for one leg, else all SH_PATH_BUCKETS in
 * proportion to the weights (largest remainder), interleaved. indices[i] is the next hop index
 * of legs[i]. At least one leg; more legs than buckets: the first SH_PATH_BUCKETS.
 */
void resolve_path(const struct resolved_leg *legs, const uint32_t *indices, size_t count,
		  struct sh_path *out);

#endif
