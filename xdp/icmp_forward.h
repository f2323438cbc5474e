/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An ICMP error goes to the backend whose flow it is about, in the service's mode, like the flow's own
 * packets.
 *
 * With connection IDs (named.h) the ring decides: what backends send, and what is quoted of it, names the
 * client.
 *
 * Only looked up: nothing is remembered for it, and no transition lasts longer because of it. Anybody can
 * send errors, and no handshake stands behind their addresses.
 */
#ifndef SHUNT_ICMP_FORWARD_H
#define SHUNT_ICMP_FORWARD_H

#include "count.h"
#include "event.h"
#include "forward.h"
#include "quote.h"
#include "us.h"
#include "match.h"
#include "pick.h"

/* Who has a flow in a slot in transition: the rules of pick.h for a packet in its midst. */
static __always_inline __u32 sh_pick_left(const struct sh_packet *flow, struct sh_slot slot, __u32 known,
					  __u64 owner)
{
	__u32 before = slot.before & ~SH_BEFORE_CLOSED;

	if (known)
		return known;
	if (flow->protocol == IPPROTO_UDP && slot.before & SH_BEFORE_CLOSED)
		return slot.now;
	return sh_backend_lives(before, owner) ? before : slot.now;
}

/* The backend that has the flow, or 0. */
static __always_inline __u32 sh_pick_of(const struct sh_packet *flow, const struct sh_match *match,
					__u64 hash)
{
	__u32 is_random, known;
	struct sh_slot slot;
	struct sh_flow key;
	__u64 where;

	if (!match->service)
		return 0;
	where = *(volatile __u64 *)&match->service->where;
	if (!((struct sh_service){.where = where}).slots)
		return 0;
	is_random = match->service->flags & SH_SERVICE_RANDOM;
	slot = sh_pick_slot(where, sh_hash_ring(hash));
	if (!slot.before && !is_random)
		return slot.now;
	sh_flow_of(flow, match->service->owner, &key);
	known = sh_flow_peek(&key, match->service->owner);
	return is_random ? known : sh_pick_left(flow, slot, known, match->service->owner);
}

/* The error in `packet`, about `flow`, to the backend that has it. */
static __always_inline enum sh_reason sh_icmp_dispatch(struct xdp_md *ctx, struct sh_packet *packet,
						       const struct sh_packet *flow,
						       const struct sh_match *match, __u32 reported)
{
	__u64 hash = sh_flow_hash(flow);
	__u32 index = sh_pick_of(flow, match, hash);
	struct sh_backend *backend = sh_at(&backends, index);
	enum sh_reason reason;

	if (!index || !backend)
		return SH_PASS_ICMP;
	reason = sh_forward(ctx, packet, backend, sh_hash_share(hash));
	if (sh_dispatched(reason)) {
		sh_bump(&service_counts, match->index, packet->frame_bytes);
		sh_bump(&backend_counts, index, packet->frame_bytes);
	}
	if (reported)
		sh_event_end(reported, match->index, index, reason);
	return reason;
}

/* SH_PASS_ICMP, with nothing changed, where the error is about no flow that a backend has. */
static __always_inline enum sh_reason sh_icmp_forward(struct xdp_md *ctx, struct sh_packet *packet,
						      const struct sh_icmp *icmp)
{
	struct sh_quoted quoted;
	struct sh_packet flow;
	struct sh_match match;
	union sh_endpoint vip;

	if (!sh_quote(ctx, packet, icmp, &quoted, &flow) || !sh_same_destination(packet, &flow))
		return SH_PASS_ICMP;
	match = sh_match(&flow, &vip);
	if (!match.is_ours || !sh_to_us(packet->eth))
		return SH_PASS_ICMP;
	return sh_icmp_dispatch(ctx, packet, &flow, &match, sh_event_begin(&flow, &vip));
}

#endif
