/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether the kernel's IPv6 answer is right: see answer6.c. */
#ifndef NETLINK_ANSWER6_H
#define NETLINK_ANSWER6_H

#include <shunt/rt.h>

/*
 * Puts the right route into *route, which is what the kernel answered for a packet to the IPv6 address `dst`
 * from `ingress` (NULL: of this node's own). Its legs are the kernel's, or are to be filled in:
 * query_nexthop_legs. 0 or -errno.
 */
int answer6_mend(struct rt_query *query, const struct addr *dst, const struct rt_ingress *ingress,
		 struct rt_route *route);

#endif
