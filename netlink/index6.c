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
 * Where the route that the copy was made for is deleted, the copy stays, and all others that share it are
 * answered with ENETUNREACH (inet6_rtm_getroute: rt->from is gone), until something has the copy made anew.
 * FRR uses nexthop objects by default, so this is no rare case.
 *
 * So answer6.c comes here with an IPv6 answer that names a nexthop object, or that says that there is no
 * route. The index holds only such routes (routes6.c), is made by a dump when first needed, and follows the
 * route events of a socket of its own, read before each use and filtered (interest.c) where the tracked
 * addresses are known. Where events were lost, or a link or a nexthop object changed (which removes routes
 * silently), it is made anew. It dies with its rt_query.
 *
 * The other route may also lie in another table. So the rules (rules6.c) decide in which table to look: the
 * first of them with such a route that matches. (Had a table before it any other match, the kernel would have
 * answered with that. But for throw routes, which lead on to the next rule: so the index has those, too.)
 * Whether a leg is dead need not be known: a nexthop object goes with its link's carrier, and its routes with
 * it, whatever ignore_routes_with_linkdown says. When the lifetime of one of its routes ends, the index is
 * made anew.
 *
 * What it finds need not be right: dumps leave out what stands between two plain next hops of one prefix and
 * metric (`ip -6 route append`). answer6.c says what tells.
 */
#include "index6.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "decode.h"
#include "interest.h"
#include "probe.h"
#include "routes6.h"
#include "rules6.h"
#include "socket.h"

/* Its index in every network namespace (LOOPBACK_IFINDEX). */
#define LOOPBACK       1
#define RECEIVE_BUFFER (1024UL * 1024)

struct index6 {
	struct rtsock events, dump;
	struct routes6 routes;
	struct rules6 rules;
	bool whole;    /* `routes` and `rules` are what the kernel has */
	bool filtered; /* only what covers tracked addresses is followed */
};

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

	if (!route || routes6_follow(&index->routes, message))
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

static int add(const struct nlmsghdr *message, void *arg)
{
	struct index6 *index = arg;
	int err = routes6_load(&index->routes, message);

	return err == DECODE_SKIP ? 0 : err;
}

static int see(const struct nlmsghdr *message, void *any)
{
	(void)message;
	*(bool *)any = true;
	return 0;
}

/* Without nexthop objects nothing is to be known of a million routes. */
static int load_routes(struct index6 *index)
{
	struct nhmsg objects = {0};
	struct rtmsg routes = {.rtm_family = AF_INET6};
	bool any = false;
	int err;

	rtsock_begin(&index->dump, RTM_GETNEXTHOP, NLM_F_DUMP, &objects, sizeof(objects));
	err = rtsock_dump(&index->dump, RTSOCK_DUMP_TRIES, see, &any);
	if (err || !any)
		return err;
	rtsock_begin(&index->dump, RTM_GETROUTE, NLM_F_DUMP, &routes, sizeof(routes));
	return rtsock_dump(&index->dump, RTSOCK_DUMP_TRIES, add, index);
}

static int load(struct index6 *index)
{
	int err;

	routes6_empty(&index->routes);
	index->whole = false;
	err = load_routes(index);
	if (!err)
		err = rules6_load(&index->rules, &index->dump);
	if (!err)
		index->whole = true;
	return err;
}

/* ---- asking -------------------------------------------------------------------------------- */

/* The kernel knows a VRF's table by the port that a packet comes in by. `not l3mdev` leads into no table. */
static uint32_t table_of(const struct rt_rule *rule, const struct rt_ingress *ingress)
{
	if (!rule->l3mdev)
		return rule->table;
	return ingress ? ingress->vrf_table : 0;
}

static const struct route6 *by_rules(const struct index6 *index, const struct index6_question *question,
				     bool *suppressing)
{
	const struct rt_ingress *ingress = question->ingress;
	struct probe_packet packet = {.dst = question->dst, .ifindex = ingress ? ingress->ifindex : LOOPBACK};
	const struct route6 *route = NULL;
	const struct rt_rule *rule;
	uint32_t table;
	size_t at = 0;

	*suppressing = false;
	while (!route && (rule = rules6_next(&index->rules, &at, question->dst, ingress))) {
		if (rule->action == RT_RULE_REJECT)
			return NULL;
		table = table_of(rule, ingress);
		route = routes6_find(&index->routes, question->dst, table, rule->suppress_length);
		if (route && question->probe && probe_table6(question->probe, &packet, table) == PROBE_NONE)
			route = NULL;
		*suppressing = *suppressing || rule->suppress_length >= 0;
	}
	return route;
}

int index6_find(struct index6 **index, const struct interest *interest,
		const struct index6_question *question, struct index6_answer *out)
{
	const struct route6 *route;
	bool suppressing;
	int err = 0;

	if (!*index)
		err = open_index(index, interest);
	if (err)
		return err;
	catch_up(*index);
	/* The routes of another address have not been followed. */
	if ((*index)->filtered && !interest_has(interest, question->dst))
		(*index)->whole = false;
	if ((*index)->routes.end && routes6_now() >= (*index)->routes.end)
		(*index)->whole = false;
	if (!(*index)->whole)
		err = load(*index);
	if (err)
		return err;
	route = by_rules(*index, question, &suppressing);
	if (!route)
		return -ENOENT;
	out->suppressing = suppressing;
	out->route = (struct rt_route){
		.type = route->type,
		.dst = route->dst,
		.table = route->table,
		.protocol = route->protocol,
		.metric = route->metric,
		.mtu = route->mtu,
		.nexthop_id = route->nexthop_id,
		.lifetime = route->end ? (int64_t)(route->end - routes6_now()) : 0,
	};
	return 0;
}

void index6_close(struct index6 *index)
{
	if (!index)
		return;
	routes6_free(&index->routes);
	rules6_free(&index->rules);
	rtsock_close(&index->events);
	rtsock_close(&index->dump);
	free(index);
}
