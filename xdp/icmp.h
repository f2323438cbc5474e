/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's program for ICMP and ICMPv6, and for what its sender is told about.
 *
 *	echo request	answered in the VIP's name (echo.h)
 *	error		to the backend whose flow it is about (icmp_forward.h); on a backend that directs, it
 *			is first restored where it came by l3 (icmp_restore.h)
 *	too big		its sender is told (too_big.h), unless it is an ICMP error itself
 *	TTL ended	the same (time_exceeded.h)
 *	anything else	passes, as does what is to no VIP
 */
#ifndef SHUNT_ICMP_H
#define SHUNT_ICMP_H

#include "echo.h"
#include "further.h"
#include "icmp_forward.h"
#include "icmp_restore.h"
#include "time_exceeded.h"
#include "too_big.h"

static __always_inline enum sh_reason sh_icmp_error(struct xdp_md *ctx, struct sh_packet *packet,
						    const struct sh_icmp *icmp)
{
	if (load.restore && sh_icmp_restore(ctx, packet, icmp) == SH_RESTORED)
		return SH_RESTORED;
	return sh_icmp_forward(ctx, packet, icmp);
}

static __always_inline enum sh_reason sh_icmp_handle(struct xdp_md *ctx, struct sh_cursor cursor,
						     __u32 family, struct sh_packet *packet)
{
	struct sh_icmp icmp;
	enum sh_reason reason = sh_icmp_parse(cursor, family, packet, &icmp);

	if (reason != SH_GO_ON)
		return reason;
	if (icmp.kind == SH_ICMP_IS_ECHO)
		return sh_echo(packet, &icmp);
	return icmp.kind == SH_ICMP_IS_ERROR ? sh_icmp_error(ctx, packet, &icmp) : SH_PASS_PROTOCOL;
}

/* The error that the packet is to become (SH_GO_ON), or the reason why not. */
static __always_inline enum sh_reason sh_icmp_say(const struct xdp_md *ctx, const struct sh_packet *packet,
						  const struct sh_handed *here, struct sh_error *error)
{
	return here->reason == SH_PASS_TTL ? sh_time_exceeded_say(ctx, packet, here, error)
					   : sh_too_big_say(packet, here->mtu, error);
}

/* The packet is as it came: nothing is rewritten before its TTL and its size are looked at. */
static __always_inline enum sh_reason sh_icmp_tell(struct xdp_md *ctx, struct sh_cursor cursor, __u32 family,
						   struct sh_packet *packet, const struct sh_handed *here)
{
	enum sh_reason reason = family == SH_FAMILY_IPV4 ? sh_parse_ipv4(cursor, packet)
							 : sh_parse_ipv6(cursor, packet);
	struct sh_error error;

	if (reason == SH_PASS_MALFORMED)
		return here->reason;
	reason = sh_icmp_say(ctx, packet, here, &error);
	if (reason != SH_GO_ON)
		return reason;
	if (!sh_error_make(ctx, packet, &error))
		return SH_DROP_EGRESS;
	return here->reason == SH_PASS_TTL ? SH_TOLD_TTL : SH_TOLD_TOO_BIG;
}

static __always_inline enum sh_reason sh_icmp_family(struct xdp_md *ctx, struct sh_cursor cursor,
						     __u32 family, struct sh_packet *packet,
						     const struct sh_handed *here)
{
	if (here->reason == SH_DROP_TOO_BIG || here->reason == SH_PASS_TTL)
		return sh_icmp_tell(ctx, cursor, family, packet, here);
	packet->frame_bytes = here->frame_bytes; /* tags counted */
	return sh_icmp_handle(ctx, cursor, family, packet);
}

/* here->reason: SH_PASS_PROTOCOL for an ICMP or ICMPv6 packet, SH_DROP_TOO_BIG or SH_PASS_TTL. */
static __always_inline enum sh_reason sh_icmp(struct xdp_md *ctx, const struct sh_handed *here)
{
	struct sh_cursor cursor;
	struct sh_packet packet;

	switch (sh_parse_ethernet(ctx, &cursor, &packet)) {
	case bpf_htons(ETH_P_IP):
		return sh_icmp_family(ctx, cursor, SH_FAMILY_IPV4, &packet, here);
	case bpf_htons(ETH_P_IPV6):
		return sh_icmp_family(ctx, cursor, SH_FAMILY_IPV6, &packet, here);
	}
	return here->reason;
}

#endif
