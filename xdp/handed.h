/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What one of the director's programs leaves for the next (further.h): one record on each CPU, which holds
 * while one packet is handled.
 */
#ifndef SHUNT_HANDED_H
#define SHUNT_HANDED_H

#include "maps.h"

/* What one program tells the next of the packet. */
struct sh_handed {
	__u32 reason;	   /* enum sh_reason: what it ends with if nothing else comes of it */
	__u32 frame_bytes; /* as received */
	__u32 mtu;	   /* DROP_TOO_BIG: the largest L3 packet of the client's that would have passed */
	__u32 piece;	   /* SH_PIECE_* */
	__u32 tags;	   /* VLAN tags that were taken off: 0, 1 or 2 */
	__u32 tag[2]; /* they, outermost first: TPID and TCI as they lay in the frame, the TPID in the lower
			 half */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sh_handed);
} handed SEC(".maps");

static __always_inline struct sh_handed *sh_handed_here(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&handed, &zero);
}

/* The path takes no packet of more than `mtu` bytes: for whoever tells the client. */
static __always_inline enum sh_reason sh_too_big(__u32 mtu)
{
	struct sh_handed *here = sh_handed_here();

	if (here)
		here->mtu = mtu;
	return SH_DROP_TOO_BIG;
}

#endif
