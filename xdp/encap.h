/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Wraps a packet whole for its backend: IP in IP, of any two families (RFC 2003, 2473, 4213), and GUE.
 *
 * GUE is its variant 1 (draft-ietf-intarea-gue-09, 4): UDP with the IP packet right behind it, which
 * Linux' fou takes (`ip fou add port 6080 gue`), as others' directors send it.
 *
 *	DSCP, ECN	those of the packet (RFC 2983; RFC 6040, normal mode)
 *	DF		always set, so that the identification may be 0 (RFC 6864)
 *	TTL		64; the inner one went down by one before, as we route
 *	spread		bits of the source (IPIP), source port (GUE), flow label (IPv6; RFC 6438)
 *	UDP checksum	none in IPv4 (RFC 768); in IPv6 the right one
 *
 * The UDP checksum covers the whole inner packet, of which nothing is read where its own checksums
 * are right: an IPv4 header adds up to zero, and what is behind it to the complement of its pseudo
 * header. Where they are wrong the outer one is, too, and the packet is refused all the same. Only a packet
 * without a checksum, or with more behind it than that covers, is summed up in full.
 *
 * The frame grows at its front, after which no pointer into it holds: this comes after all else, but
 * before a VLAN tag (tag.h).
 */
#ifndef SHUNT_ENCAP_H
#define SHUNT_ENCAP_H

#include "checksum.h"
#include "director_maps.h"
#include "dscp.h"
#include "parse.h"

#define SH_TUNNEL_TTL 64
#define SH_GUE_PORTS  0xc000 /* source ports: IANA's dynamic range, 14 bits of the hash (RFC 6335) */

/* A tunnel's two ends. */
struct sh_wrap {
	const struct sh_backend *to;
	const struct sh_tunnel *from;
	__u32 mode;
	__u32 share; /* of the flow's hash */
};

/* What else the outer headers are made of, in the one word that a global function takes. */
union sh_outer {
	struct {
		__u32 hash;
		__u16 bytes; /* of the inner packet */
		__u8 class;  /* DSCP and ECN */
		__u8 protocol;
	};
	__u64 word;
};

static __always_inline int sh_mode_wraps(__u32 mode)
{
	return mode == SH_MODE_IPIP || mode == SH_MODE_GUE;
}

/* How much longer a packet gets. */
static __always_inline __u32 sh_encap_bytes(const struct sh_backend *backend, __u32 mode)
{
	__u32 ip = backend->family == SH_FAMILY_IPV4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);

	return mode == SH_MODE_GUE ? ip + sizeof(struct udphdr) : ip;
}

/* Where tunnels to `backend` come from; NULL where that is not known. */
static __always_inline const struct sh_tunnel *sh_encap_source(const struct sh_backend *backend)
{
	const __u32 zero = 0;
	struct sh_knobs *set = bpf_map_lookup_elem(&knobs, &zero);
	const struct sh_tunnel *tunnel;
	const __be32 *w;

	if (!set)
		return NULL;
	tunnel = *(volatile __u32 *)&set->tunnel ? &set->tunnels[1] : &set->tunnels[0];
	w = tunnel->source6.w;
	if (backend->family == SH_FAMILY_IPV4)
		return tunnel->source4 ? tunnel : NULL;
	return w[0] | w[1] | w[2] | w[3] ? tunnel : NULL;
}

/* Two halves as they lie in memory, in one word. */
static __always_inline __u32 sh_encap_halves(__u16 first, __u16 second)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return (__u32)second << 16 | first;
	return (__u32)first << 16 | second;
}

/* ---- the inner packet's sum --------------------------------------------------------------------- */

#define SH_SUM_CHUNK  64
#define SH_SUM_CHUNKS 160 /* a packet of 10 KiB */

/* The first `count` bytes, less than a chunk. */
static __always_inline __u64 sh_sum_head(const __u8 *at, const __u8 *end, __u32 count)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < SH_SUM_CHUNK; i++) {
		if (i >= count || at + i + 1 > end)
			break;
		sum += i & 1 ? bpf_htons(at[i]) : bpf_htons((__u16)(at[i] << 8));
	}
	return sum;
}

/*
 * The sum of the L3 packet of `bytes` bytes behind the Ethernet header, in 16 bits; -1 where it is too long.
 * Whole chunks come last, so that a frame's end needs no care. A global function: verified once,
 * by itself. (RFC 1071: where the head is odd, the rest adds up with its bytes swapped.)
 */
