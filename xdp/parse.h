/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to what the programs decide on: family, protocol, ports, lengths.
 *
 * A cursor walks Ethernet, IP and the first bytes of TCP or UDP. Whatever is not a whole, honest,
 * unfragmented TCP or UDP packet ends the walk with the reason to let it pass; nothing is ever
 * written here. Fragments, extension headers and tags have a parser of their own (deep.h, tags.h).
 *
 * Lengths: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 9293 (TCP), RFC 768 (UDP). A header counts as
 * present only where it lies both within the frame and within the length that IP states.
 *
 * Programs call sh_parse_ethernet and then, by the ethertype, the rest of their work once per family:
 * with `family` known when compiled, each copy is straight, and no look-up is left whose map
 * depends on the packet (the kernel does not inline those).
 */
#ifndef SHUNT_PARSE_H
#define SHUNT_PARSE_H

#include <stddef.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>

#include "maps.h"

/* No reason yet: the packet goes on to the next step. */
#define SH_GO_ON SH_REASON_COUNT

#define SH_IPV4_FRAGMENT 0x3fff /* MF and the offset: non-zero for every fragment */
#define SH_IPV4_OFFSET	 0x1fff /* zero for the first of them */

/* Which part of a datagram a packet is (deep.h). */
#define SH_PIECE_NONE  0 /* all of it */
#define SH_PIECE_FIRST 1 /* the first fragment */
#define SH_PIECE_LATER 2 /* another one: no ports, no L4 header */

struct sh_packet {
	struct ethhdr *eth;
	union {
		struct iphdr *v4;
		struct ipv6hdr *v6;
	};
	__u32 family;	/* SH_FAMILY_* */
	__u32 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u32 l3_bytes; /* from the IP header, its own length included */
	__u32 frame_bytes;
	void *l4;	/* the TCP or UDP header */
	__sum16 *check; /* its checksum; NULL where addresses are no part of that */
	__u32 deep;	/* 1: parsed by deep.h: may have more headers, and `l4` and `check` may be NULL */
	__u32 piece;	/* SH_PIECE_* */
	__be32 piece_id;
	union {
		struct {
			__be16 client_port;
			__be16 vip_port;
		};
		__be32 ports; /* both, as they lie in the packet */
	};
};

struct sh_cursor {
	void *at;
	void *end;
};

/* TCP: the whole header with its options. `room` is what IP says is left for L4. */
static __always_inline enum sh_reason sh_parse_tcp(struct sh_cursor l4, __u32 room, struct sh_packet *packet)
{
	struct tcphdr *tcp = l4.at;

	if ((void *)(tcp + 1) > l4.end)
		return SH_PASS_MALFORMED;
	if (tcp->doff < 5 || tcp->doff * 4U > room)
		return SH_PASS_MALFORMED;
	packet->ports = *(__be32 *)tcp;
	packet->l4 = tcp;
	packet->check = &tcp->check;
	return SH_GO_ON;
}

/* UDP: the header, and a length that fits. Room beyond it is allowed, as the kernel does. */
static __always_inline enum sh_reason sh_parse_udp(struct sh_cursor l4, __u32 room, struct sh_packet *packet)
{
	struct udphdr *udp = l4.at;
	__u32 bytes;

	if ((void *)(udp + 1) > l4.end)
		return SH_PASS_MALFORMED;
	bytes = bpf_ntohs(udp->len);
	if (bytes < sizeof(*udp) || bytes > room)
		return SH_PASS_MALFORMED;
	packet->ports = *(__be32 *)udp;
	packet->l4 = udp;
	packet->check = &udp->check;
	return SH_GO_ON;
}

static __always_inline enum sh_reason sh_parse_l4(struct sh_cursor l4, __u32 room, struct sh_packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return sh_parse_tcp(l4, room, packet);
	return sh_parse_udp(l4, room, packet);
}

