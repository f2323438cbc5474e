/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* IPv6 routes through nexthop objects, and throw routes, by prefix: see routes6.c. */
#ifndef NETLINK_ROUTES6_H
#define NETLINK_ROUTES6_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include <shunt/rt.h>

#include "vector.h"

#define ROUTES6_LENGTHS 129

struct route6 {
	struct prefix dst;
	uint32_t table, metric, nexthop_id, mtu;
	enum rt_route_type type;
	uint8_t protocol;
	uint64_t end; /* of its lifetime, ms by CLOCK_MONOTONIC; 0: none */
	bool crowded; /* other routes with the same key stand beside it */
};

/* Zeroed: none. */
struct routes6 {
	struct vector all; /* struct route6, by {address, length, table, metric}: the order of a dump */
	size_t lengths[ROUTES6_LENGTHS]; /* how many routes have this prefix length */
	struct route6 last;		 /* that a dump told */
	uint64_t end; /* the first of those of all routes; 0: none. Then they are to be loaded again */
};

uint64_t routes6_now(void); /* by the clock of `end` */

/* Nothing is left; the memory of `all` stays until routes6_free. */
void routes6_empty(struct routes6 *routes);
void routes6_free(struct routes6 *routes);
/* A message of a dump. 0, DECODE_SKIP or -errno. */
int routes6_load(struct routes6 *routes, const struct nlmsghdr *message);
/* An event. 0 or -errno; -ESTALE where it cannot tell what the kernel uses now. Then they are to be loaded
 * again. */
int routes6_follow(struct routes6 *routes, const struct nlmsghdr *message);
/* What `table` has for `dst`: the longest prefix, lowest metric first, that is longer than `suppress` (-1:
 * any). NULL where it has nothing, or a throw route: then the next rule is to be looked at. */
const struct route6 *routes6_find(const struct routes6 *routes, const struct addr *dst, uint32_t table,
				  int suppress);

#endif
