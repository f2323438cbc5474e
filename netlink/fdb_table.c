/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which port of a bridge leads to a MAC: the bridges' forwarding entries, hashed by {bridge, MAC}.
 *
 * Only state.c calls it. An entry dies when the bridge forgets it (it ages, its port goes down), with
 * either device, or when a dump misses it.
 */
#include "state_tables.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* uthash without its exit() when memory runs out: the entry's table pointer stays NULL instead. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct fdb_entry {
	struct rt_fdb fdb; /* begins with the key */
	uint64_t stamp;
	UT_hash_handle hh;
};

#define KEY_SIZE (offsetof(struct rt_fdb, mac) + sizeof(((struct rt_fdb *)0)->mac))
_Static_assert(offsetof(struct rt_fdb, bridge) == 0 && offsetof(struct rt_fdb, mac) == sizeof(int),
	       "the key must be the first bytes of struct rt_fdb, without padding");

static struct fdb_entry *find(const struct fdb_table *table, int bridge, const uint8_t mac[static 6])
{
	struct rt_fdb key = {.bridge = bridge};
	struct fdb_entry *entry;

	memcpy(key.mac, mac, sizeof(key.mac));
	HASH_FIND(hh, table->hash, &key, KEY_SIZE, entry);
	return entry;
}

static struct fdb_entry *add(struct fdb_table *table, const struct rt_fdb *fdb)
{
	struct fdb_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->fdb = *fdb;
	HASH_ADD(hh, table->hash, fdb, KEY_SIZE, entry);
	if (!entry->hh.tbl) {
		free(entry);
		return NULL;
	}
	return entry;
}

static void drop(struct fdb_table *table, struct fdb_entry *entry)
{
	HASH_DEL(table->hash, entry);
	free(entry);
}

int fdb_table_put(struct fdb_table *table, const struct rt_fdb *fdb, uint64_t stamp)
{
	struct fdb_entry *entry = find(table, fdb->bridge, fdb->mac);
	bool same = entry && entry->fdb.port == fdb->port;

	if (!entry)
		entry = add(table, fdb);
	if (!entry)
		return -ENOMEM;
	entry->fdb.port = fdb->port;
	entry->stamp = stamp;
	return !same;
}

bool fdb_table_drop(struct fdb_table *table, const struct rt_fdb *fdb)
{
	struct fdb_entry *entry = find(table, fdb->bridge, fdb->mac);

	/* A MAC that moved: the entry that goes may be the one before it. */
	if (!entry || entry->fdb.port != fdb->port)
		return false;
	drop(table, entry);
	return true;
}

void fdb_table_drop_link(struct fdb_table *table, int ifindex)
{
	struct fdb_entry *entry, *next;

	HASH_ITER (hh, table->hash, entry, next) {
		if (entry->fdb.bridge == ifindex || entry->fdb.port == ifindex)
			drop(table, entry);
	}
}

void fdb_table_sweep(struct fdb_table *table, uint64_t stamp)
{
	struct fdb_entry *entry, *next;

	HASH_ITER (hh, table->hash, entry, next) {
		if (entry->stamp < stamp)
			drop(table, entry);
	}
}

int fdb_table_find(const struct fdb_table *table, int bridge, const uint8_t mac[static 6])
{
	const struct fdb_entry *entry = find(table, bridge, mac);

	return entry ? entry->fdb.port : 0;
}

void fdb_table_free(struct fdb_table *table)
{
	fdb_table_sweep(table, UINT64_MAX);
}
