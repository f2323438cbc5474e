/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Through which tables the look-up of an IPv6 address goes: see rules6.c. */
#ifndef NETLINK_RULES6_H
#define NETLINK_RULES6_H

#include <stdbool.h>
#include <stddef.h>

#include <shunt/rt.h>

#include "socket.h"

/* Zeroed: none. */
struct rules6 {
	struct rt_rule *all; /* by priority */
	size_t count, size;
};

/* Reads them anew by a dump on `sock`. 0 or -errno; then there are fewer than there should be. */
int rules6_load(struct rules6 *rules, struct rtsock *sock);
/*
 * The next rule, from *at on, that sends a packet to `dst` into a table, or rejects it; *at goes behind it,
 * or where it leads. NULL where none does. The packet comes from `ingress`, or from this node itself (NULL),
 * and has no source, mark, TOS, protocol, port nor flow label: so the kernel is asked.
 */
const struct rt_rule *rules6_next(const struct rules6 *rules, size_t *at, const struct addr *dst,
				  const struct rt_ingress *ingress);
void rules6_free(struct rules6 *rules);

#endif
