/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A packet was larger than the MTU of the path to its backend: its sender is told, with what the path takes.
 *
 *	IPv4 with DF	fragmentation needed (RFC 1191)
 *	IPv4 without	may be fragmented, and is not by us; the sender would not heed an error: dropped
 *	IPv6		packet too big (RFC 8201), unless the path takes less than the 1280 bytes that IPv6
 *			may count on: telling less is in vain (RFC 8200, 5)
 *
 * The error (error.h) comes from the VIP, which is whom the client talks to.
 */
#ifndef SHUNT_TOO_BIG_H
#define SHUNT_TOO_BIG_H

#include "error.h"

static __always_inline enum sh_reason sh_too_big_tellable(const struct sh_packet *packet, __u32 mtu)
{
	if (packet->family == SH_FAMILY_IPV6 && mtu < SH_ERROR6_MAX)
		return SH_DROP_SMALL_MTU;
	if (packet->family == SH_FAMILY_IPV4 && (!(packet->v4->frag_off & bpf_htons(SH_IPV4_DF)) ||
						 packet->v4->frag_off & bpf_htons(SH_IPV4_OFFSET)))
		return SH_DROP_TOO_BIG;
	return sh_error_may(packet) ? SH_GO_ON : SH_DROP_TOO_BIG;
}

/* The packet was given up for `mtu`. SH_GO_ON with the error that it is to become, or the reason why not. */
static __always_inline enum sh_reason sh_too_big_say(const struct sh_packet *packet, __u32 mtu,
						     struct sh_error *error)
{
	enum sh_reason reason = sh_too_big_tellable(packet, mtu);

	if (reason != SH_GO_ON)
		return reason;
	if (!sh_telling_may(SH_TELLING_TOO_BIG))
		return SH_DROP_TOO_BIG_LIMIT;
	error->rest = mtu;
	if (packet->family == SH_FAMILY_IPV4) {
		error->kind = SH_ERROR_KIND(SH_ICMP4_UNREACHABLE, SH_ICMP4_FRAG_NEEDED);
		error->from.w[0] = packet->v4->daddr;
		return SH_GO_ON;
	}
	error->kind = SH_ERROR_KIND(SH_ICMP6_TOO_BIG, 0);
	__builtin_memcpy(&error->from, &packet->v6->daddr, sizeof(error->from));
	return SH_GO_ON;
}

#endif
