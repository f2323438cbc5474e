/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How often senders are told what is wrong with a packet: for each kind of error one account on each CPU.
 *
 * Telling costs credit, which comes back with time. So a flood of packets that are too big makes no flood of
 * errors (RFC 1812, 4.3.2.8; RFC 4443, 2.4 f), and who has just changed over to a smaller path is told at
 * once. Nor does a flood of one kind keep anybody from being told of another.
 */
#ifndef SHUNT_TELLING_H
#define SHUNT_TELLING_H

#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SH_TELLING_COUNT);
	__type(key, __u32);
	__type(value, struct sh_telling);
} telling SEC(".maps");

/* Takes the credit for one. 0 where there is none left. */
static __always_inline int sh_telling_may(enum sh_telling_kind kind)
{
	const __u64 most = (__u64)SH_TELLING_BURST * SH_TELLING_COST;
	struct sh_telling *here = sh_at(&telling, kind);
	__u64 now = bpf_ktime_get_coarse_ns();

	if (!here)
		return 0;
	if (now > here->since) {
		here->credit += now - here->since;
		here->since = now;
	}
	if (here->credit > most)
		here->credit = most;
	if (here->credit < SH_TELLING_COST)
		return 0;
	here->credit -= SH_TELLING_COST;
	return 1;
}

#endif
