/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What resolver.c found, as the record of a next hop.
 *
 * Called by apply.c when a link or a neighbour changes, and by exits.c and verify.c. Nothing outlives a call.
 */
#include <string.h>

#include "resolver.h"

#define MTU_MAX 65535

static bool neighbour_known(const struct rt_neigh *neigh)
{
	return neigh && (neigh->state == RT_NEIGH_VALID || neigh->state == RT_NEIGH_PERMANENT);
}

static void find_egress(const struct rt_neigh_key *key, const struct rt_state *state,
			const struct natives *natives, struct egress *out)
{
	const struct rt_neigh *neigh = rt_state_neigh(state, key->ifindex, &key->addr);

	egress_find(state, natives, key->ifindex, neighbour_known(neigh) ? neigh->mac : NULL, out);
}

static uint16_t capped(uint32_t mtu)
{
	return (uint16_t)(mtu < MTU_MAX ? mtu : MTU_MAX);
}

void resolve_nexthop(const struct rt_neigh_key *key, const struct rt_state *state,
		     const struct natives *natives, struct sh_nexthop *out)
{
	const struct rt_link *link = rt_state_link(state, key->ifindex);
	const struct rt_neigh *neigh = rt_state_neigh(state, key->ifindex, &key->addr);
	struct egress egress;

	find_egress(key, state, natives, &egress);
	memset(out, 0, sizeof(*out));
	out->ifindex = (uint32_t)egress.ifindex;
	out->link = (uint32_t)key->ifindex;
	out->family = key->addr.family;
	memcpy(&out->neighbour, key->addr.bytes, sizeof(out->neighbour));
	if (!link)
		return;
	memcpy(out->src_mac, link->mac, sizeof(out->src_mac));
	out->mtu = capped(egress.mtu);
	if (!link->up || !link->carrier || !neighbour_known(neigh) || egress.fault)
		return;
	memcpy(out->dst_mac, neigh->mac, sizeof(out->dst_mac));
	out->flags = SH_NEXTHOP_VALID | egress.flags;
}

uint16_t resolve_path_mtu(const struct resolution *resolution)
{
	return capped(resolution->mtu);
}

int resolve_exit(const struct rt_neigh_key *key, const struct rt_state *state, const struct natives *natives)
{
	struct egress egress;

	find_egress(key, state, natives, &egress);
	/* A device that is down comes up again, and then packets must find it. */
	if ((egress.fault && egress.fault != EGRESS_DOWN) || (egress.flags & SH_NEXTHOP_HERE))
		return 0;
	return rt_state_link(state, egress.ifindex) ? egress.ifindex : 0;
}

unsigned resolve_class(const struct rt_neigh_key *key, const struct rt_state *state,
		       const struct natives *natives)
{
	const struct rt_neigh *neigh = rt_state_neigh(state, key->ifindex, &key->addr);
	struct egress egress;

	if (!neighbour_known(neigh))
		return neigh && neigh->state == RT_NEIGH_FAILED ? 1 : 0;
	find_egress(key, state, natives, &egress);
	return 2U | (egress.flags & SH_NEXTHOP_HERE ? 4U : 0U) | (unsigned)egress.fault << 3;
}
