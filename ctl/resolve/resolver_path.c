/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What resolver.c found, as records of the packet path: next hops and paths.
 *
 * Called by apply.c and apply_member.c when a link, a neighbour or a resolution changes.
 * Nothing outlives a call.
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

/* One leg's part in a path. */
struct part {
	uint64_t remainder; /* of the division that made `buckets` */
	uint32_t nexthop;
	uint32_t weight;
	uint32_t buckets;
	int32_t credit; /* next_part */
};

static size_t take_parts(const struct resolved_leg *legs, const uint32_t *indices, size_t count,
			 struct part parts[static SH_PATH_BUCKETS])
{
	bool any = false;
	size_t taken = 0;

	for (size_t i = 0; i < count; i++)
		any |= legs[i].usable;
	for (size_t i = 0; i < count && taken < SH_PATH_BUCKETS; i++) {
		if (legs[i].usable == any)
			parts[taken++] = (struct part){.nexthop = indices[i], .weight = legs[i].weight};
	}
	return taken;
}

/* Buckets by largest remainder; the earlier leg where remainders are equal. */
static void share_out(struct part *parts, size_t count)
{
	uint32_t left = SH_PATH_BUCKETS;
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += parts[i].weight;
	for (size_t i = 0; i < count; i++) {
		uint64_t share = (uint64_t)SH_PATH_BUCKETS * parts[i].weight;

		parts[i].buckets = (uint32_t)(share / total);
		parts[i].remainder = share % total;
		left -= parts[i].buckets;
	}
	for (; left > 0; left--) {
		struct part *largest = &parts[0];

		for (size_t i = 1; i < count; i++) {
			if (parts[i].remainder > largest->remainder)
				largest = &parts[i];
		}
		largest->buckets++;
		largest->remainder = 0;
	}
}

/* Smooth weighted round robin: everyone earns its buckets each turn, the richest takes the turn
 * and pays all of them. After as many turns as there are buckets everyone has had its own. */
static struct part *next_part(struct part *parts, size_t count)
{
	struct part *richest = &parts[0];

	for (size_t i = 0; i < count; i++) {
		parts[i].credit += (int32_t)parts[i].buckets;
		if (parts[i].credit > richest->credit)
			richest = &parts[i];
	}
	richest->credit -= SH_PATH_BUCKETS;
	return richest;
}

void resolve_path(const struct resolved_leg *legs, const uint32_t *indices, size_t count, struct sh_path *out)
{
	struct part parts[SH_PATH_BUCKETS];
	size_t taken = take_parts(legs, indices, count, parts);

	memset(out, 0, sizeof(*out));
	if (taken <= 1) {
		out->buckets = (uint16_t)taken;
		out->nexthop[0] = taken ? parts[0].nexthop : 0;
		return;
	}
	share_out(parts, taken);
	out->buckets = SH_PATH_BUCKETS;
	for (size_t i = 0; i < SH_PATH_BUCKETS; i++)
		out->nexthop[i] = next_part(parts, taken)->nexthop;
}
