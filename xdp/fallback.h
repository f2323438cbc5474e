/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way to a backend that has no cached path yet: ask bpf_fib_lookup, as the kernel would route
 * from the ingress interface (its rules, VRF and ECMP hash included).
 *
 *	answer			l3					l2
 *	neighbour known		forward, FIB_TX or FIB_REDIRECT		the same where it is on-link
 *	no neighbour		KERNEL: the stack resolves it		DROP_NO_NEIGHBOUR
 *	egress cannot be used	KERNEL: the stack forwards it		DROP_EGRESS
 *	over the MTU		DROP_TOO_BIG				DROP_TOO_BIG
 *	anything else		DROP_NO_ROUTE				DROP_NO_ROUTE
 *
 * l2 cannot go through the stack: the destination is still the VIP there. A gateway in the answer
 * means that the backend is not on the link, which l2 cannot reach.
 *
 * ipip and gue are asked about as the packet will be, and answered as l3, except that the stack forwards
 * no IPv6 packet in an IPv4 one of ours: it takes our own address for a forged source (encap.h). That is
 * DROP_NO_NEIGHBOUR or DROP_EGRESS.
 *
 * One subprogram, called and not inlined: the hot path keeps its registers. Global, so that it is verified
 * once and by itself: it parses the frame again rather than receive what is known of it.
 */
#ifndef SHUNT_FALLBACK_H
#define SHUNT_FALLBACK_H

#include "deep.h"
#include "director_maps.h"
#include "encap.h"
#include "macs.h"
#include "handed.h"
#include "parse.h"
#include "quote.h"
#include "rewrite.h"

/* The numbers of AF_INET and AF_INET6; libc's header has no place here. */
#define SH_AF_INET  2
#define SH_AF_INET6 10

#define SH_IPV6_FLOWINFO 0x0fffffff /* traffic class and flow label */

/* What a forwarding lookup of the kernel would go by. The client counts only within a family. */
static __always_inline void sh_fib_ask_as(const struct sh_packet *packet, struct bpf_fib_lookup *fib)
{
	fib->l4_protocol = packet->protocol;
	fib->sport = packet->client_port;
	fib->dport = packet->vip_port;
	if (packet->family == SH_FAMILY_IPV4) {
		fib->tos = packet->v4->tos;
		fib->ipv4_src = packet->v4->saddr;
		return;
	}
	fib->flowinfo = *(__be32 *)packet->v6 & bpf_htonl(SH_IPV6_FLOWINFO);
	__builtin_memcpy(fib->ipv6_src, &packet->v6->saddr, sizeof(fib->ipv6_src));
}

/* The same for the tunnel's packet. Ports play no part: one leg of a multipath route is as good as another.
 */
static __always_inline void sh_fib_ask_wrapped(const struct sh_packet *packet,
					       const struct sh_backend *backend, __u32 mode,
					       struct bpf_fib_lookup *fib)
{
	const struct sh_tunnel *tunnel = sh_encap_source(backend);

	fib->tot_len += sh_encap_bytes(backend, mode);
	fib->l4_protocol = mode == SH_MODE_GUE ? IPPROTO_UDP : IPPROTO_IPIP;
	if (!tunnel)
		return;
	if (backend->family == SH_FAMILY_IPV4) {
		fib->tos = sh_traffic_class(packet);
		fib->ipv4_src = tunnel->source4;
		return;
	}
	fib->flowinfo = bpf_htonl(sh_traffic_class(packet) << 20);
	__builtin_memcpy(fib->ipv6_src, &tunnel->source6, sizeof(fib->ipv6_src));
}

static __always_inline long sh_fib_ask(struct xdp_md *ctx, const struct sh_packet *packet,
				       const struct sh_backend *backend, __u32 mode,
				       struct bpf_fib_lookup *fib)
{
	fib->ifindex = ctx->ingress_ifindex;
	fib->tot_len = packet->l3_bytes;
	if (sh_mode_wraps(mode))
		sh_fib_ask_wrapped(packet, backend, mode, fib);
	else if (packet->family == backend->family)
		sh_fib_ask_as(packet, fib);
	if (backend->family == SH_FAMILY_IPV4) {
		fib->family = SH_AF_INET;
		fib->ipv4_dst = backend->address.w[0];
	} else {
		fib->family = SH_AF_INET6;
		__builtin_memcpy(fib->ipv6_dst, &backend->address, sizeof(fib->ipv6_dst));
	}
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), 0);
}

/* The answer names the backend itself as the neighbour, not a gateway. */
static __always_inline int sh_fib_on_link(const struct bpf_fib_lookup *fib, const struct sh_backend *backend)
{
	const __be32 *is = backend->address.w;

	if (backend->family == SH_FAMILY_IPV4)
		return fib->family == SH_AF_INET && fib->ipv4_dst == is[0];
	return fib->family == SH_AF_INET6 && fib->ipv6_dst[0] == is[0] && fib->ipv6_dst[1] == is[1] &&
	       fib->ipv6_dst[2] == is[2] && fib->ipv6_dst[3] == is[3];
}

