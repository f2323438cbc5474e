/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Echo requests to a VIP: answered here, as long as a service on it has an active backend.
 *
 * So a ping says what it is asked for, whether the VIP serves, and it says the same wherever it is sent from:
 * no backend knows of all services of a VIP. The request becomes its own answer (RFC 792; RFC 4443, 4.2),
 * sent back where it came from; its data, class and identification stay, and so does a checksum that was
 * wrong. One answer to one request needs no limit.
 */
#ifndef SHUNT_ECHO_H
#define SHUNT_ECHO_H

#include "checksum.h"
#include "director_maps.h"
#include "quote.h"
#include "us.h"

#define SH_ECHO_TTL 64

/* The record that speaks for the address, or NULL where that is no VIP. */
static __always_inline const struct sh_service *sh_vip_find(const struct sh_packet *packet)
{
	struct sh_address key = {.family = packet->family};
	__u32 *index;

	if (packet->family == SH_FAMILY_IPV4)
		key.ip.w[0] = packet->v4->daddr;
	else
		__builtin_memcpy(&key.ip, &packet->v6->daddr, sizeof(key.ip));
	index = bpf_map_lookup_elem(&addresses, &key);
	return index ? bpf_map_lookup_elem(&services, index) : NULL;
}

static __always_inline void sh_echo_macs(struct ethhdr *eth)
{
	__u8 from[ETH_ALEN];

	__builtin_memcpy(from, eth->h_source, sizeof(from));
	__builtin_memcpy(eth->h_source, eth->h_dest, sizeof(from));
	__builtin_memcpy(eth->h_dest, from, sizeof(from));
}

/* Exchanging two addresses changes no sum. */
static __always_inline void sh_echo_turn4(struct iphdr *ip)
{
	__be32 *word = (__be32 *)ip, before = word[2];
	__be32 from = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = from;
	ip->ttl = SH_ECHO_TTL;
	/* The word with the checksum, which is left out on both sides. */
	sh_checksum_apply(ip,
			  sh_sum_replace(before & bpf_htonl(0xffff0000), word[2] & bpf_htonl(0xffff0000)));
}

static __always_inline void sh_echo_turn6(struct ipv6hdr *ip)
{
	struct in6_addr from = ip->saddr;

	ip->saddr = ip->daddr;
	ip->daddr = from;
	ip->hop_limit = SH_ECHO_TTL;
}

/* A message of nothing but zeros adds up to 0, which a checksum of 0 is wrong for; for any other, 0xffff is
 * as good as 0 (RFC 1071). */
static __always_inline void sh_echo_turn(const struct sh_packet *packet, const struct sh_icmp *icmp)
{
	int is_v4 = packet->family == SH_FAMILY_IPV4;
	__sum16 check;
	__u32 reply = is_v4 ? SH_ICMP4_ECHO_REPLY : SH_ICMP6_ECHO_REPLY;
	__u16 before = bpf_htons(icmp->header->type << 8);

	sh_echo_macs(packet->eth);
	if (is_v4)
		sh_echo_turn4(packet->v4);
	else
		sh_echo_turn6(packet->v6);
	check = sh_sum_patched(icmp->header->check, (__u64)(__u16)~before + bpf_htons(reply << 8));
	icmp->header->check = check ? check : 0xffff;
	icmp->header->type = reply;
}

/* Options may ask for a route back: that is the kernel's to follow. */
static __always_inline int sh_echo_plain(const struct sh_packet *packet)
{
	if (packet->family == SH_FAMILY_IPV4)
		return packet->v4->ihl == 5 && sh_unicast4(packet->v4->saddr);
	return sh_unicast6(packet->v6->saddr.in6_u.u6_addr32);
}

static __always_inline enum sh_reason sh_echo(const struct sh_packet *packet, const struct sh_icmp *icmp)
{
	const struct sh_service *vip = sh_vip_find(packet);

	if (!vip || !sh_to_us(packet->eth) || !sh_echo_plain(packet))
		return SH_PASS_PROTOCOL;
	if (!*(const volatile __u32 *)&vip->answers)
		return SH_DROP_ECHO;
	sh_echo_turn(packet, icmp);
	return SH_ECHOED;
}

#endif
