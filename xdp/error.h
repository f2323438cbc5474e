/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet becomes the ICMP error about itself, for who sent it: what too_big.h and time_exceeded.h have in
 * common.
 *
 * The error goes back by the link that the packet came from. It quotes what fits in 576 and 1280 bytes:
 * enough for the sender to find its flow and to see that the error is none that a stranger made up
 * (RFC 1812, 4.3.2.3; RFC 4443, 2.4; RFC 5927).
 *
 * Never in answer to what went to a group or came from nobody (RFC 1122, 3.2.2). Nor about an ICMP error:
 * those are not handed over (icmp_forward.h).
 */
#ifndef SHUNT_ERROR_H
#define SHUNT_ERROR_H

#include "encap.h"
#include "quote.h"
#include "telling.h"

#define SH_ERROR4_MAX	576 /* of the whole error */
#define SH_ERROR6_MAX	1280
#define SH_ERROR_TTL	64
#define SH_ERROR4_CLASS 0xc0 /* internetwork control (RFC 1812, 4.3.2.5) */

#define SH_ERROR4_MORE (sizeof(struct iphdr) + sizeof(struct sh_icmp_header))
#define SH_ERROR6_MORE (sizeof(struct ipv6hdr) + sizeof(struct sh_icmp_header))

#define SH_IPV4_DF 0x4000

/* What is said, and who says it. */
struct sh_error {
	__u32 kind;	   /* SH_ERROR_KIND */
	__u32 rest;	   /* of the ICMP header */
	struct sh_ip from; /* IPv4: the first word */
};

#define SH_ERROR_KIND(type, code) ((__u32)(type) << 24 | (code) << 16)

/* Did one host send it, and to this one? */
static __always_inline int sh_error_may(const struct sh_packet *packet)
{
	if (packet->eth->h_dest[0] & 1)
		return 0;
	if (packet->family == SH_FAMILY_IPV4)
		return sh_unicast4(packet->v4->saddr);
	return sh_unicast6(packet->v6->saddr.in6_u.u6_addr32);
}

/* ---- its bytes ---------------------------------------------------------------------------------- */

/* Cuts the frame behind `quote` bytes of its L3 packet and makes room for `more` in front of that, with the
 * Ethernet header there, turned round. NULL where that does not go. */
static __always_inline void *sh_error_open(struct xdp_md *ctx, __u32 frame_bytes, __u32 quote, const int more)
{
	int cut = (int)(frame_bytes - ETH_HLEN - quote);
	__u16 *to, *from;
	__u16 mac;

	if (cut < 0 || bpf_xdp_adjust_tail(ctx, -cut) || bpf_xdp_adjust_head(ctx, -more))
		return NULL;
	to = (__u16 *)(long)ctx->data;
	from = (__u16 *)((__u8 *)to + more);
	if ((__u8 *)from + ETH_HLEN > (__u8 *)(long)ctx->data_end)
		return NULL;
	for (int i = 0; i < ETH_ALEN / 2; i++) {
		mac = from[i];
		to[i] = from[i + ETH_ALEN / 2];
		to[i + ETH_ALEN / 2] = mac;
	}
	to[ETH_ALEN] = from[ETH_ALEN];
	return to + ETH_ALEN + 1;
}

/* The ICMP header behind the IP header of `header` bytes, once more: no pointer outlives a subprogram. */
static __always_inline struct sh_icmp_header *sh_error_icmp(struct xdp_md *ctx, __u32 header)
{
	struct sh_icmp_header *icmp = (void *)(long)ctx->data + ETH_HLEN + header;

	return (void *)(icmp + 1) > (void *)(long)ctx->data_end ? NULL : icmp;
}

/* A right IPv4 header adds up to zero, so the whole packet adds up to what is behind it. */
static __always_inline int sh_error_seal4(struct xdp_md *ctx, __u32 bytes)
{
	int sum = sh_sum_whole(ctx, bytes);
	struct sh_icmp_header *icmp = sh_error_icmp(ctx, sizeof(struct iphdr));

	if (sum < 0 || !icmp)
		return 0;
	icmp->check = ~(__u16)sum;
	return 1;
}

