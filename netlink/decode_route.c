/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RTM_NEWROUTE and RTM_DELROUTE into struct rt_route: type, prefix, and every leg.
 *
 * Called for the FIB's answers and dumps (dump.c) and for events (watch.c). Legs come as
 * RTA_OIF with RTA_GATEWAY or RTA_VIA, or as struct rtnexthop records in RTA_MULTIPATH. A route
 * through a nexthop object may carry RTA_NH_ID and no leg (net.ipv4.nexthop_compat_mode=0):
 * query.c fills its legs in. Cached clones (IPv6 exceptions) are skipped: they are no routes.
 */
#include "decode.h"

#include <errno.h>
#include <linux/lwtunnel.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static const struct nla_policy route_policy[RTA_MAX + 1] = {
	[RTA_OIF] = {.type = NLA_U32},	      [RTA_PRIORITY] = {.type = NLA_U32},
	[RTA_TABLE] = {.type = NLA_U32},      [RTA_NH_ID] = {.type = NLA_U32},
	[RTA_ENCAP_TYPE] = {.type = NLA_U16}, [RTA_CACHEINFO] = {.minlen = sizeof(struct rta_cacheinfo)},
};

/* rta_expires counts in USER_HZ (net/core/rtnetlink.c rtnl_put_cacheinfo), and what is left over is cut off.
 */
#define TICK_MS 10

static const struct nla_policy metric_policy[RTAX_MAX + 1] = {
	[RTAX_MTU] = {.type = NLA_U32},
};

static enum rt_route_type route_type(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return RT_ROUTE_UNICAST;
	case RTN_LOCAL:
		return RT_ROUTE_LOCAL;
	case RTN_BLACKHOLE:
		return RT_ROUTE_BLACKHOLE;
	case RTN_UNREACHABLE:
		return RT_ROUTE_UNREACHABLE;
	case RTN_PROHIBIT:
		return RT_ROUTE_PROHIBIT;
	case RTN_THROW:
		return RT_ROUTE_THROW;
	default:
		return RT_ROUTE_OTHER;
	}
}

static bool rejects(enum rt_route_type type)
{
	return type == RT_ROUTE_BLACKHOLE || type == RT_ROUTE_UNREACHABLE || type == RT_ROUTE_PROHIBIT ||
	       type == RT_ROUTE_THROW;
}

/* Gateway and tunnel out of one leg's attributes. */
static int leg_attributes(struct nlattr **table, int af, struct rt_leg *leg, bool *tunnel)
{
	int err = 0;

	if (table[RTA_GATEWAY])
		err = decode_address(table[RTA_GATEWAY], af, &leg->gateway);
	else if (table[RTA_VIA])
		err = decode_via(table[RTA_VIA], &leg->gateway);
	if (err)
		return err;
	if (table[RTA_ENCAP_TYPE] && nla_get_u16(table[RTA_ENCAP_TYPE]) != LWTUNNEL_ENCAP_NONE)
		*tunnel = true;
	return 0;
}

static void add_leg(struct rt_route *route, const struct rt_leg *leg)
{
	if (route->legs_count == RT_LEGS_MAX)
		route->legs_cut = true;
	else
		route->legs[route->legs_count++] = *leg;
}

static int one_leg(const struct rtmsg *header, struct nlattr **table, struct rt_route *route)
{
	struct rt_leg leg = {.weight = 1, .dead = decode_dead(header->rtm_flags)};
	int err;

	if (!table[RTA_OIF])
		return 0;
	leg.ifindex = (int)nla_get_u32(table[RTA_OIF]);
	err = leg_attributes(table, header->rtm_family, &leg, &route->tunnel);
	if (err)
		return err;
	add_leg(route, &leg);
	return 0;
}

static int multipath_leg(const struct rtnexthop *hop, int af, struct rt_route *route)
{
	struct nlattr *table[RTA_MAX + 1];
	struct rt_leg leg = {
		.ifindex = hop->rtnh_ifindex,
		.weight = hop->rtnh_hops + 1U,
		.dead = decode_dead(hop->rtnh_flags),
	};
	int err;

	err = decode_attribute_bytes(hop + 1, hop->rtnh_len - sizeof(*hop), table, RTA_MAX, route_policy);
	if (err)
		return err;
	err = leg_attributes(table, af, &leg, &route->tunnel);
	if (err)
		return err;
	add_leg(route, &leg);
	return 0;
}

static int multipath(const struct nlattr *attribute, int af, struct rt_route *route)
{
	const char *at = nla_data(attribute);
	size_t rest = (size_t)nla_len(attribute);
	int err;

	while (rest) {
		const struct rtnexthop *hop = (const struct rtnexthop *)at;
		size_t step;

		if (rest < sizeof(*hop) || hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > rest)
			return -EINVAL;
		err = multipath_leg(hop, af, route);
		if (err)
			return err;
		step = NLMSG_ALIGN(hop->rtnh_len);
		if (step > rest)
			step = rest;
		at += step;
		rest -= step;
	}
	return 0;
}

static int route_mtu(const struct nlattr *attribute, struct rt_route *route)
{
	struct nlattr *table[RTAX_MAX + 1];
	int err;

	err = decode_nested(attribute, table, RTAX_MAX, metric_policy);
	if (err)
		return err;
	if (table[RTAX_MTU])
		route->mtu = nla_get_u32(table[RTAX_MTU]);
	return 0;
}

/* Not before it is really over: the tick that is cut off, and the jiffy that the end itself belongs to. */
static int64_t route_lifetime(const struct nlattr *attribute)
{
	struct rta_cacheinfo info;

	memcpy(&info, nla_data(attribute), sizeof(info));
	return info.rta_expires > 0 ? ((int64_t)info.rta_expires + 2) * TICK_MS
				    : (int64_t)info.rta_expires * TICK_MS;
}

static int route_legs(const struct rtmsg *header, struct nlattr **table, struct rt_route *route)
{
	/* IPv6 lists `lo` behind a blackhole. What rejects leads nowhere. */
	if (rejects(route->type))
		return 0;
	if (table[RTA_MULTIPATH])
		return multipath(table[RTA_MULTIPATH], header->rtm_family, route);
	return one_leg(header, table, route);
}

int decode_route(const struct nlmsghdr *message, struct rt_route *out)
{
	struct nlattr *table[RTA_MAX + 1];
	const struct rtmsg *header = nlmsg_data(message);
	struct rt_route route = {0};
	int err;

	err = decode_attributes(message, sizeof(*header), table, RTA_MAX, route_policy);
	if (err)
		return err;
	if ((header->rtm_family != AF_INET && header->rtm_family != AF_INET6) ||
	    (header->rtm_flags & RTM_F_CLONED))
		return DECODE_SKIP;
	err = decode_prefix(table[RTA_DST], header->rtm_family, header->rtm_dst_len, &route.dst);
	if (err)
		return err;
	route.type = route_type(header->rtm_type);
	route.protocol = header->rtm_protocol;
	route.table = table[RTA_TABLE] ? nla_get_u32(table[RTA_TABLE]) : header->rtm_table;
	if (table[RTA_PRIORITY])
		route.metric = nla_get_u32(table[RTA_PRIORITY]);
	if (table[RTA_NH_ID])
		route.nexthop_id = nla_get_u32(table[RTA_NH_ID]);
	if (table[RTA_CACHEINFO])
		route.lifetime = route_lifetime(table[RTA_CACHEINFO]);
	if (table[RTA_METRICS])
		err = route_mtu(table[RTA_METRICS], &route);
	if (!err)
		err = route_legs(header, table, &route);
	if (err)
		return err;
	*out = route;
	return 0;
}
