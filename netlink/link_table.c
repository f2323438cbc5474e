/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The links of the observed state, in order of ifindex.
 *
 * Only state.c calls it. An entry dies when its link leaves the namespace or a dump misses it.
 */
#include "state_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct link_entry {
	struct rt_link link;
	uint64_t stamp;
};

static int by_index(const void *a, const void *b)
{
	const struct link_entry *x = a, *y = b;

	return (x->link.ifindex > y->link.ifindex) - (x->link.ifindex < y->link.ifindex);
}

static struct link_entry *find(const struct link_table *table, int ifindex)
{
	struct link_entry key = {.link = {.ifindex = ifindex}};

	return vector_find(&table->by_index, &key, by_index);
}

static bool same_device(const struct rt_link *a, const struct rt_link *b)
{
	return strncmp(a->name, b->name, sizeof(a->name)) == 0 &&
	       strncmp(a->kind, b->kind, sizeof(a->kind)) == 0 &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 && a->mtu == b->mtu && a->loopback == b->loopback;
}

static bool same_place(const struct rt_link *a, const struct rt_link *b)
{
	return a->up == b->up && a->carrier == b->carrier && a->master == b->master && a->lower == b->lower &&
	       a->lower_elsewhere == b->lower_elsewhere && a->xdp_mode == b->xdp_mode &&
	       a->xdp_program == b->xdp_program;
}

/* What it is made of, by kind. */
static bool same_make(const struct rt_link *a, const struct rt_link *b)
{
	return a->vlan_id == b->vlan_id && a->vlan_protocol == b->vlan_protocol &&
	       a->vlan_filtering == b->vlan_filtering && a->bond_mode == b->bond_mode &&
	       a->bond_active == b->bond_active && a->macvlan_bridge == b->macvlan_bridge;
}

static struct link_entry *add(struct link_table *table, int ifindex)
{
	struct link_entry *entry;

	if (vector_reserve(&table->by_index))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->link.ifindex = ifindex;
	vector_insert(&table->by_index, entry, by_index);
	return entry;
}

int link_table_put(struct link_table *table, const struct rt_link *link, uint64_t stamp)
{
	struct link_entry *entry = find(table, link->ifindex);
	bool same = entry && same_device(&entry->link, link) && same_place(&entry->link, link) &&
		    same_make(&entry->link, link);

	if (!entry)
		entry = add(table, link->ifindex);
	if (!entry)
		return -ENOMEM;
	entry->link = *link;
	entry->stamp = stamp;
	return !same;
}

bool link_table_drop(struct link_table *table, int ifindex)
{
	struct link_entry key = {.link = {.ifindex = ifindex}};
	void *entry = vector_remove(&table->by_index, &key, by_index);

	free(entry);
	return entry != NULL;
}

static bool is_old(const void *item, const void *stamp)
{
	return ((const struct link_entry *)item)->stamp < *(const uint64_t *)stamp;
}

void link_table_sweep(struct link_table *table, uint64_t stamp)
{
	vector_filter(&table->by_index, is_old, &stamp, free);
}

const struct rt_link *link_table_find(const struct link_table *table, int ifindex)
{
	const struct link_entry *entry = find(table, ifindex);

	return entry ? &entry->link : NULL;
}

void link_table_each(const struct link_table *table, void (*each)(const struct rt_link *, void *), void *arg)
{
	for (size_t i = 0; i < table->by_index.count; i++)
		each(&((const struct link_entry *)table->by_index.items[i])->link, arg);
}

void link_table_free(struct link_table *table)
{
	link_table_sweep(table, UINT64_MAX);
	free(table->by_index.items);
}
