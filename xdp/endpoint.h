/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a packet is addressed to, {destination, port, protocol}, as the key of a look-up: of vips4
 * and vips6 on a director, of restore4 and restore6 on a backend.
 */
#ifndef SHUNT_ENDPOINT_H
#define SHUNT_ENDPOINT_H

#include "parse.h"

union sh_endpoint {
	struct sh_endpoint4 v4;
	__u64 pair[2];
	__u32 word[5];
	struct sh_endpoint6 v6;
};

/* {port, protocol, 0}, the tail of both keys, as one word. Written in pieces, it would be read back
 * by the look-up before the pieces are joined, which stalls the processor. */
static __always_inline __u32 sh_endpoint_tail(const struct sh_packet *packet)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return packet->protocol << 16 | packet->vip_port;
	return (__u32)packet->vip_port << 16 | packet->protocol << 8;
}

/* {first, second} as they lie in memory, in one word for the same reason. */
static __always_inline __u64 sh_endpoint_pair(__u32 first, __u32 second)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return (__u64)second << 32 | first;
	return (__u64)first << 32 | second;
}

static __always_inline void sh_endpoint_of(const struct sh_packet *packet, union sh_endpoint *out)
{
	const __be32 *daddr;

	if (packet->family == SH_FAMILY_IPV4) {
		out->pair[0] = sh_endpoint_pair(packet->v4->daddr, sh_endpoint_tail(packet));
		return;
	}
	daddr = packet->v6->daddr.in6_u.u6_addr32;
	out->pair[0] = sh_endpoint_pair(daddr[0], daddr[1]);
	out->pair[1] = sh_endpoint_pair(daddr[2], daddr[3]);
	out->word[4] = sh_endpoint_tail(packet);
}

#endif
