/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is remembered of flows, and for how long.
 *
 * Only where the ring does not tell: in slots in transition and for the scheduler `random` (pick.h).
 * Two tables, so that a flood of first packets cannot push out flows that are alive:
 *
 *	fresh	flows of which one packet was seen, a SYN as a rule
 *	flows	those of which a further one was, that is no SYN
 *
 * Spoofed SYNs come once and stay in `fresh`, whatever their number; a handshake has the time that
 * the flood takes to turn its set there over, first in, first out. Both tables have a fixed size and cost
 * nothing to fill anew.
 *
 * A new flow is cheap: `fresh` is an array of sets, of a cache line each (<shunt/fresh.h>). Two CPUs that
 * remember flows of one set in the same few nanoseconds may lose one of them; who looks never misses one that
 * was there before.
 *
 * An entry dies by eviction, or counts for nothing once its backend is no live backend of
 * the same service. In a transition the flows that were there before it need no entry: the slot
 * names their backend, so no flood of any kind can touch them.
 */
#ifndef SHUNT_FLOWS_H
#define SHUNT_FLOWS_H

#include <shunt/fresh.h>

#include "director_maps.h"
#include "parse.h"
#include "quic.h"

/* What a packet says of the age of its flow. */
enum sh_stage {
	SH_STAGE_BEGINS,   /* TCP: SYN without ACK. UDP: a QUIC Initial */
	SH_STAGE_GOES_ON,  /* any other TCP */
	SH_STAGE_DATAGRAM, /* any other UDP: cannot be told */
};

#define SH_TCP_FLAGS 13 /* their offset in the header */
#define SH_TCP_SYN   0x02
#define SH_TCP_ACK   0x10

static __always_inline enum sh_stage sh_stage_of(struct xdp_md *ctx, const struct sh_packet *packet)
{
	const void *end = (void *)(long)ctx->data_end;
	const __u8 *l4 = packet->l4;

	if (packet->protocol == IPPROTO_UDP) {
		if ((const void *)((const struct udphdr *)l4 + 1) > end)
			return SH_STAGE_DATAGRAM;
		return sh_quic_initial((const struct udphdr *)l4, end) ? SH_STAGE_BEGINS : SH_STAGE_DATAGRAM;
	}
	if ((const void *)(l4 + SH_TCP_FLAGS + 1) > end)
		return SH_STAGE_GOES_ON;
	return (l4[SH_TCP_FLAGS] & (SH_TCP_SYN | SH_TCP_ACK)) == SH_TCP_SYN ? SH_STAGE_BEGINS
									    : SH_STAGE_GOES_ON;
}

static __always_inline void sh_flow_of(const struct sh_packet *packet, __u64 owner, struct sh_flow *out)
{
	if (packet->family == SH_FAMILY_IPV4)
		out->client = (struct sh_ip){{packet->v4->saddr, 0, 0, 0}};
	else
		__builtin_memcpy(&out->client, &packet->v6->saddr, sizeof(out->client));
	/* Both at once, as they will be read. */
	*(__be32 *)&out->client_port = packet->ports;
	out->whose = sh_flow_whose(owner, packet->protocol);
}

/* The backend, where it still is a live one of that service; or NULL. */
static __always_inline struct sh_backend *sh_backend_lives(__u32 index, __u64 owner)
{
	struct sh_backend *remembered = bpf_map_lookup_elem(&backends, &index);

	if (!remembered || remembered->owner != owner)
		return NULL;
	if (((struct sh_backend){.how = *(volatile __u64 *)&remembered->how}).mode == SH_MODE_NONE)
		return NULL;
	return remembered;
}

/* Renews a mark that is set. One store in a second, if that. */
static __always_inline void sh_renew(__u32 *mark)
{
	__u32 seen = *(volatile __u32 *)mark, now;

	if (!seen)
		return;
	now = bpf_ktime_get_coarse_ns() >> SH_SEEN_SHIFT;
	if (now != seen && now)
		*(volatile __u32 *)mark = now;
}

/* A packet for a backend that is being left: it is not idle. */
static __always_inline void sh_backend_saw(struct sh_backend *backend)
{
	sh_renew(&backend->seen);
}

/* Whom a flow may be remembered for. */
struct sh_among {
	__u64 owner; /* of the service */
	__u32 now;   /* the backend that takes its new flows: it is not being left. 0: none */
};

/* A flow, and where it is or would be among the fresh ones. */
struct sh_trace {
	const struct sh_flow *flow;
	struct sh_fresh *set;
	__u64 hash;
};

static __always_inline struct sh_trace sh_trace_of(const struct sh_flow *flow)
{
	__u64 hash = sh_fresh_hash(flow);

	return (struct sh_trace){flow, sh_at(&fresh_sets, sh_fresh_place(hash)), hash};
}

/* Of the fresh ones. From the first on: a flow that is moved back meanwhile is met all the same. */
static __always_inline __u32 sh_trace_fresh(const struct sh_trace *trace)
{
	__u32 backend = 0;

	if (!trace->set)
		return 0;
	for (int i = 0; i < SH_FRESH_WAYS && !backend; i++)
		backend = sh_fresh_backend(*(volatile __u64 *)&trace->set->flow[i], trace->hash);
	return backend;
}

/* Of the others. Once: an entry may be recycled for another flow while we look. */
static __always_inline __u32 sh_trace_alive(const struct sh_trace *trace)
{
	const struct sh_flow_state *state = bpf_map_lookup_elem(&flows, trace->flow);

	return state ? *(const volatile __u32 *)&state->backend : 0;
}

/* As the first of its set; the last one goes. */
static __always_inline void sh_flow_remember(const struct sh_trace *trace, __u32 backend)
{
	volatile __u64 *flow;

	if (!trace->set || backend >> SH_FRESH_BACKEND_BITS)
		return;
	flow = trace->set->flow;
	for (int i = SH_FRESH_WAYS - 1; i > 0; i--)
		flow[i] = flow[i - 1];
	flow[0] = sh_fresh_word(trace->hash, backend);
}

/* `index` where that is a live backend of the service, else 0. */
static __always_inline __u32 sh_flow_backend(__u32 index, const struct sh_among *among)
{
	struct sh_backend *backend;

	if (!index)
		return 0;
	backend = sh_backend_lives(index, among->owner);
	if (!backend)
		return 0;
	if (index != among->now)
		sh_backend_saw(backend);
	return index;
}

/* The live backend that the flow is remembered for, or 0. */
static __always_inline __u32 sh_flow_known(const struct sh_trace *trace, enum sh_stage stage,
					   const struct sh_among *among)
{
	__u32 backend = sh_flow_backend(sh_trace_alive(trace), among);
	struct sh_flow_state fresh = {};

	if (backend)
		return backend;
	fresh.backend = sh_flow_backend(sh_trace_fresh(trace), among);
	if (fresh.backend && stage != SH_STAGE_BEGINS)
		bpf_map_update_elem(&flows, trace->flow, &fresh, BPF_ANY);
	return fresh.backend;
}

/* The same for who only asks: nothing is remembered for it, and nothing counts as seen. */
static __always_inline __u32 sh_flow_peek(const struct sh_flow *flow, __u64 owner)
{
	const struct sh_trace trace = sh_trace_of(flow);
	__u32 fresh = sh_trace_fresh(&trace), alive = sh_trace_alive(&trace);

	if (alive && sh_backend_lives(alive, owner))
		return alive;
	return fresh && sh_backend_lives(fresh, owner) ? fresh : 0;
}

#endif
