/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The VIPs that this node serves, on its loopback. See aliases.h.
 *
 * One ordered walk over the VIPs that are wanted and the host addresses that the loopback has makes the rows.
 * `remembered` are those that this process installed and has not seen with our protocol since: on a
 * kernel without IFA_PROTO (before 5.18) they stay remembered, on others one event clears them.
 */
#include "aliases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/rt.h>

#include "alias_rows.h"
#include "diff.h"
#include "log.h"
#include "role.h"

struct aliases {
	struct alias_rows rows;
	struct addr *remembered; /* ascending */
	size_t remembered_count;
};

/* A VIP that is wanted, or a host address of the loopback. */
struct alias {
	struct addr vip;
	uint8_t protocol; /* of one that is there */
};

struct list {
	struct alias *items;
	size_t count, size;
	int rc; /* the first failure */
};

/* What one sync works on, and what it makes. */
struct sync {
	const struct aliases *before;
	struct rt_query *query;
	const struct rt_link *loopback; /* NULL where there is none */
	struct list want, have;
	struct alias_row *rows;
	size_t count;
	struct addr *remembered;
	size_t remembered_count;
};

/* ---- what is wanted and what is there ------------------------------------------------------- */

static void list_add(struct list *list, const struct addr *vip, uint8_t protocol)
{
	if (!list->rc && list->count == list->size) {
		size_t size = list->size ? list->size * 2 : 16;
		struct alias *items = reallocarray(list->items, size, sizeof(*items));

		if (items) {
			list->items = items;
			list->size = size;
		} else {
			list->rc = -ENOMEM;
		}
	}
	if (!list->rc)
		list->items[list->count++] = (struct alias){.vip = *vip, .protocol = protocol};
}

static void want_vips(struct sync *sync, const struct config *config, const struct rt_state *state)
{
	for (size_t i = 0; i < config->services_count; i++)
		if (role_own_backend(&config->services[i], state))
			list_add(&sync->want, &config->services[i].vip, 0);
}

static void find_loopback(const struct rt_link *link, void *arg)
{
	struct sync *sync = arg;

	if (link->loopback && !sync->loopback)
		sync->loopback = link;
}

static void have_address(const struct rt_addr *address, void *arg)
{
	struct sync *sync = arg;

	if (address->ifindex == sync->loopback->ifindex && address->length == addr_size(&address->addr) * 8)
		list_add(&sync->have, &address->addr, address->protocol);
}

static int compare_addresses(const void *a, const void *b)
{
	return addr_compare(a, b);
}

static bool is_ours(const struct aliases *aliases, const struct alias *alias)
{
	if (alias->protocol == SHUNT_PROTOCOL)
		return true;
	return !alias->protocol && aliases->remembered_count &&
	       bsearch(&alias->vip, aliases->remembered, aliases->remembered_count, sizeof(alias->vip),
		       compare_addresses);
}

/* ---- the walk ------------------------------------------------------------------------------ */

static int compare_aliases(const void *a, const void *b)
{
	return addr_compare(&((const struct alias *)a)->vip, &((const struct alias *)b)->vip);
}

/* Every alias that is there gets its row made anew. */
static bool never_same(const void *want, const void *have)
{
	(void)want;
	(void)have;
	return false;
}

static struct alias_row *new_row(struct sync *sync, const struct alias *alias, enum alias_state state)
{
	struct alias_row *row = &sync->rows[sync->count++];

	*row = (struct alias_row){.vip = alias->vip, .state = state};
	if (sync->loopback)
		memcpy(row->dev, sync->loopback->name, sizeof(row->dev));
	return row;
}

/* A loopback that is missing or down serves no alias, whatever its addresses are. */
static bool loopback_serves(struct sync *sync, const struct alias *alias)
{
	struct alias_row *row;

	if (sync->loopback && sync->loopback->up)
		return true;
	row = new_row(sync, alias, sync->loopback ? ALIAS_FAILED : ALIAS_MISSING);
	if (sync->loopback)
		snprintf(row->reason, sizeof(row->reason), "%s is down; run: ip link set %s up", row->dev,
			 row->dev);
	else
		snprintf(row->reason, sizeof(row->reason), "this network namespace shows no loopback device");
	return false;
}

static void explain_failure(struct alias_row *row, int rc)
{
	if (rc == -EACCES && row->vip.family == ADDR_IPV6)
		snprintf(row->reason, sizeof(row->reason),
			 "IPv6 is disabled on %s; run: sysctl -w net.ipv6.conf.%s.disable_ipv6=0", row->dev,
			 row->dev);
	else
		snprintf(row->reason, sizeof(row->reason), "cannot add the address: %s", strerror(-rc));
}

