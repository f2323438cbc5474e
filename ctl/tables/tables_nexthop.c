/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops: who they are, and the words that packets read while they are written. See tables.h and
 * <shunt/abi.h>; tables_link.c has them by their links.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables_private.h"

static void copy_neigh_key(struct rt_neigh_key *to, const struct rt_neigh_key *from)
{
	memset(to, 0, sizeof(*to));
	to->ifindex = from->ifindex;
	to->addr = from->addr;
}

int nexthop_adopt(struct tables *tables, uint32_t index)
{
	const struct sh_nexthop *record = &tables->port->nexthops[index];
	struct table_nexthop *nexthop = calloc(1, sizeof(*nexthop));

	if (!nexthop)
		return -ENOMEM;
	nexthop->index = index;
	nexthop->key.ifindex = (int)record->link;
	tables_addr(&record->neighbour, record->family, &nexthop->key.addr);
	if (link_enter(tables, nexthop)) {
		free(nexthop);
		return -ENOMEM;
	}
	ENTER(tables->nexthops, nexthop);
	index_claim(&tables->free_nexthops, index);
	return 0;
}

struct table_nexthop *tables_find_nexthop(struct tables *tables, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop;
	struct rt_neigh_key clean;

	copy_neigh_key(&clean, key);
	FIND(tables->nexthops, &clean, nexthop);
	return nexthop;
}

struct table_nexthop *tables_nexthop(struct tables *tables, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(tables, key);
	struct sh_nexthop *record;
	uint32_t index;

	if (nexthop) {
		nexthop->refs++;
		return nexthop;
	}
	nexthop = record_take(sizeof(*nexthop), &tables->free_nexthops, &index);
	if (!nexthop)
		return NULL;
	nexthop->index = index;
	nexthop->refs = 1;
	copy_neigh_key(&nexthop->key, key);
	if (link_enter(tables, nexthop)) {
		index_give_up(&tables->free_nexthops, index);
		free(nexthop);
		errno = ENOMEM;
		return NULL;
	}
	record = &tables->port->nexthops[index];
	*record = (struct sh_nexthop){.ifindex = (uint32_t)key->ifindex,
				      .link = (uint32_t)key->ifindex,
				      .family = key->addr.family};
	tables_ip(&key->addr, &record->neighbour);
	tables->writes++;
	ENTER(tables->nexthops, nexthop);
	return nexthop;
}

void tables_nexthop_hold(struct table_nexthop *nexthop)
{
	nexthop->refs++;
}

void tables_nexthop_put(struct tables *tables, struct table_nexthop *nexthop)
{
	if (!nexthop || --nexthop->refs)
		return;
	if (tables->released)
		tables->released(nexthop, tables->released_arg);
	link_leave(tables, nexthop);
	HASH_DEL(tables->nexthops, nexthop);
	index_give_up(&tables->free_nexthops, nexthop->index);
	free(nexthop);
}

void nexthop_clear(uint32_t record, void *port)
{
	memset(&((struct port *)port)->nexthops[record], 0, sizeof(struct sh_nexthop));
}

/* ---- words ------------------------------------------------------------------------------------- */

/* Stores a word of a next hop where it differs, and counts its version on. Returns the stores made. */
static unsigned switch_counted(struct tables *tables, struct sh_nexthop *there, __u64 *word, uint64_t value)
{
	struct sh_nexthop where = {.where = word_load(&there->where)};

	if (!word_switch(tables, word, value))
		return 0;
	where.version++;
	word_store(&there->where, where.where);
	return 1;
}

static unsigned switch_ifindex(struct tables *tables, struct sh_nexthop *there, uint32_t ifindex)
{
	struct sh_nexthop where = {.where = word_load(&there->where)};

	if (where.ifindex == ifindex)
		return 0;
	where.ifindex = ifindex;
	where.version++;
	return word_switch(tables, &there->where, where.where);
}

unsigned tables_store_nexthop(struct tables *tables, const struct table_nexthop *nexthop,
			      const struct sh_nexthop *record)
{
	struct sh_nexthop *there = &tables->port->nexthops[nexthop->index];
	int differ = (there->ifindex != record->ifindex) + (there->src != record->src) +
		     (there->dst != record->dst);
	unsigned stores = 0;

	if (differ > 1)
		stores += switch_counted(tables, there, &there->dst, 0);
	stores += switch_ifindex(tables, there, record->ifindex);
	stores += switch_counted(tables, there, &there->src, record->src);
	/* The word with the valid bit comes last: until then the rest is not looked at. */
	stores += switch_counted(tables, there, &there->dst, record->dst);
	if (stores)
		lanes_follow_nexthop(tables, nexthop->index);
	return stores;
}

/* ---- for their users --------------------------------------------------------------------------- */

void tables_each_nexthop(struct tables *tables, void (*each)(struct table_nexthop *nexthop, void *arg),
			 void *arg)
{
	struct table_nexthop *nexthop, *next;

	HASH_ITER (hh, tables->nexthops, nexthop, next) {
		each(nexthop, arg);
	}
}

size_t tables_nexthop_count(const struct tables *tables)
{
	return HASH_COUNT(tables->nexthops);
}

uint32_t tables_nexthop_index(const struct table_nexthop *nexthop)
{
	return nexthop->index;
}

const struct rt_neigh_key *tables_nexthop_key(const struct table_nexthop *nexthop)
{
	return &nexthop->key;
}

const struct sh_nexthop *tables_nexthop_record(const struct tables *tables,
					       const struct table_nexthop *nexthop)
{
	return &tables->port->nexthops[nexthop->index];
}

unsigned tables_nexthop_refs(const struct table_nexthop *nexthop)
{
	return nexthop->refs;
}

struct table_note *tables_nexthop_note(struct table_nexthop *nexthop)
{
	return &nexthop->note;
}
