/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IPv6 routes through nexthop objects, by prefix.
 *
 * This exists for one defect of the kernel. An IPv6 look-up ends at a per-CPU copy of the route,
 * which hangs on the next hop (net/ipv6/route.c rt6_get_pcpu_route). Routes that use one nexthop
 * object, directly or in groups, share that copy, and RTM_GETROUTE answers with the route that it
 * was made for: one that need not even cover the address, with legs that are not this route's.
 * (Packets are right: they only use the copy's next hop, which is shared anyway.) Routes that hold
 * their next hops themselves have copies of their own and are answered right, as is all of IPv4.
 * FRR uses nexthop objects by default, so this is no rare case.
 *
 * So query.c comes here with an IPv6 answer that names a nexthop object. The index holds only such
 * routes, is made by a dump when first needed, and follows the route events of a socket of its own,
 * read before each use and filtered (interest.c) where the tracked addresses are known. Where events were
 * lost, or a link or a nexthop object changed (which removes routes silently), it is made anew. It dies with
 * its rt_query.
 *
 * The other route may also lie in another table. So the rules (rules6.c) decide in which table to look: the
 * first of them with such a route that matches. (Had a table before it any other match, the kernel would have
 * answered with that.) A route whose legs are all dead is answered although the kernel, with
 * ignore_routes_with_linkdown, takes a shorter one.
 *
 * Routes of one prefix, table and metric (`ip route append`) stand in the order in which they came, and the
 * first answers. Only that one is kept. What happens to such a crowd makes the index stale.
 */
#include "index6.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"
#include "interest.h"
#include "rules6.h"
#include "socket.h"
#include "vector.h"

#define RECEIVE_BUFFER (1024UL * 1024)
#define LENGTHS	       129

struct entry {
	struct prefix dst;
	uint32_t table, metric, nexthop_id, mtu;
	enum rt_route_type type;
	uint8_t protocol;
	bool crowded; /* another route with the same key stands behind it */
};

struct index6 {
	struct rtsock events, dump;
	struct vector routes;	 /* struct entry, by {address, length, table, metric}: the order of a dump */
	size_t lengths[LENGTHS]; /* how many routes have this prefix length */
	struct rules6 rules;
	bool whole;    /* `routes` and `rules` are what the kernel has */
	bool filtered; /* only what covers tracked addresses is followed */
};

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int by_prefix(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = addr_compare(&x->dst.addr, &y->dst.addr);

	if (!order)
		order = compare_u32(x->dst.length, y->dst.length);
	if (!order)
		order = compare_u32(x->table, y->table);
	return order ? order : compare_u32(x->metric, y->metric);
}

static void forget(struct index6 *index, const struct entry *key)
{
	struct entry *entry = vector_remove(&index->routes, key, by_prefix);

	if (!entry)
		return;
	index->lengths[entry->dst.length]--;
	free(entry);
}

static int keep(struct index6 *index, const struct entry *key)
{
	struct entry *entry;

	if (vector_reserve(&index->routes))
		return -ENOMEM;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	*entry = *key;
	vector_insert(&index->routes, entry, by_prefix);
	index->lengths[entry->dst.length]++;
	return 0;
}

static void empty(struct index6 *index)
{
	for (size_t i = 0; i < index->routes.count; i++)
		free(index->routes.items[i]);
	index->routes.count = 0;
	memset(index->lengths, 0, sizeof(index->lengths));
	index->whole = false;
}

/* The route of an entry is there again, replaced, or joined by another. */
static void meet(struct index6 *index, struct entry *entry, const struct entry *route, bool replaces)
{
	if (route->nexthop_id == entry->nexthop_id || (replaces && route->nexthop_id)) {
		bool crowded = entry->crowded;

		*entry = *route;
		entry->crowded = crowded;
	} else if (replaces) {
		forget(index, route); /* it has next hops of its own now */
	} else {
		entry->crowded = true;
	}
}

static int take(struct index6 *index, const struct nlmsghdr *message, const struct entry *route)
{
	struct entry *entry = vector_find(&index->routes, route, by_prefix);
	bool new = message->nlmsg_type == RTM_NEWROUTE;

	if (!entry)
		return new && route->nexthop_id ? keep(index, route) : 0;
	if (entry->crowded && index->whole)
		index->whole = false; /* an event: who is the first of them now? */
	else if (new)
		meet(index, entry, route, message->nlmsg_flags & NLM_F_REPLACE);
	else if (route->nexthop_id == entry->nexthop_id)
		forget(index, route);
	return 0;
}

/* A route as a dump or an event tells it. */
static int apply(const struct nlmsghdr *message, void *arg)
{
	struct rt_route route;
	struct entry key = {0};
	int err;

	err = decode_route(message, &route);
	if (err)
		return err == DECODE_SKIP ? 0 : err;
	if (route.dst.addr.family != ADDR_IPV6)
		return 0;
	key.dst = route.dst;
	key.table = route.table;
	key.metric = route.metric;
	key.nexthop_id = route.nexthop_id;
	key.mtu = route.mtu;
	key.type = route.type;
	key.protocol = route.protocol;
	return take(arg, message, &key);
}

/* ---- keeping it whole ---------------------------------------------------------------------- */

static int open_sockets(struct index6 *index, const struct interest *interest)
{
	static const int groups[] = {RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP, RTNLGRP_LINK};
	int err;

	err = rtsock_open(&index->events);
	if (!err)
		err = rtsock_receive_buffer(&index->events, RECEIVE_BUFFER);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && !err; i++)
		err = rtsock_join(&index->events, groups[i]);
	/* Where it can't be filtered, all of it is followed. */
	index->filtered = !err && interest && !interest_attach(interest, index->events.fd);
	return err ? err : rtsock_open(&index->dump);
}

