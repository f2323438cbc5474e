/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The neighbours of the observed state, hashed by {ifindex, address}.
 *
 * Only state.c calls it. They are looked up by the thousand and never walked in order. An entry
 * dies when the kernel drops it, with its link, or when a dump misses it.
 */
#include "state_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* uthash without its exit() when memory runs out: the entry's table pointer stays NULL instead. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct neigh_entry {
	struct rt_neigh neigh; /* begins with the key */
	uint64_t stamp;
	UT_hash_handle hh;
};

/* What is hashed: no padding, as struct addr is bytes only. */
#define KEY_SIZE (offsetof(struct rt_neigh, addr) + sizeof(struct addr))
_Static_assert(offsetof(struct rt_neigh, ifindex) == 0 && offsetof(struct rt_neigh, addr) == sizeof(int),
	       "the key must be the first bytes of struct rt_neigh, without padding");

static struct neigh_entry *find(const struct neigh_table *table, int ifindex, const struct addr *addr)
{
	struct rt_neigh key = {.ifindex = ifindex, .addr = *addr};
	struct neigh_entry *entry;

	HASH_FIND(hh, table->hash, &key, KEY_SIZE, entry);
	return entry;
}

static struct neigh_entry *add(struct neigh_table *table, const struct rt_neigh *neigh)
{
	struct neigh_entry *entry;

	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->neigh = *neigh;
	HASH_ADD(hh, table->hash, neigh, KEY_SIZE, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

static void drop(struct neigh_table *table, struct neigh_entry *entry)
{
	HASH_DEL(table->hash, entry);
	free(entry);
}

static bool same_neigh(const struct rt_neigh *a, const struct rt_neigh *b)
{
	return a->state == b->state && a->managed == b->managed &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

/*
 * A host that is dead makes its neighbour go FAILED, INCOMPLETE, FAILED, ... with each round of probes.
 * The next round is no news: what did not answer counts as FAILED until it answers.
 */
static struct rt_neigh settled(const struct neigh_entry *before, const struct rt_neigh *now)
{
	struct rt_neigh neigh = *now;

	if (before && before->neigh.state == RT_NEIGH_FAILED &&
	    (neigh.state == RT_NEIGH_INCOMPLETE || neigh.state == RT_NEIGH_NONE))
		neigh.state = RT_NEIGH_FAILED;
	return neigh;
}

int neigh_table_put(struct neigh_table *table, const struct rt_neigh *neigh, uint64_t stamp)
{
	struct neigh_entry *entry = find(table, neigh->ifindex, &neigh->addr);
	const struct rt_neigh now = settled(entry, neigh);
	bool same = entry && same_neigh(&entry->neigh, &now);

	if (!entry)
		entry = add(table, &now);
	if (!entry)
		return -ENOMEM;
	entry->neigh = now;
	entry->stamp = stamp;
	return !same;
}

bool neigh_table_drop(struct neigh_table *table, int ifindex, const struct addr *addr)
{
	struct neigh_entry *entry = find(table, ifindex, addr);

	if (!entry)
		return false;
	drop(table, entry);
	return true;
}

void neigh_table_drop_link(struct neigh_table *table, int ifindex)
{
	struct neigh_entry *entry, *next;

	HASH_ITER (hh, table->hash, entry, next) {
		if (entry->neigh.ifindex == ifindex)
			drop(table, entry);
	}
}

void neigh_table_sweep(struct neigh_table *table, uint64_t stamp)
{
	struct neigh_entry *entry, *next;

	HASH_ITER (hh, table->hash, entry, next) {
		if (entry->stamp < stamp)
			drop(table, entry);
	}
}

const struct rt_neigh *neigh_table_find(const struct neigh_table *table, int ifindex, const struct addr *addr)
{
	const struct neigh_entry *entry = find(table, ifindex, addr);

	return entry ? &entry->neigh : NULL;
}

void neigh_table_free(struct neigh_table *table)
{
	neigh_table_sweep(table, UINT64_MAX);
}
