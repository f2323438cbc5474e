/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The straight way: what nearly every packet is, from the frame to the verdict without a turn.
 *
 *	TCP or UDP behind IPv4 without options, or behind IPv6 without extension headers
 *	of a service that its guess finds, without flags, while nobody listens to events (<shunt/guess.h>)
 *	to a MAC of ours
 *	in a steady slot
 *	to a backend behind one next hop, that is usable and takes no tag, with room for the packet
 *
 * Whatever does not hold, nothing has been written yet, and the packet goes the general way (direct.h), which
 * knows all of this and the rest: to take this way or that makes no difference but time. So there is nothing
 * here to decide that is not decided there, and every packet test runs by both.
 *
 * What makes it fast is few records, and that no case but the common one is in the way: by l2 a packet reads
 * its guess (service and ring in one), its slot, its backend's lane (<shunt/lane.h>: MACs, MTU and interface
 * in one) and two counters. Headers lie at fixed places, TCP and UDP are compiled apart, and it is a program
 * of its own, as small as it can be. `make bench` has it live beside a program that parses and swaps MACs.
 *
 * Tried there and found not worth it: tables at fixed addresses, a lane per CPU with the backend's counter in
 * it, -O3, a newer clang, a log of what is to be counted, added up by the hundred. Worth 0.01 of that
 * program's packets, and not done: one counter in place of two, and a weaker hash. A larger ring costs
 * (the bench has the largest, too): its slots are what misses the caches.
 */
#ifndef SHUNT_STRAIGHT_H
#define SHUNT_STRAIGHT_H

#include "direct.h"

/* Headers are whole, honest and at their fixed places; what is left is L4, at out->at with `room` by the IP
 * header. The room for TCP's header is asked of UDP too: a shorter frame (IPv4: than the shortest on a
 * wire; IPv6: with less than 12 bytes of data) goes the general way. 0: another packet. */
