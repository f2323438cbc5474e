/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP (RFC 792) and ICMPv6 (RFC 4443): what a packet is, and the flow that an error is about.
 *
 * An error quotes the packet that caused it: one from the VIP to the client, as backends answer directly.
 * Turned round, that is the head of the flow as the client sends it, so that a service, a slot and a
 * backend are found as for any of its packets. Eight bytes of TCP or UDP, the ports, are the least that a
 * quote has, and all that is looked at.
 *
 * Not looked at are checksums (the end host's to judge), and quotes with extension headers, or of another
 * fragment than the first.
 */
#ifndef SHUNT_QUOTE_H
#define SHUNT_QUOTE_H

#include "parse.h"

/* The header of both: what `rest` is depends on the type. */
struct sh_icmp_header {
	__u8 type;
	__u8 code;
	__sum16 check;
	__be32 rest;
};

/* RFC 792 */
#define SH_ICMP4_ECHO_REPLY    0
#define SH_ICMP4_UNREACHABLE   3
#define SH_ICMP4_ECHO	       8
#define SH_ICMP4_TIME_EXCEEDED 11
#define SH_ICMP4_PARAMETER     12

#define SH_ICMP4_FRAG_NEEDED 4 /* code of UNREACHABLE (RFC 1191) */

/* RFC 4443 */
#define SH_ICMP6_UNREACHABLE   1
#define SH_ICMP6_TOO_BIG       2
#define SH_ICMP6_TIME_EXCEEDED 3
#define SH_ICMP6_PARAMETER     4
#define SH_ICMP6_ECHO	       128
#define SH_ICMP6_ECHO_REPLY    129

enum sh_icmp_kind {
	SH_ICMP_OTHER,
	SH_ICMP_IS_ECHO, /* a request */
	SH_ICMP_IS_ERROR,
};

struct sh_icmp {
	enum sh_icmp_kind kind;
	struct sh_icmp_header *header;
	__u32 room; /* bytes behind it, by IP's length */
};

/* The client's side of a quoted flow, in a header such as its packets have. */
struct sh_quoted {
	union {
		struct iphdr v4;
		struct ipv6hdr v6;
	};
};

static __always_inline enum sh_icmp_kind sh_icmp_kind4(__u32 type)
{
	if (type == SH_ICMP4_ECHO)
		return SH_ICMP_IS_ECHO;
	/* No source quench (RFC 6633), and no redirect: those are for the sender's own link. */
	return type == SH_ICMP4_UNREACHABLE || type == SH_ICMP4_TIME_EXCEEDED || type == SH_ICMP4_PARAMETER
		       ? SH_ICMP_IS_ERROR
		       : SH_ICMP_OTHER;
}

static __always_inline enum sh_icmp_kind sh_icmp_kind6(__u32 type)
{
	if (type == SH_ICMP6_ECHO)
		return SH_ICMP_IS_ECHO;
	return type >= SH_ICMP6_UNREACHABLE && type <= SH_ICMP6_PARAMETER ? SH_ICMP_IS_ERROR : SH_ICMP_OTHER;
}

/* What follows an IP header of `header` bytes. SH_GO_ON, or the reason to pass. Fills in the rest of
 * `packet` for those who forward it: no ports, and the checksum only where addresses are part of it. */
static __always_inline enum sh_reason sh_icmp_open(struct sh_cursor cursor, __u32 header,
						   struct sh_packet *packet, struct sh_icmp *out)
{
	struct sh_icmp_header *icmp = cursor.at + header;

	if ((void *)(icmp + 1) > cursor.end || packet->l3_bytes < header + sizeof(*icmp))
		return SH_PASS_MALFORMED;
	out->header = icmp;
	out->room = packet->l3_bytes - header - sizeof(*icmp);
	out->kind = packet->family == SH_FAMILY_IPV4 ? sh_icmp_kind4(icmp->type) : sh_icmp_kind6(icmp->type);
	packet->ports = 0;
	packet->l4 = icmp;
	packet->check = packet->family == SH_FAMILY_IPV4 ? NULL : &icmp->check;
	return SH_GO_ON;
}

/* SH_GO_ON for whole ICMP, with `packet` and `out` filled in; else the reason to pass. */
static __always_inline enum sh_reason sh_icmp_parse(struct sh_cursor cursor, __u32 family,
						    struct sh_packet *packet, struct sh_icmp *out)
{
	enum sh_reason reason;

	if (family == SH_FAMILY_IPV4) {
		reason = sh_parse_ipv4(cursor, packet);
		if (reason != SH_PASS_PROTOCOL || packet->protocol != IPPROTO_ICMP)
			return reason == SH_GO_ON ? SH_PASS_PROTOCOL : reason;
		return sh_icmp_open(cursor, packet->v4->ihl * 4U, packet, out);
	}
	reason = sh_parse_ipv6(cursor, packet);
	if (reason != SH_PASS_PROTOCOL || packet->protocol != IPPROTO_ICMPV6)
		return reason == SH_GO_ON ? SH_PASS_PROTOCOL : reason;
	return sh_icmp_open(cursor, sizeof(struct ipv6hdr), packet, out);
}

/* The ports that the quote ends with at `header` bytes, turned round. 1, or 0 where it has none. */
static __always_inline int sh_quote_ports(const struct sh_icmp *icmp, void *end, __u32 header,
					  struct sh_packet *flow)
{
	const __be16 *ports = (void *)(icmp->header + 1) + header;

	if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
		return 0;
	if (icmp->room < header + 8 || (void *)(ports + 4) > end)
		return 0;
	flow->client_port = ports[1];
	flow->vip_port = ports[0];
	return 1;
}

static __always_inline int sh_quote4(const struct sh_icmp *icmp, void *end, struct sh_quoted *quoted,
				     struct sh_packet *flow)
{
	const struct iphdr *ip = (void *)(icmp->header + 1);

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 ||
	    ip->frag_off & bpf_htons(SH_IPV4_OFFSET))
		return 0;
	quoted->v4.saddr = ip->daddr;
	quoted->v4.daddr = ip->saddr;
	flow->v4 = &quoted->v4;
	flow->family = SH_FAMILY_IPV4;
	flow->protocol = ip->protocol;
	return sh_quote_ports(icmp, end, ip->ihl * 4U, flow);
}

