/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet's TTL or hop limit ended where this node would have routed it: its sender is told (RFC 792;
 * RFC 1812, 5.3.1; RFC 4443, 3.3), so that a traceroute to the VIP shows the director.
 *
 * The kernel cannot do it: to it the VIP is a blackhole, where it is advertised.
 *
 * The error (error.h) comes from an address of this node's own, and not from the VIP: a traceroute that hears
 * from whom it looks for is at its end. It is one of the interface's that it leaves by, or where that has
 * none, another one of the node's (RFC 1812, 4.3.2.4).
 *
 *	no such address, or nobody to tell	PASS_TTL: as it came, to the kernel, which may know better
 *	a later fragment			the same: the first tells of its datagram (RFC 1122, 3.2.2)
 *	too many of late			DROP_TTL_LIMIT: the kernel must not answer beyond the limit
 */
#ifndef SHUNT_TIME_EXCEEDED_H
#define SHUNT_TIME_EXCEEDED_H

#include "director_maps.h"
#include "error.h"
#include "handed.h"

static __always_inline int sh_is_some(const struct sh_ip *ip)
{
	return ip->w[0] || ip->w[1] || ip->w[2] || ip->w[3];
}

/* Who speaks to those on that interface. 0 where nobody does. */
static __always_inline int sh_own_find(__u32 ifindex, __u32 family, struct sh_ip *out)
{
	const struct sh_own *own = sh_at(&owns, ifindex);

	if (!own)
		return 0;
	*out = own->v6;
	if (family == SH_FAMILY_IPV4)
		*out = (struct sh_ip){.w = {own->v4}};
	return sh_is_some(out);
}

/* SH_GO_ON with the error that the packet is to become, or the reason why not. */
static __always_inline enum sh_reason sh_time_exceeded_say(const struct xdp_md *ctx,
							   const struct sh_packet *packet,
							   const struct sh_handed *here,
							   struct sh_error *error)
{
	if (here->piece == SH_PIECE_LATER || !sh_error_may(packet) ||
	    !sh_own_find(ctx->ingress_ifindex, packet->family, &error->from))
		return SH_PASS_TTL;
	if (!sh_telling_may(SH_TELLING_TTL))
		return SH_DROP_TTL_LIMIT;
	error->rest = 0;
	error->kind = packet->family == SH_FAMILY_IPV4 ? SH_ERROR_KIND(SH_ICMP4_TIME_EXCEEDED, 0)
						       : SH_ERROR_KIND(SH_ICMP6_TIME_EXCEEDED, 0);
	return SH_GO_ON;
}

#endif
