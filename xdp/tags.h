/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VLAN tags that a frame comes with (IEEE 802.1Q, 9.6): one, or two.
 *
 * They come off before anything else is looked at, are kept in `handed`, and go back on where the packet
 * stays here: to the stack such a frame is bit-identical, and belongs to the VLAN device. What is
 * forwarded leaves without them, with the tag of its own next hop if that has one (tag.h).
 */
#ifndef SHUNT_TAGS_H
#define SHUNT_TAGS_H

#include "handed.h"
#include "tag.h"

#define SH_TAGS_MOST 2

static __always_inline int sh_is_tag(__u32 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* Moves the MACs by `bytes` towards the packet and lets go of what is before them. */
static __always_inline int sh_tags_cut(struct xdp_md *ctx, const int bytes)
{
	__u16 *from = (__u16 *)(long)ctx->data, *to = from + bytes / 2;

	if ((void *)(to + ETH_ALEN) > (void *)(long)ctx->data_end)
		return 0;
	for (int i = ETH_ALEN - 1; i >= 0; i--)
		to[i] = from[i];
	return !bpf_xdp_adjust_head(ctx, bytes);
}

/* Takes the tags off and keeps them. 0 where what is behind them is not IP, or they are too many: nothing
 * has changed then. */
static __always_inline int sh_tags_off(struct xdp_md *ctx, struct sh_handed *here)
{
	__u8 *frame = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;
	const __be16 *at = (const __be16 *)(frame + 2 * ETH_ALEN);
	__u32 count = 0;

	if (frame + ETH_HLEN + SH_TAG_BYTES > end)
		return 0;
	here->tag[0] = at[0] | (__u32)at[1] << 16;
	if (!sh_is_tag(at[2])) {
		count = 1;
	} else if (frame + ETH_HLEN + 2 * SH_TAG_BYTES <= end) {
		here->tag[1] = at[2] | (__u32)at[3] << 16;
		at += 2;
		count = 2;
	}
	if (!count || (at[2] != bpf_htons(ETH_P_IP) && at[2] != bpf_htons(ETH_P_IPV6)))
		return 0;
	if (!(count == 1 ? sh_tags_cut(ctx, SH_TAG_BYTES) : sh_tags_cut(ctx, 2 * SH_TAG_BYTES)))
		return 0;
	here->tags = count;
	return 1;
}

/* Puts back on what was taken off; also for an answer to whoever sent the frame. 0 where it cannot grow. */
static __always_inline int sh_tags_back(struct xdp_md *ctx, struct sh_handed *here)
{
	__u32 tags = here->tags;

	here->tags = 0;
	if (tags > 1 && !sh_tag_put(ctx, here->tag[1] & 0xffff, here->tag[1] >> 16))
		return 0;
	return !tags || sh_tag_put(ctx, here->tag[0] & 0xffff, here->tag[0] >> 16);
}

#endif
