/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv6 routes through nexthop objects, by prefix, with the throw routes that may end a look-up before them.
 *
 * Memory only. index6.c fills it by a dump, hands it the events, and empties it.
 *
 * Routes of one prefix, table and metric (`ip route append`) are a crowd. They stand in the order in which
 * they came, and the first answers. Only the first that belongs here is kept. Who is first after an event of
 * a crowd is not followed, as what replaces which depends on all of them (net/ipv6/ip6_fib.c
 * fib6_add_rt2node): -ESTALE. An event tells whether there are others: NLM_F_EXCL is set where there are
 * none.
 *
 * A route at the end of its lifetime is skipped at once, but removed, and told of, much later. A dump tells
 * that it is over.
 */
#include "routes6.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decode.h"

uint64_t routes6_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_prefix(const void *a, const void *b)
{
	const struct route6 *x = a, *y = b;
	int order = addr_compare(&x->dst.addr, &y->dst.addr);

	if (!order)
		order = compare_u32(x->dst.length, y->dst.length);
	if (!order)
		order = compare_u32(x->table, y->table);
	return order ? order : compare_u32(x->metric, y->metric);
}

static bool belongs(const struct route6 *route)
{
	return route->nexthop_id || route->type == RT_ROUTE_THROW;
}

/* Of two with the same key, of which one belongs here. */
static bool is_same(const struct route6 *route, const struct route6 *other)
{
	return belongs(route) && route->nexthop_id == other->nexthop_id;
}

static void forget(struct routes6 *routes, const struct route6 *key)
{
	struct route6 *route = vector_remove(&routes->all, key, by_prefix);

	if (!route)
		return;
	routes->lengths[route->dst.length]--;
	free(route);
}

static void expect(struct routes6 *routes, uint64_t end)
{
	if (end && (!routes->end || end < routes->end))
		routes->end = end;
}

static int keep(struct routes6 *routes, const struct route6 *key, bool crowded)
{
	struct route6 *route;

	if (!belongs(key))
		return 0;
	expect(routes, key->end);
	if (vector_reserve(&routes->all))
		return -ENOMEM;
	route = malloc(sizeof(*route));
	if (!route)
		return -ENOMEM;
	*route = *key;
	route->crowded = crowded;
	vector_insert(&routes->all, route, by_prefix);
	routes->lengths[route->dst.length]++;
	return 0;
}

static int decode(const struct nlmsghdr *message, struct route6 *out)
{
	struct rt_route route;
	int err = decode_route(message, &route);

	if (err)
		return err;
	if (route.dst.addr.family != ADDR_IPV6)
		return DECODE_SKIP;
	if (route.lifetime < 0 && message->nlmsg_type == RTM_NEWROUTE)
		return DECODE_SKIP; /* it is over */
	*out = (struct route6){
		.dst = route.dst,
		.table = route.table,
		.metric = route.metric,
		.nexthop_id = route.nexthop_id,
		.mtu = route.mtu,
		.type = route.type,
		.protocol = route.protocol,
		.end = route.lifetime > 0 ? routes6_now() + (uint64_t)route.lifetime : 0,
	};
	return 0;
}

int routes6_load(struct routes6 *routes, const struct nlmsghdr *message)
{
	struct route6 route, *there;
	bool crowded;
	int err = decode(message, &route);

	if (err)
		return err;
	/* A dump tells routes of one key one behind the other. */
	crowded = !by_prefix(&routes->last, &route);
	routes->last = route;
	there = vector_find(&routes->all, &route, by_prefix);
	if (!there)
		return keep(routes, &route, crowded);
	there->crowded = true;
	return 0;
}

/* One that is told to be new while another with its key is known. */
static void meet(struct routes6 *routes, struct route6 *there, const struct route6 *route, bool replaces)
{
	expect(routes, route->end);
	if (is_same(route, there) || (replaces && belongs(route)))
		*there = *route;
	else if (replaces)
		forget(routes, route); /* it has next hops of its own now */
	else
		there->crowded = true;
}

int routes6_follow(struct routes6 *routes, const struct nlmsghdr *message)
{
	bool new = message->nlmsg_type == RTM_NEWROUTE;
	struct route6 route, *there;
	int err = decode(message, &route);

	if (err)
		return err == DECODE_SKIP ? 0 : err;
	there = vector_find(&routes->all, &route, by_prefix);
	if (!there)
		return new ? keep(routes, &route, !(message->nlmsg_flags & NLM_F_EXCL)) : 0;
	if (there->crowded)
		return -ESTALE;
	if (new)
		meet(routes, there, &route, message->nlmsg_flags & NLM_F_REPLACE);
	else if (is_same(&route, there))
		forget(routes, &route);
	return 0;
}

static struct addr masked(const struct addr *addr, unsigned int length)
{
	struct addr out = {.family = addr->family};

	memcpy(out.bytes, addr->bytes, length / 8);
	if (length % 8)
		out.bytes[length / 8] = addr->bytes[length / 8] & (uint8_t)(0xff00U >> length % 8);
	return out;
}

/* The first route of this prefix in `table`. */
static const struct route6 *first_of(const struct routes6 *routes, const struct prefix *prefix,
				     uint32_t table)
{
	struct route6 key = {.dst = *prefix, .table = table};
	size_t at = vector_position(&routes->all, &key, by_prefix);
	const struct route6 *route;

	if (at == routes->all.count)
		return NULL;
	route = routes->all.items[at];
	if (route->dst.length != prefix->length || !addr_equal(&route->dst.addr, &prefix->addr))
		return NULL;
	return route->table == table ? route : NULL;
}

const struct route6 *routes6_find(const struct routes6 *routes, const struct addr *dst, uint32_t table,
				  int suppress)
{
	const struct route6 *route = NULL;

	for (int length = ROUTES6_LENGTHS - 1; length > suppress && !route; length--) {
		struct prefix prefix = {.addr = masked(dst, (unsigned int)length), .length = (uint8_t)length};

		if (routes->lengths[length])
			route = first_of(routes, &prefix, table);
	}
	return route && route->type != RT_ROUTE_THROW ? route : NULL;
}

void routes6_empty(struct routes6 *routes)
{
	for (size_t i = 0; i < routes->all.count; i++)
		free(routes->all.items[i]);
	routes->all.count = 0;
	memset(routes->lengths, 0, sizeof(routes->lengths));
	routes->last = (struct route6){0};
	routes->end = 0;
}

void routes6_free(struct routes6 *routes)
{
	routes6_empty(routes);
	free(routes->all.items);
	*routes = (struct routes6){0};
}
