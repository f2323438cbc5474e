/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The legs of routes through nexthop objects.
 *
 * With net.ipv4.nexthop_compat_mode=1 (the default) the kernel lists a nexthop object's legs in
 * the route as if they were its own, with the weights of a group cut to 8 bits; with 0 it says
 * RTA_NH_ID and nothing else. rt_query_fib and rt_dump_routes come here for what is missing.
 * Kernel side: net/ipv4/nexthop.c rtm_get_nexthop.
 */
#include "query.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "decode.h"

static int ask_nexthop(struct rt_query *query, uint32_t id, struct nexthop *out)
{
	struct nhmsg header = {0};
	const struct nlmsghdr *answer;
	struct nl_msg *request;
	int err;

	request = rtsock_begin(&query->sock, RTM_GETNEXTHOP, 0, &header, sizeof(header));
	if (nla_put_u32(request, NHA_ID, id) < 0)
		return -ENOMEM;
	err = rtsock_ask(&query->sock, &answer);
	if (err)
		return err;
	if (!answer || answer->nlmsg_type != RTM_NEWNEXTHOP)
		return -EBADMSG;
	return decode_nexthop(answer, out);
}

static void add_leg(struct rt_route *route, const struct nexthop *nexthop, uint32_t weight)
{
	struct rt_leg *leg = &route->legs[route->legs_count++];

	*leg = nexthop->leg;
	leg->weight = weight;
	route->tunnel = route->tunnel || nexthop->tunnel;
}

static int fill_legs(struct rt_query *query, const struct nexthop *group, struct rt_route *route)
{
	struct nexthop member;
	int err;

	for (size_t i = 0; i < group->members_count; i++) {
		err = ask_nexthop(query, group->members[i].id, &member);
		if (err)
			return err;
		add_leg(route, &member, group->members[i].weight);
	}
	route->legs_cut = group->members_cut;
	return 0;
}

static int complete(struct rt_query *query, struct rt_route *route)
{
	struct nexthop nexthop;
	int err;

	err = ask_nexthop(query, route->nexthop_id, &nexthop);
	if (err)
		return err;
	if (nexthop.blackhole) {
		route->type = RT_ROUTE_BLACKHOLE;
	} else if (!route->legs_count && nexthop.members_count) {
		err = fill_legs(query, &nexthop, route);
	} else if (!route->legs_count) {
		add_leg(route, &nexthop, 1);
	} else {
		for (size_t i = 0; i < route->legs_count && i < nexthop.members_count; i++)
			route->legs[i].weight = nexthop.members[i].weight;
	}
	return err;
}

int query_nexthop_legs(struct rt_query *query, struct rt_route *route)
{
	struct rt_route whole = *route;
	int err;

	/* One leg with weight 1 is whole already. */
	if (!route->nexthop_id || route->type != RT_ROUTE_UNICAST || route->legs_count == 1)
		return 0;
	err = complete(query, &whole);
	/* The object went away after the route was answered: its event follows, and a new ask with it. */
	if (err == -ENOENT)
		return 0;
	if (!err)
		*route = whole;
	return err;
}
