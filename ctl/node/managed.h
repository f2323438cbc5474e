/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops kept resolved by the kernel: managed neighbours.
 *
 * Every next hop in the tables is handed to the kernel, which then probes it for as long as it
 * is managed. The kernel drops managed entries at carrier loss and at a change of the local MAC,
 * so one that is gone is handed over again. Where the kernel knows no managed entries (before
 * 5.16) a resolution is started now and then instead. An entry set by hand is never touched.
 */
#ifndef SHUNT_MANAGED_H
#define SHUNT_MANAGED_H

#include <stdbool.h>

#include <shunt/rt.h>

#include "tables.h"

struct managed {
	struct tables *tables;
	struct rt_query *query;
	const struct rt_state *state;
	bool by_hand;  /* the kernel knows no managed entries: managed_probe is needed */
	unsigned turn; /* of asking: a next hop's note has that of when it was handed over, 0 for never */
	size_t refused, told;	   /* next hops that the kernel did not take; as it was last told */
	struct rt_neigh_key first; /* one of those */
	int err;		   /* and why */
};

/* Looks after the next hops of these tables from now on. */
void managed_use(struct managed *managed, struct tables *tables);
/* Hands over a next hop that is not managed yet: one that is new, or whose link changed. */
void managed_keep(struct managed *managed, struct table_nexthop *nexthop);
/* One neighbour changed or went. */
void managed_neighbour(struct managed *managed, const struct rt_neigh_key *key);
/* Logs how many were refused, where that changed. */
void managed_tell(struct managed *managed);
/* Now and then: from here on managed_keep starts resolutions where the kernel does not do it by itself, and
 * hands over again what failed before. */
void managed_probe(struct managed *managed);
/* Ends it for one next hop, which is to be forgotten, or for all in the tables. */
void managed_release(struct managed *managed, struct table_nexthop *nexthop);
void managed_release_all(struct managed *managed);

#endif
