/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The VLAN tag that a frame leaves with (IEEE 802.1Q, 9.6).
 *
 * A VLAN device cannot transmit for XDP: what it would do is done here, and the frame leaves by its parent.
 * Priority bits are zero, as they are without an egress-qos-map.
 *
 * The frame grows at its front, after which no pointer into it holds: the tag comes last of all. A
 * subprogram, for it is rare.
 */
#ifndef SHUNT_TAG_H
#define SHUNT_TAG_H

#include "maps.h"

#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>

struct sh_tagged {
	__u8 macs[2 * ETH_ALEN];
	__be16 protocol;
	__be16 id;
};

#define SH_TAG_BYTES 4

/* Puts a tag behind the MACs. 0 where the frame cannot grow. */
static __always_inline int sh_tag_put(struct xdp_md *ctx, __be16 protocol, __be16 id)
{
	struct sh_tagged *tagged;
	__u8 *frame;

	if (bpf_xdp_adjust_head(ctx, -SH_TAG_BYTES))
		return 0;
	frame = (void *)(long)ctx->data;
	if (frame + sizeof(*tagged) > (__u8 *)(long)ctx->data_end)
		return 0;
	tagged = __builtin_assume_aligned(frame, 2);
	for (int i = 0; i < 2 * ETH_ALEN; i += 2)
		*(__u16 *)&tagged->macs[i] = *(__u16 *)&tagged->macs[i + SH_TAG_BYTES];
	tagged->protocol = protocol;
	tagged->id = id;
	return 1;
}

/* Puts on the tag that a next hop's `flags` name. The same. */
__noinline int sh_tag_push(struct xdp_md *ctx, __u32 flags)
{
	return sh_tag_put(ctx, flags & SH_NEXTHOP_8021AD ? bpf_htons(ETH_P_8021AD) : bpf_htons(ETH_P_8021Q),
			  bpf_htons(flags & SH_NEXTHOP_VLAN_ID));
}

#endif
