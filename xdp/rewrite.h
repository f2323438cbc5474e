/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What forwarding writes into a packet: MACs, and where we route the TTL, and for l3 the destination.
 */
#ifndef SHUNT_REWRITE_H
#define SHUNT_REWRITE_H

#include "checksum.h"
#include "dscp.h"
#include "parse.h"

/* `dst` and `src` point to the six bytes of each MAC. Frames lie on even addresses at least, which
 * the packed struct ethhdr hides from the compiler: it would store byte by byte. */
static __always_inline void sh_rewrite_macs(struct ethhdr *eth, const void *dst, const void *src)
{
	__builtin_memcpy(__builtin_assume_aligned(eth->h_dest, 2), dst, ETH_ALEN);
	__builtin_memcpy(__builtin_assume_aligned(eth->h_source, 2), src, ETH_ALEN);
}

/* The same with each MAC in the first six bytes of a word, as next hops have them: two stores. */
static __always_inline void sh_rewrite_mac_words(struct ethhdr *eth, __u64 dst, __u64 src)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		*(__u64 *)eth = (dst & 0xffffffffffff) | src << 48;
	else
		*(__u64 *)eth = (dst & ~0xffffULL) | src >> 48;
	*(__u32 *)((__u8 *)eth + 8) = src >> 16;
}

static __always_inline __u32 sh_ttl(const struct sh_packet *packet)
{
	return packet->family == SH_FAMILY_IPV4 ? packet->v4->ttl : packet->v6->hop_limit;
}

/* We route, to a tunnel: the TTL (above 1) goes down. */
static __always_inline void sh_rewrite_ttl(const struct sh_packet *packet)
{
	if (packet->family == SH_FAMILY_IPV6) {
		packet->v6->hop_limit--;
		return;
	}
	sh_checksum_ttl_down(packet->v4);
}

/* We route: the backend's address becomes the destination, and the TTL (above 1) goes down. */
static __always_inline void sh_rewrite_routed(const struct sh_packet *packet,
					      const struct sh_backend *backend)
{
	struct iphdr *ip = packet->v4;

	sh_dscp_mark(packet, backend);
	if (packet->family == SH_FAMILY_IPV6) {
		__builtin_memcpy(&packet->v6->daddr, &backend->address, sizeof(packet->v6->daddr));
		packet->v6->hop_limit--;
		return;
	}
	sh_checksum_apply(ip, sh_sum_replace(ip->daddr, backend->address.w[0]) + SH_TTL_DOWN);
	ip->daddr = backend->address.w[0];
	ip->ttl--;
}

/* The kernel will route it: only the destination changes. */
static __always_inline void sh_rewrite_destination(const struct sh_packet *packet,
						   const struct sh_backend *backend)
{
	struct iphdr *ip = packet->v4;

	sh_dscp_mark(packet, backend);
	if (packet->family == SH_FAMILY_IPV6) {
		__builtin_memcpy(&packet->v6->daddr, &backend->address, sizeof(packet->v6->daddr));
		return;
	}
	sh_checksum_apply(ip, sh_sum_replace(ip->daddr, backend->address.w[0]));
	ip->daddr = backend->address.w[0];
}

#endif
