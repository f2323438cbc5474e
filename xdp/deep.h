/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to what the programs decide on, where the plain parser (parse.h) gives up: fragments and IPv6
 * extension headers.
 *
 *	extension headers	hop-by-hop and destination options, and a routing header with no segment
 *				left, up to SH_EXTENSIONS and SH_EXTENSION_BYTES (RFC 8200, 4)
 *	first fragment		has the ports, and must have the whole L4 header (RFC 1858, 3.2)
 *	later fragment		has none: protocol as the IP header has it, ports 0, no L4 header
 *	atomic fragment		a fragment header on a whole packet (RFC 6946): as if it weren't there
 *
 * A routing header that still routes names the next address, not the last: it is the stack's. AH covers the
 * addresses, and the others speak of nobody's ports: they pass, too.
 */
#ifndef SHUNT_DEEP_H
#define SHUNT_DEEP_H

#include "parse.h"

#define SH_EXTENSIONS	   8
#define SH_EXTENSION_BYTES 256

#define SH_UDP_MAX 0xffff

#define SH_IPV6_MORE   0x0001
#define SH_IPV6_OFFSET 0xfff8

/* Any of the extension headers here. */
struct sh_extension {
	__u8 next;
	__u8 length; /* in 8 bytes, beyond the first 8; of a fragment header: reserved, 0 */
	union {
		struct {
			__u8 type;
			__u8 segments_left;
		};
		__be16 offset; /* fragment header */
	};
	__be32 id;
};

/* The first of several: the L4 header is there, the length that UDP states is the whole datagram's. */
static __always_inline enum sh_reason sh_deep_first(struct sh_cursor l4, __u32 room, struct sh_packet *packet)
{
	if (packet->protocol == IPPROTO_TCP)
		return sh_parse_tcp(l4, room, packet);
	if (room < sizeof(struct udphdr))
		return SH_PASS_MALFORMED;
	return sh_parse_udp(l4, SH_UDP_MAX, packet);
}

static __always_inline enum sh_reason sh_deep_l4(struct sh_cursor l4, __u32 room, struct sh_packet *packet)
{
	if (packet->piece == SH_PIECE_LATER)
		return SH_GO_ON;
	if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP)
		return packet->piece ? SH_PASS_FRAGMENT : SH_PASS_PROTOCOL;
	if (packet->piece == SH_PIECE_FIRST)
		return sh_deep_first(l4, room, packet);
	return sh_parse_l4(l4, room, packet);
}

static __always_inline __u32 sh_piece_of(__u32 offset, __u32 more)
{
	if (offset)
		return SH_PIECE_LATER;
	return more ? SH_PIECE_FIRST : SH_PIECE_NONE;
}

static __always_inline void sh_deep_begin(struct sh_packet *packet)
{
	packet->deep = 1;
	packet->piece = SH_PIECE_NONE;
	packet->ports = 0;
	packet->l4 = NULL;
	packet->check = NULL;
}

static __always_inline enum sh_reason sh_deep_ipv4(struct sh_cursor cursor, struct sh_packet *packet)
{
	struct iphdr *ip = cursor.at;
	__u32 header;

	sh_deep_begin(packet);
	if (!sh_parse_ipv4_header(cursor, packet, &header))
		return SH_PASS_MALFORMED;
	packet->piece = sh_piece_of(ip->frag_off & bpf_htons(SH_IPV4_OFFSET),
				    ip->frag_off & bpf_htons(SH_IPV4_FRAGMENT));
	packet->piece_id = ip->id;
	cursor.at += header;
	return sh_deep_l4(cursor, packet->l3_bytes - header, packet);
}

/* ---- IPv6 ---------------------------------------------------------------------------------------- */

static __always_inline int sh_deep_walkable(const struct sh_extension *head, __u32 next)
{
	if (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_FRAGMENT)
		return 1;
	return next == IPPROTO_ROUTING && !head->segments_left;
}

/* Notes what a fragment header says. */
static __always_inline void sh_deep_fragment(const struct sh_extension *head, struct sh_packet *packet)
{
	packet->piece = sh_piece_of(head->offset & bpf_htons(SH_IPV6_OFFSET),
				    head->offset & bpf_htons(SH_IPV6_MORE));
	packet->piece_id = head->id;
}

/* From the IPv6 header's end to the L4 header: `*passed` bytes. */
static __always_inline enum sh_reason sh_deep_extensions(const struct sh_cursor *cursor, __u32 payload,
							 struct sh_packet *packet, __u32 *passed)
{
	const struct sh_extension *head;
	__u32 at = 0, bytes;

	for (__u32 i = 0; i < SH_EXTENSIONS; i++) {
		if (!sh_ipv6_extension(packet->protocol) && packet->protocol != IPPROTO_FRAGMENT)
			break;
		head = cursor->at + at;
		if ((void *)(head + 1) > cursor->end || at + sizeof(*head) > payload)
			return SH_PASS_MALFORMED;
		if (!sh_deep_walkable(head, packet->protocol))
			return SH_PASS_IPV6_EXT;
		bytes = packet->protocol == IPPROTO_FRAGMENT ? sizeof(*head) : head->length * 8U + 8;
		if (packet->protocol == IPPROTO_FRAGMENT)
			sh_deep_fragment(head, packet);
		packet->protocol = head->next;
		at += bytes;
		if (at > SH_EXTENSION_BYTES)
			return SH_PASS_IPV6_EXT;
		if (packet->piece == SH_PIECE_LATER)
			break;
	}
	*passed = at;
	return SH_GO_ON;
}

static __always_inline enum sh_reason sh_deep_ipv6(struct sh_cursor cursor, struct sh_packet *packet)
{
	enum sh_reason reason;
	__u32 payload, passed;

	sh_deep_begin(packet);
	if (!sh_parse_ipv6_header(cursor, packet, &payload))
		return SH_PASS_MALFORMED;
	cursor.at += sizeof(struct ipv6hdr);
	reason = sh_deep_extensions(&cursor, payload, packet, &passed);
	if (reason != SH_GO_ON)
		return reason;
	if (passed > payload)
		return SH_PASS_MALFORMED;
	if (packet->piece != SH_PIECE_LATER &&
	    (sh_ipv6_extension(packet->protocol) || packet->protocol == IPPROTO_FRAGMENT))
		return SH_PASS_IPV6_EXT;
	cursor.at += passed;
	return sh_deep_l4(cursor, payload - passed, packet);
}

static __always_inline enum sh_reason sh_deep_parse(struct sh_cursor cursor, __u32 family,
						    struct sh_packet *packet)
{
	return family == SH_FAMILY_IPV4 ? sh_deep_ipv4(cursor, packet) : sh_deep_ipv6(cursor, packet);
}

#endif
