/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The addresses of the observed state, in two orders: by link for walks, by address for "is this
 * one of mine".
 *
 * Only state.c calls it. The key is {ifindex, address, length}, as the kernel allows one address
 * twice. An entry dies with its address, with its link, or when a dump misses it.
 */
#include "state_tables.h"

#include <errno.h>
#include <stdlib.h>

struct addr_entry {
	struct rt_addr addr;
	uint64_t stamp;
};

static int compare_int(int a, int b)
{
	return (a > b) - (a < b);
}

static int by_link(const void *a, const void *b)
{
	const struct rt_addr *x = &((const struct addr_entry *)a)->addr;
	const struct rt_addr *y = &((const struct addr_entry *)b)->addr;
	int order = compare_int(x->ifindex, y->ifindex);

	if (!order)
		order = addr_compare(&x->addr, &y->addr);
	return order ? order : compare_int(x->length, y->length);
}

static int by_addr(const void *a, const void *b)
{
	const struct rt_addr *x = &((const struct addr_entry *)a)->addr;
	const struct rt_addr *y = &((const struct addr_entry *)b)->addr;
	int order = addr_compare(&x->addr, &y->addr);

	if (!order)
		order = compare_int(x->ifindex, y->ifindex);
	return order ? order : compare_int(x->length, y->length);
}

static struct addr_entry *add(struct addr_table *table, const struct rt_addr *addr)
{
	struct addr_entry *entry;

	if (vector_reserve(&table->by_link) || vector_reserve(&table->by_addr))
		return NULL;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->addr = *addr;
	vector_insert(&table->by_link, entry, by_link);
	vector_insert(&table->by_addr, entry, by_addr);
	return entry;
}

int addr_table_put(struct addr_table *table, const struct rt_addr *addr, uint64_t stamp)
{
	struct addr_entry key = {.addr = *addr};
	struct addr_entry *entry = vector_find(&table->by_link, &key, by_link);
	bool same = entry && entry->addr.protocol == addr->protocol;

	if (!entry)
		entry = add(table, addr);
	if (!entry)
		return -ENOMEM;
	entry->addr.protocol = addr->protocol;
	entry->stamp = stamp;
	return !same;
}

bool addr_table_drop(struct addr_table *table, const struct rt_addr *addr)
{
	struct addr_entry key = {.addr = *addr};
	void *entry;

	(void)vector_remove(&table->by_addr, &key, by_addr);
	entry = vector_remove(&table->by_link, &key, by_link);
	free(entry);
	return entry != NULL;
}

static bool is_on_link(const void *item, const void *ifindex)
{
	return ((const struct addr_entry *)item)->addr.ifindex == *(const int *)ifindex;
}

void addr_table_drop_link(struct addr_table *table, int ifindex)
{
	vector_filter(&table->by_addr, is_on_link, &ifindex, NULL);
	vector_filter(&table->by_link, is_on_link, &ifindex, free);
}

static bool is_old(const void *item, const void *stamp)
{
	return ((const struct addr_entry *)item)->stamp < *(const uint64_t *)stamp;
}

void addr_table_sweep(struct addr_table *table, uint64_t stamp)
{
	vector_filter(&table->by_addr, is_old, &stamp, NULL);
	vector_filter(&table->by_link, is_old, &stamp, free);
}

const struct rt_addr *addr_table_find(const struct addr_table *table, const struct addr *addr)
{
	/* No ifindex and no length are below these: the position is the first entry of the address. */
	struct addr_entry key = {.addr = {.addr = *addr, .ifindex = 0, .length = 0}};
	size_t at = vector_position(&table->by_addr, &key, by_addr);
	const struct addr_entry *entry;

	if (at == table->by_addr.count)
		return NULL;
	entry = table->by_addr.items[at];
	return addr_equal(&entry->addr.addr, addr) ? &entry->addr : NULL;
}

void addr_table_each(const struct addr_table *table, void (*each)(const struct rt_addr *, void *), void *arg)
{
	for (size_t i = 0; i < table->by_link.count; i++)
		each(&((const struct addr_entry *)table->by_link.items[i])->addr, arg);
}

void addr_table_free(struct addr_table *table)
{
	addr_table_sweep(table, UINT64_MAX);
	free(table->by_link.items);
	free(table->by_addr.items);
}