static __always_inline int sh_quote6(const struct sh_icmp *icmp, void *end, struct sh_quoted *quoted,
				     struct sh_packet *flow)
{
	const struct ipv6hdr *ip = (void *)(icmp->header + 1);

	if ((const void *)(ip + 1) > end || ip->version != 6)
		return 0;
	__builtin_memcpy(&quoted->v6.saddr, &ip->daddr, sizeof(ip->daddr));
	__builtin_memcpy(&quoted->v6.daddr, &ip->saddr, sizeof(ip->saddr));
	flow->v6 = &quoted->v6;
	flow->family = SH_FAMILY_IPV6;
	flow->protocol = ip->nexthdr;
	return sh_quote_ports(icmp, end, sizeof(*ip), flow);
}

/* The flow that an error is about, for look-ups alone: *flow points into *quoted, and has no bytes. 0 where
 * the quote does not tell. */
static __always_inline int sh_quote(struct xdp_md *ctx, const struct sh_packet *packet,
				    const struct sh_icmp *icmp, struct sh_quoted *quoted,
				    struct sh_packet *flow)
{
	void *end = (void *)(long)ctx->data_end;

	return packet->family == SH_FAMILY_IPV4 ? sh_quote4(icmp, end, quoted, flow)
						: sh_quote6(icmp, end, quoted, flow);
}

/* Sources that may be answered: one host, and not this one (RFC 1122, 3.2.2; RFC 4443, 2.4 e). */
static __always_inline int sh_unicast4(__be32 address)
{
	__u32 first = bpf_ntohl(address) >> 24;

	return first && first != 127 && first < 224;
}

static __always_inline int sh_unicast6(const __be32 *w)
{
	return (w[0] | w[1] | w[2] | w[3]) && bpf_ntohl(w[0]) >> 24 != 0xff;
}

/* Do two packets have the same destination? */
static __always_inline int sh_same_destination(const struct sh_packet *packet, const struct sh_packet *other)
{
	const __be32 *a, *b;

	if (packet->family == SH_FAMILY_IPV4)
		return packet->v4->daddr == other->v4->daddr;
	a = packet->v6->daddr.in6_u.u6_addr32;
	b = other->v6->daddr.in6_u.u6_addr32;
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

#endif
