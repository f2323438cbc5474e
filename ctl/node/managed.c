/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See managed.h.
 */
#include <errno.h>
#include <limits.h>
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

/* 0 or -errno. */
static int hand_over(struct managed *managed, struct table_nexthop *nexthop)
{
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	struct table_note *note = tables_nexthop_note(nexthop);
	bool taken = false;
	int err;

	if (settled(managed, key, note->asked == managed->turn))
		return 0;
	err = rt_neigh_manage(managed->query, key->ifindex, &key->addr, &taken);
	note->asked = err ? 0 : managed->turn;
	managed->by_hand |= !err && !taken;
	/* A link that just went down or away refuses: the link's next event brings us here again. */
	return rt_state_link(managed->state, key->ifindex)->carrier ? err : 0;
}

void managed_keep(struct managed *managed, struct table_nexthop *nexthop)
{
	struct table_note *note = tables_nexthop_note(nexthop);
	int err = hand_over(managed, nexthop);

	managed->refused += (err != 0) - note->refused;
	note->refused = err != 0;
	if (err) {
		managed->first = *tables_nexthop_key(nexthop);
		managed->err = err;
	}
}

void managed_neighbour(struct managed *managed, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(managed->tables, key);

	if (nexthop)
		managed_keep(managed, nexthop);
}

static void count_refused(struct table_nexthop *nexthop, void *arg)
{
	struct managed *managed = arg;

	managed->refused += tables_nexthop_note(nexthop)->refused;
}

void managed_use(struct managed *managed, struct tables *tables)
{
	managed->tables = tables;
	managed->refused = 0;
	if (!managed->turn)
		managed->turn = 1;
	if (tables)
		tables_each_nexthop(tables, count_refused, managed);
}

static const char *remedy(const struct managed *managed)
{
	if (managed->err != -ENOBUFS)
		return "";
	return managed->first.addr.family == ADDR_IPV4 ? "; raise net.ipv4.neigh.default.gc_thresh3"
						       : "; raise net.ipv6.neigh.default.gc_thresh3";
}

/* Thousands may be refused, again with each probe, and for one reason: one line when their number changes. */
void managed_tell(struct managed *managed)
{
	const struct rt_link *link = rt_state_link(managed->state, managed->first.ifindex);
	char text[ADDR_TEXT_SIZE];

	if (managed->refused && managed->refused != managed->told)
		log_warn("cannot have the kernel resolve %zu of %zu next hops, one is %s on %s: %s%s",
			 managed->refused, tables_nexthop_count(managed->tables),
			 addr_format(&managed->first.addr, text), link ? link->name : "a link that is gone",
			 strerror(-managed->err), remedy(managed));
	managed->told = managed->refused;
}

void managed_probe(struct managed *managed)
{
	managed->turn += managed->turn == UINT_MAX ? 2 : 1;
}

static void unmanage(const struct managed *managed, const struct rt_neigh_key *key)
{
	const struct rt_neigh *neigh = rt_state_neigh(managed->state, key->ifindex, &key->addr);

	if (neigh && neigh->managed)
		(void)rt_neigh_unmanage(managed->query, key->ifindex, &key->addr);
}

void managed_release(struct managed *managed, struct table_nexthop *nexthop)
{
	managed->refused -= tables_nexthop_note(nexthop)->refused;
	tables_nexthop_note(nexthop)->refused = false;
	unmanage(managed, tables_nexthop_key(nexthop));
}

static void release_each(struct table_nexthop *nexthop, void *arg)
{
	unmanage(arg, tables_nexthop_key(nexthop));
}

void managed_release_all(struct managed *managed)
{
	tables_each_nexthop(managed->tables, release_each, managed);
}
