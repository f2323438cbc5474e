/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See managed.h.
 */
#include <string.h>

#include "log.h"
#include "managed.h"

/* Is there nothing to ask of the kernel for this next hop? */
static bool settled(const struct managed *managed, const struct rt_neigh_key *key, bool asked)
{
	const struct rt_link *link = rt_state_link(managed->state, key->ifindex);
	const struct rt_neigh *neigh = rt_state_neigh(managed->state, key->ifindex, &key->addr);

	if (!link || !link->up)
		return true;
	if (neigh && (neigh->state == RT_NEIGH_PERMANENT || neigh->managed))
		return true;
	return asked && neigh;
}

static void hand_over(struct managed *managed, struct table_nexthop *nexthop)
{
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	struct table_note *note = tables_nexthop_note(nexthop);
	char text[ADDR_TEXT_SIZE];
	bool taken = false;
	int err;

	if (settled(managed, key, note->asked))
		return;
	err = rt_neigh_manage(managed->query, key->ifindex, &key->addr, &taken);
	/* A link that just went down or away refuses: the link's next event brings us here again. */
	if (err && rt_state_link(managed->state, key->ifindex)->carrier)
		log_warn("cannot have the kernel resolve %s on %s: %s", addr_format(&key->addr, text),
			 rt_state_link(managed->state, key->ifindex)->name, strerror(-err));
	note->asked = !err;
	managed->by_hand |= !err && !taken;
}

static void hand_over_each(struct table_nexthop *nexthop, void *arg)
{
	hand_over(arg, nexthop);
}

void managed_sync(struct managed *managed)
{
	tables_each_nexthop(managed->tables, hand_over_each, managed);
}

void managed_neighbour(struct managed *managed, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(managed->tables, key);

	if (nexthop)
		hand_over(managed, nexthop);
}

static void probe_each(struct table_nexthop *nexthop, void *arg)
{
	struct managed *managed = arg;

	tables_nexthop_note(nexthop)->asked = false;
	hand_over(managed, nexthop);
}

void managed_probe(struct managed *managed)
{
	tables_each_nexthop(managed->tables, probe_each, managed);
}

void managed_release(struct managed *managed, const struct rt_neigh_key *key)
{
	const struct rt_neigh *neigh = rt_state_neigh(managed->state, key->ifindex, &key->addr);

	if (neigh && neigh->managed)
		(void)rt_neigh_unmanage(managed->query, key->ifindex, &key->addr);
}

static void release_each(struct table_nexthop *nexthop, void *arg)
{
	managed_release(arg, tables_nexthop_key(nexthop));
}

void managed_release_all(struct managed *managed)
{
	tables_each_nexthop(managed->tables, release_each, managed);
}