static __always_inline int sh_straight_ipv4(struct sh_cursor *at, struct sh_packet *packet)
{
	struct iphdr *ip = at->at;

	at->at = ip + 1;
	if (at->at + sizeof(struct tcphdr) > at->end)
		return 0;
	if (*(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(SH_IPV4_FRAGMENT))
		return 0;
	packet->v4 = ip;
	packet->family = SH_FAMILY_IPV4;
	packet->l3_bytes = bpf_ntohs(ip->tot_len);
	return packet->l3_bytes >= sizeof(*ip) && packet->l3_bytes + ETH_HLEN <= packet->frame_bytes;
}

static __always_inline int sh_straight_ipv6(struct sh_cursor *at, struct sh_packet *packet)
{
	struct ipv6hdr *ip = at->at;

	at->at = ip + 1;
	if (at->at + sizeof(struct tcphdr) > at->end)
		return 0;
	packet->v6 = ip;
	packet->family = SH_FAMILY_IPV6;
	packet->l3_bytes = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	return ip->version == 6 && packet->l3_bytes + ETH_HLEN <= packet->frame_bytes;
}

/* What a service's guess leads to. */
struct sh_straight {
	__u64 where;
	__u32 service; /* its index */
};

/* 0: the general way has to find out. */
static __always_inline int sh_straight_match(const struct sh_packet *packet, struct sh_straight *out)
{
	union sh_endpoint vip;
	struct sh_guess *guess;

	sh_endpoint_of(packet, &vip);
	guess = sh_guess_at(packet, &vip);
	if (!guess)
		return 0;
	out->where = *(volatile __u64 *)&guess->where;
	out->service = *(volatile __u32 *)&guess->service;
	if (!out->where || !sh_vip_is(&guess->vip, &guess->vip_port, packet, &vip))
		return 0;
	return out->where == *(volatile __u64 *)&guess->where;
}

/* The steady slot's backend; 0 where the general way has to see to it. */
static __always_inline __u32 sh_straight_pick(__u64 where, __u64 hash)
{
	struct sh_slot slot = sh_pick_slot(where, sh_hash_ring(hash));

	return slot.before ? 0 : slot.now;
}

/* The next hop of a path that has but one, with room for `bytes`. */
static __always_inline int sh_straight_hop(__u32 path, __u32 bytes, struct sh_hop *hop)
{
	const __u32 turns = SH_NEXTHOP_HERE | SH_NEXTHOP_TAGGED;

	if (!(path & SH_PATH_ONE) || !sh_hop_read(path & ~SH_PATH_ONE, hop))
		return 0;
	return (sh_hop_flags(hop) & (SH_NEXTHOP_VALID | turns)) == SH_NEXTHOP_VALID &&
	       !sh_hop_too_small(hop, bytes);
}

/* A lane as it was at one moment. */
struct sh_straight_lane {
	__u64 first;  /* what the frame is to begin with */
	__u32 second; /* and to go on with */
	__u32 mtu;
	__u32 ifindex;
};

/* 0: there is none, or it was changed meanwhile (abi.h). */
static __always_inline int sh_straight_lane(__u32 backend, struct sh_straight_lane *out)
{
	const struct sh_lane *lane = sh_at(&lanes, backend);
	const volatile __u64 *words = (const volatile __u64 *)lane;
	__u64 where;

	if (!lane)
		return 0;
	where = *(const volatile __u64 *)&lane->where;
	out->first = words[0];
	out->second = *(const volatile __u32 *)&words[1];
	out->mtu = *(const volatile __u32 *)&lane->mtu;
	out->ifindex = ((struct sh_lane){.where = where}).ifindex;
	return where && where == *(const volatile __u64 *)&lane->where;
}

/* What came to the very MAC that it is sent on from came to us. */
static __always_inline int sh_straight_l2_to_us(const struct ethhdr *eth, const struct sh_straight_lane *lane)
{
	return sh_mac_is_to_source(eth, lane->first, lane->second) || sh_to_us(eth);
}

static __always_inline enum sh_reason sh_straight_l2(struct xdp_md *ctx, const struct sh_packet *packet,
						     const struct sh_straight_lane *lane)
{
	const struct sh_hop hop = {.ifindex = lane->ifindex, .mtu = lane->mtu};
	void *frame = packet->eth;

	if (!sh_straight_l2_to_us(packet->eth, lane) || sh_hop_too_small(&hop, packet->l3_bytes) ||
	    sh_mac_is_from_destination(packet->eth, lane->first))
		return SH_GO_ON;
	*(__u64 *)frame = lane->first;
	*(__u32 *)(frame + 8) = lane->second;
	return sh_hop_out(ctx, &hop);
}

static __always_inline enum sh_reason sh_straight_l3(struct xdp_md *ctx, const struct sh_packet *packet,
						     const struct sh_backend *backend, __u32 path)
{
	struct sh_hop hop;

	if (backend->family != packet->family || sh_ttl(packet) <= 1)
		return SH_GO_ON;
	if (!sh_straight_hop(path, packet->l3_bytes, &hop))
		return SH_GO_ON;
	sh_rewrite_routed(packet, backend);
	sh_rewrite_mac_words(packet->eth, hop.dst, hop.src);
	return sh_hop_out(ctx, &hop);
}

static __always_inline enum sh_reason sh_straight_wrapped(struct xdp_md *ctx, const struct sh_packet *packet,
							  struct sh_wrap *wrap, __u32 path)
{
	struct sh_hop hop;

	wrap->from = sh_encap_source(wrap->to);
	if (!wrap->from || sh_ttl(packet) <= 1)
		return SH_GO_ON;
	if (!sh_straight_hop(path, packet->l3_bytes + sh_encap_bytes(wrap->to, wrap->mode), &hop))
		return SH_GO_ON;
	sh_rewrite_ttl(packet);
	sh_rewrite_mac_words(packet->eth, hop.dst, hop.src);
	return sh_encap(ctx, packet, wrap, 0) ? sh_hop_out(ctx, &hop) : SH_DROP_EGRESS;
}

static __always_inline enum sh_reason sh_straight_routed(struct xdp_md *ctx, const struct sh_packet *packet,
							 __u32 chosen, __u32 share)
{
	const struct sh_backend *backend = sh_at(&backends, chosen);
	struct sh_wrap wrap = {.to = backend, .share = share};
	struct sh_backend how;

	if (!backend || !sh_to_us(packet->eth))
		return SH_GO_ON;
	how.how = *(const volatile __u64 *)&backend->how;
	if (how.mode == SH_MODE_L3)
		return sh_straight_l3(ctx, packet, backend, how.path);
	wrap.mode = how.mode;
	if (sh_mode_wraps(how.mode))
		return sh_straight_wrapped(ctx, packet, &wrap, how.path);
	return SH_GO_ON;
}

/* To the backend `chosen`. */
static __always_inline enum sh_reason sh_straight_send(struct xdp_md *ctx, const struct sh_packet *packet,
						       __u32 chosen, __u64 hash)
{
	struct sh_straight_lane lane;

	if (sh_straight_lane(chosen, &lane))
		return sh_straight_l2(ctx, packet, &lane);
	return sh_straight_routed(ctx, packet, chosen, sh_hash_share(hash));
}

static __always_inline void sh_straight_count(const struct sh_packet *packet, __u32 service, __u32 backend,
					      enum sh_reason reason)
{
	struct sh_straight_count *count;

	if (reason != SH_TX && reason != SH_REDIRECT) {
		sh_bump(&reasons, reason, packet->frame_bytes);
		return;
	}
	count = sh_at(&straight_counts, service);
	if (count)
		sh_add(reason == SH_TX ? &count->tx : &count->redirect, packet->frame_bytes);
	sh_bump(&backend_counts, backend, packet->frame_bytes);
}

/* SH_GO_ON: untouched, and not counted. */
static __always_inline enum sh_reason sh_straight_go(struct xdp_md *ctx, const struct sh_packet *packet)
{
	struct sh_straight to;
	enum sh_reason reason;
	__u32 chosen;
	__u64 hash;

	if (!sh_straight_match(packet, &to))
		return SH_GO_ON;
	hash = sh_flow_hash(packet);
	chosen = sh_straight_pick(to.where, hash);
	if (!chosen)
		return SH_GO_ON;
	reason = sh_straight_send(ctx, packet, chosen, hash);
	if (reason != SH_GO_ON)
		sh_straight_count(packet, to.service, chosen, reason);
	return reason;
}

/* Once for each protocol, which is known when this is compiled. */
static __always_inline enum sh_reason sh_straight_l4(struct xdp_md *ctx, struct sh_cursor l4, __u32 protocol,
						     __u32 room, struct sh_packet *packet)
{
	if (protocol == IPPROTO_TCP) {
		packet->protocol = IPPROTO_TCP;
		return sh_parse_tcp(l4, room, packet) == SH_GO_ON ? sh_straight_go(ctx, packet) : SH_GO_ON;
	}
	if (protocol == IPPROTO_UDP) {
		packet->protocol = IPPROTO_UDP;
		return sh_parse_udp(l4, room, packet) == SH_GO_ON ? sh_straight_go(ctx, packet) : SH_GO_ON;
	}
	return SH_GO_ON;
}

/* Parses by itself: what both ways shared, the compiler would keep in memory for the longer one. */
static __always_inline enum sh_reason sh_straight(struct xdp_md *ctx)
{
	struct sh_packet packet = {};
	struct sh_cursor cursor;
	__u32 type = sh_parse_ethernet(ctx, &cursor, &packet);

	if (type == bpf_htons(ETH_P_IP) && sh_straight_ipv4(&cursor, &packet))
		return sh_straight_l4(ctx, cursor, packet.v4->protocol, packet.l3_bytes - sizeof(*packet.v4),
				      &packet);
	if (type == bpf_htons(ETH_P_IPV6) && sh_straight_ipv6(&cursor, &packet))
		return sh_straight_l4(ctx, cursor, packet.v6->nexthdr, packet.l3_bytes - sizeof(*packet.v6),
				      &packet);
	return SH_GO_ON;
}

#endif
