/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which buckets of a path each leg has.
 *
 * A flow stays on its leg while its bucket does, so a path is made from the one before it: every leg
 * keeps the buckets it has, as far as its share allows. One that goes leaves its own to the others and moves
 * nothing else; one that comes takes from each what it has too much. Where there is nothing to
 * keep, and among what may be chosen, a bucket goes where a ring (ring.h) of the same legs has it: a leg
 * that goes and comes back finds its former buckets.
 *
 * Called by apply_member.c and verify.c. Nothing outlives a call.
 */
#include <string.h>

#include "resolver.h"
#include "ring.h"

#define NOBODY UINT32_MAX
#define HOMES  128 /* a ring's size, and not less than SH_PATH_BUCKETS: the rest is not looked at */

/* A path while it is dealt out; legs by their place in the route. */
struct deal {
	const struct resolved_leg *legs;
	const uint32_t *indices;
	size_t count;
	uint32_t quota[RT_LEGS_MAX];
	uint64_t remainder[RT_LEGS_MAX];  /* of the division that made the quota */
	uint32_t had[RT_LEGS_MAX];	  /* buckets in the path before */
	uint32_t former[SH_PATH_BUCKETS]; /* who had each bucket, or NOBODY */
	uint32_t home[HOMES];		  /* who has it in the ring */
	uint32_t owner[SH_PATH_BUCKETS];  /* who gets it */
};

/*
 * What a leg's place in the ring follows from: its next hop, link and address, as the same link-local
 * address on two links is two next hops. Should two legs meet nothing is lost: the ring gives each its share
 * all the same.
 */
static struct addr identity(const struct rt_neigh_key *nexthop)
{
	struct addr addr = nexthop->addr;
	uint32_t link = (uint32_t)nexthop->ifindex * 0x9e3779b1U;

	for (size_t i = 0; i < sizeof(link); i++)
		addr.bytes[4 + i] ^= (uint8_t)(link >> (8 * i));
	return addr;
}

static int find_homes(struct deal *deal)
{
	struct ring_member members[RT_LEGS_MAX];

	for (size_t i = 0; i < deal->count; i++)
		members[i] = (struct ring_member){identity(&deal->legs[i].nexthop), deal->legs[i].weight,
						  (uint32_t)i};
	return ring_build(members, deal->count, deal->home, HOMES);
}

static void find_formers(struct deal *deal, const struct sh_path *before)
{
	memset(deal->former, 0xff, sizeof(deal->former)); /* NOBODY */
	for (uint32_t b = 0; b < SH_PATH_BUCKETS && before->buckets; b++) {
		uint32_t index = before->nexthop[before->buckets == 1 ? 0 : b];

		for (uint32_t i = 0; i < deal->count; i++) {
			if (deal->indices[i] == index)
				deal->former[b] = i;
		}
		if (deal->former[b] != NOBODY)
			deal->had[deal->former[b]]++;
	}
}

/* Who is next to have its share rounded up: one with a remainder (once rounded up it has none); of those one
 * that need not give up a bucket then, else the largest remainder, else the earlier. */
static bool before_in_line(const struct deal *deal, size_t i, size_t j)
{
	bool keeps = deal->had[i] > deal->quota[i], other = deal->had[j] > deal->quota[j];

	if (!deal->remainder[i] || !deal->remainder[j])
		return deal->remainder[i] > deal->remainder[j];
	return keeps == other ? deal->remainder[i] > deal->remainder[j] : keeps;
}

static uint32_t heaviest(const struct deal *deal)
{
	uint32_t found = 0;

	for (uint32_t i = 1; i < deal->count; i++) {
		if (deal->quota[i] > deal->quota[found])
			found = i;
	}
	return found;
}

/* Shares rounded down, then up for as many as buckets are left. Less than one is one, at the cost of
 * the heaviest: a leg that the kernel uses is used. */
static void set_quotas(struct deal *deal)
{
	int left = SH_PATH_BUCKETS;
	uint64_t total = 0;

	for (size_t i = 0; i < deal->count; i++)
		total += deal->legs[i].weight;
	for (size_t i = 0; i < deal->count; i++) {
		uint64_t share = (uint64_t)SH_PATH_BUCKETS * deal->legs[i].weight;

		deal->quota[i] = share < total ? 1 : (uint32_t)(share / total);
		deal->remainder[i] = share < total ? 0 : share % total;
		left -= (int)deal->quota[i];
	}
	for (; left < 0; left++)
		deal->quota[heaviest(deal)]--;
	for (; left > 0; left--) {
		size_t next = 0;

		for (size_t i = 1; i < deal->count; i++) {
			if (before_in_line(deal, i, next))
				next = i;
		}
		deal->quota[next]++;
		deal->remainder[next] = 0;
	}
}

/* Bucket `b` to `leg`, if that has not got all of its own yet. */
static void give(struct deal *deal, uint32_t b, uint32_t leg)
{
	if (deal->owner[b] != NOBODY || leg == NOBODY || !deal->quota[leg])
		return;
	deal->owner[b] = leg;
	deal->quota[leg]--;
}

static void deal_out(struct deal *deal)
{
	memset(deal->owner, 0xff, sizeof(deal->owner)); /* NOBODY */
	for (uint32_t b = 0; b < SH_PATH_BUCKETS; b++) {
		if (deal->former[b] == deal->home[b])
			give(deal, b, deal->home[b]);
	}
	for (uint32_t b = 0; b < SH_PATH_BUCKETS; b++)
		give(deal, b, deal->former[b]);
	for (uint32_t b = 0; b < SH_PATH_BUCKETS; b++)
		give(deal, b, deal->home[b]);
	for (uint32_t b = 0; b < SH_PATH_BUCKETS; b++)
		give(deal, b, heaviest(deal)); /* whom most is due */
}

int resolve_path(const struct resolved_leg *legs, const uint32_t *indices, size_t count,
		 const struct sh_path *before, struct sh_path *out)
{
	struct deal deal = {.legs = legs, .indices = indices, .count = count};
	struct sh_path path = {.buckets = 1, .nexthop = {indices[0]}};

	if (count > 1) {
		int err = find_homes(&deal);

		if (err)
			return err;
		find_formers(&deal, before);
		set_quotas(&deal);
		deal_out(&deal);
		path.buckets = SH_PATH_BUCKETS;
		for (uint32_t b = 0; b < SH_PATH_BUCKETS; b++)
			path.nexthop[b] = indices[deal.owner[b]];
	}
	*out = path;
	return 0;
}
