/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether the kernel's IPv6 answer is right, where nexthop objects are in play.
 *
 * RTM_GETROUTE may name another route that shares a next hop with the right one, or say "no route" where
 * there is one (index6.c says why). The index then finds a route by dumps, but they leave out what `ip -6
 * route append` has put between the next hops of one prefix and metric (net/ipv6/ip6_fib.c fib6_dump_node): a
 * throw route, or one by a nexthop object. Where such a one comes first, as the first of those next hops is
 * dead, the kernel is right, and the index is not. So neither is believed alone.
 *
 * "No route" is true where connect() of a UDP socket finds none, either. It makes the same look-up, and takes
 * what comes out of it as a packet does: by the error of the copy, never by the route that it was made for
 * (net/ipv6/ip6_output.c ip6_dst_lookup_tail). Nothing is sent. That is asked for packets of this node's own.
 * And a table that has nothing for the address by bpf_fib_lookup (probe.c) has not what the index knows in
 * it, either. That is asked where the interface forwards, from Linux 6.5 on. Before, "no route" for what
 * comes in by an interface is taken for false wherever the index has a route.
 *
 * A route that the kernel answers with shares a next hop with the right one. A route of the index that has
 * none in common with it is not the right one; nor is one that comes behind it in the same table. Where the
 * right one is known to neither, the next hops are those of the kernel's.
 *
 * A rule's suppress_prefixlength goes by the prefix of the route that the copy was made for, and packets
 * follow (net/ipv6/fib6_rules.c fib6_rule_suppress). What they meet changes with each look-up, from CPU to
 * CPU. There the index is believed, which knows what is meant. (Known to be wrong: a route without nexthop
 * object, behind such a rule, is not doubted.)
 *
 * Only query.c asks; nothing is kept.
 */
#include "answer6.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "index6.h"
#include "query.h"

/* RFC 863; any would do. */
#define DISCARD_PORT 9

/* A new socket each time: one that has been connected has a source, which rules may go by. */
static int connect_to(const struct addr *dst)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(DISCARD_PORT)};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	memcpy(&to.sin6_addr, dst->bytes, sizeof(to.sin6_addr));
	err = connect(fd, (const struct sockaddr *)&to, sizeof(to)) ? -errno : 0;
	close(fd);
	return err;
}

/* False also where that can't be told: there may be no source address. */
static bool packets_find_none(const struct addr *dst)
{
	int err = connect_to(dst);

	/* What rejects was found by a second look-up, with a source: the first found none. */
	return err == -ENETUNREACH || err == -EHOSTUNREACH || err == -EACCES || err == -EINVAL;
}

/* Both cover the address. */
static bool precedes(const struct rt_route *route, const struct rt_route *other)
{
	if (route->dst.length != other->dst.length)
		return route->dst.length > other->dst.length;
	return route->metric < other->metric;
}

static bool have_leg_in_common(const struct rt_route *a, const struct rt_route *b)
{
	for (size_t i = 0; i < a->legs_count; i++) {
		for (size_t j = 0; j < b->legs_count; j++) {
			if (a->legs[i].ifindex == b->legs[j].ifindex &&
			    addr_equal(&a->legs[i].gateway, &b->legs[j].gateway))
				return true;
		}
	}
	return false;
}

/* Can the copy that the kernel answered with be one of `found`, too? Legs beyond RT_LEGS_MAX are not known.
 */
static int may_share(struct rt_query *query, const struct rt_route *route, const struct rt_route *found,
		     bool *out)
{
	struct rt_route a = *route, b = *found;
	int err;

	*out = true;
	if (route->nexthop_id == found->nexthop_id)
		return 0;
	err = query_nexthop_legs(query, &a);
	if (!err)
		err = query_nexthop_legs(query, &b);
	if (!err)
		*out = a.legs_cut || b.legs_cut || have_leg_in_common(&a, &b);
	return err;
}

/* Is it the kernel that is right, and not the index? */
static int believe(struct rt_query *query, const struct index6_question *question,
		   const struct rt_route *route, const struct index6_answer *found, bool *out)
{
	bool share;
	int err;

	*out = false;
	if (found->suppressing)
		return 0;
	if (route->type == RT_ROUTE_NONE) {
		*out = !question->ingress && packets_find_none(question->dst);
		return 0;
	}
	if (route->lifetime < 0)
		return 0;
	*out = prefix_covers(&route->dst, question->dst) && route->table == found->route.table &&
	       precedes(route, &found->route);
	if (*out)
		return 0;
	err = may_share(query, route, &found->route, &share);
	*out = !err && !share;
	return err;
}

/* Of a route that another one shares the copy of, only the next hops are known. */
static void own(struct rt_route *route, const struct addr *dst)
{
	if (route->type == RT_ROUTE_NONE || prefix_covers(&route->dst, dst))
		return;
	route->dst = (struct prefix){.addr = *dst, .length = (uint8_t)(addr_size(dst) * 8)};
	route->metric = 0;
	route->mtu = 0;
	route->lifetime = 0;
}

int answer6_mend(struct rt_query *query, const struct addr *dst, const struct rt_ingress *ingress,
		 struct rt_route *route)
{
	bool none = route->type == RT_ROUTE_NONE, right = false;
	struct index6_question question = {dst, ingress, none ? &query->probe : NULL};
	struct index6_answer found;
	int err;

	if (!route->nexthop_id && !none)
		return 0;
	err = index6_find(&query->index6, query->interest, &question, &found);
	right = err == -ENOENT;
	if (!err)
		err = believe(query, &question, route, &found, &right);
	if (right)
		own(route, dst);
	else if (!err)
		*route = found.route;
	return right ? 0 : err;
}
