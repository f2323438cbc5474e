/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the files of rt_query share: query.c, dump.c, nexthop.c, write.c, state.c. */
#ifndef NETLINK_QUERY_H
#define NETLINK_QUERY_H

#include <shunt/rt.h>

#include "socket.h"

struct index6;
struct interest;
struct probe;

struct rt_query {
	struct rtsock sock;
	struct index6 *index6;	   /* made when an IPv6 answer first is to be looked at again */
	struct interest *interest; /* what it follows; NULL: every route */
	struct probe *probe;	   /* made when an answer first is in doubt */
};

/* Dumps, begun again up to `tries` times where the kernel marks one as interrupted; then -EAGAIN. */
int query_links(struct rt_query *query, int tries, int (*each)(const struct rt_link *, void *), void *arg);
int query_addrs(struct rt_query *query, int tries, int (*each)(const struct rt_addr *, void *), void *arg);
int query_neighs(struct rt_query *query, int tries, int (*each)(const struct rt_neigh *, void *), void *arg);
int query_fdb(struct rt_query *query, int tries, int (*each)(const struct rt_fdb *, void *), void *arg);

/*
 * Makes the legs of a route through a nexthop object exactly the kernel's: fills them in where the
 * answer had none, and corrects weights above 256, of which RTA_MULTIPATH holds the low byte.
 */
int query_nexthop_legs(struct rt_query *query, struct rt_route *route);

#endif