/* Header and lengths. 0 where they are not whole and honest. */
static __always_inline int sh_parse_ipv4_header(struct sh_cursor cursor, struct sh_packet *packet,
						__u32 *header)
{
	struct iphdr *ip = cursor.at;

	if ((void *)(ip + 1) > cursor.end)
		return 0;
	packet->v4 = ip;
	packet->family = SH_FAMILY_IPV4;
	packet->protocol = ip->protocol;
	packet->l3_bytes = bpf_ntohs(ip->tot_len);
	*header = ip->ihl * 4U;
	/* Version 4 and at least five words, in one comparison. */
	return *(__u8 *)ip - 0x45U <= 0x4fU - 0x45U && packet->l3_bytes >= *header &&
	       packet->l3_bytes <= cursor.end - cursor.at;
}

static __always_inline enum sh_reason sh_parse_ipv4(struct sh_cursor cursor, struct sh_packet *packet)
{
	struct iphdr *ip = cursor.at;
	__u32 header;

	packet->deep = packet->piece = 0;
	if (!sh_parse_ipv4_header(cursor, packet, &header))
		return SH_PASS_MALFORMED;
	if (ip->frag_off & bpf_htons(SH_IPV4_FRAGMENT))
		return SH_PASS_FRAGMENT;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return SH_PASS_PROTOCOL;
	cursor.at += header;
	return sh_parse_l4(cursor, packet->l3_bytes - header, packet);
}

/* Headers that may stand between IPv6 and TCP or UDP (IANA's list of extension headers), the
 * fragment header apart. ESP and "no next header" end the chain: another protocol to us. */
static __always_inline int sh_ipv6_extension(__u32 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_AH || next == IPPROTO_MH || next == 139 /* HIP */ || next == 140 /* Shim6 */;
}

static __always_inline int sh_parse_ipv6_header(struct sh_cursor cursor, struct sh_packet *packet,
						__u32 *payload)
{
	struct ipv6hdr *ip = cursor.at;

	if ((void *)(ip + 1) > cursor.end)
		return 0;
	packet->v6 = ip;
	packet->family = SH_FAMILY_IPV6;
	packet->protocol = ip->nexthdr;
	*payload = bpf_ntohs(ip->payload_len);
	packet->l3_bytes = *payload + sizeof(*ip);
	return ip->version == 6 && packet->l3_bytes <= cursor.end - cursor.at;
}

static __always_inline enum sh_reason sh_parse_ipv6(struct sh_cursor cursor, struct sh_packet *packet)
{
	struct ipv6hdr *ip = cursor.at;
	__u32 payload;

	packet->deep = packet->piece = 0;
	if (!sh_parse_ipv6_header(cursor, packet, &payload))
		return SH_PASS_MALFORMED;
	if (ip->nexthdr == IPPROTO_TCP || ip->nexthdr == IPPROTO_UDP) {
		cursor.at = ip + 1;
		return sh_parse_l4(cursor, payload, packet);
	}
	if (ip->nexthdr == IPPROTO_FRAGMENT)
		return SH_PASS_FRAGMENT;
	return sh_ipv6_extension(ip->nexthdr) ? SH_PASS_IPV6_EXT : SH_PASS_PROTOCOL;
}

#define SH_NO_ETHERTYPE 0x10000 /* none of the 16-bit values */

/* The ethertype in network order, or SH_NO_ETHERTYPE for a frame shorter than its Ethernet header;
 * *cursor is left behind that. */
static __always_inline __u32 sh_parse_ethernet(struct xdp_md *ctx, struct sh_cursor *cursor,
					       struct sh_packet *packet)
{
	struct ethhdr *eth = (void *)(long)ctx->data;

	cursor->at = eth + 1;
	cursor->end = (void *)(long)ctx->data_end;
	/* Subtracted here and now: the compiler must not keep one of the pointers for later as the
	 * 32-bit number that it takes it for, the verifier would not have it. */
	packet->frame_bytes = cursor->end - (void *)eth;
	barrier_var(packet->frame_bytes);
	if (cursor->at > cursor->end)
		return SH_NO_ETHERTYPE;
	packet->eth = eth;
	return *((__be16 *)(eth + 1) - 1);
}

#endif