__noinline int sh_sum_whole(struct xdp_md *ctx, __u32 bytes)
{
	__u8 *at = (__u8 *)(long)ctx->data + ETH_HLEN, *end = (__u8 *)(long)ctx->data_end;
	__u64 sum = sh_sum_head(at, end, bytes % SH_SUM_CHUNK);
	__u32 head, chunks, rest = 0;

	/* Computed anew: the verifier would follow the chunks once for each number that the head ended at. */
	barrier_var(bytes);
	head = bytes % SH_SUM_CHUNK;
	chunks = bytes / SH_SUM_CHUNK;
	if (chunks > SH_SUM_CHUNKS)
		return -1;
	at += head;
	for (__u32 i = 0; i < SH_SUM_CHUNKS; i++) {
		if (i >= chunks || at + SH_SUM_CHUNK > end)
			break;
		rest = bpf_csum_diff(NULL, 0, (__be32 *)at, SH_SUM_CHUNK, rest);
		at += SH_SUM_CHUNK;
	}
	rest = sh_sum_fold(rest);
	if (head & 1)
		rest = (rest & 0xff) << 8 | rest >> 8;
	return sh_sum_fold(sum + rest);
}

/* Does an L4 checksum stand for all that is behind the IP header? Behind a deep packet's may be extension
 * headers, or only a part of what it covers. */
static __always_inline int sh_encap_summed(const struct sh_packet *packet, __u32 l4_bytes)
{
	const struct udphdr *udp = packet->l4;

	if (packet->deep)
		return 0;
	return packet->protocol == IPPROTO_TCP ||
	       (packet->protocol == IPPROTO_UDP && udp->check && bpf_ntohs(udp->len) == l4_bytes);
}

/* The complement of the pseudo header, which is what a packet with a right checksum adds up to, and the
 * header where that has no checksum of its own. 0 or -1. */
static __always_inline int sh_encap_sum(struct xdp_md *ctx, const struct sh_packet *packet, __u64 *out)
{
	__u32 header = packet->family == SH_FAMILY_IPV4 ? packet->v4->ihl * 4U : sizeof(struct ipv6hdr);
	__u32 l4_bytes = packet->l3_bytes - header;
	long whole;

	if (!sh_encap_summed(packet, l4_bytes)) {
		whole = sh_sum_whole(ctx, packet->l3_bytes);
		*out = whole;
		return whole < 0 ? -1 : 0;
	}
	if (packet->family == SH_FAMILY_IPV4)
		*out = (__u16)~sh_sum_fold((__u64)packet->v4->saddr + packet->v4->daddr +
					   bpf_htons(packet->protocol) + bpf_htons(l4_bytes));
	else /* what both headers have falls out */
		*out = (__u64) * (__be32 *)packet->v6 +
		       bpf_htons(packet->v6->nexthdr << 8 | packet->v6->hop_limit) +
		       (__u16)~bpf_htons(packet->protocol);
	return 0;
}

/* ---- the outer headers -------------------------------------------------------------------------- */

/* Moves the Ethernet header `bytes` to the front, for an L3 header of `type`; NULL where there is no room.
 * By the words in which it was written (rewrite.h): a load that spans two stores waits for both. */
static __always_inline void *sh_encap_open(struct xdp_md *ctx, const int bytes, __be16 type)
{
	__u8 *to, *from;

	if (bpf_xdp_adjust_head(ctx, -bytes))
		return NULL;
	to = (__u8 *)(long)ctx->data;
	from = to + bytes;
	if (from + ETH_HLEN > (__u8 *)(long)ctx->data_end)
		return NULL;
	*(__u64 *)to = *(__u64 *)from;
	*(__u32 *)(to + 8) = *(__u32 *)(from + 8);
	*(__be16 *)(to + 12) = type;
	return to + ETH_HLEN;
}

/* `sum`: what the checksum has to cover beyond this header; 0: no checksum. */
static __always_inline void sh_encap_udp(union sh_outer outer, __be16 port, struct udphdr *udp, __u64 sum)
{
	__u16 bytes = bpf_htons(outer.bytes + sizeof(*udp));
	__u16 source = bpf_htons(SH_GUE_PORTS | (outer.hash & ~SH_GUE_PORTS & 0xffff));
	__u16 check = 0;

	if (sum) {
		sum += (__u64)source + port + bytes;
		sum = (sum & 0xffffffff) + (sum >> 32);
		check = ~sh_sum_fold(sum);
		check = check ? check : 0xffff;
	}
	*(__be32 *)udp = sh_encap_halves(source, port);
	*((__be32 *)udp + 1) = sh_encap_halves(bytes, check);
}

