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
#include "egress.h"
#include "rules.h"

enum backend_state {
	STATE_ACTIVE = 0,  /* in the ring, by the cache */
	STATE_RESOLVING,   /* in the ring, by the fall-back, until its next hop's MAC is known */
	STATE_DRAINING,	   /* weight 0 */
	STATE_DOWN,	   /* health */
	STATE_UNREACHABLE, /* routing: no route, or no next hop answers */
	BACKEND_STATES,	   /* how many there are */
};

/* "active", "resolving", ...: part of the contract. */
const char *backend_state_name(enum backend_state state);
/* Does a backend in that state take flows? */
bool backend_state_serves(enum backend_state state);
/* Can it go on with the flows that it has? */
bool backend_state_keeps(enum backend_state state);

#define REASON_SIZE 160

struct resolved_leg {
	struct rt_neigh_key nexthop; /* egress link, and the address whose MAC the frame goes to */
	uint32_t weight;	     /* the sum where the route names a next hop twice */
	bool usable;		     /* its neighbour's MAC is known */
};

struct resolution {
	enum backend_state state;
	enum sh_mode mode; /* SH_MODE_NONE where unreachable */
	bool each_packet;  /* has no path: each packet is asked about, as rules tell them apart */
	/*
	 * Every next hop that could carry frames, usable or not: their neighbours are to be kept
	 * resolved, also where all have FAILED and the backend is unreachable for that, as that is how one
	 * that answers again is noticed. Sorted by ifindex and address, no next hop twice.
	 */
	size_t legs_count;
	struct resolved_leg legs[RT_LEGS_MAX];
	uint32_t mtu; /* of the route; 0: it sets none */
	/* Why it is not active, or why it is active by way of the kernel; else empty. */
	char reason[REASON_SIZE];
};

struct resolve_input {
	struct addr backend;
	struct addr vip; /* l3 needs the backend's family to be the VIP's */
	uint32_t weight;
	bool drained; /* by the operator: as with weight 0 */
	enum forward forward, remote;
	const struct rt_route *route; /* the FIB's answer for `backend`; only legs_count legs are read */
	struct rules_cause cause; /* why packets are to be asked about one by one; all zero: they are not */
	const struct rt_state *state;  /* links and neighbours */
	const struct natives *natives; /* NULL: none */
};

/*
 * Resolves one backend.
 *
 *	route	   unicast: has legs. Local: SH_MODE_LOCAL without legs. Any other, none, or a
 *		   light-weight tunnel: unreachable
 *	forward	   auto is l2 where every leg is on-link, else `remote`
 *	l2	   leaves out the legs with a gateway
 *	l3	   the families of backend and VIP differ: unreachable
 *	leg	   left out where it is dead, or its link is missing, down, without carrier, or takes
 *		   no Ethernet frames. None left: unreachable
 *	neighbour  one known: active; packets take the usable legs alone. None known, but not all FAILED:
 *		   resolving. All FAILED: unreachable, with its legs
 *	egress	   XDP cannot send there (egress.h): l3 is active, and its packets go through the kernel; l2,
 *		   which cannot, leaves out the leg. None left: unreachable, or resolving where that will pass
 *	cause	   legs whose neighbours are to be kept resolved, and no path: active as each packet is
 *		   routed by itself
 *	weight 0   draining, with mode and legs for the flows it has, unless it is unreachable
 *
 * l3 where all that is left are links without MAC addresses has no legs and stays resolving: the
 * fall-back hands its packets to the kernel.
 */
void resolve(const struct resolve_input *input, struct resolution *out);

/* The record of one next hop, from its link and neighbour, and the device by which frames leave (egress.h).
 * SH_NEXTHOP_VALID, with the neighbour's MAC, only where that is known, the link is up with carrier, and XDP
 * can send there; else `dst` is zero. Link unknown: MAC and MTU are zero, too (no MTU is not checked). */
void resolve_nexthop(const struct rt_neigh_key *key, const struct rt_state *state,
		     const struct natives *natives, struct sh_nexthop *out);

/* A number that changes whenever what resolve() makes of that next hop does: its neighbour is known, failed,
 * or neither; what is to be said of its egress. */
unsigned resolve_class(const struct rt_neigh_key *key, const struct rt_state *state,
		       const struct natives *natives);

/* The device that the packet path may redirect to for that next hop, known or not; 0 for none. */
int resolve_exit(const struct rt_neigh_key *key, const struct rt_state *state, const struct natives *natives);

/* What belongs into sh_path.mtu, which resolve_path leaves zero. */
uint16_t resolve_path_mtu(const struct resolution *resolution);

/*
 * A path over all legs, usable or not (the packet path passes over those that are not): one bucket for one
 * leg, else all SH_PATH_BUCKETS in proportion to the weights, each leg's share rounded down or up, and
 * one bucket where it is less. indices[i] is the next hop index of legs[i]; 1 to RT_LEGS_MAX legs.
 * `before` is the path until now, or has no buckets: what need not move stays (resolver_path.c), and with the
 * same legs and weights all of it. 0 or -ENOMEM.
 */
int resolve_path(const struct resolved_leg *legs, const uint32_t *indices, size_t count,
		 const struct sh_path *before, struct sh_path *out);

#endif
