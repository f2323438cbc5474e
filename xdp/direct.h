/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's work on a packet that is understood: match, pick, forward, count, report. The first program
 * does it on plain packets, and shunt_hard on others.
 */
#ifndef SHUNT_DIRECT_H
#define SHUNT_DIRECT_H

#include "event.h"
#include "forward.h"
#include "further.h"
#include "match.h"
#include "pick.h"
#include "us.h"

/* Sends the packet to the backend of index `chosen` (0: there is none); `share` spreads flows over its legs.
 */
static __always_inline enum sh_reason sh_send(struct xdp_md *ctx, const struct sh_packet *packet,
					      __u32 chosen, __u32 share)
{
	struct sh_backend *backend;

	if (!chosen)
		return SH_DROP_NO_BACKEND;
	backend = sh_at(&backends, chosen);
	if (!backend)
		return SH_DROP_NO_BACKEND;
	return sh_forward(ctx, packet, backend, share);
}

/* Counts, and ends the report that was begun (0: none), of what became of a packet to `service`. */
static __always_inline enum sh_reason sh_settle(struct xdp_md *ctx, const struct sh_packet *packet,
						__u32 reported, __u32 service, __u32 backend,
						enum sh_reason reason)
{
	if (sh_dispatched(reason)) {
		sh_bump(&service_counts, service, packet->frame_bytes);
		sh_bump(&backend_counts, backend, packet->frame_bytes);
	}
	if (reported)
		sh_event_end(reported, service, backend, reason);
	if (reason == SH_DROP_TOO_BIG || reason == SH_PASS_TTL)
		return sh_hand_over(ctx, SH_FURTHER_ICMP, packet, reason);
	return reason;
}

static __always_inline enum sh_reason sh_direct(struct xdp_md *ctx, const struct sh_packet *packet)
{
	union sh_endpoint vip;
	struct sh_match match = sh_match(packet, &vip);
	__u32 backend, reported;
	enum sh_reason reason;
	__u64 hash;

	if (!match.is_ours)
		return SH_PASS_NOT_OURS;
	if (!sh_to_us(packet->eth))
		return SH_PASS_NOT_US;
	reported = sh_event_begin(packet, &vip);
	hash = sh_flow_hash(packet);
	backend = sh_pick(ctx, packet, &match, hash);
	reason = sh_send(ctx, packet, backend, sh_hash_share(hash));
	return sh_settle(ctx, packet, reported, match.index, backend, reason);
}

#endif
