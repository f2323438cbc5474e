/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a packet reaches its backend.
 *
 *	path known	rewrite, then XDP_TX or a redirect: nothing is asked, all is in the maps
 *	no path		bpf_fib_lookup (fallback.h), and where that knows no neighbour, the kernel; the same
 *			where the next hop cannot be sent to from here
 *
 * l2 rewrites MACs only: the VIP stays the destination, so the backend must be on the link.
 * l3 routes: the destination becomes the backend's address, TTL or hop limit goes down by one.
 * The L4 checksum stays the VIP's, on purpose (restore.h; with a DSCP for the VIP, dscp.h).
 * ipip and gue route, too, with the packet whole in another, which is put around it last of all (encap.h).
 *
 * A packet that ends with a pass is bit-identical to what came in.
 */
#ifndef SHUNT_FORWARD_H
#define SHUNT_FORWARD_H

#include "checksum.h"
#include "encap.h"
#include "fallback.h"
#include "further.h"
#include "rewrite.h"

/* A next hop as it was at one moment. */
struct sh_hop {
	__u64 dst;
	__u64 src;
	__u32 ifindex;
	__u32 route_mtu;
};

static __always_inline __u32 sh_hop_flags(const struct sh_hop *hop)
{
	return ((struct sh_nexthop){.dst = hop->dst}).flags;
}

static __always_inline int sh_hop_too_small(const struct sh_hop *hop, __u32 bytes)
{
	__u32 mtu = ((struct sh_nexthop){.src = hop->src}).mtu;

	return (mtu && bytes > mtu) || (hop->route_mtu && bytes > hop->route_mtu);
}

/* The smaller of both that are set. */
static __always_inline __u32 sh_hop_mtu(const struct sh_hop *hop)
{
	__u32 mtu = ((struct sh_nexthop){.src = hop->src}).mtu;

	return hop->route_mtu && (!mtu || hop->route_mtu < mtu) ? hop->route_mtu : mtu;
}

/* Takes on a next hop. 0 where it is not usable for what came in by the interface `from`. */
static __always_inline int sh_hop_load(__u32 index, __u32 from, struct sh_hop *out)
{
	struct sh_nexthop *nexthop = sh_at(&nexthops, index);
	__u64 where;

	if (!nexthop)
		return 0;
	where = *(volatile __u64 *)&nexthop->where;
	out->dst = *(volatile __u64 *)&nexthop->dst;
	out->src = *(volatile __u64 *)&nexthop->src;
	/* It was changed meanwhile (abi.h). These loads are in order on x86; elsewhere the processor may join
	 * two states that were a few nanoseconds apart. */
	if (where != *(volatile __u64 *)&nexthop->where)
		return 0;
	out->ifindex = ((struct sh_nexthop){.where = where}).ifindex;
	if ((sh_hop_flags(out) & SH_NEXTHOP_HERE) && out->ifindex != from)
		return 0;
	return sh_hop_flags(out) & SH_NEXTHOP_VALID;
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

	if (!group)
		return 0;
	out->route_mtu = group->mtu;
	at = (__u64)share * group->buckets;
	if (at >> 32 >= SH_PATH_BUCKETS)
		return 0;
	if (sh_hop_load(group->nexthop[at >> 32], from, out))
		return 1;
	step = (__u64)(__u32)at * (group->buckets - 1) >> 32;
	return sh_hop_load(sh_hop_other(path, at >> 32, step + 1, from), from, out);
}

/* The next hop for a flow whose lower hash half is `share`. 0 where there is no usable one. */
static __always_inline int sh_hop_find(const struct xdp_md *ctx, __u32 path, __u32 share, struct sh_hop *out)
{
	/* A single next hop, the common case, costs no look-up of a path. */
	if (path & SH_PATH_ONE)
		return sh_hop_load(path & ~SH_PATH_ONE, ctx->ingress_ifindex, out);
	return sh_hop_of_group(path, share, ctx->ingress_ifindex, out);
}

static __always_inline enum sh_reason sh_forward_to(struct xdp_md *ctx, struct sh_packet *packet,
						    const struct sh_backend *backend, __u32 mode,
						    const struct sh_hop *hop)
{
	__u32 more = sh_mode_wraps(mode) ? sh_encap_bytes(backend, mode) : 0;

	if (sh_hop_too_small(hop, packet->l3_bytes + more))
		return sh_too_big(sh_hop_mtu(hop) - more);
	if (mode == SH_MODE_L3)
		sh_rewrite_routed(packet, backend);
	else if (more)
		sh_rewrite_ttl(packet);
	sh_rewrite_macs(packet->eth, &hop->dst, &hop->src);
	if (sh_hop_flags(hop) & SH_NEXTHOP_TAGGED)
		packet->tag = sh_hop_flags(hop);
	if (hop->ifindex == ctx->ingress_ifindex)
		return SH_TX;
	return bpf_redirect_map(&egress, hop->ifindex, 0) == XDP_REDIRECT ? SH_REDIRECT : SH_DROP_EGRESS;
}

/* Sends the packet to `backend`; `share` spreads flows over the legs of its path. */
static __always_inline enum sh_reason sh_forward(struct xdp_md *ctx, struct sh_packet *packet,
						 struct sh_backend *backend, __u32 share)
{
	struct sh_backend how = {.how = *(volatile __u64 *)&backend->how};
	struct sh_hop hop = {};

	if (how.mode == SH_MODE_LOCAL)
		return SH_LOCAL;
	if (how.mode == SH_MODE_L3) {
		if (backend->family != packet->family)
			return SH_DROP_NO_ROUTE;
		if (sh_ttl(packet) <= 1)
			return SH_PASS_TTL;
	} else if (sh_mode_wraps(how.mode)) {
		if (sh_ttl(packet) <= 1)
			return SH_PASS_TTL;
		packet->wrap_from = sh_encap_source(backend);
		if (!packet->wrap_from)
			return SH_DROP_NO_SOURCE;
		packet->wrap = how.mode;
		packet->wrap_for = backend;
		packet->share = share;
	} else if (how.mode != SH_MODE_L2) {
		return SH_DROP_NO_BACKEND;
	}
	if (!how.path || !sh_hop_find(ctx, how.path, share, &hop))
		return sh_forward_by_fib(ctx, backend, how.mode);
	return sh_forward_to(ctx, packet, backend, how.mode, &hop);
}

#endif
