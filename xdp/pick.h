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

#include "flows.h"
#include "match.h"
#include "named.h"

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014; D. Stafford's mix 13): a bijection in which
 * each input bit flips each output bit with a probability close to one half. */
static __always_inline __u64 sh_mix(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* IPv6 addresses are folded into 64 bits first: an odd multiplier carries the upper half's bits
 * across, so that the two halves cannot cancel out. */
static __always_inline __u64 sh_client_bits(const struct sh_packet *packet)
{
	const __u32 *w = packet->v6->saddr.in6_u.u6_addr32;
	__u64 high = (__u64)bpf_ntohl(w[0]) << 32 | bpf_ntohl(w[1]);
	__u64 low = (__u64)bpf_ntohl(w[2]) << 32 | bpf_ntohl(w[3]);

	high *= 0xd6e8feb86659fd93ULL;
	return (high ^ (high >> 32)) + low;
}

static __always_inline __u64 sh_flow_hash(const struct sh_packet *packet)
{
	__u64 salt = packet->protocol * 0x9e3779b97f4a7c15ULL;
	__u32 ports = bpf_ntohl(packet->ports);

	if (packet->family == SH_FAMILY_IPV4)
		return sh_mix(((__u64)bpf_ntohl(packet->v4->saddr) << 32 | ports) ^ salt);
	return sh_mix(sh_mix(sh_client_bits(packet)) ^ ports ^ salt);
}

/* The slot `share`/2^32 of the way round the ring; empty where there is none. */
static __always_inline struct sh_slot sh_pick_slot(__u64 where, __u32 share)
{
	__u32 ring = ((struct sh_service){.where = where}).ring;
	__u32 slots_count = ((struct sh_service){.where = where}).slots;
	__u32 index = ring + (__u32)(((__u64)share * slots_count) >> 32);
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
 * that it is verified once and not once for each way here. */
__noinline __u32 sh_pick_moving(const struct sh_flow *flow, __u64 both, enum sh_stage stage)
{
	struct sh_slot slot = {.both = both};
	__u32 before = slot.before & ~SH_BEFORE_CLOSED;
	const struct sh_among among = {.peer = slot.now ? slot.now : before, .now = slot.now};
	__u32 chosen;

	if (!flow)
		return 0;
	chosen = sh_flow_known(flow, stage, &among);
	if (chosen)
		return chosen;
	if (stage == SH_STAGE_BEGINS || (stage == SH_STAGE_DATAGRAM && slot.before & SH_BEFORE_CLOSED))
		chosen = slot.now;
	else
		chosen = sh_pick_before(before, slot.now);
	if (chosen && stage != SH_STAGE_GOES_ON)
		sh_flow_remember(flow, chosen);
	return chosen;
}

__noinline __u32 sh_pick_random(const struct sh_flow *flow, __u64 where, enum sh_stage stage)
{
	__u32 dealt = sh_pick_slot(where, bpf_get_prandom_u32()).now;
	const struct sh_among among = {.peer = dealt};
	__u32 known;

	if (!flow || !dealt)
		return 0;
	known = sh_flow_known(flow, stage, &among);
	if (known)
		return known;
	sh_flow_remember(flow, dealt);
	return dealt;
}

/* The backend's index in `backends`, or 0 where the service has none. */
static __always_inline __u32 sh_pick(struct xdp_md *ctx, const struct sh_packet *packet,
				     const struct sh_match *match, __u64 hash)
{
	__u32 flags, named = 0;
	struct sh_slot slot;
	struct sh_flow flow;
	__u64 where;

	if (!match->service)
		return 0;
	where = *(volatile __u64 *)&match->service->where;
	flags = match->service->flags;
	if (flags & SH_SERVICE_QUIC_ID)
		named = sh_named(ctx, packet, match->service);
	if (named && !(named & SH_QUIC_PERHAPS))
		return named;
	if (!((struct sh_service){.where = where}).slots)
		return 0;
	if (flags & SH_SERVICE_RANDOM) {
		sh_flow_of(packet, match->index, &flow);
		return sh_pick_random(&flow, where, sh_stage_of(ctx, packet));
	}
	slot = sh_pick_slot(where, hash >> 32);
	if (!slot.before)
		return slot.now;
	if (named && (named & ~SH_QUIC_PERHAPS) == (slot.before & ~SH_BEFORE_CLOSED))
		return named & ~SH_QUIC_PERHAPS;
	sh_flow_of(packet, match->index, &flow);
	return sh_pick_moving(&flow, slot.both, sh_stage_of(ctx, packet));
}

#endif
