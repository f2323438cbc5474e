/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's further programs: what is rare leaves the first program by a tail call.
 *
 *	shunt_director	what goes the straight way (straight.h); hands over all else
 *	shunt_general	whole TCP and UDP packets behind a plain Ethernet header; hands over
 *	shunt_hard	fragments, IPv6 extension headers, VLAN tags (hard.h)
 *	shunt_icmp	ICMP and ICMPv6, and what its sender is told about (icmp.h)
 *
 * A tail call and no function: each program has a stack of its own, and stays as small, for the processor
 * and for the verifier, as if there were no others. Whoever hands over from shunt_general on leaves in
 * `handed` what the packet will end with should nothing else come of it. Where the call fails (the array is
 * empty: no program of this object holds it any more, nor a pin) the caller goes on and ends with just that;
 * shunt_director lets the packet pass, and counts it as cut off.
 *
 * A further program ends with sh_further_end, and may hand over to another in the same way.
 */
#ifndef SHUNT_FURTHER_H
#define SHUNT_FURTHER_H

#include "count.h"
#include "parse.h"
#include "tags.h"

enum sh_further {
	SH_FURTHER_GENERAL,
	SH_FURTHER_HARD,
	SH_FURTHER_ICMP,
	SH_FURTHER_COUNT,
};

int shunt_general(struct xdp_md *ctx);
int shunt_hard(struct xdp_md *ctx);
int shunt_icmp(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, SH_FURTHER_COUNT);
	__uint(key_size, sizeof(__u32)); /* not __type: the kernel takes no BTF for it */
	__array(values, int(struct xdp_md *));
} further SEC(".maps") = {
	.values =
		{
			[SH_FURTHER_GENERAL] = (void *)&shunt_general,
			[SH_FURTHER_HARD] = (void *)&shunt_hard,
			[SH_FURTHER_ICMP] = (void *)&shunt_icmp,
		},
};

/* Hands over to program `next`. Returns `reason`, and that only where there is no such program. */
static __always_inline enum sh_reason sh_hand_over(struct xdp_md *ctx, enum sh_further next,
						   const struct sh_packet *packet, enum sh_reason reason)
{
	struct sh_handed *here = sh_handed_here();

	if (!here)
		return reason;
	here->reason = reason;
	here->frame_bytes = packet->frame_bytes;
	if (!packet->deep)
		here->tags = here->piece = 0;
	bpf_tail_call(ctx, &further, next);
	return reason;
}

/* A packet that the plain parser lets pass as `reason`: it may be another program's. */
static __always_inline enum sh_reason sh_aside(struct xdp_md *ctx, const struct sh_packet *packet,
					       enum sh_reason reason)
{
	if (reason == SH_PASS_FRAGMENT || reason == SH_PASS_IPV6_EXT)
		return sh_hand_over(ctx, SH_FURTHER_HARD, packet, reason);
	if (reason == SH_PASS_PROTOCOL &&
	    (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6))
		return sh_hand_over(ctx, SH_FURTHER_ICMP, packet, reason);
	return reason;
}

/* Neither IPv4 nor IPv6: they may be behind tags. */
static __always_inline enum sh_reason sh_aside_tagged(struct xdp_md *ctx, struct sh_packet *packet,
						      __u32 type)
{
	packet->deep = 0;
	return sh_is_tag(type) ? sh_hand_over(ctx, SH_FURTHER_HARD, packet, SH_PASS_NOT_IP) : SH_PASS_NOT_IP;
}

/* Is it, by now, what we say to whoever sent it? */
static __always_inline int sh_answers(enum sh_reason reason)
{
	return reason == SH_ECHOED || reason == SH_TOLD_TOO_BIG || reason == SH_TOLD_TTL;
}

/* The end of a further program. A packet that stays here, or is the answer to whoever sent it, gets back the
 * tags that it came with. */
static __always_inline int sh_further_end(struct xdp_md *ctx, struct sh_handed *here, enum sh_reason reason)
{
	int answers = sh_answers(reason);

	if ((answers || sh_verdict(reason) == XDP_PASS) && !sh_tags_back(ctx, here))
		reason = SH_DROP_EGRESS;
	sh_bump(&reasons, reason, here->frame_bytes);
	return answers && reason != SH_DROP_EGRESS ? XDP_TX : sh_verdict(reason);
}

#endif
