/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How often senders are told that a packet was too big: one account for each CPU.
 *
 * Telling costs credit, which comes back with time. So a flood of packets that are too big makes no flood of
 * errors (RFC 1812, 4.3.2.8; RFC 4443, 2.4 f), and who has just changed over to a smaller path is told at
 * once.
 */
#ifndef SHUNT_TELLING_H
#define SHUNT_TELLING_H

#include "maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sh_telling);
} telling SEC(".maps");

/* Takes the credit for one. 0 where there is none left. */
static __always_inline int sh_telling_may(void)
{
	const __u64 most = (__u64)SH_TELLING_BURST * SH_TELLING_COST;
	const __u32 only = 0;
	struct sh_telling *here = bpf_map_lookup_elem(&telling, &only);
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
