/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a packet reaches its backend.
 *
 *	path known	rewrite, then XDP_TX or a redirect: nothing is asked, all is in the maps
 *	no path		bpf_fib_lookup (fallback.h), and where that knows no neighbour, the kernel; the same
 *			where the next hop cannot be sent to from here
 *
 * l2 rewrites MACs only: the VIP stays the destination, so the backend must be on the link. No TTL ends a
 * loop there: what came from the very node that it would go to is dropped. (A loop of three directors,
 * each the backend of another, is not seen by that.)
 * l3 routes: the destination becomes the backend's address, TTL or hop limit goes down by one.
 * The L4 checksum stays the VIP's, on purpose (restore.h; with a DSCP for the VIP, dscp.h).
 * ipip and gue route, too, with the packet whole in another, which is put around it last of all (encap.h),
 * but before a VLAN tag (tag.h).
 *
 * A packet that ends with a pass is bit-identical to what came in.
 */
#ifndef SHUNT_FORWARD_H
#define SHUNT_FORWARD_H

#include "count.h"
#include "encap.h"
#include "fallback.h"
#include "handed.h"
#include "rewrite.h"
#include "tag.h"

/* A next hop as it was at one moment. */
struct sh_hop {
	__u64 dst;
	__u64 src;
	__u32 ifindex;
	__u32 mtu; /* the route's if that is less; 0: no bound */
};

static __always_inline __u32 sh_hop_flags(const struct sh_hop *hop)
{
	return ((struct sh_nexthop){.dst = hop->dst}).flags;
}

/* One comparison for both: without a bound, the left side is the largest number there is. */
static __always_inline int sh_hop_too_small(const struct sh_hop *hop, __u32 bytes)
{
	return hop->mtu - 1 < bytes - 1;
}

/* The words of a next hop, or of a lane, as they are now. 0 where they were changed meanwhile (abi.h). These
 * loads are in order on x86; elsewhere the processor may join two states that were a few nanoseconds
 * apart. */
static __always_inline int sh_hop_words(const volatile __u64 *dst, const volatile __u64 *src,
					const volatile __u64 *where, struct sh_hop *out)
{
	__u64 by = *where;

	out->dst = *dst;
	out->src = *src;
	if (by != *where)
		return 0;
	out->ifindex = ((struct sh_nexthop){.where = by}).ifindex;
	out->mtu = ((struct sh_nexthop){.src = out->src}).mtu;
	return 1;
}

/* A next hop as it is now, usable or not. 0 where it was changed meanwhile. */
static __always_inline int sh_hop_read(__u32 index, struct sh_hop *out)
{
	struct sh_nexthop *nexthop = sh_at(&nexthops, index);

	return nexthop && sh_hop_words(&nexthop->dst, &nexthop->src, &nexthop->where, out);
}

/* Takes on a next hop. 0 where it is not usable for what came in by the interface `from`. */
static __always_inline int sh_hop_load(__u32 index, __u32 from, struct sh_hop *out)
{
	if (!sh_hop_read(index, out))
		return 0;
	if ((sh_hop_flags(out) & (SH_NEXTHOP_VALID | SH_NEXTHOP_HERE)) == SH_NEXTHOP_VALID)
		return 1;
	return sh_hop_flags(out) & SH_NEXTHOP_VALID && out->ifindex == from;
}

/*
 * The bucket's next hop is dead: walks the other buckets with a step that the flow selects, so that
 * a dead leg's flows spread over all others. All are tried, as they are a prime.
 * Returns a next hop that was usable, or 0.
 *
 * Called and not inlined: the hot path keeps its registers. Not static: the verifier walks its loop once and
 * not once for each way here.
 */
__noinline __u32 sh_hop_other(__u32 path, __u32 bucket, __u32 step, __u32 from)
{
	struct sh_path *group = sh_at(&paths, path);
	struct sh_hop hop;
	__u32 buckets;

	if (!group)
		return 0;
	buckets = group->buckets;
	for (__u32 i = 1; i < SH_PATH_BUCKETS && i < buckets; i++) {
		bucket += step;
		if (bucket >= buckets)
			bucket -= buckets;
		if (bucket >= SH_PATH_BUCKETS)
			return 0;
		if (sh_hop_load(group->nexthop[bucket], from, &hop))
			return group->nexthop[bucket];
	}
	return 0;
}

static __always_inline int sh_hop_of_group(__u32 path, __u32 share, __u32 from, struct sh_hop *out)
{
	struct sh_path *group = sh_at(&paths, path);
	__u64 at, step;
	__u32 bucket;

	if (!group)
		return 0;
	at = (__u64)share * group->buckets;
	bucket = at >> 32;
	if (bucket >= SH_PATH_BUCKETS)
		return 0;
	/* A copy from before the check would have no bound to the verifier of Linux 6.1: here begins another.
	 */
	barrier_var(bucket);
	step = (__u64)(__u32)at * (group->buckets - 1) >> 32;
	if (!sh_hop_load(group->nexthop[bucket], from, out) &&
	    !sh_hop_load(sh_hop_other(path, bucket, step + 1, from), from, out))
		return 0;
	if (group->mtu && (!out->mtu || group->mtu < out->mtu))
		out->mtu = group->mtu;
	return 1;
}

