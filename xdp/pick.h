/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which backend takes a flow?
 *
 * The hash of {client, both ports, protocol} selects a slot of the service's ring. It is the same
 * on every machine whatever its byte order, so that directors with the same file agree on each
 * flow. The upper half selects the slot, the lower half the bucket of a multipath path (forward.h):
 * flows of one backend still spread over its legs.
 *
 * A steady slot is the whole answer. In a slot in transition a packet goes by these, in order:
 *
 *	remembered (flows.h)		where that says, a retransmitted SYN too
 *	its flow begins (TCP, QUIC)	to the backend now, and is remembered
 *	in the midst of a TCP flow	to the backend before: the flow began there. Not remembered, as
 *					the slot goes on saying so, whatever backends come after
 *	any other datagram		the same, but remembered, until the transition is closed to
 *					new ones (SH_BEFORE_CLOSED): then to the backend now
 *
 * So `before` is the backend that was there when the transition began, and who came and went
 * since then has its flows in the table. The controller ends a transition once no packet has
 * come for what is being left (sh_backend_saw) for the service's idle time.
 *
 * Before all that, where the service has IDs for QUIC, the backend that a packet names (named.h).
 *
 * With the scheduler `random` a new flow takes any slot and is remembered; one that is unknown or
 * whose backend is gone is dealt anew.
 */
#ifndef SHUNT_PICK_H
#define SHUNT_PICK_H

#include <shunt/hash.h>

#include "flows.h"
#include "match.h"
#include "named.h"

static __always_inline __u64 sh_flow_hash(const struct sh_packet *packet)
{
	__u32 ports = bpf_ntohl(packet->ports);
	const __u32 *w;

	if (packet->family == SH_FAMILY_IPV4)
		return sh_hash4(bpf_ntohl(packet->v4->saddr), ports, packet->protocol);
	w = packet->v6->saddr.in6_u.u6_addr32;
	return sh_hash6((__u64)bpf_ntohl(w[0]) << 32 | bpf_ntohl(w[1]),
			(__u64)bpf_ntohl(w[2]) << 32 | bpf_ntohl(w[3]), ports, packet->protocol);
}

/* The slot `share`/2^32 of the way round the ring; empty where there is none. */
static __always_inline struct sh_slot sh_pick_slot(__u64 where, __u32 share)
{
	__u32 ring = ((struct sh_service){.where = where}).ring;
	__u32 slots_count = ((struct sh_service){.where = where}).slots;
	__u32 index = ring + sh_hash_slot(share, slots_count);
	struct sh_slot *slot;

	slot = sh_at(&slots, index);
	if (!slot)
		return (struct sh_slot){};
	return (struct sh_slot){.both = *(volatile __u64 *)&slot->both};
}

/* A packet in the midst of a flow that nothing is known of: to the backend before. */
static __always_inline __u32 sh_pick_before(__u32 before, __u32 now)
{
	struct sh_backend *backend = bpf_map_lookup_elem(&backends, &before);

	if (!backend || ((struct sh_backend){.how = *(volatile __u64 *)&backend->how}).mode == SH_MODE_NONE)
		return now;
	if (before != now)
		sh_backend_saw(backend);
	return before;
}

/* By the rules above. Called and not inlined: the way through steady slots keeps its registers. Global, so
 * that it is verified once and not once for each way here. The flow is copied, as Linux before 6.2 takes no
 * argument of a global function for a map's key. */
__noinline __u32 sh_pick_moving(const struct sh_flow *flow, __u64 both, enum sh_stage stage, __u64 owner)
{
	struct sh_slot slot = {.both = both};
	__u32 before = slot.before & ~SH_BEFORE_CLOSED;
	const struct sh_among among = {.owner = owner, .now = slot.now};
	struct sh_trace trace;
	struct sh_flow own;
	__u32 chosen;

	if (!flow)
		return 0;
	own = *flow;
	trace = sh_trace_of(&own);
	chosen = sh_flow_known(&trace, stage, &among);
	if (chosen)
		return chosen;
	if (stage == SH_STAGE_BEGINS || (stage == SH_STAGE_DATAGRAM && slot.before & SH_BEFORE_CLOSED))
		chosen = slot.now;
	else
		chosen = sh_pick_before(before, slot.now);
	if (chosen && stage != SH_STAGE_GOES_ON)
		sh_flow_remember(&trace, chosen);
	return chosen;
}

/* Who is known stays also where nobody takes new flows. */
__noinline __u32 sh_pick_random(const struct sh_flow *flow, __u64 where, enum sh_stage stage, __u64 owner)
{
	__u32 dealt = sh_pick_slot(where, bpf_get_prandom_u32()).now;
	const struct sh_among among = {.owner = owner};
	struct sh_trace trace;
	struct sh_flow own;
	__u32 known;

	if (!flow)
		return 0;
	own = *flow;
	trace = sh_trace_of(&own);
	known = sh_flow_known(&trace, stage, &among);
	if (known)
		return known;
	if (dealt)
		sh_flow_remember(&trace, dealt);
	return dealt;
}

static __always_inline __u32 sh_pick_between(struct xdp_md *ctx, const struct sh_packet *packet,
					     const struct sh_match *match, struct sh_slot slot)
{
	struct sh_flow flow;

	sh_flow_of(packet, match->service->owner, &flow);
	return sh_pick_moving(&flow, slot.both, sh_stage_of(ctx, packet), match->service->owner);
}

/* For services whose record has flags. */
static __always_inline __u32 sh_pick_flagged(struct xdp_md *ctx, const struct sh_packet *packet,
					     const struct sh_match *match, __u64 where, __u64 hash)
{
	__u32 named = 0;
	struct sh_slot slot;
	struct sh_flow flow;

	if (match->service->flags & SH_SERVICE_QUIC_ID)
		named = sh_named(ctx, packet, match->service);
	if (named && !(named & SH_QUIC_PERHAPS))
		return named;
	if (!((struct sh_service){.where = where}).slots)
		return 0;
	if (match->service->flags & SH_SERVICE_RANDOM) {
		sh_flow_of(packet, match->service->owner, &flow);
		return sh_pick_random(&flow, where, sh_stage_of(ctx, packet), match->service->owner);
	}
	slot = sh_pick_slot(where, sh_hash_ring(hash));
	if (!slot.before)
		return slot.now;
	if (named && (named & ~SH_QUIC_PERHAPS) == (slot.before & ~SH_BEFORE_CLOSED))
		return named & ~SH_QUIC_PERHAPS;
	return sh_pick_between(ctx, packet, match, slot);
}

/* The backend's index in `backends`, or 0 where the service has none. */
static __always_inline __u32 sh_pick(struct xdp_md *ctx, const struct sh_packet *packet,
				     const struct sh_match *match, __u64 hash)
{
	struct sh_slot slot;
	__u64 where;

	if (!match->service)
		return 0;
	where = *(volatile __u64 *)&match->service->where;
	if (match->service->flags)
		return sh_pick_flagged(ctx, packet, match, where, hash);
	if (!((struct sh_service){.where = where}).slots)
		return 0;
	slot = sh_pick_slot(where, sh_hash_ring(hash));
	return slot.before ? sh_pick_between(ctx, packet, match, slot) : slot.now;
}

#endif
