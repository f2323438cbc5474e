/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hard packets on a director: fragments, extension headers (deep.h) and tags (tags.h), which take the same
 * way as plain packets (direct.h) once they are understood.
 *
 * The fragments of one datagram go to one backend, by one leg:
 *
 *	the first	has the ports and is dealt with as any packet of its flow; where it went is remembered
 *			(pieces.h)
 *	a later one	goes where that says
 *	a later one	that comes before the first, where all services of the VIP and protocol share a ring
 *			(`stray`): picks from that as a flow without ports would. This is remembered, and the
 *			first joins it: the datagram arrives as a whole, if not where its flow's others do
 *	a later one	else passes
 *
 * The first fragment of a datagram to a port that no service has passes, and is remembered, too, so that the
 * later ones pass. Fragments are never held back, nor put together.
 *
 * Nothing is chosen for frames to others' MACs (us.h), nor remembered of them: a switch that floods them
 * would else fill the tables with flows that are not this node's.
 */
#ifndef SHUNT_HARD_H
#define SHUNT_HARD_H

#include "deep.h"
#include "direct.h"
#include "further.h"
#include "mend.h"
#include "pieces.h"

/* Where the fragments of a datagram go. */
struct sh_bound {
	__u64 owner;   /* identity of the service's entry in the file */
	__u32 service; /* 0: they pass */
	__u32 backend;
	__u32 share;
	__u32 seen;
	__u32 early; /* 1: a later fragment came first and chose */
	__u32 zero;
};

SH_PIECES(bound, struct sh_bound);

static __always_inline const struct sh_bound *sh_bound_find(const struct sh_piece_key *key)
{
	const struct sh_bound *found = bpf_map_lookup_elem(&bound, key);

	return found && sh_piece_lives(found->seen) ? found : NULL;
}

/* The service that fragments without ports to this address are taken for; 0: none. */
static __always_inline __u32 sh_stray(const struct sh_packet *packet)
{
	union sh_endpoint vip = {};
	__u32 *index;

	if (packet->family == SH_FAMILY_IPV4) {
		vip.v4.addr = packet->v4->daddr;
		vip.v4.protocol = packet->protocol;
		vip.v4.zero = SH_ENDPOINT_STRAY;
		index = bpf_map_lookup_elem(&vips4, &vip.v4);
	} else {
		__builtin_memcpy(vip.v6.addr, &packet->v6->daddr, sizeof(vip.v6.addr));
		vip.v6.protocol = packet->protocol;
		vip.v6.zero = SH_ENDPOINT_STRAY;
		index = bpf_map_lookup_elem(&vips6, &vip.v6);
	}
	return index ? *index : 0;
}

/* A backend for a datagram of which the ports are not known yet; the state of its flow counts for nothing. */
static __always_inline __u32 sh_pick_early(const struct sh_service *service, __u64 hash)
{
	__u64 where = *(volatile __u64 *)&service->where;
	struct sh_slot slot = {};

	if (((struct sh_service){.where = where}).slots)
		slot = sh_pick_slot(where, sh_hash_ring(hash));
	if (!slot.before || slot.before & SH_BEFORE_CLOSED)
		return slot.now;
	return sh_pick_before(slot.before, slot.now);
}

/* Is the packet for a service? Chooses as for any packet of its flow: SH_GO_ON, or the reason not to. */
static __always_inline enum sh_reason sh_choose(struct xdp_md *ctx, const struct sh_packet *packet,
						const struct sh_bound *before, struct sh_bound *to)
{
	union sh_endpoint vip;
	struct sh_match match;
	__u64 hash;

	match = sh_match(packet, &vip);
	if (!match.is_ours)
		return SH_PASS_NOT_OURS;
	to->service = match.index;
	if (!match.service)
		return SH_GO_ON; /* to no backend */
	to->owner = match.service->owner;
	if (before && before->early && before->owner == to->owner) {
		to->backend = before->backend;
		to->share = before->share;
		to->early = 1;
		return SH_GO_ON;
	}
	hash = sh_flow_hash(packet);
	to->backend = sh_pick(ctx, packet, &match, hash);
	to->share = sh_hash_share(hash);
	return SH_GO_ON;
}

/* A whole datagram, or the first fragment, which is remembered. */
static __always_inline enum sh_reason sh_choose_first(struct xdp_md *ctx, const struct sh_packet *packet,
						      const struct sh_piece_key *key, struct sh_bound *to)
{
	const struct sh_bound *before = packet->piece ? sh_bound_find(key) : NULL;
	enum sh_reason reason = sh_choose(ctx, packet, before, to);

	if (packet->piece && (reason == SH_GO_ON || sh_stray(packet)))
		bpf_map_update_elem(&bound, key, to, BPF_ANY);
	return reason;
}

