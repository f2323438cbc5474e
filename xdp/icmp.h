/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ICMP and ICMPv6, and packets that are too big for their path.
 */
#ifndef SHUNT_ICMP_H
#define SHUNT_ICMP_H

#include "further.h"

/* here->reason: SH_PASS_PROTOCOL for an ICMP or ICMPv6 packet, or SH_DROP_TOO_BIG. */
static __always_inline enum sh_reason sh_icmp(struct xdp_md *ctx, struct sh_handed *here)
{
	(void)ctx;
	return here->reason;
}

#endif