static int open_index(struct index6 **out, const struct interest *interest)
{
	struct index6 *index = calloc(1, sizeof(*index));
	int err;

	if (!index)
		return -ENOMEM;
	err = open_sockets(index, interest);
	if (err) {
		index6_close(index);
		return err;
	}
	*out = index;
	return 0;
}

static void follow(struct index6 *index, const struct nlmsghdr *message)
{
	bool route = message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE;

	if (!route || apply(message, index))
		index->whole = false;
}

/* Applies what has queued; what does not fit into the picture makes it stale. */
static void catch_up(struct index6 *index)
{
	int err = 0;

	while (err != -EAGAIN) {
		struct nlmsghdr *message = (struct nlmsghdr *)index->events.buffer;
		size_t size = 0;
		int rest;

		err = rtsock_receive(&index->events, MSG_DONTWAIT, &size);
		if (err && err != -EAGAIN)
			index->whole = false;
		rest = err ? 0 : (int)size;
		for (; nlmsg_ok(message, rest); message = nlmsg_next(message, &rest)) {
			if (index->whole)
				follow(index, message);
		}
	}
}

static int load(struct index6 *index)
{
	struct rtmsg header = {.rtm_family = AF_INET6};
	int err;

	empty(index);
	rtsock_begin(&index->dump, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
	err = rtsock_dump(&index->dump, RTSOCK_DUMP_TRIES, apply, index);
	if (!err)
		err = rules6_load(&index->rules, &index->dump);
	if (!err)
		index->whole = true;
	return err;
}

/* ---- asking -------------------------------------------------------------------------------- */

static struct addr masked(const struct addr *addr, unsigned int length)
{
	struct addr out = {.family = addr->family};

	memcpy(out.bytes, addr->bytes, length / 8);
	if (length % 8)
		out.bytes[length / 8] = addr->bytes[length / 8] & (uint8_t)(0xff00U >> length % 8);
	return out;
}

/* The first route of this prefix in `table`. */
static const struct entry *first_of(const struct index6 *index, const struct prefix *prefix, uint32_t table)
{
	struct entry key = {.dst = *prefix, .table = table};
	size_t at = vector_position(&index->routes, &key, by_prefix);
	const struct entry *entry;

	if (at == index->routes.count)
		return NULL;
	entry = index->routes.items[at];
	if (entry->dst.length != prefix->length || !addr_equal(&entry->dst.addr, &prefix->addr))
		return NULL;
	return entry->table == table ? entry : NULL;
}

/* Of those that the rule lets count. */
static const struct entry *longest(const struct index6 *index, const struct addr *dst,
				   const struct rt_rule *rule)
{
	for (int length = LENGTHS - 1; length > rule->suppress_length; length--) {
		struct prefix prefix = {.addr = masked(dst, (unsigned int)length), .length = (uint8_t)length};
		const struct entry *entry;

		entry = index->lengths[length] ? first_of(index, &prefix, rule->table) : NULL;
		if (entry)
			return entry;
	}
	return NULL;
}

static const struct entry *by_rules(const struct index6 *index, const struct addr *dst,
				    const struct rt_ingress *ingress)
{
	const struct entry *entry = NULL;
	const struct rt_rule *rule;
	size_t at = 0;

	while (!entry && (rule = rules6_next(&index->rules, &at, dst, ingress))) {
		/* Only the kernel knows a VRF's table. */
		if (rule->l3mdev)
			return NULL;
		entry = longest(index, dst, rule);
	}
	return entry;
}

int index6_find(struct index6 **index, const struct interest *interest, const struct addr *dst,
		const struct rt_ingress *ingress, struct rt_route *out)
{
	const struct entry *entry;
	int err = 0;

	if (!*index)
		err = open_index(index, interest);
	if (err)
		return err;
	catch_up(*index);
	/* The routes of another address have not been followed. */
	if ((*index)->filtered && !interest_has(interest, dst))
		(*index)->whole = false;
	if (!(*index)->whole)
		err = load(*index);
	if (err)
		return err;
	entry = by_rules(*index, dst, ingress);
	if (!entry)
		return -ENOENT;
	*out = (struct rt_route){
		.type = entry->type,
		.dst = entry->dst,
		.table = entry->table,
		.protocol = entry->protocol,
		.metric = entry->metric,
		.mtu = entry->mtu,
		.nexthop_id = entry->nexthop_id,
	};
	return 0;
}

void index6_close(struct index6 *index)
{
	if (!index)
		return;
	empty(index);
	free(index->routes.items);
	rules6_free(&index->rules);
	rtsock_close(&index->events);
	rtsock_close(&index->dump);
	free(index);
}
