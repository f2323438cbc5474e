/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * See managed.h.
 */
#include <errno.h>
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

	if (settled(managed, key, note->asked))
		return 0;
	err = rt_neigh_manage(managed->query, key->ifindex, &key->addr, &taken);
	note->asked = !err;
	managed->by_hand |= !err && !taken;
	/* A link that just went down or away refuses: the link's next event brings us here again. */
	return rt_state_link(managed->state, key->ifindex)->carrier ? err : 0;
}

/* One walk over all next hops, and what the kernel refused in it. */
struct walk {
	struct managed *managed;
	const struct rt_neigh_key *first;
	size_t refused;
	int err; /* of the first */
};

static void hand_over_each(struct table_nexthop *nexthop, void *arg)
{
	struct walk *walk = arg;
	int err = hand_over(walk->managed, nexthop);

	if (err && !walk->refused++) {
		walk->first = tables_nexthop_key(nexthop);
		walk->err = err;
	}
}

static const char *remedy(const struct walk *walk)
{
	if (walk->err != -ENOBUFS)
		return "";
	return walk->first->addr.family == ADDR_IPV4 ? "; raise net.ipv4.neigh.default.gc_thresh3"
						     : "; raise net.ipv6.neigh.default.gc_thresh3";
}

/* Thousands may be refused, again with each walk, and for one reason: one line when their number changes. */
static void tell_refused(const struct walk *walk)
{
	struct managed *managed = walk->managed;
	char text[ADDR_TEXT_SIZE];

	if (walk->refused && walk->refused != managed->refused)
		log_warn("cannot have the kernel resolve %zu of %zu next hops, the first is %s on %s: %s%s",
			 walk->refused, tables_nexthop_count(managed->tables),
			 addr_format(&walk->first->addr, text),
			 rt_state_link(managed->state, walk->first->ifindex)->name, strerror(-walk->err),
			 remedy(walk));
	managed->refused = walk->refused;
}

void managed_sync(struct managed *managed)
{
	struct walk walk = {.managed = managed};

	tables_each_nexthop(managed->tables, hand_over_each, &walk);
	tell_refused(&walk);
}

void managed_neighbour(struct managed *managed, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(managed->tables, key);

	/* What is refused here is refused and told by the next walk. */
	if (nexthop)
		(void)hand_over(managed, nexthop);
}

static void ask_anew(struct table_nexthop *nexthop, void *arg)
{
	(void)arg;
	tables_nexthop_note(nexthop)->asked = false;
}

void managed_probe(struct managed *managed)
{
	tables_each_nexthop(managed->tables, ask_anew, NULL);
	managed_sync(managed);
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
