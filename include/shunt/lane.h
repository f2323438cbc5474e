/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a backend's lane is to be: its next hop's words, made ready for the frame.
 *
 * It has one where packets need nothing else to go there: by l2, by one next hop, that is usable from
 * everywhere and takes no tag. A lane saves the packet two of three records that it would read one after the
 * other. It follows the backend's record and the next hop's; where it is empty, the packet finds the same
 * there.
 */
#ifndef SHUNT_LANE_H
#define SHUNT_LANE_H

#include <shunt/abi.h>

/* The one next hop of a backend (`how` of its record) that could have a lane; 0: it could not. */
static inline __attribute__((always_inline)) __u32 sh_lane_nexthop(__u64 how)
{
	const struct sh_backend backend = {.how = how};

	return backend.mode == SH_MODE_L2 && backend.path & SH_PATH_ONE ? backend.path & ~SH_PATH_ONE : 0;
}

/* The lane by that next hop, whose record may be NULL; without a version. `ifindex` 0: none. */
static inline __attribute__((always_inline)) struct sh_lane sh_lane_by(const struct sh_nexthop *nexthop)
{
	const __u16 turns = SH_NEXTHOP_HERE | SH_NEXTHOP_TAGGED;
	struct sh_lane lane = {{0}, 0, {{0, 0}}, 0, 0};

	if (!nexthop || (nexthop->flags & (SH_NEXTHOP_VALID | turns)) != SH_NEXTHOP_VALID)
		return lane;
	__builtin_memcpy(lane.macs, nexthop->dst_mac, sizeof(nexthop->dst_mac));
	__builtin_memcpy(lane.macs + sizeof(nexthop->dst_mac), nexthop->src_mac, sizeof(nexthop->src_mac));
	lane.mtu = nexthop->mtu;
	lane.ifindex = nexthop->ifindex;
	return lane;
}

#endif
