/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops by their links, and which of them are to be looked at again. See tables.h.
 *
 * A link that changes concerns the next hops on it, found here without a look at the others, and maybe
 * those on links above it. And frames leave by links: how many next hops lead out by each is counted, so that
 * what packets may be redirected to is known without a walk.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables_private.h"

/* ---- links ---------------------------------------------------------------------------------- */

static struct table_link *find_link(const struct tables *tables, int ifindex)
{
	struct table_link *link;

	HASH_FIND_INT(tables->links, &ifindex, link);
	return link;
}

static struct table_link *need_link(struct tables *tables, int ifindex)
{
	struct table_link *link = find_link(tables, ifindex);

	if (link)
		return link;
	link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	link->ifindex = ifindex;
	HASH_ADD_INT(tables->links, ifindex, link);
	return link;
}

static void release_link(struct tables *tables, struct table_link *link)
{
	if (link->on || link->leaving)
		return;
	HASH_DEL(tables->links, link);
	free(link);
}

int link_enter(struct tables *tables, struct table_nexthop *nexthop)
{
	struct table_link *link = need_link(tables, nexthop->key.ifindex);

	if (!link)
		return -ENOMEM;
	nexthop->next_on = link->on;
	nexthop->link_on = &link->on;
	if (link->on)
		link->on->link_on = &nexthop->next_on;
	link->on = nexthop;
	agenda_add(&tables->looks, &nexthop->look);
	agenda_mark(&tables->looks, &nexthop->look);
	return 0;
}

void link_leave(struct tables *tables, struct table_nexthop *nexthop)
{
	(void)tables_set_exit(tables, nexthop, 0);
	*nexthop->link_on = nexthop->next_on;
	if (nexthop->next_on)
		nexthop->next_on->link_on = nexthop->link_on;
	release_link(tables, find_link(tables, nexthop->key.ifindex));
	agenda_remove(&nexthop->look);
}

void links_free(struct tables *tables)
{
	struct table_link *link, *next;

	HASH_ITER (hh, tables->links, link, next) {
		HASH_DEL(tables->links, link);
		free(link);
	}
}

void tables_each_link(struct tables *tables, void (*each)(int ifindex, void *arg), void *arg)
{
	for (const struct table_link *link = tables->links; link; link = link->hh.next) {
		if (link->on)
			each(link->ifindex, arg);
	}
}

void tables_each_on_link(struct tables *tables, int ifindex,
			 void (*each)(struct table_nexthop *nexthop, void *arg), void *arg)
{
	const struct table_link *link = find_link(tables, ifindex);

	for (struct table_nexthop *nexthop = link ? link->on : NULL; nexthop; nexthop = nexthop->next_on)
		each(nexthop, arg);
}

/* ---- exits ---------------------------------------------------------------------------------- */

static void leave_by(struct tables *tables, struct table_link *link)
{
	if (!link->leaving++)
		tables->exits_changed = true;
}

static void leave_no_more_by(struct tables *tables, struct table_link *link)
{
	if (--link->leaving)
		return;
	tables->exits_changed = true;
	release_link(tables, link);
}

int tables_set_exit(struct tables *tables, struct table_nexthop *nexthop, int ifindex)
{
	int before = nexthop->exit;

	if (before == ifindex)
		return 0;
	if (ifindex) {
		struct table_link *link = need_link(tables, ifindex);

		if (!link)
			return -ENOMEM;
		leave_by(tables, link);
	}
	nexthop->exit = ifindex;
	if (before)
		leave_no_more_by(tables, find_link(tables, before));
	return 0;
}

void tables_each_exit(struct tables *tables, void (*each)(int ifindex, void *arg), void *arg)
{
	for (const struct table_link *link = tables->links; link; link = link->hh.next) {
		if (link->leaving)
			each(link->ifindex, arg);
	}
}

bool tables_exits_changed(struct tables *tables)
{
	bool changed = tables->exits_changed;

	tables->exits_changed = false;
	return changed;
}

/* ---- looking again -------------------------------------------------------------------------- */

void tables_look(struct tables *tables, struct table_nexthop *nexthop)
{
	agenda_mark(&tables->looks, &nexthop->look);
}

void tables_look_all(struct tables *tables)
{
	agenda_mark_all(&tables->looks);
}

bool tables_any_look(const struct tables *tables)
{
	return agenda_any(&tables->looks);
}

void tables_begin_looks(struct tables *tables)
{
	agenda_begin(&tables->looks);
}

struct table_nexthop *tables_next_look(struct tables *tables)
{
	struct agenda_item *item = agenda_take(&tables->looks, NULL);

	return item ? AGENDA_OF(item, struct table_nexthop, look) : NULL;
}

void tables_go_on_looking(struct tables *tables, struct table_nexthop *nexthop)
{
	agenda_put_back(&tables->looks, &nexthop->look);
}
