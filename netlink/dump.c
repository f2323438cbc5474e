/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Dumps: every link, address, neighbour, route or rule that the kernel has.
 *
 * state.c loads itself through query_*, ctl/ reads through rt_dump_*. Nothing is kept. A dump is
 * many datagrams, and the kernel may change in between: for links, addresses and nexthop objects
 * it says so (NLM_F_DUMP_INTR) and the dump is repeated; for neighbours, routes and rules it does
 * not, and whoever needs certainty follows the events (rt_watch).
 */
#include "query.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <sys/socket.h>

#include "decode.h"

/* The callback of one subject: decodes a message and hands the record on. */
#define DEFINE_EACH(subject, message_type)                                   \
	struct subject##_walk {                                              \
		int (*each)(const struct rt_##subject *, void *);            \
		void *arg;                                                   \
	};                                                                   \
	static int each_##subject(const struct nlmsghdr *message, void *arg) \
	{                                                                    \
		const struct subject##_walk *walk = arg;                     \
		struct rt_##subject record;                                  \
		int err;                                                     \
                                                                             \
		if (message->nlmsg_type != (message_type))                   \
			return 0;                                            \
		err = decode_##subject(message, &record);                    \
		if (err)                                                     \
			return err == DECODE_SKIP ? 0 : err;                 \
		return walk->each(&record, walk->arg);                       \
	}

DEFINE_EACH(link, RTM_NEWLINK)
DEFINE_EACH(addr, RTM_NEWADDR)
DEFINE_EACH(neigh, RTM_NEWNEIGH)
DEFINE_EACH(fdb, RTM_NEWNEIGH)
DEFINE_EACH(rule, RTM_NEWRULE)

int query_links(struct rt_query *query, int tries, int (*each)(const struct rt_link *, void *), void *arg)
{
	struct ifinfomsg header = {.ifi_family = AF_UNSPEC};
	struct link_walk walk = {each, arg};
	struct nl_msg *request;

	request = rtsock_begin(&query->sock, RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header));
	if (nla_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS) < 0)
		return -ENOMEM;
	return rtsock_dump(&query->sock, tries, each_link, &walk);
}

int query_addrs(struct rt_query *query, int tries, int (*each)(const struct rt_addr *, void *), void *arg)
{
	struct ifaddrmsg header = {.ifa_family = AF_UNSPEC};
	struct addr_walk walk = {each, arg};

	rtsock_begin(&query->sock, RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));
	return rtsock_dump(&query->sock, tries, each_addr, &walk);
}

int query_neighs(struct rt_query *query, int tries, int (*each)(const struct rt_neigh *, void *), void *arg)
{
	struct ndmsg header = {.ndm_family = AF_UNSPEC};
	struct neigh_walk walk = {each, arg};

	rtsock_begin(&query->sock, RTM_GETNEIGH, NLM_F_DUMP, &header, sizeof(header));
	return rtsock_dump(&query->sock, tries, each_neigh, &walk);
}

int query_fdb(struct rt_query *query, int tries, int (*each)(const struct rt_fdb *, void *), void *arg)
{
	struct ndmsg header = {.ndm_family = AF_BRIDGE};
	struct fdb_walk walk = {each, arg};

	rtsock_begin(&query->sock, RTM_GETNEIGH, NLM_F_DUMP, &header, sizeof(header));
	return rtsock_dump(&query->sock, tries, each_fdb, &walk);
}

int rt_dump_links(struct rt_query *query, int (*each)(const struct rt_link *, void *), void *arg)
{
	return query_links(query, RTSOCK_DUMP_TRIES, each, arg);
}

int rt_dump_addrs(struct rt_query *query, int (*each)(const struct rt_addr *, void *), void *arg)
{
	return query_addrs(query, RTSOCK_DUMP_TRIES, each, arg);
}

int rt_dump_neighs(struct rt_query *query, int (*each)(const struct rt_neigh *, void *), void *arg)
{
	return query_neighs(query, RTSOCK_DUMP_TRIES, each, arg);
}

int rt_dump_rules(struct rt_query *query, int family, int (*each)(const struct rt_rule *, void *), void *arg)
{
	struct addr any = {.family = (uint8_t)family};
	struct fib_rule_hdr header = {.family = (uint8_t)addr_af(&any)};
	struct rule_walk walk = {each, arg};

	rtsock_begin(&query->sock, RTM_GETRULE, NLM_F_DUMP, &header, sizeof(header));
	return rtsock_dump(&query->sock, RTSOCK_DUMP_TRIES, each_rule, &walk);
}

/* ---- routes -------------------------------------------------------------------------------- */

struct route_walk {
	int (*each)(const struct rt_route *, void *);
	void *arg;
	/* Asks about nexthop objects while the dump occupies the other socket; opened when first needed. */
	struct rt_query *aside;
};

static int whole_legs(struct route_walk *walk, struct rt_route *route)
{
	int err;

	if (!route->nexthop_id)
		return 0;
	if (!walk->aside) {
		err = rt_query_open(&walk->aside);
		if (err)
			return err;
	}
	return query_nexthop_legs(walk->aside, route);
}

static int each_route(const struct nlmsghdr *message, void *arg)
{
	struct route_walk *walk = arg;
	struct rt_route route;
	int err;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	err = decode_route(message, &route);
	if (err)
		return err == DECODE_SKIP ? 0 : err;
	err = whole_legs(walk, &route);
	return err ? err : walk->each(&route, walk->arg);
}

int rt_dump_routes(struct rt_query *query, int family, int (*each)(const struct rt_route *, void *),
		   void *arg)
{
	struct addr any = {.family = (uint8_t)family};
	struct rtmsg header = {.rtm_family = (unsigned char)addr_af(&any)};
	struct route_walk walk = {each, arg, NULL};
	int err;

	rtsock_begin(&query->sock, RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));
	err = rtsock_dump(&query->sock, RTSOCK_DUMP_TRIES, each_route, &walk);
	rt_query_close(walk.aside);
	return err;
}
