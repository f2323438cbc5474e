/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The FIB, asked by bpf_fib_lookup: see probe.c. */
#ifndef NETLINK_PROBE_H
#define NETLINK_PROBE_H

#include <stdint.h>

#include <shunt/addr.h>

enum probe_answer {
	PROBE_UNKNOWN = 0, /* it can't be asked */
	PROBE_NONE,	   /* no route, one that is local, or a throw route */
	PROBE_ROUTE,
	PROBE_BLACKHOLE,
	PROBE_REJECTS, /* otherwise */
};

struct probe;

/* A packet to `dst` that comes in by an interface (lo: of this node's own). */
struct probe_packet {
	const struct addr *dst;
	const struct addr *src; /* of the same family; NULL: none */
	int ifindex;
};

/*
 * *probe is made when first needed, in this thread's network namespace, and is the caller's: probe_close.
 * IPv4: what the rules lead to. rp_filter is not asked.
 */
enum probe_answer probe_by_rules4(struct probe **probe, const struct probe_packet *packet);
/* IPv6: what one table has. */
enum probe_answer probe_table6(struct probe **probe, const struct probe_packet *packet, uint32_t table);
void probe_close(struct probe *probe); /* NULL is fine */

#endif
