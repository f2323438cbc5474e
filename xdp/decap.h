/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The backend's side of ipip and gue (encap.h): takes a packet out of its tunnel.
 *
 * Only what is addressed to a backend's own address of this node, and carries a packet to a VIP that is
 * served through it (`served`), is taken out. All else stays as it came, for the kernel's own tunnel devices,
 * which may be there beside this program, or instead of it.
 *
 * The TTL was lowered by the director; here the packet has arrived. DSCP stays the inner one's (RFC 2983,
 * pipe model), ECN is combined (RFC 6040, 4.2). A UDP checksum is not looked at: what counts has its own
 * inside.
 */
#ifndef SHUNT_DECAP_H
#define SHUNT_DECAP_H

#include "backend_maps.h"
#include "checksum.h"
#include "parse.h"

#define SH_ECN	    3
#define SH_ECN_ECT1 1
#define SH_ECN_CE   3

/* A tunnel's packet. */
struct sh_wrapped {
	void *inner;
	__u32 family; /* of the inner packet; 0: not a tunnel's */
	__u32 room;   /* bytes behind the outer headers, by their lengths */
	__u32 outer;  /* bytes of the outer headers */
	__u32 ecn;    /* outer */
};

static __always_inline const struct sh_served *sh_served_find(const __be32 *ip, __u32 family)
{
	struct sh_address key = {.family = family};

	key.ip.w[0] = ip[0];
	if (family == SH_FAMILY_IPV6) {
		key.ip.w[1] = ip[1];
		key.ip.w[2] = ip[2];
		key.ip.w[3] = ip[3];
	}
	return bpf_map_lookup_elem(&served, &key);
}

/* ---- the outer headers -------------------------------------------------------------------------- */

/* GUE variant 1: the IP packet's version is where variant 0 has zeros. */
static __always_inline void sh_unwrap_udp(struct sh_cursor at, struct sh_wrapped *out, __be16 port)
{
	struct udphdr *udp = at.at;
	__u8 *inner = (__u8 *)(udp + 1);
	__u32 bytes;

	if (inner + 1 > (__u8 *)at.end || udp->dest != port)
		return;
	bytes = bpf_ntohs(udp->len);
	if (bytes < sizeof(*udp) || bytes > out->room)
		return;
	out->inner = inner;
	out->room = bytes - sizeof(*udp);
	out->outer += sizeof(*udp);
	if (*inner >> 4 == 4)
		out->family = SH_FAMILY_IPV4;
	else if (*inner >> 4 == 6)
		out->family = SH_FAMILY_IPV6;
}

static __always_inline void sh_unwrap_by(struct sh_cursor at, __u32 protocol, const __be32 *own, __u32 family,
					 struct sh_wrapped *out)
{
	const struct sh_served *end;

	if (protocol != IPPROTO_IPIP && protocol != IPPROTO_IPV6 && protocol != IPPROTO_UDP)
		return;
	end = sh_served_find(own, family);
	if (!end || !(end->as & SH_SERVED_OWN))
		return;
	out->inner = at.at;
	if (protocol == IPPROTO_UDP)
		sh_unwrap_udp(at, out, end->port);
	else
		out->family = protocol == IPPROTO_IPIP ? SH_FAMILY_IPV4 : SH_FAMILY_IPV6;
}

/* A header without options or fragments, of right length and checksum. */
static __always_inline void sh_unwrap4(struct sh_cursor at, struct sh_wrapped *out)
{
	struct iphdr *ip = at.at;
	const __be32 *w = at.at;
	__u32 bytes;

	if ((void *)(ip + 1) > at.end || ip->version != 4 || ip->ihl != 5)
		return;
	bytes = bpf_ntohs(ip->tot_len);
	if (bytes < sizeof(*ip) || bytes > at.end - at.at || ip->frag_off & bpf_htons(SH_IPV4_FRAGMENT))
		return;
	if (sh_sum_fold((__u64)w[0] + w[1] + w[2] + w[3] + w[4]) != 0xffff)
		return;
	out->room = bytes - sizeof(*ip);
	out->outer = sizeof(*ip);
	out->ecn = ip->tos & SH_ECN;
	at.at = ip + 1;
	sh_unwrap_by(at, ip->protocol, &ip->daddr, SH_FAMILY_IPV4, out);
}

static __always_inline void sh_unwrap6(struct sh_cursor at, struct sh_wrapped *out)
{
	struct ipv6hdr *ip = at.at;

	if ((void *)(ip + 1) > at.end || ip->version != 6)
		return;
	out->room = bpf_ntohs(ip->payload_len);
	if (out->room > at.end - (void *)(ip + 1))
		return;
	out->outer = sizeof(*ip);
	out->ecn = bpf_ntohl(*(__be32 *)ip) >> 20 & SH_ECN;
	at.at = ip + 1;
	sh_unwrap_by(at, ip->nexthdr, ip->daddr.in6_u.u6_addr32, SH_FAMILY_IPV6, out);
}

