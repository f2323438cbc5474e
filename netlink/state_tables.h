/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables of the observed state: links, addresses, neighbours, bridges' forwarding entries. state.c puts
 * them together.
 *
 * All alike:
 *	put    1 changed, 0 the table held exactly that already, -ENOMEM with the table as before
 *	drop   was there one?
 *	sweep  drops what was last put with a stamp below `stamp`; UINT64_MAX empties the table
 *	find   NULL where there is none; valid until the table changes
 * A zeroed table is empty; after a sweep of everything, _free gives its memory back.
 */
#ifndef NETLINK_TABLES_H
#define NETLINK_TABLES_H

#include <shunt/rt.h>

#include "vector.h"

struct link_table {
	struct vector by_index;
};

int link_table_put(struct link_table *table, const struct rt_link *link, uint64_t stamp);
bool link_table_drop(struct link_table *table, int ifindex);
void link_table_sweep(struct link_table *table, uint64_t stamp);
const struct rt_link *link_table_find(const struct link_table *table, int ifindex);
void link_table_each(const struct link_table *table, void (*each)(const struct rt_link *, void *), void *arg);
void link_table_free(struct link_table *table);

struct addr_table {
	struct vector by_link; /* {ifindex, address, length}: owns the entries */
	struct vector by_addr; /* {address, ifindex, length}: the same entries */
};

int addr_table_put(struct addr_table *table, const struct rt_addr *addr, uint64_t stamp);
bool addr_table_drop(struct addr_table *table, const struct rt_addr *addr);
void addr_table_drop_link(struct addr_table *table, int ifindex);
void addr_table_sweep(struct addr_table *table, uint64_t stamp);
/* The first link that carries it, by ifindex. */
const struct rt_addr *addr_table_find(const struct addr_table *table, const struct addr *addr);
void addr_table_each(const struct addr_table *table, void (*each)(const struct rt_addr *, void *), void *arg);
void addr_table_free(struct addr_table *table);

struct neigh_entry;

struct neigh_table {
	struct neigh_entry *hash; /* by {ifindex, address} */
};

int neigh_table_put(struct neigh_table *table, const struct rt_neigh *neigh, uint64_t stamp);
bool neigh_table_drop(struct neigh_table *table, int ifindex, const struct addr *addr);
void neigh_table_drop_link(struct neigh_table *table, int ifindex);
void neigh_table_sweep(struct neigh_table *table, uint64_t stamp);
const struct rt_neigh *neigh_table_find(const struct neigh_table *table, int ifindex,
					const struct addr *addr);
void neigh_table_free(struct neigh_table *table);

struct fdb_entry;

struct fdb_table {
	struct fdb_entry *hash; /* by {bridge, MAC} */
};

int fdb_table_put(struct fdb_table *table, const struct rt_fdb *fdb, uint64_t stamp);
/* Only where it leads to that port. */
bool fdb_table_drop(struct fdb_table *table, const struct rt_fdb *fdb);
void fdb_table_drop_link(struct fdb_table *table, int ifindex);
void fdb_table_sweep(struct fdb_table *table, uint64_t stamp);
/* The port, or 0. */
int fdb_table_find(const struct fdb_table *table, int bridge, const uint8_t mac[static 6]);
void fdb_table_free(struct fdb_table *table);

#endif