static __always_inline int sh_encap4_sized(struct xdp_md *ctx, const struct sh_backend *to,
					   const struct sh_tunnel *from, union sh_outer outer, __be32 client,
					   const int bytes)
{
	__be32 *ip = sh_encap_open(ctx, bytes, bpf_htons(ETH_P_IP));
	__be32 source = client ? client : from->source4 | (outer.hash & from->spread4);
	__be32 word[3] = {
		bpf_htonl(0x45U << 24 | outer.class << 16 | (outer.bytes + bytes)),
		bpf_htonl(0x4000), /* DF */
		bpf_htonl((__u32)SH_TUNNEL_TTL << 24 | outer.protocol << 16),
	};
	__u64 sum = (__u64)word[0] + word[1] + word[2] + source + to->address.w[0];

	if (!ip)
		return 0;
	ip[0] = word[0];
	ip[1] = word[1];
	ip[2] = word[2] | sh_encap_halves(0, ~sh_sum_fold(sum));
	ip[3] = source;
	ip[4] = to->address.w[0];
	if (bytes > (int)sizeof(struct iphdr))
		sh_encap_udp(outer, from->port, (struct udphdr *)(ip + 5), 0);
	return 1;
}

static __always_inline int sh_encap6_sized(struct xdp_md *ctx, const struct sh_backend *to,
					   const struct sh_tunnel *from, union sh_outer outer, __u64 sum,
					   const int bytes)
{
	__be32 *ip = sh_encap_open(ctx, bytes, bpf_htons(ETH_P_IPV6));
	const __be32 *source = from->source6.w;
	__be32 last = source[3] | (outer.hash & from->spread6);
	__u32 length = outer.bytes + bytes - sizeof(struct ipv6hdr);

	if (!ip)
		return 0;
	ip[0] = bpf_htonl(6U << 28 | outer.class << 20 | (outer.hash & 0xfffff));
	ip[1] = bpf_htonl(length << 16 | outer.protocol << 8 | SH_TUNNEL_TTL);
	for (int i = 0; i < 4; i++) {
		ip[2 + i] = i < 3 ? source[i] : last;
		ip[6 + i] = to->address.w[i];
		sum += (__u64)(i < 3 ? source[i] : last) + to->address.w[i];
	}
	if (bytes > (int)sizeof(struct ipv6hdr))
		sh_encap_udp(outer, from->port, (struct udphdr *)(ip + 10),
			     sum + bpf_htons(length) + bpf_htons(IPPROTO_UDP));
	return 1;
}

/* Global functions: verified once, by themselves. `client`: not 0: the source instead of our own. */
__noinline int sh_encap4(struct xdp_md *ctx, const struct sh_backend *to, const struct sh_tunnel *from,
			 __u64 word, __u32 client)
{
	const union sh_outer outer = {.word = word};

	if (!to || !from)
		return 0;
	if (outer.protocol == IPPROTO_UDP)
		return sh_encap4_sized(ctx, to, from, outer, client,
				       sizeof(struct iphdr) + sizeof(struct udphdr));
	return sh_encap4_sized(ctx, to, from, outer, client, sizeof(struct iphdr));
}

/* `sum`: of the inner packet, where a UDP checksum needs it. */
__noinline int sh_encap6(struct xdp_md *ctx, const struct sh_backend *to, const struct sh_tunnel *from,
			 __u64 word, __u64 sum)
{
	const union sh_outer outer = {.word = word};

	if (!to || !from)
		return 0;
	if (outer.protocol == IPPROTO_UDP)
		return sh_encap6_sized(ctx, to, from, outer, sum,
				       sizeof(struct ipv6hdr) + sizeof(struct udphdr));
	return sh_encap6_sized(ctx, to, from, outer, sum, sizeof(struct ipv6hdr));
}

static __always_inline __u32 sh_encap_protocol(const struct sh_packet *packet, __u32 mode)
{
	if (mode == SH_MODE_GUE)
		return IPPROTO_UDP;
	return packet->family == SH_FAMILY_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/*
 * Wraps the packet, its MACs and TTL being as they are to be. `kernel`: the stack is to
 * forward it. That refuses a packet from an address of its own (a martian), so within IPv4 the
 * client's stands for it there. 0 where the frame cannot grow.
 */
static __always_inline int sh_encap(struct xdp_md *ctx, const struct sh_packet *packet,
				    const struct sh_wrap *wrap, int kernel)
{
	const union sh_outer outer = {
		.word = (__u64)sh_encap_protocol(packet, wrap->mode) << 56 |
			(__u64)sh_traffic_class(packet) << 48 | (__u64)packet->l3_bytes << 32 | wrap->share,
	};
	__be32 client = kernel && packet->family == SH_FAMILY_IPV4 ? packet->v4->saddr : 0;
	__u64 sum = 0;

	/* The most common one without a call. */
	if (wrap->to->family == SH_FAMILY_IPV4 && wrap->mode == SH_MODE_IPIP)
		return sh_encap4_sized(ctx, wrap->to, wrap->from, outer, client, sizeof(struct iphdr));
	if (wrap->to->family == SH_FAMILY_IPV4)
		return sh_encap4(ctx, wrap->to, wrap->from, outer.word, client);
	if (wrap->mode == SH_MODE_GUE && sh_encap_sum(ctx, packet, &sum))
		return 0;
	return sh_encap6(ctx, wrap->to, wrap->from, outer.word, sum);
}

#endif
