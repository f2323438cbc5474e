/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * l3 with a mark, as published for L3DSR: the DSCP (RFC 2474) stands for the VIP, so that a backend can tell
 * VIPs apart that share its address and port.
 *
 * Who else speaks it (load balancers on one side, the iptables target DADDR on the other) expects an L4
 * checksum that is right for the address the packet has at that moment. So here, and only here, it
 * follows the destination, on both ends (RFC 1624). ECN is left alone, and the mark stays in the packet.
 */
#ifndef SHUNT_DSCP_H
#define SHUNT_DSCP_H

#include "checksum.h"
#include "parse.h"

/* The eight bits of DSCP and ECN. */
static __always_inline __u32 sh_traffic_class(const struct sh_packet *packet)
{
	if (packet->family == SH_FAMILY_IPV4)
		return packet->v4->tos;
	return bpf_ntohl(*(__be32 *)packet->v6) >> 20 & 0xff;
}

static __always_inline void sh_dscp_write(const struct sh_packet *packet, __u32 dscp)
{
	__be32 *word = (__be32 *)packet->v6;
	__be32 marked;

	if (packet->family == SH_FAMILY_IPV6) {
		*word = (*word & ~bpf_htonl(0xfcU << 20)) | bpf_htonl(dscp << 22);
		return;
	}
	marked = (*word & ~bpf_htonl(0xfcU << 16)) | bpf_htonl(dscp << 18);
	sh_checksum_apply(packet->v4, sh_sum_replace(*word, marked));
	packet->v4->tos = bpf_ntohl(marked) >> 16 & 0xff;
}

/* What the checksum changes by when the destination becomes `to` (four words). */
static __always_inline __u64 sh_dscp_change(const struct sh_packet *packet, const __be32 *to)
{
	const __be32 *from;

	if (packet->family == SH_FAMILY_IPV4)
		return sh_sum_replace(packet->v4->daddr, to[0]);
	from = packet->v6->daddr.in6_u.u6_addr32;
	return sh_sum_replace(from[0], to[0]) + sh_sum_replace(from[1], to[1]) +
	       sh_sum_replace(from[2], to[2]) + sh_sum_replace(from[3], to[3]);
}

/* Before the destination becomes `to`: the L4 checksum goes along. A UDP packet without one keeps none, a
 * later fragment has none, and ICMP's has no addresses in it. */
static __always_inline void sh_dscp_readdress(const struct sh_packet *packet, const __be32 *to)
{
	int is_udp = packet->protocol == IPPROTO_UDP;
	__sum16 check;

	if (!packet->check)
		return;
	check = *packet->check;
	if (is_udp && !check)
		return;
	check = sh_sum_patched(check, sh_dscp_change(packet, to));
	*packet->check = is_udp && !check ? 0xffff : check;
}

/* Director: marks the packet, before the destination becomes the backend's address. */
static __always_inline void sh_dscp_mark(const struct sh_packet *packet, const struct sh_backend *backend)
{
	__u32 dscp = *(volatile __u8 *)&backend->dscp;

	if (!dscp)
		return;
	sh_dscp_readdress(packet, backend->address.w);
	sh_dscp_write(packet, dscp);
}

#endif
