/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observed state: links, addresses, neighbours and bridges' forwarding entries as the kernel last told
 * them.
 *
 * Filled by dumps (rt_state_load) and kept by watch.c; ctl/ only looks things up. A load is mark
 * and sweep: every entry is stamped with the dump that saw it last, and a dump ends by dropping
 * those with an older stamp. Nothing is dropped by a dump that failed.
 */
#include "state.h"

#include <errno.h>
#include <stdlib.h>

#include "query.h"
#include "state_tables.h"

struct rt_state {
	struct link_table links;
	struct addr_table addrs;
	struct neigh_table neighs;
	struct fdb_table fdbs;
	uint64_t stamp; /* of the newest dump */
};

int rt_state_new(struct rt_state **out)
{
	struct rt_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	*out = state;
	return 0;
}

void rt_state_free(struct rt_state *state)
{
	if (!state)
		return;
	link_table_free(&state->links);
	addr_table_free(&state->addrs);
	neigh_table_free(&state->neighs);
	fdb_table_free(&state->fdbs);
	free(state);
}

/* ---- loading ------------------------------------------------------------------------------- */

static int mark_link(const struct rt_link *link, void *state)
{
	int changed = state_put_link(state, link);

	return changed < 0 ? changed : 0;
}

static int mark_addr(const struct rt_addr *addr, void *state)
{
	int changed = state_put_addr(state, addr);

	return changed < 0 ? changed : 0;
}

static int mark_neigh(const struct rt_neigh *neigh, void *state)
{
	int changed = state_put_neigh(state, neigh);

	return changed < 0 ? changed : 0;
}

static int mark_fdb(const struct rt_fdb *fdb, void *state)
{
	int changed = state_put_fdb(state, fdb);

	return changed < 0 ? changed : 0;
}

/* Each pass has a stamp of its own: what an interrupted one saw may be gone in the next. */
static int load_links(struct rt_state *state, struct rt_query *query)
{
	int err = -EAGAIN;

	for (int i = 0; i < RTSOCK_DUMP_TRIES && err == -EAGAIN; i++) {
		state->stamp++;
		err = query_links(query, 1, mark_link, state);
	}
	if (!err)
		link_table_sweep(&state->links, state->stamp);
	return err;
}

static int load_addrs(struct rt_state *state, struct rt_query *query)
{
	int err = -EAGAIN;

	for (int i = 0; i < RTSOCK_DUMP_TRIES && err == -EAGAIN; i++) {
		state->stamp++;
		err = query_addrs(query, 1, mark_addr, state);
	}
	if (!err)
		addr_table_sweep(&state->addrs, state->stamp);
	return err;
}

static int load_neighs(struct rt_state *state, struct rt_query *query)
{
	int err = -EAGAIN;

	for (int i = 0; i < RTSOCK_DUMP_TRIES && err == -EAGAIN; i++) {
		state->stamp++;
		err = query_neighs(query, 1, mark_neigh, state);
	}
	if (!err)
		neigh_table_sweep(&state->neighs, state->stamp);
	return err;
}

static int load_fdbs(struct rt_state *state, struct rt_query *query)
{
	int err = -EAGAIN;

	for (int i = 0; i < RTSOCK_DUMP_TRIES && err == -EAGAIN; i++) {
		state->stamp++;
		err = query_fdb(query, 1, mark_fdb, state);
	}
	if (!err)
		fdb_table_sweep(&state->fdbs, state->stamp);
	return err;
}

int rt_state_load(struct rt_state *state, struct rt_query *query)
{
	int err;

	err = load_links(state, query);
	if (!err)
		err = load_addrs(state, query);
	if (!err)
		err = load_neighs(state, query);
	if (!err)
		err = load_fdbs(state, query);
	return err;
}

/* ---- changing ------------------------------------------------------------------------------ */

int state_put_link(struct rt_state *state, const struct rt_link *link)
{
	return link_table_put(&state->links, link, state->stamp);
}

int state_put_addr(struct rt_state *state, const struct rt_addr *addr)
{
	return addr_table_put(&state->addrs, addr, state->stamp);
}

int state_put_neigh(struct rt_state *state, const struct rt_neigh *neigh)
{
	return neigh_table_put(&state->neighs, neigh, state->stamp);
}

int state_put_fdb(struct rt_state *state, const struct rt_fdb *fdb)
{
	return fdb_table_put(&state->fdbs, fdb, state->stamp);
}

bool state_drop_fdb(struct rt_state *state, const struct rt_fdb *fdb)
{
	return fdb_table_drop(&state->fdbs, fdb);
}

bool state_drop_addr(struct rt_state *state, const struct rt_addr *addr)
{
	return addr_table_drop(&state->addrs, addr);
}

bool state_drop_neigh(struct rt_state *state, int ifindex, const struct addr *addr)
{
	return neigh_table_drop(&state->neighs, ifindex, addr);
}

int rt_state_put_link(struct rt_state *state, const struct rt_link *link)
{
	return mark_link(link, state);
}

int rt_state_put_addr(struct rt_state *state, const struct rt_addr *addr)
{
	return mark_addr(addr, state);
}

int rt_state_put_neigh(struct rt_state *state, const struct rt_neigh *neigh)
{
	return mark_neigh(neigh, state);
}

int rt_state_put_fdb(struct rt_state *state, const struct rt_fdb *fdb)
{
	return mark_fdb(fdb, state);
}

void rt_state_drop_link(struct rt_state *state, int ifindex)
{
	addr_table_drop_link(&state->addrs, ifindex);
	neigh_table_drop_link(&state->neighs, ifindex);
	fdb_table_drop_link(&state->fdbs, ifindex);
	(void)link_table_drop(&state->links, ifindex);
}

void rt_state_drop_addr(struct rt_state *state, const struct rt_addr *addr)
{
	(void)addr_table_drop(&state->addrs, addr);
}

void rt_state_drop_neigh(struct rt_state *state, int ifindex, const struct addr *addr)
{
	(void)neigh_table_drop(&state->neighs, ifindex, addr);
}

/* ---- looking up ---------------------------------------------------------------------------- */

const struct rt_link *rt_state_link(const struct rt_state *state, int ifindex)
{
	return link_table_find(&state->links, ifindex);
}

const struct rt_neigh *rt_state_neigh(const struct rt_state *state, int ifindex, const struct addr *addr)
{
	return neigh_table_find(&state->neighs, ifindex, addr);
}

int rt_state_port(const struct rt_state *state, int bridge, const uint8_t mac[static 6])
{
	return fdb_table_find(&state->fdbs, bridge, mac);
}

const struct rt_addr *rt_state_addr(const struct rt_state *state, const struct addr *addr)
{
	return addr_table_find(&state->addrs, addr);
}

void rt_state_each_link(const struct rt_state *state, void (*each)(const struct rt_link *, void *), void *arg)
{
	link_table_each(&state->links, each, arg);
}

void rt_state_each_addr(const struct rt_state *state, void (*each)(const struct rt_addr *, void *), void *arg)
{
	addr_table_each(&state->addrs, each, arg);
}
