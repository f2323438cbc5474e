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
/* Does this rule send a packet to `dst`, made on this node without a source, into its table? */
bool rules6_leads(const struct rt_rule *rule, const struct addr *dst);
void rules6_free(struct rules6 *rules);

#endif
