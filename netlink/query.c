/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_query: a socket for requests, and the question that matters: what the FIB answers for an
 * address.
 *
 * One request, one answer, nothing kept between them. ctl/ asks it about every backend that an
 * event may concern. Kernel side: net/ipv4/route.c inet_rtm_getroute and net/ipv6/route.c
 * inet6_rtm_getroute, with RTM_F_FIB_MATCH (4.13).
 */
#include "query.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>

#include "answer6.h"
#include "decode.h"
#include "index6.h"
#include "interest.h"
#include "probe.h"

int rt_query_open(struct rt_query **out)
{
	struct rt_query *query;
	int err;

	query = calloc(1, sizeof(*query));
	if (!query)
		return -ENOMEM;
	err = rtsock_open(&query->sock);
	if (err) {
		free(query);
		return err;
	}
	*out = query;
	return 0;
}

void rt_query_close(struct rt_query *query)
{
	if (!query)
		return;
	index6_close(query->index6);
	interest_free(query->interest);
	probe_close(query->probe);
	rtsock_close(&query->sock);
	free(query);
}

int rt_query_interest(struct rt_query *query, const struct addr *addresses, size_t count)
{
	struct interest *interest = NULL;
	int err;

	if (query->interest && interest_is(query->interest, addresses, count))
		return 0;
	/* What it knows was gathered for another set. It is opened again when needed. */
	index6_close(query->index6);
	query->index6 = NULL;
	interest_free(query->interest);
	query->interest = NULL;
	err = interest_new(addresses, count, &interest);
	if (!err)
		query->interest = interest;
	return err;
}

/*
 * A route that rejects is answered with the error that its packets would meet: fib_props in
 * net/ipv4/fib_semantics.c, ip6_rt_type_to_error in net/ipv6/route.c. Nothing that we send is
 * invalid, so EINVAL is a blackhole.
 */
static int fib_verdict(int err, struct rt_route *out)
{
	struct rt_route route = {.type = RT_ROUTE_NONE};

	if (err == -EHOSTUNREACH)
		route.type = RT_ROUTE_UNREACHABLE;
	else if (err == -EACCES)
		route.type = RT_ROUTE_PROHIBIT;
	else if (err == -EINVAL)
		route.type = RT_ROUTE_BLACKHOLE;
	else if (err != -ENETUNREACH)
		return err;
	*out = route;
	return 0;
}

/*
 * From Linux 6.13 on IPv4 says EINVAL, as of a blackhole, also where rp_filter refuses the source, before the
 * route is looked at (ip_route_input_rcu's reason is lost in inet_rtm_getroute). Before, it says -EXDEV.
 */
static int refused_source(struct rt_query *query, const struct addr *dst, const struct rt_ingress *ingress,
			  const struct rt_route *route)
{
	struct probe_packet packet = {.dst = dst, .src = ingress ? &ingress->source : NULL};
	enum probe_answer answer;

	if (!ingress || dst->family != ADDR_IPV4 || route->type != RT_ROUTE_BLACKHOLE)
		return 0;
	packet.ifindex = ingress->ifindex;
	answer = probe_by_rules4(&query->probe, &packet);
	return answer == PROBE_BLACKHOLE || answer == PROBE_UNKNOWN ? 0 : -EXDEV;
}

static int by_way(const void *a, const void *b)
{
	const struct rt_leg *x = a, *y = b;

	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return addr_compare(&x->gateway, &y->gateway);
}

static int put_addr(struct nl_msg *request, int type, const struct addr *addr)
{
	return nla_put(request, type, (int)addr_size(addr), addr->bytes) < 0 ? -ENOMEM : 0;
}

/* `ingress` is NULL for a packet of this node's own. */
static int ask_fib(struct rt_query *query, const struct addr *dst, const struct rt_ingress *ingress,
		   struct rt_route *out)
{
	const struct addr *src = ingress && dst->family == ADDR_IPV4 ? &ingress->source : NULL;
	struct rtmsg header = {
		.rtm_family = (unsigned char)addr_af(dst),
		.rtm_dst_len = (unsigned char)(addr_size(dst) * 8),
		.rtm_src_len = (unsigned char)(src ? addr_size(src) * 8 : 0),
		.rtm_flags = RTM_F_FIB_MATCH,
	};
	const struct nlmsghdr *answer;
	struct rt_route route;
	struct nl_msg *request;
	int err;

	if (!addr_size(dst))
		return -EAFNOSUPPORT;
	if (src && !src->family)
		return -EXDEV;
	/* Without this flag IPv4 says that each route is of the main table. IPv6 refuses it, and always
	 * tells. */
	if (dst->family == ADDR_IPV4)
		header.rtm_flags |= RTM_F_LOOKUP_TABLE;
	request = rtsock_begin(&query->sock, RTM_GETROUTE, 0, &header, sizeof(header));
	err = put_addr(request, RTA_DST, dst);
	if (!err && src)
		err = put_addr(request, RTA_SRC, src);
	if (!err && ingress && nla_put_u32(request, RTA_IIF, (uint32_t)ingress->ifindex) < 0)
		err = -ENOMEM;
	if (err)
		return err;
	err = rtsock_ask(&query->sock, &answer);
	if (err)
		err = fib_verdict(err, &route);
	else if (!answer || answer->nlmsg_type != RTM_NEWROUTE || decode_route(answer, &route))
		err = -EBADMSG;
	if (!err)
		err = refused_source(query, dst, ingress, &route);
	if (!err && dst->family == ADDR_IPV6)
		err = answer6_mend(query, dst, ingress, &route);
	if (!err)
		err = query_nexthop_legs(query, &route);
	if (err)
		return err;
	/* IPv6 lists first the leg that this look-up hashed to: another order is no change. */
	if (route.legs_count > 1)
		qsort(route.legs, route.legs_count, sizeof(route.legs[0]), by_way);
	*out = route;
	return 0;
}

int rt_query_fib(struct rt_query *query, const struct addr *dst, struct rt_route *out)
{
	return ask_fib(query, dst, NULL, out);
}

int rt_query_fib_from(struct rt_query *query, const struct addr *dst, const struct rt_ingress *ingress,
		      struct rt_route *out)
{
	return ask_fib(query, dst, ingress, out);
}
