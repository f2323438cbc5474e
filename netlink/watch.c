/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_watch: follows the kernel. Events go into the observed state and come out as hints.
 *
 * What route events come is limited by interest.c, as far as ctl/ has said what it tracks.
 *
 * Called by ctl/'s loop when the socket is readable. Two sockets: one that listens, one that asks
 * (dumps at start and after an overrun). The listening one is bound before the first dump, so that
 * nothing falls between.
 *
 * Overrun (net/netlink/af_netlink.c): where an event finds no room, the kernel reports ENOBUFS
 * once and drops silently until the queue has been emptied. What is queued then is older than what
 * was lost, so it is discarded, and the state is loaded anew. A recovery that fails is repeated by
 * the next call: no event is trusted before.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "decode.h"
#include "hints.h"
#include "interest.h"
#include "query.h"
#include "state.h"

/* One call stays short, also in a storm: the loop has other things to do. */
#define BATCH	       4096
#define RECEIVE_BUFFER (8UL * 1024 * 1024)

struct rt_watch {
	struct rtsock events;
	struct rt_query *query;
	struct rt_state *state;
	struct interest *interest; /* NULL: everything comes */
	struct rt_watch_stats stats;
	bool lost; /* events were lost and the state has not been loaded since */
};

static const int groups[] = {
	RTNLGRP_LINK,	      RTNLGRP_NEIGH,	    RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
	RTNLGRP_IPV4_RULE,    RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV6_ROUTE,	 RTNLGRP_IPV6_RULE,
	RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_NEXTHOP,
};

static int join_all(struct rtsock *sock)
{
	int err = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && !err; i++)
		err = rtsock_join(sock, groups[i]);
	return err;
}

static int listen_open(struct rtsock *out, size_t rcvbuf)
{
	struct rtsock sock;
	int err;

	err = rtsock_open(&sock);
	if (err)
		return err;
	err = rtsock_receive_buffer(&sock, rcvbuf ? rcvbuf : RECEIVE_BUFFER);
	if (!err)
		err = join_all(&sock);
	if (err) {
		rtsock_close(&sock);
		return err;
	}
	*out = sock;
	return 0;
}

static int watch_start(struct rt_watch *watch, size_t rcvbuf)
{
	int err;

	err = listen_open(&watch->events, rcvbuf);
	if (!err)
		err = rt_query_open(&watch->query);
	if (!err)
		err = rt_state_new(&watch->state);
	if (!err)
		err = rt_state_load(watch->state, watch->query);
	return err;
}

int rt_watch_open(struct rt_watch **out, size_t rcvbuf)
{
	struct rt_watch *watch;
	int err;

	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	err = watch_start(watch, rcvbuf);
	if (err) {
		rt_watch_close(watch);
		return err;
	}
	*out = watch;
	return 0;
}

void rt_watch_close(struct rt_watch *watch)
{
	if (!watch)
		return;
	rtsock_close(&watch->events);
	interest_free(watch->interest);
	rt_query_close(watch->query);
	rt_state_free(watch->state);
	free(watch);
}

int rt_watch_fd(const struct rt_watch *watch)
{
	return watch->events.fd;
}

struct rt_state *rt_watch_state(struct rt_watch *watch)
{
	return watch->state;
}

const struct rt_watch_stats *rt_watch_stats(const struct rt_watch *watch)
{
	return &watch->stats;
}

int rt_watch_interest(struct rt_watch *watch, const struct addr *addresses, size_t count)
{
	struct interest *interest = NULL;
	int err;

	if (watch->interest && interest_is(watch->interest, addresses, count))
		return 0;
	err = interest_new(addresses, count, &interest);
	if (!err)
		err = interest_attach(interest, watch->events.fd);
	if (err) {
		interest_free(interest);
		interest = NULL;
		interest_detach(watch->events.fd);
	}
	interest_free(watch->interest);
	watch->interest = interest;
	return err;
}

bool rt_watch_filtered(const struct rt_watch *watch)
{
	return watch->interest != NULL;
}

/* ---- one event ----------------------------------------------------------------------------- */

/* These return 0, DECODE_SKIP, or -errno: the event could not be read or kept. */

/*
 * An event that changes nothing we know still concerns the FIB: when carrier is lost and comes back before
 * the kernel's worker looks (net/core/link_watch.c), this is all that is told, and a route that was made in
 * between, marked linkdown, works from now on.
 */
static int link_event(struct rt_watch *watch, const struct nlmsghdr *message, struct rt_hints *hints)
{
	struct rt_link link;
	int err, changed = 1;

	err = decode_link(message, &link);
	if (err)
		return err;
	if (message->nlmsg_type == RTM_DELLINK)
		rt_state_drop_link(watch->state, link.ifindex);
	else
		changed = state_put_link(watch->state, &link);
	if (changed < 0)
		return changed;
	if (changed > 0) {
		hints->links = true;
		hints_add_link(hints, link.ifindex);
	}
	hints->everything = true;
	return 0;
}

static int addr_event(struct rt_watch *watch, const struct nlmsghdr *message, struct rt_hints *hints)
{
	struct rt_addr addr;
	int err, changed;

	err = decode_addr(message, &addr);
	if (err)
		return err;
	if (message->nlmsg_type == RTM_DELADDR)
		changed = state_drop_addr(watch->state, &addr);
	else
		changed = state_put_addr(watch->state, &addr);
	if (changed <= 0)
		return changed;
	hints->addrs = true;
	hints->everything = true;
	return 0;
}

