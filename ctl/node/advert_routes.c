/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The routes of adverts as a set. See advert_routes.h.
 *
 * Two walks, so that a VIP that changes its metric has a route all the time: first all that is
 * new, then what goes.
 */
#include "advert_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "log.h"

int advert_routes_add(struct advert_routes *routes, const struct rt_blackhole *route)
{
	if (routes->count == routes->size) {
		size_t size = routes->size ? routes->size * 2 : 16;
		struct rt_blackhole *items = reallocarray(routes->items, size, sizeof(*items));

		if (!items)
			return -ENOMEM;
		routes->items = items;
		routes->size = size;
	}
	routes->items[routes->count++] = *route;
	return 0;
}

void advert_routes_clear(struct advert_routes *routes)
{
	free(routes->items);
	*routes = (struct advert_routes){0};
}

/* Where the kernel has one route of an address, table and metric, it has no other: the protocol is
 * no part of the key. */
static int compare_places(const void *a, const void *b)
{
	const struct rt_blackhole *one = a, *other = b;
	int order = addr_compare(&one->addr, &other->addr);

	if (order)
		return order;
	if (one->table != other->table)
		return one->table < other->table ? -1 : 1;
	if (one->metric != other->metric)
		return one->metric < other->metric ? -1 : 1;
	return 0;
}

static bool same_protocol(const void *want, const void *have)
{
	return ((const struct rt_blackhole *)want)->protocol == ((const struct rt_blackhole *)have)->protocol;
}

/* Where the place of `route` is, or would be. */
static size_t position(const struct advert_routes *routes, const struct rt_blackhole *route)
{
	size_t low = 0, high = routes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_places(&routes->items[middle], route) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct rt_blackhole *advert_routes_find(const struct advert_routes *routes, const struct addr *addr)
{
	const struct rt_blackhole first = {.addr = *addr};
	size_t at = position(routes, &first);

	return at < routes->count && !addr_compare(&routes->items[at].addr, addr) ? &routes->items[at] : NULL;
}

static void sort(struct advert_routes *routes)
{
	if (routes->count)
		qsort(routes->items, routes->count, sizeof(*routes->items), compare_places);
}

int advert_routes_enter(struct advert_routes *routes, const struct rt_blackhole *route)
{
	int err = advert_routes_add(routes, route);

	sort(routes);
	return err;
}

bool advert_routes_leave(struct advert_routes *routes, const struct rt_blackhole *route)
{
	size_t at = position(routes, route);

	if (at == routes->count || compare_places(&routes->items[at], route) != 0)
		return false;
	routes->count--;
	memmove(&routes->items[at], &routes->items[at + 1], (routes->count - at) * sizeof(*routes->items));
	return true;
}

static int load_one(const struct rt_blackhole *route, void *arg)
{
	return advert_routes_add(arg, route);
}

/* A dump that is begun again tells routes twice. */
int advert_routes_load(struct advert_routes *routes, uint8_t protocol)
{
	int err = rt_dump_blackholes(protocol, load_one, routes);
	size_t kept = 0;

	sort(routes);
	for (size_t i = 0; i < routes->count; i++) {
		if (!kept || compare_places(&routes->items[kept - 1], &routes->items[i]) != 0)
			routes->items[kept++] = routes->items[i];
	}
	routes->count = kept;
	return err;
}

/* ---- the walks ------------------------------------------------------------------------------ */

struct applying {
	struct rt_query *query;
	bool audit;
	struct advert_routes now; /* what the kernel holds, as far as the walk has come */
	void (*failed)(const struct rt_blackhole *route, int err, void *arg);
	void *arg;
};

static int write_one(const void *want, void *arg)
{
	struct applying *applying = arg;
	int err = rt_blackhole_add(applying->query, want);

	if (!err)
		return advert_routes_add(&applying->now, want);
	applying->failed(want, err, applying->arg);
	return 0;
}

/* It should be there: the kernel refuses it for that, and takes it where it is gone. */
static int look_after(const struct rt_blackhole *route, struct applying *applying)
{
	char text[ADDR_TEXT_SIZE];
	int err = applying->audit ? rt_blackhole_add(applying->query, route) : -EEXIST;

	applying->now.returned += !err;
	if (!err)
		log_warn("the route that advertises %s was removed by somebody else: put back",
			 addr_format(&route->addr, text));
	else if (err != -EEXIST)
		applying->failed(route, err, applying->arg);
	return advert_routes_add(&applying->now, route);
}

static int rewrite_one(const void *want, const void *have, void *arg)
{
	struct applying *applying = arg;

	if (same_protocol(want, have))
		return look_after(have, applying);
	(void)rt_blackhole_remove(applying->query, have);
	return write_one(want, arg);
}

static int remove_one(const void *have, void *arg)
{
	struct applying *applying = arg;
	char text[ADDR_TEXT_SIZE];
	int err = rt_blackhole_remove(applying->query, have);

	if (!err)
		return 0;
	log_error("cannot remove the route that advertises %s: %s",
		  addr_format(&((const struct rt_blackhole *)have)->addr, text), strerror(-err));
	return advert_routes_add(&applying->now, have);
}

static bool never_same(const void *want, const void *have)
{
	(void)want;
	(void)have;
	return false;
}

int advert_routes_apply(struct advert_routes *want, struct advert_routes *have, struct rt_query *query,
			bool audit, void (*failed)(const struct rt_blackhole *route, int err, void *arg),
			void *arg)
{
	static const struct diff_ops writing = {
		.compare = compare_places, .same = never_same, .add = write_one, .change = rewrite_one};
	static const struct diff_ops removing = {.compare = compare_places, .remove = remove_one};
	struct applying applying = {
		.query = query, .audit = audit, .now.returned = have->returned, .failed = failed, .arg = arg};
	int err = diff(want->items, want->count, have->items, have->count, sizeof(*want->items), &writing,
		       &applying);

	if (!err)
		err = diff(want->items, want->count, have->items, have->count, sizeof(*want->items),
			   &removing, &applying);
	if (err) {
		advert_routes_clear(&applying.now);
		return err;
	}
	sort(&applying.now);
	advert_routes_clear(have);
	*have = applying.now;
	return 0;
}