/* The row stays the same, so nobody else says it. */
static void note_return(const struct aliases *aliases, const struct addr *vip)
{
	const struct alias_row *row = alias_rows_find(&aliases->rows, vip);
	char text[ADDR_TEXT_SIZE];

	if (row && row->state == ALIAS_INSTALLED)
		log_warn("alias %s on %s was removed by somebody else: put back", addr_format(vip, text),
			 row->dev);
}

static int install(const void *want, void *arg)
{
	struct sync *sync = arg;
	const struct alias *alias = want;
	int rc;

	if (!loopback_serves(sync, alias))
		return 0;
	rc = rt_addr_add(sync->query, sync->loopback->ifindex, &alias->vip, SHUNT_PROTOCOL);
	if (rc) {
		explain_failure(new_row(sync, alias, ALIAS_FAILED), rc);
		return 0;
	}
	note_return(sync->before, &alias->vip);
	new_row(sync, alias, ALIAS_INSTALLED);
	sync->remembered[sync->remembered_count++] = alias->vip;
	return 0;
}

static int keep(const void *want, const void *have, void *arg)
{
	struct sync *sync = arg;
	const struct alias *there = have;
	struct alias_row *row;

	if (is_ours(sync->before, there) && there->protocol != SHUNT_PROTOCOL)
		sync->remembered[sync->remembered_count++] = there->vip;
	if (!loopback_serves(sync, want))
		return 0;
	row = new_row(sync, want, ALIAS_INSTALLED);
	if (!is_ours(sync->before, there))
		snprintf(row->reason, sizeof(row->reason), "was there before shunt: left alone");
	return 0;
}

static int withdraw(const void *have, void *arg)
{
	struct sync *sync = arg;
	const struct alias *there = have;
	int rc;

	if (!is_ours(sync->before, there))
		return 0;
	rc = rt_addr_remove(sync->query, sync->loopback->ifindex, &there->vip);
	if (rc) {
		struct alias_row *row = new_row(sync, there, ALIAS_FAILED);

		snprintf(row->reason, sizeof(row->reason), "no longer wanted, but cannot be removed: %s",
			 strerror(-rc));
		if (there->protocol != SHUNT_PROTOCOL)
			sync->remembered[sync->remembered_count++] = there->vip;
	}
	return 0;
}

static int walk(struct sync *sync)
{
	static const struct diff_ops ops = {
		.compare = compare_aliases,
		.same = never_same,
		.add = install,
		.change = keep,
		.remove = withdraw,
	};
	size_t most = sync->want.count + sync->have.count + 1;

	sync->rows = calloc(most, sizeof(*sync->rows));
	sync->remembered = calloc(most, sizeof(*sync->remembered));
	if (!sync->rows || !sync->remembered)
		return -ENOMEM;
	return diff(sync->want.items, sync->want.count, sync->have.items, sync->have.count,
		    sizeof(struct alias), &ops, sync);
}

/* ---- interface ----------------------------------------------------------------------------- */

/* Only the loopback of the state and what is on it are looked at; `sync->want` is filled already. */
static int reconcile(struct aliases *aliases, struct sync *sync, const struct rt_state *state)
{
	int rc;

	rt_state_each_link(state, find_loopback, sync);
	if (sync->loopback)
		rt_state_each_addr(state, have_address, sync);
	rc = sync->want.rc ? sync->want.rc : sync->have.rc;
	if (!rc)
		rc = walk(sync);
	free(sync->want.items);
	free(sync->have.items);
	if (rc) {
		free(sync->rows);
		free(sync->remembered);
		return rc;
	}
	alias_rows_replace(&aliases->rows, sync->rows, sync->count);
	free(aliases->remembered);
	aliases->remembered = sync->remembered;
	aliases->remembered_count = sync->remembered_count;
	return 0;
}

int aliases_new(void (*changed)(const struct alias_row *row, void *arg), void *arg, struct aliases **out)
{
	struct aliases *aliases = calloc(1, sizeof(*aliases));

	if (!aliases)
		return -ENOMEM;
	aliases->rows = (struct alias_rows){.changed = changed, .arg = arg};
	*out = aliases;
	return 0;
}

void aliases_free(struct aliases *aliases)
{
	if (!aliases)
		return;
	free(aliases->rows.rows);
	free(aliases->remembered);
	free(aliases);
}

int aliases_sync(struct aliases *aliases, const struct config *config, const struct rt_state *state,
		 enum role role, struct rt_query *query)
{
	struct sync sync = {.before = aliases, .query = query};

	if (role_serves(role))
		want_vips(&sync, config, state);
	return reconcile(aliases, &sync, state);
}

size_t aliases_rows(const struct aliases *aliases, const struct alias_row **rows)
{
	*rows = aliases->rows.rows;
	return aliases->rows.count;
}

int aliases_down(struct aliases *aliases, const struct rt_state *state, struct rt_query *query)
{
	struct sync sync = {.before = aliases, .query = query};

	return reconcile(aliases, &sync, state);
}