static int fdb_event(struct rt_watch *watch, const struct nlmsghdr *message, struct rt_hints *hints)
{
	struct rt_fdb fdb;
	int err, changed;

	err = decode_fdb(message, &fdb);
	if (err)
		return err;
	if (message->nlmsg_type == RTM_DELNEIGH)
		changed = state_drop_fdb(watch->state, &fdb);
	else
		changed = state_put_fdb(watch->state, &fdb);
	if (changed <= 0)
		return changed;
	hints->fdb = true;
	hints_add_link(hints, fdb.bridge);
	return 0;
}

static int neigh_event(struct rt_watch *watch, const struct nlmsghdr *message, struct rt_hints *hints)
{
	struct rt_neigh neigh;
	int err, changed;

	err = decode_neigh(message, &neigh);
	if (err == DECODE_SKIP)
		return fdb_event(watch, message, hints);
	if (err)
		return err;
	if (message->nlmsg_type == RTM_DELNEIGH)
		changed = state_drop_neigh(watch->state, neigh.ifindex, &neigh.addr);
	else
		changed = state_put_neigh(watch->state, &neigh);
	/* Meanwhile it was asked again, which is not told. */
	hints->failed6 |= neigh.addr.family == ADDR_IPV6 && neigh.state == RT_NEIGH_FAILED;
	if (changed <= 0)
		return changed;
	hints_add_neigh(hints, neigh.ifindex, &neigh.addr);
	return 0;
}

/* Most routes to hosts are neither a blackhole nor put in the place of one. */
static void host_event(const struct nlmsghdr *message, const struct rt_route *route, struct rt_hints *hints)
{
	bool hole = route->type == RT_ROUTE_BLACKHOLE;
	const struct rt_host_event event = {
		.route = {route->dst.addr, hole ? route->protocol : 0, route->table, route->metric},
		.came = message->nlmsg_type == RTM_NEWROUTE,
		.replaces = message->nlmsg_type == RTM_NEWROUTE && (message->nlmsg_flags & NLM_F_REPLACE),
	};

	if (hole || event.replaces)
		hints_add_host(hints, &event);
}

static int route_event(const struct nlmsghdr *message, struct rt_hints *hints)
{
	struct rt_route route;
	int err;

	err = decode_route(message, &route);
	if (err)
		return err;
	hints_add_route(hints, &route.dst);
	if (route.dst.length == addr_size(&route.dst.addr) * 8)
		host_event(message, &route, hints);
	return 0;
}

static int dispatch(struct rt_watch *watch, const struct nlmsghdr *message, struct rt_hints *hints)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_event(watch, message, hints);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return addr_event(watch, message, hints);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return neigh_event(watch, message, hints);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_event(message, hints);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		hints->rules = true;
		hints->everything = true;
		return 0;
	case RTM_NEWNETCONF:
	case RTM_DELNETCONF:
		hints->sysctls = true;
		hints->everything = true;
		return 0;
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		/* What it says does not matter: it may change any answer of the FIB. */
		hints->everything = true;
		return 0;
	default:
		return DECODE_SKIP;
	}
}

/* An event that can't be kept is like one that was lost: the state must be loaded anew. */
static void apply(struct rt_watch *watch, const struct nlmsghdr *message, struct rt_hints *hints)
{
	int err = dispatch(watch, message, hints);

	watch->stats.events++;
	if (err >= 0)
		return;
	if (err == -EINVAL)
		watch->stats.unparsed++;
	else
		watch->lost = true;
	hints->everything = true;
}

/* ---- reading ------------------------------------------------------------------------------- */

/* Empties the queue, which also ends the kernel's dropping. It ends, as the queue is bounded by the
 * receive buffer; the bound here is for a flood that refills it as fast as it is emptied. */
static void drain(struct rt_watch *watch)
{
	size_t size;

	for (size_t i = 0; i < 1000000; i++) {
		if (rtsock_receive(&watch->events, MSG_DONTWAIT, &size) == -EAGAIN)
			return;
	}
}

int rt_watch_reload(struct rt_watch *watch, struct rt_hints *hints)
{
	int err = rt_state_load(watch->state, watch->query);

	if (err)
		return err;
	hints->everything = true;
	hints->links = true;
	hints->addrs = true;
	hints->rules = true;
	hints->sysctls = true;
	return 0;
}

static int recover(struct rt_watch *watch, struct rt_hints *hints)
{
	int err;

	drain(watch);
	err = rt_watch_reload(watch, hints);
	if (err)
		return err;
	watch->lost = false;
	watch->stats.overruns++;
	hints->overrun = true;
	return 0;
}

/* Applies one datagram; the number of its messages, or -errno. */
static int read_one(struct rt_watch *watch, struct rt_hints *hints)
{
	struct nlmsghdr *message = (struct nlmsghdr *)watch->events.buffer;
	int count = 0, err, rest;
	size_t size;

	err = rtsock_receive(&watch->events, MSG_DONTWAIT, &size);
	if (err)
		return err;
	rest = (int)size;
	for (; nlmsg_ok(message, rest); message = nlmsg_next(message, &rest)) {
		apply(watch, message, hints);
		count++;
	}
	return count;
}

int rt_watch_read(struct rt_watch *watch, struct rt_hints *hints)
{
	int done = 0;

	while (done < BATCH && !watch->lost) {
		int count = read_one(watch, hints);

		if (count == -EAGAIN)
			return 0;
		if (count == -ENOBUFS || count == -EMSGSIZE)
			watch->lost = true;
		else if (count < 0)
			return count;
		else
			done += count ? count : 1;
	}
	return watch->lost ? recover(watch, hints) : 0;
}