static __always_inline int sh_fib_egress_usable(struct xdp_md *ctx, const struct bpf_fib_lookup *fib)
{
	/* The compiler must not keep the field's address, which the verifier would not have. */
	barrier_var(ctx);
	return fib->ifindex == ctx->ingress_ifindex || bpf_map_lookup_elem(&egress, &fib->ifindex);
}

static __always_inline enum sh_reason sh_fib_send(struct xdp_md *ctx, const struct sh_packet *packet,
						  const struct bpf_fib_lookup *fib)
{
	sh_rewrite_macs(packet->eth, fib->dmac, fib->smac);
	barrier_var(ctx);
	if (fib->ifindex == ctx->ingress_ifindex)
		return SH_FIB_TX;
	return bpf_redirect_map(&egress, fib->ifindex, 0) == XDP_REDIRECT ? SH_FIB_REDIRECT : SH_DROP_EGRESS;
}

static __always_inline enum sh_reason sh_fib_l2(struct xdp_md *ctx, const struct sh_packet *packet,
						const struct sh_backend *backend,
						const struct bpf_fib_lookup *fib, long answer)
{
	if (!sh_fib_on_link(fib, backend))
		return SH_DROP_NO_ROUTE;
	if (answer == BPF_FIB_LKUP_RET_NO_NEIGH)
		return SH_DROP_NO_NEIGHBOUR;
	if (!sh_fib_egress_usable(ctx, fib))
		return SH_DROP_EGRESS;
	if (sh_mac_source(packet->eth) == sh_mac_of(fib->dmac))
		return SH_DROP_LOOP;
	return sh_fib_send(ctx, packet, fib);
}

static __always_inline enum sh_reason sh_fib_l3(struct xdp_md *ctx, const struct sh_packet *packet,
						const struct sh_backend *backend,
						const struct bpf_fib_lookup *fib, long answer)
{
	if (answer == BPF_FIB_LKUP_RET_NO_NEIGH || !sh_fib_egress_usable(ctx, fib)) {
		sh_rewrite_destination(packet, backend);
		return SH_KERNEL;
	}
	sh_rewrite_routed(packet, backend);
	return sh_fib_send(ctx, packet, fib);
}

static __always_inline enum sh_reason sh_fib_wrapped(struct xdp_md *ctx, const struct sh_packet *packet,
						     const struct sh_backend *backend,
						     const struct bpf_fib_lookup *fib, long answer)
{
	int to_kernel = answer == BPF_FIB_LKUP_RET_NO_NEIGH || !sh_fib_egress_usable(ctx, fib);

	if (to_kernel && backend->family == SH_FAMILY_IPV4 && packet->family == SH_FAMILY_IPV6)
		return answer == BPF_FIB_LKUP_RET_NO_NEIGH ? SH_DROP_NO_NEIGHBOUR : SH_DROP_EGRESS;
	sh_rewrite_ttl(packet);
	return to_kernel ? SH_KERNEL : sh_fib_send(ctx, packet, fib);
}

/* By the deep parser, which understands plain packets, too. */
static __always_inline enum sh_reason sh_fib_parse(struct xdp_md *ctx, struct sh_packet *packet)
{
	enum sh_reason reason;
	struct sh_cursor cursor;
	struct sh_icmp icmp;
	__u32 family = SH_FAMILY_IPV6;

	if (sh_parse_ethernet(ctx, &cursor, packet) == bpf_htons(ETH_P_IP))
		family = SH_FAMILY_IPV4;
	reason = sh_deep_parse(cursor, family, packet);
	if (reason != SH_PASS_PROTOCOL)
		return reason;
	return sh_icmp_parse(cursor, family, packet, &icmp);
}

static __always_inline enum sh_reason sh_fib_too_big(const struct bpf_fib_lookup *fib,
						     const struct sh_backend *backend, __u32 mode)
{
	__u32 more = sh_mode_wraps(mode) ? sh_encap_bytes(backend, mode) : 0;

	return sh_too_big(fib->mtu_result - more);
}

/* Forwards to `backend` in `mode` (families and TTL are checked already). Who called wraps what is to be. */
__noinline int sh_forward_by_fib(struct xdp_md *ctx, const struct sh_backend *backend, __u32 mode)
{
	struct bpf_fib_lookup fib = {};
	struct sh_packet packet;
	long answer;

	if (!backend || sh_fib_parse(ctx, &packet) != SH_GO_ON)
		return SH_PASS_MALFORMED;
	answer = sh_fib_ask(ctx, &packet, backend, mode, &fib);
	if (answer == BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return sh_fib_too_big(&fib, backend, mode);
	if (answer != BPF_FIB_LKUP_RET_SUCCESS && answer != BPF_FIB_LKUP_RET_NO_NEIGH)
		return SH_DROP_NO_ROUTE;
	if (mode == SH_MODE_L2)
		return sh_fib_l2(ctx, &packet, backend, &fib, answer);
	if (sh_mode_wraps(mode))
		return sh_fib_wrapped(ctx, &packet, backend, &fib, answer);
	return sh_fib_l3(ctx, &packet, backend, &fib, answer);
}

#endif
