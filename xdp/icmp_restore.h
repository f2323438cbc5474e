/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's side of an ICMP error by l3: its destination becomes the VIP again.
 *
 * The error has no port of its own: the packet that it quotes names {VIP, port, protocol}, and what the table
 * restores of {own address, port, protocol} must be that very VIP. With a mark (dscp.h) the mark goes first,
 * and must lead to the same. ICMP's checksum has no addresses in it; ICMPv6's has, and stayed the VIP's.
 */
#ifndef SHUNT_ICMP_RESTORE_H
#define SHUNT_ICMP_RESTORE_H

#include "quote.h"
#include "restore.h"

/* The table's entry where its VIP is the flow's, or NULL. */
static __always_inline __be32 *sh_icmp_vip4(const struct sh_endpoint4 *own, const struct sh_packet *flow)
{
	__be32 *vip = bpf_map_lookup_elem(&restore4, own);

	return vip && *vip == flow->v4->daddr ? vip : NULL;
}

static __always_inline struct sh_ip *sh_icmp_vip6(const struct sh_endpoint6 *own,
						  const struct sh_packet *flow)
{
	const __be32 *is = flow->v6->daddr.in6_u.u6_addr32;
	struct sh_ip *vip = bpf_map_lookup_elem(&restore6, own);

	return vip && vip->w[0] == is[0] && vip->w[1] == is[1] && vip->w[2] == is[2] && vip->w[3] == is[3]
		       ? vip
		       : NULL;
}

static __always_inline enum sh_reason sh_icmp_restore4(const struct sh_packet *packet,
						       const struct sh_packet *flow)
{
	struct sh_endpoint4 own = {.addr = packet->v4->daddr,
				   .port = bpf_htons(sh_traffic_class(packet) >> 2)};
	__be32 *vip = own.port ? sh_icmp_vip4(&own, flow) : NULL;

	own.protocol = flow->protocol;
	own.port = flow->vip_port;
	if (!vip)
		vip = sh_icmp_vip4(&own, flow);
	own.port = 0;
	if (!vip)
		vip = sh_icmp_vip4(&own, flow);
	if (!vip)
		return SH_PASS_ICMP;
	sh_checksum_apply(packet->v4, sh_sum_replace(packet->v4->daddr, *vip));
	packet->v4->daddr = *vip;
	return SH_RESTORED;
}

static __always_inline enum sh_reason sh_icmp_restore6(const struct sh_packet *packet,
						       const struct sh_packet *flow)
{
	struct sh_endpoint6 own = {.port = bpf_htons(sh_traffic_class(packet) >> 2)};
	struct sh_ip *vip = NULL;

	__builtin_memcpy(own.addr, &packet->v6->daddr, sizeof(own.addr));
	if (own.port)
		vip = sh_icmp_vip6(&own, flow);
	if (vip)
		sh_dscp_readdress(packet, vip->w);
	own.protocol = flow->protocol;
	own.port = flow->vip_port;
	if (!vip)
		vip = sh_icmp_vip6(&own, flow);
	own.port = 0;
	if (!vip)
		vip = sh_icmp_vip6(&own, flow);
	if (!vip)
		return SH_PASS_ICMP;
	__builtin_memcpy(&packet->v6->daddr, vip, sizeof(packet->v6->daddr));
	return SH_RESTORED;
}

/* SH_RESTORED with the VIP put back, or SH_PASS_ICMP with the packet untouched. */
static __always_inline enum sh_reason sh_icmp_restore(struct xdp_md *ctx, const struct sh_packet *packet,
						      const struct sh_icmp *icmp)
{
	struct sh_quoted quoted;
	struct sh_packet flow;

	if (!sh_quote(ctx, packet, icmp, &quoted, &flow))
		return SH_PASS_ICMP;
	return packet->family == SH_FAMILY_IPV4 ? sh_icmp_restore4(packet, &flow)
						: sh_icmp_restore6(packet, &flow);
}

#endif