/* ---- the inner packet --------------------------------------------------------------------------- */

/* What the ECN field becomes (RFC 6040, figure 4), or -1: to be dropped. */
static __always_inline int sh_ecn_combine(__u32 inner, __u32 outer)
{
	if (outer == SH_ECN_CE)
		return inner ? SH_ECN_CE : -1;
	if (outer == SH_ECN_ECT1 && inner && inner != SH_ECN_CE)
		return SH_ECN_ECT1;
	return inner;
}

/* SH_GO_ON where the packet may come out, with its ECN as it is to be. */
static __always_inline enum sh_reason sh_inner4(struct sh_cursor at, const struct sh_wrapped *wrapped)
{
	struct iphdr *ip = at.at;
	const struct sh_served *vip;
	__be32 before, after;
	int ecn;

	if ((void *)(ip + 1) > at.end || ip->version != 4 || ip->ihl < 5 ||
	    bpf_ntohs(ip->tot_len) < ip->ihl * 4U || bpf_ntohs(ip->tot_len) > wrapped->room)
		return SH_PASS_MALFORMED;
	vip = sh_served_find(&ip->daddr, SH_FAMILY_IPV4);
	if (!vip || !(vip->as & SH_SERVED_VIP))
		return SH_PASS_TUNNEL;
	ecn = sh_ecn_combine(ip->tos & SH_ECN, wrapped->ecn);
	if (ecn < 0)
		return SH_DROP_ECN;
	before = *(__be32 *)ip;
	after = (before & ~bpf_htonl(SH_ECN << 16)) | bpf_htonl((__u32)ecn << 16);
	if (after != before) {
		sh_checksum_apply(ip, sh_sum_replace(before, after));
		*(__be32 *)ip = after;
	}
	return SH_GO_ON;
}

static __always_inline enum sh_reason sh_inner6(struct sh_cursor at, const struct sh_wrapped *wrapped)
{
	struct ipv6hdr *ip = at.at;
	const struct sh_served *vip;
	__be32 word;
	int ecn;

	if ((void *)(ip + 1) > at.end || ip->version != 6 ||
	    bpf_ntohs(ip->payload_len) + sizeof(*ip) > wrapped->room)
		return SH_PASS_MALFORMED;
	vip = sh_served_find(ip->daddr.in6_u.u6_addr32, SH_FAMILY_IPV6);
	if (!vip || !(vip->as & SH_SERVED_VIP))
		return SH_PASS_TUNNEL;
	word = *(__be32 *)ip;
	ecn = sh_ecn_combine(bpf_ntohl(word) >> 20 & SH_ECN, wrapped->ecn);
	if (ecn < 0)
		return SH_DROP_ECN;
	*(__be32 *)ip = (word & ~bpf_htonl(SH_ECN << 20)) | bpf_htonl((__u32)ecn << 20);
	return SH_GO_ON;
}

/* Lets go of the outer headers. The Ethernet header moves to the packet: no pointer holds any more. */
static __always_inline enum sh_reason sh_decap_close(struct xdp_md *ctx, const struct sh_wrapped *wrapped)
{
	__be16 type = wrapped->family == SH_FAMILY_IPV4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u16 *from = (__u16 *)(long)ctx->data, *to;
	__u32 outer = wrapped->outer & 0x3f;

	to = (__u16 *)((__u8 *)from + outer);
	if ((__u8 *)from + ETH_HLEN > (__u8 *)(long)ctx->data_end ||
	    (__u8 *)to + ETH_HLEN > (__u8 *)(long)ctx->data_end)
		return SH_PASS_MALFORMED;
	for (int i = 0; i < ETH_ALEN; i++)
		to[i] = from[i];
	to[ETH_ALEN] = type;
	return bpf_xdp_adjust_head(ctx, (int)outer) ? SH_PASS_MALFORMED : SH_DECAPSULATED;
}

/* `at` is at the outer header, which is of `family`. SH_GO_ON where no tunnel ends here, with nothing
 * changed; else what became of the packet. */
static __always_inline enum sh_reason sh_decap(struct xdp_md *ctx, struct sh_cursor at, __u32 family)
{
	struct sh_wrapped wrapped = {};
	enum sh_reason reason;

	if (family == SH_FAMILY_IPV4)
		sh_unwrap4(at, &wrapped);
	else
		sh_unwrap6(at, &wrapped);
	if (!wrapped.family)
		return SH_GO_ON;
	at.at = wrapped.inner;
	reason = wrapped.family == SH_FAMILY_IPV4 ? sh_inner4(at, &wrapped) : sh_inner6(at, &wrapped);
	return reason == SH_GO_ON ? sh_decap_close(ctx, &wrapped) : reason;
}

#endif