/* Nothing is known of its datagram. */
static __always_inline enum sh_reason sh_choose_early(const struct sh_packet *packet,
						      const struct sh_piece_key *key, struct sh_bound *to)
{
	const struct sh_service *service;
	__u64 hash = sh_flow_hash(packet);

	to->service = sh_stray(packet);
	service = sh_at(&services, to->service);
	if (!to->service || !service)
		return SH_PASS_FRAGMENT;
	to->owner = service->owner;
	to->backend = sh_pick_early(service, hash);
	to->share = sh_hash_share(hash);
	to->early = 1;
	bpf_map_update_elem(&bound, key, to, BPF_ANY);
	return SH_GO_ON;
}

static __always_inline enum sh_reason sh_choose_later(const struct sh_packet *packet,
						      const struct sh_piece_key *key, struct sh_bound *to)
{
	const struct sh_bound *found = sh_bound_find(key);
	const struct sh_backend *backend;

	if (!found)
		return sh_choose_early(packet, key, to);
	*to = *found;
	backend = sh_at(&backends, to->backend);
	if (!to->service || !backend)
		return SH_PASS_FRAGMENT;
	/* The record may be another service's by now. */
	if (backend->owner != to->owner)
		to->backend = 0;
	return SH_GO_ON;
}

static __always_inline enum sh_reason sh_choose_by_piece(struct xdp_md *ctx, const struct sh_packet *packet,
							 struct sh_bound *to)
{
	const void *l4 = packet->l4;
	struct sh_piece_key key;

	sh_piece_key_of(packet, &key);
	to->seen = sh_piece_now();
	if (packet->piece == SH_PIECE_LATER)
		return sh_choose_later(packet, &key, to);
	/* Others have one, but the verifier of Linux 6.1 may have lost sight of that. */
	barrier_var(l4);
	return l4 ? sh_choose_first(ctx, packet, &key, to) : SH_PASS_FRAGMENT;
}

/* Not static: the verifier walks it once, and not once for each way here. */
__noinline int sh_hard_mac_is_us(__u64 word)
{
	return sh_mac_is_us(word);
}

/* Of a frame to another's MAC: would it be a service's? */
static __always_inline enum sh_reason sh_hard_not_us(const struct sh_packet *packet)
{
	union sh_endpoint vip;

	if (packet->piece == SH_PIECE_LATER)
		return sh_stray(packet) ? SH_PASS_NOT_US : SH_PASS_FRAGMENT;
	return sh_match(packet, &vip).is_ours ? SH_PASS_NOT_US : SH_PASS_NOT_OURS;
}

static __always_inline enum sh_reason sh_hard_direct(struct xdp_md *ctx, struct sh_packet *packet)
{
	struct sh_bound to = {};
	enum sh_reason reason;
	union sh_endpoint vip;
	__u32 reported;

	if (!sh_hard_mac_is_us(sh_mac_destination(packet->eth)))
		return sh_hard_not_us(packet);
	reason = sh_choose_by_piece(ctx, packet, &to);
	if (reason != SH_GO_ON)
		return reason;
	sh_endpoint_of(packet, &vip);
	reported = sh_event_begin(packet, &vip);
	reason = sh_send(ctx, packet, to.backend, to.share);
	return sh_settle(ctx, packet, reported, to.service, to.backend, reason);
}

static __always_inline enum sh_reason sh_hard_handle(struct xdp_md *ctx, struct sh_handed *here,
						     struct sh_cursor cursor, __u32 family,
						     struct sh_packet *packet)
{
	enum sh_reason reason;

	packet->frame_bytes = here->frame_bytes;
	if (load.restore && here->tags) {
		reason = sh_decap(ctx, cursor, family);
		if (reason != SH_GO_ON)
			return reason;
	}
	reason = sh_deep_parse(cursor, family, packet);
	here->piece = packet->piece;
	if (reason == SH_PASS_PROTOCOL &&
	    (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6) && here->tags)
		return sh_hand_over(ctx, SH_FURTHER_ICMP, packet, reason);
	if (reason != SH_GO_ON)
		return reason;
	if (load.restore && sh_mend(packet) == SH_RESTORED)
		return SH_RESTORED;
	return sh_hard_direct(ctx, packet);
}

/* The body of the program: a packet's reason. */
static __always_inline enum sh_reason sh_hard(struct xdp_md *ctx, struct sh_handed *here)
{
	struct sh_packet packet;
	struct sh_cursor cursor;

	if (here->reason == SH_PASS_NOT_IP && !sh_tags_off(ctx, here))
		return SH_PASS_NOT_IP;
	switch (sh_parse_ethernet(ctx, &cursor, &packet)) {
	case bpf_htons(ETH_P_IP):
		return sh_hard_handle(ctx, here, cursor, SH_FAMILY_IPV4, &packet);
	case bpf_htons(ETH_P_IPV6):
		return sh_hard_handle(ctx, here, cursor, SH_FAMILY_IPV6, &packet);
	}
	return here->reason;
}

#endif
