/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hard packets: fragments, extension headers, tags.
 */
#ifndef SHUNT_HARD_H
#define SHUNT_HARD_H

#include "further.h"

static __always_inline enum sh_reason sh_hard(struct xdp_md *ctx, struct sh_handed *here)
{
	(void)ctx;
	return here->reason;
}

#endif
