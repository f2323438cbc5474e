/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Blackhole host routes: what a routing daemon takes up and tells the network.
 *
 * ctl/ writes one for each address that it advertises. They carry a protocol number of our own, by
 * which routing daemons choose them and by which they are found again after a crash. Kernel
 * side: net/ipv4/fib_frontend.c inet_rtm_newroute, net/ipv6/route.c inet6_rtm_newroute.
 */
#include "query.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include "decode.h"

static int blackhole(struct rt_query *query, int type, int flags, const struct rt_blackhole *route)
{
	const struct addr *addr = &route->addr;
	struct rtmsg header = {
		.rtm_family = (unsigned char)addr_af(addr),
		.rtm_dst_len = (unsigned char)(addr_size(addr) * 8),
		.rtm_table = route->table < 256 ? (unsigned char)route->table : RT_TABLE_UNSPEC,
		.rtm_protocol = route->protocol,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_BLACKHOLE,
	};
	const struct nlmsghdr *answer;
	struct nl_msg *request;

	if (!addr_size(addr))
		return -EAFNOSUPPORT;
	request = rtsock_begin(&query->sock, type, flags | NLM_F_ACK, &header, sizeof(header));
	if (nla_put(request, RTA_DST, (int)addr_size(addr), addr->bytes) < 0 ||
	    nla_put_u32(request, RTA_TABLE, route->table) < 0 ||
	    nla_put_u32(request, RTA_PRIORITY, route->metric) < 0)
		return -ENOMEM;
	return rtsock_ask(&query->sock, &answer);
}

int rt_blackhole_add(struct rt_query *query, const struct rt_blackhole *route)
{
	return blackhole(query, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
}

int rt_blackhole_remove(struct rt_query *query, const struct rt_blackhole *route)
{
	int err = blackhole(query, RTM_DELROUTE, 0, route);

	return err == -ESRCH ? 0 : err;
}

/* ---- finding them ---------------------------------------------------------------------------- */

struct blackhole_walk {
	uint8_t protocol;
	int (*each)(const struct rt_blackhole *, void *);
	void *arg;
};

/* A kernel that filters hands over no other; one that does not (before 4.20) hands over all. */
static int each_blackhole(const struct nlmsghdr *message, void *arg)
{
	const struct blackhole_walk *walk = arg;
	struct rt_blackhole found;
	struct rt_route route;
	int err;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	err = decode_route(message, &route);
	if (err)
		return err == DECODE_SKIP ? 0 : err;
	if (route.type != RT_ROUTE_BLACKHOLE || route.protocol != walk->protocol ||
	    route.dst.length != addr_size(&route.dst.addr) * 8)
		return 0;
	found = (struct rt_blackhole){route.dst.addr, route.protocol, route.table, route.metric};
	return walk->each(&found, walk->arg);
}

static int dump_family(struct rtsock *sock, unsigned char af, struct blackhole_walk *walk)
{
	struct rtmsg header = {
		.rtm_family = af,
		.rtm_protocol = walk->protocol,
		.rtm_type = RTN_BLACKHOLE,
	};

	rtsock_begin(sock, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
	return rtsock_dump(sock, RTSOCK_DUMP_TRIES, each_blackhole, walk);
}

/* On a socket of its own: only there does the kernel read the header's fields as a filter. */
int rt_dump_blackholes(uint8_t protocol, int (*each)(const struct rt_blackhole *, void *), void *arg)
{
	struct blackhole_walk walk = {protocol, each, arg};
	struct rtsock sock;
	int one = 1, err = rtsock_open(&sock);

	if (err)
		return err;
	(void)setsockopt(sock.fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	err = dump_family(&sock, AF_INET, &walk);
	if (!err)
		err = dump_family(&sock, AF_INET6, &walk);
	rtsock_close(&sock);
	return err;
}