/* The packet, less what of the IPv6 header is not in the pseudo header, which has the protocol in its place.
 */
static __always_inline int sh_error_seal6(struct xdp_md *ctx, __u32 bytes)
{
	int whole = sh_sum_whole(ctx, bytes);
	struct sh_icmp_header *icmp = sh_error_icmp(ctx, sizeof(struct ipv6hdr));
	__u64 sum;

	if (whole < 0 || !icmp)
		return 0;
	sum = (__u64)whole + (__u16)~bpf_htons(6 << 12) +
	      (__u16)~bpf_htons(IPPROTO_ICMPV6 << 8 | SH_ERROR_TTL) + bpf_htons(IPPROTO_ICMPV6);
	icmp->check = ~sh_sum_fold(sum);
	return 1;
}

static __always_inline int sh_error4(struct xdp_md *ctx, const struct sh_packet *packet,
				     const struct sh_error *error)
{
	__u32 quote = packet->l3_bytes;
	__be32 from = error->from.w[0], client = packet->v4->saddr, *ip;
	__be32 word[3];

	if (quote > SH_ERROR4_MAX - SH_ERROR4_MORE)
		quote = SH_ERROR4_MAX - SH_ERROR4_MORE;
	word[0] = bpf_htonl(0x45U << 24 | SH_ERROR4_CLASS << 16 | (quote + SH_ERROR4_MORE));
	word[1] = bpf_htonl(SH_IPV4_DF);
	word[2] = bpf_htonl((__u32)SH_ERROR_TTL << 24 | IPPROTO_ICMP << 16);
	ip = sh_error_open(ctx, packet->frame_bytes, quote, SH_ERROR4_MORE);
	if (!ip)
		return 0;
	ip[0] = word[0];
	ip[1] = word[1];
	ip[2] = word[2];
	((struct iphdr *)ip)->check = ~sh_sum_fold((__u64)word[0] + word[1] + word[2] + from + client);
	ip[3] = from;
	ip[4] = client;
	ip[5] = bpf_htonl(error->kind);
	ip[6] = bpf_htonl(error->rest);
	return sh_error_seal4(ctx, quote + SH_ERROR4_MORE);
}

static __always_inline int sh_error6(struct xdp_md *ctx, const struct sh_packet *packet,
				     const struct sh_error *error)
{
	__u32 quote = packet->l3_bytes;
	struct in6_addr client = packet->v6->saddr;
	struct ipv6hdr *ip;
	__be32 *word;

	if (quote > SH_ERROR6_MAX - SH_ERROR6_MORE)
		quote = SH_ERROR6_MAX - SH_ERROR6_MORE;
	ip = sh_error_open(ctx, packet->frame_bytes, quote, SH_ERROR6_MORE);
	if (!ip)
		return 0;
	word = (__be32 *)ip;
	word[0] = bpf_htonl(6U << 28);
	word[1] = bpf_htonl((quote + sizeof(struct sh_icmp_header)) << 16 | IPPROTO_ICMPV6 << 8 |
			    SH_ERROR_TTL);
	__builtin_memcpy(&ip->saddr, &error->from, sizeof(ip->saddr));
	ip->daddr = client;
	word[10] = bpf_htonl(error->kind);
	word[11] = bpf_htonl(error->rest);
	return sh_error_seal6(ctx, quote + SH_ERROR6_MORE);
}

/* Its IP header is whole (parse.h). 0 where the frame cannot become the error: it is spoiled then. */
static __always_inline int sh_error_make(struct xdp_md *ctx, const struct sh_packet *packet,
					 const struct sh_error *error)
{
	return packet->family == SH_FAMILY_IPV4 ? sh_error4(ctx, packet, error)
						: sh_error6(ctx, packet, error);
}

#endif
