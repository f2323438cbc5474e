/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What was worked out for the member before. See apply_deal.c.
 */
#ifndef SHUNT_APPLY_DEAL_H
#define SHUNT_APPLY_DEAL_H

#include <stddef.h>
#include <stdint.h>

struct apply;
struct member;
struct member_leg;
struct resolution;
struct table_nexthop;
struct table_path;

/* A path and its next hops, held while they are compared with those in use; and the word of the path that
 * there was before. */
struct deal_way {
	struct table_path *path;
	struct member_leg *legs;
	size_t legs_count;
	uint32_t before;
};

/* The resolution of the member before, where it must be this one's, too; or NULL. */
const struct resolution *deal_resolution(const struct apply *apply, const struct member *member);
/* The next hop of a leg of it. No reference. */
struct table_nexthop *deal_nexthop(const struct apply *apply, size_t leg);
/* The path of the member before, as a reference, where this one's legs, its path before, and the MTU are the
 * same; or NULL. */
struct table_path *deal_path(const struct apply *apply, const struct deal_way *way, uint32_t mtu);

/* Remembers what a member got. */
void deal_remember(struct apply *apply, const struct member *member, const struct resolution *resolution,
		   const struct deal_way *way);
/* Lets go of it: before anything but members has its turn. */
void deal_forget(struct apply *apply);

#endif