/* The next hop for a flow whose lower hash half is `share`. 0 where there is no usable one. */
static __always_inline int sh_hop_find(const struct xdp_md *ctx, __u32 path, __u32 share, struct sh_hop *out)
{
	/* A single next hop, the common case, costs no look-up of a path. */
	if (path & SH_PATH_ONE)
		return sh_hop_load(path & ~SH_PATH_ONE, ctx->ingress_ifindex, out);
	return path && sh_hop_of_group(path, share, ctx->ingress_ifindex, out);
}

/* The way out; SH_DROP_EGRESS where there is none. */
static __always_inline enum sh_reason sh_hop_out(const struct xdp_md *ctx, const struct sh_hop *hop)
{
	if (hop->ifindex == ctx->ingress_ifindex)
		return SH_TX;
	return bpf_redirect_map(&egress, hop->ifindex, 0) == XDP_REDIRECT ? SH_REDIRECT : SH_DROP_EGRESS;
}

/* The frame is complete but for its VLAN tag. */
static __always_inline enum sh_reason sh_hop_send(struct xdp_md *ctx, const struct sh_hop *hop)
{
	if (sh_hop_flags(hop) & SH_NEXTHOP_TAGGED && !sh_tag_push(ctx, sh_hop_flags(hop)))
		return SH_DROP_EGRESS;
	return sh_hop_out(ctx, hop);
}

/* ---- modes -------------------------------------------------------------------------------------- */

static __always_inline enum sh_reason sh_forward_l2(struct xdp_md *ctx, const struct sh_packet *packet,
						    const struct sh_backend *backend, __u32 path, __u32 share)
{
	struct sh_hop hop;

	if (!sh_hop_find(ctx, path, share, &hop))
		return sh_forward_by_fib(ctx, backend, SH_MODE_L2);
	if (sh_hop_too_small(&hop, packet->l3_bytes))
		return sh_too_big(hop.mtu);
	if (sh_mac_source(packet->eth) == sh_mac_of_hop(hop.dst))
		return SH_DROP_LOOP;
	sh_rewrite_mac_words(packet->eth, hop.dst, hop.src);
	return sh_hop_send(ctx, &hop);
}

static __always_inline enum sh_reason sh_forward_l3(struct xdp_md *ctx, const struct sh_packet *packet,
						    const struct sh_backend *backend, __u32 path, __u32 share)
{
	struct sh_hop hop;

	if (backend->family != packet->family)
		return SH_DROP_NO_ROUTE;
	if (sh_ttl(packet) <= 1)
		return SH_PASS_TTL;
	if (!sh_hop_find(ctx, path, share, &hop))
		return sh_forward_by_fib(ctx, backend, SH_MODE_L3);
	if (sh_hop_too_small(&hop, packet->l3_bytes))
		return sh_too_big(hop.mtu);
	sh_rewrite_routed(packet, backend);
	sh_rewrite_mac_words(packet->eth, hop.dst, hop.src);
	return sh_hop_send(ctx, &hop);
}

/* As the kernel would. */
static __always_inline enum sh_reason
sh_forward_wrapped_by_fib(struct xdp_md *ctx, const struct sh_packet *packet, const struct sh_wrap *wrap)
{
	enum sh_reason reason = sh_forward_by_fib(ctx, wrap->to, wrap->mode);

	if (sh_dispatched(reason) && !sh_encap(ctx, packet, wrap, reason == SH_KERNEL))
		return SH_DROP_EGRESS;
	return reason;
}

static __always_inline enum sh_reason sh_forward_wrapped(struct xdp_md *ctx, const struct sh_packet *packet,
							 struct sh_wrap *wrap, __u32 path)
{
	__u32 more = sh_encap_bytes(wrap->to, wrap->mode);
	struct sh_hop hop;

	if (sh_ttl(packet) <= 1)
		return SH_PASS_TTL;
	wrap->from = sh_encap_source(wrap->to);
	if (!wrap->from)
		return SH_DROP_NO_SOURCE;
	if (!sh_hop_find(ctx, path, wrap->share, &hop))
		return sh_forward_wrapped_by_fib(ctx, packet, wrap);
	if (sh_hop_too_small(&hop, packet->l3_bytes + more))
		return sh_too_big(hop.mtu - more);
	sh_rewrite_ttl(packet);
	sh_rewrite_mac_words(packet->eth, hop.dst, hop.src);
	if (!sh_encap(ctx, packet, wrap, 0))
		return SH_DROP_EGRESS;
	return sh_hop_send(ctx, &hop);
}

/* Sends the packet to `backend`; `share` spreads flows over the legs of its path. No pointer into it holds
 * any more. */
static __always_inline enum sh_reason sh_forward(struct xdp_md *ctx, const struct sh_packet *packet,
						 const struct sh_backend *backend, __u32 share)
{
	struct sh_backend how = {.how = *(const volatile __u64 *)&backend->how};
	struct sh_wrap wrap = {.to = backend, .mode = how.mode, .share = share};

	switch (how.mode) {
	case SH_MODE_L2:
		return sh_forward_l2(ctx, packet, backend, how.path, share);
	case SH_MODE_L3:
		return sh_forward_l3(ctx, packet, backend, how.path, share);
	case SH_MODE_IPIP:
	case SH_MODE_GUE:
		return sh_forward_wrapped(ctx, packet, &wrap, how.path);
	case SH_MODE_LOCAL:
		return SH_LOCAL;
	}
	return SH_DROP_NO_BACKEND;
}

#endif
