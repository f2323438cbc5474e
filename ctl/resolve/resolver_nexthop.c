/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What resolver.c found, as the record of a next hop.
 *
 * Called by apply.c when a link or a neighbour changes. Nothing outlives a call.
 */
#include <string.h>

#include "resolver.h"

#define MTU_MAX 65535

static bool neighbour_known(const struct rt_neigh *neigh)
{
	return neigh && (neigh->state == RT_NEIGH_VALID || neigh->state == RT_NEIGH_PERMANENT);
}

void resolve_nexthop(const struct rt_neigh_key *key, const struct rt_state *state, struct sh_nexthop *out)
{
	const struct rt_link *link = rt_state_link(state, key->ifindex);
	const struct rt_neigh *neigh = rt_state_neigh(state, key->ifindex, &key->addr);

	memset(out, 0, sizeof(*out));
	out->ifindex = out->link = (uint32_t)key->ifindex;
	out->family = key->addr.family;
	memcpy(&out->neighbour, key->addr.bytes, sizeof(out->neighbour));
	if (!link)
		return;
	memcpy(out->src_mac, link->mac, sizeof(out->src_mac));
	out->mtu = (uint16_t)(link->mtu < MTU_MAX ? link->mtu : MTU_MAX);
	if (!link->up || !link->carrier || !neighbour_known(neigh))
		return;
	memcpy(out->dst_mac, neigh->mac, sizeof(out->dst_mac));
	out->flags = SH_NEXTHOP_VALID;
}
