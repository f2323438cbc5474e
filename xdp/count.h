/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters: every packet under exactly one reason, and where a reason means that the packet was
 * dispatched, also under its service and its backend. Per CPU, so plain additions do.
 *
 * Packets that go the straight way are counted twice and not three times: their service's counter tells the
 * reasons apart (struct sh_straight_count).
 */
#ifndef SHUNT_COUNT_H
#define SHUNT_COUNT_H

#include "maps.h"

static __always_inline void sh_add(struct sh_count *count, __u32 bytes)
{
	count->packets++;
	count->bytes += bytes;
}

static __always_inline void sh_bump(void *counters, __u32 index, __u32 bytes)
{
	struct sh_count *count = sh_at(counters, index);

	if (count)
		sh_add(count, bytes);
}

/* Reasons are ordered: forwarded, handed to the stack, passed, dropped (abi.h). */
static __always_inline int sh_dispatched(enum sh_reason reason)
{
	return reason <= SH_LOCAL;
}

static __always_inline int sh_dropped(enum sh_reason reason)
{
	return reason >= SH_DROP_NO_BACKEND;
}

/* What XDP is to do with a packet that ends with `reason`. */
static __always_inline int sh_verdict(enum sh_reason reason)
{
	if (reason == SH_TX || reason == SH_FIB_TX)
		return XDP_TX;
	if (reason == SH_REDIRECT || reason == SH_FIB_REDIRECT)
		return XDP_REDIRECT;
	return sh_dropped(reason) ? XDP_DROP : XDP_PASS;
}

#endif
