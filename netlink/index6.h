/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which IPv6 route through a nexthop object matches an address: see index6.c. */
#ifndef NETLINK_INDEX6_H
#define NETLINK_INDEX6_H

#include <shunt/rt.h>

struct index6;
struct interest;
struct probe;

/* A packet to `dst` from `ingress` (NULL: of this node's own). With `probe` a table is passed over where that
 * finds nothing in it. */
struct index6_question {
	const struct addr *dst;
	const struct rt_ingress *ingress;
	struct probe **probe;
};

/* All but the legs of a route. */
struct index6_answer {
	struct rt_route route;
	bool suppressing; /* a rule on the way to it has a suppress_prefixlength */
};

/*
 * The longest matching route through a nexthop object, lowest metric first, in the first table that the rules
 * lead to and that has one. *index is made when first needed, and is the caller's: index6_close. `interest`,
 * or NULL, is to stay the same as long as *index. 0, -ENOENT where no route matches, or -errno.
 */
int index6_find(struct index6 **index, const struct interest *interest,
		const struct index6_question *question, struct index6_answer *out);
void index6_close(struct index6 *index); /* NULL is fine */

#endif
