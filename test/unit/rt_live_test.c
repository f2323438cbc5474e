/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_query against the real kernel: what the FIB answers for each kind of route, dumps, managed
 * neighbours, host addresses. Each test has a network namespace of its own.
 */
#include "live.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <shunt/rt.h>

#include "socket.h"

#define TEXT_SIZE 1024

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void append(char text[static TEXT_SIZE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void append(char text[static TEXT_SIZE], const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, TEXT_SIZE - used, format, args);
	va_end(args);
}

/* "unicast 203.0.113.0/28 metric 5 mtu 1400: 198.51.100.2@va*3 on-link@va*1!", "!" for dead. */
static const char *route_text(const struct rt_route *route, char text[static TEXT_SIZE])
{
	static const char *const types[] = {"none",	   "unicast",  "local", "blackhole",
					    "unreachable", "prohibit", "throw", "other"};
	char addr[ADDR_TEXT_SIZE], name[IF_NAMESIZE];

	text[0] = '\0';
	append(text, "%s", types[route->type]);
	if (route->dst.addr.family)
		append(text, " %s", prefix_format(&route->dst, addr));
	if (route->metric)
		append(text, " metric %u", route->metric);
	if (route->mtu)
		append(text, " mtu %u", route->mtu);
	if (route->tunnel)
		append(text, " tunnel");
	for (size_t i = 0; i < route->legs_count; i++) {
		const struct rt_leg *leg = &route->legs[i];

		append(text, "%s%s@%s*%u%s", i ? " " : ": ",
		       leg->gateway.family ? addr_format(&leg->gateway, addr) : "on-link",
		       if_indextoname((unsigned)leg->ifindex, name) ? name : "?", leg->weight,
		       leg->dead ? "!" : "");
	}
	return text;
}

static const char *answer(struct rt_query *query, const char *asked, char text[static TEXT_SIZE])
{
	struct addr addr = parsed(asked);
	struct rt_route route;
	int err = rt_query_fib(query, &addr, &route);

	if (err)
		fail_msg("%s: error %d", asked, err);
	return route_text(&route, text);
}

static void answers(struct rt_query *query, const char *asked, const char *expect)
{
	char text[TEXT_SIZE];

	if (strcmp(answer(query, asked, text), expect) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", asked, text, expect);
}

/* For what a kernel worker does a moment after the command: carrier, local routes of IPv6. */
static void comes_to_answer(struct rt_query *query, const char *asked, const char *expect)
{
	char text[TEXT_SIZE];

	for (int tries = 0; tries < 10000; tries++) {
		if (strcmp(answer(query, asked, text), expect) == 0)
			return;
		usleep(1000);
	}
	fail_msg("%s: still \"%s\" instead of \"%s\"", asked, text, expect);
}

/* va with 198.51.100.1/24 and 2001:db8:1::1/64, and its other end vb, both up. */
static int enter(void **state)
{
	struct rt_query *query;

	if (live_enter())
		return -1;
	live_pair();
	live_run("ip addr add 198.51.100.1/24 dev va");
	live_run("ip addr add 2001:db8:1::1/64 dev va nodad");
	if (rt_query_open(&query))
		return -1;
	*state = query;
	comes_to_answer(query, "2001:db8:1::1", "local 2001:db8:1::1/128: on-link@va*1");
	return 0;
}

static int leave(void **state)
{
	rt_query_close(*state);
	return 0;
}

/* ---- the FIB's answers ---------------------------------------------------------------------- */

static void routes_with_next_hops_of_their_own(void **state)
{
	live_run("ip route add 203.0.113.0/28 via 198.51.100.2");
	live_run("ip route add 203.0.113.16/28 dev va mtu 1400 metric 5");
	live_run("ip route add 203.0.113.32/28 nexthop via 198.51.100.2 weight 3 nexthop via 198.51.100.3 "
		 "weight 256");
	live_run("ip route add 203.0.113.48/28 via inet6 2001:db8:1::9 dev va");
	live_run("ip route add 203.0.113.64/28 encap ip id 5 dst 198.51.100.77 dev va");
	live_run("ip route add 2001:db8:a::/64 via 2001:db8:1::2");
	live_run("ip route add 2001:db8:b::/64 dev va mtu 1300 metric 5");
	live_run("ip route add 2001:db8:c::/64 nexthop via 2001:db8:1::2 weight 3 nexthop via 2001:db8:1::3 "
		 "weight 256");
	answers(*state, "203.0.113.1", "unicast 203.0.113.0/28: 198.51.100.2@va*1");
	answers(*state, "203.0.113.17", "unicast 203.0.113.16/28 metric 5 mtu 1400: on-link@va*1");
	answers(*state, "203.0.113.33", "unicast 203.0.113.32/28: 198.51.100.2@va*3 198.51.100.3@va*256");
	answers(*state, "203.0.113.49", "unicast 203.0.113.48/28: 2001:db8:1::9@va*1");
	answers(*state, "203.0.113.65", "unicast 203.0.113.64/28 tunnel: on-link@va*1");
	answers(*state, "198.51.100.7", "unicast 198.51.100.0/24: on-link@va*1");
	answers(*state, "2001:db8:a::1", "unicast 2001:db8:a::/64 metric 1024: 2001:db8:1::2@va*1");
	answers(*state, "2001:db8:b::1", "unicast 2001:db8:b::/64 metric 5 mtu 1300: on-link@va*1");
	answers(*state, "2001:db8:c::1",
		"unicast 2001:db8:c::/64 metric 1024: 2001:db8:1::2@va*3 2001:db8:1::3@va*256");
	answers(*state, "2001:db8:1::7", "unicast 2001:db8:1::/64 metric 256: on-link@va*1");
}

static void routes_that_lead_nowhere(void **state)
{
	static const char *const types[] = {"blackhole", "unreachable", "prohibit"};

	for (int i = 0; i < 3; i++) {
		char asked[64];

		live_run("ip route add %s 203.0.113.%d/28", types[i], i * 16);
		live_run("ip route add %s 2001:db8:%d::/64", types[i], i + 10);
		snprintf(asked, sizeof(asked), "203.0.113.%d", i * 16 + 1);
		answers(*state, asked, types[i]);
		snprintf(asked, sizeof(asked), "2001:db8:%d::1", i + 10);
		answers(*state, asked, types[i]);
	}
	live_run("ip route add throw 203.0.113.96/28");
	live_run("ip route add throw 2001:db8:20::/64");
	answers(*state, "203.0.113.97", "none");
	answers(*state, "2001:db8:20::1", "none");
	answers(*state, "198.18.0.1", "none");
	answers(*state, "2001:db8:99::1", "none");
}

static void addresses_of_this_node(void **state)
{
	answers(*state, "198.51.100.1", "local 198.51.100.1/32: on-link@va*1");
	answers(*state, "198.51.100.255", "other 198.51.100.255/32: on-link@va*1");
	answers(*state, "2001:db8:1::1", "local 2001:db8:1::1/128: on-link@va*1");
}

/* With nexthop_compat_mode=1 the kernel lists the legs, with 0 only the object's id. */
static void routes_through_nexthop_objects(void **state)
{
	live_run("ip nexthop add id 10 via 198.51.100.10 dev va");
	live_run("ip nexthop add id 11 via 198.51.100.11 dev va");
	live_run("ip nexthop add id 12 via 2001:db8:1::12 dev va");
	live_run("ip nexthop add id 20 group 10,7/11,3");
	live_run("ip nexthop add id 13 blackhole");
	live_run("ip -6 nexthop add id 33 blackhole");
	live_run("ip route add 203.0.113.0/28 nhid 10 && ip route add 203.0.113.16/28 nhid 20");
	live_run("ip route add 203.0.113.32/28 nhid 13 && ip route add 203.0.113.48/28 nhid 12");
	live_run("ip -6 route add 2001:db8:33::/64 nhid 33 && ip -6 route add 2001:db8:12::/64 nhid 12");
	for (int compat = 1; compat >= 0; compat--) {
		live_run("echo %d > /proc/sys/net/ipv4/nexthop_compat_mode", compat);
		answers(*state, "203.0.113.1", "unicast 203.0.113.0/28: 198.51.100.10@va*1");
		answers(*state, "203.0.113.17",
			"unicast 203.0.113.16/28: 198.51.100.10@va*7 198.51.100.11@va*3");
		answers(*state, "203.0.113.33", "blackhole");
		answers(*state, "203.0.113.49", "unicast 203.0.113.48/28: 2001:db8:1::12@va*1");
		answers(*state, "2001:db8:33::1", "blackhole");
		answers(*state, "2001:db8:12::1",
			"unicast 2001:db8:12::/64 metric 1024: 2001:db8:1::12@va*1");
	}
}

/* {id, weight - 1 in two bytes, zero}: ip of Debian 12 cannot write such a group. */
static int group_with_wide_weights(struct rtsock *sock)
{
	static const struct {
		uint32_t id;
		uint8_t low, high;
		uint16_t zero;
	} members[] = {{10, (300 - 1) & 0xff, (300 - 1) >> 8, 0}, {11, 2, 0, 0}};
	struct nhmsg header = {.nh_protocol = RTPROT_STATIC};
	const struct nlmsghdr *answer;
	struct nl_msg *request;

	request = rtsock_begin(sock, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_ACK, &header, sizeof(header));
	assert_int_equal(nla_put_u32(request, NHA_ID, 20), 0);
	assert_int_equal(nla_put(request, NHA_GROUP, sizeof(members), members), 0);
	return rtsock_ask(sock, &answer);
}

/* The kernel's own list of legs says 44 for 300. */
static void weights_above_256_are_whole(void **state)
{
	struct rtsock sock;
	int err;

	live_run("ip nexthop add id 10 via 198.51.100.10 dev va && ip nexthop add id 11 via 198.51.100.11 "
		 "dev va");
	assert_int_equal(rtsock_open(&sock), 0);
	err = group_with_wide_weights(&sock);
	rtsock_close(&sock);
	if (err == -EINVAL) {
		print_message("skipped: this kernel has no weights above 256\n");
		skip();
	}
	assert_int_equal(err, 0);
	live_run("ip route add 203.0.113.0/28 nhid 20");
	for (int compat = 1; compat >= 0; compat--) {
		live_run("echo %d > /proc/sys/net/ipv4/nexthop_compat_mode", compat);
		answers(*state, "203.0.113.1",
			"unicast 203.0.113.0/28: 198.51.100.10@va*300 198.51.100.11@va*3");
	}
}

/* All of them share the object 30, and the kernel alone would answer with any of them. */
static void ipv6_routes_that_share_a_nexthop_object(void **state)
{
	static const char both[] = "2001:db8:1::30@va*7 2001:db8:1::31@va*3";
	char expect[TEXT_SIZE];

	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va");
	live_run("ip nexthop add id 31 via 2001:db8:1::31 dev va");
	live_run("ip nexthop add id 32 group 30,7/31,3");
	live_run("ip -6 route add default nhid 32");
	live_run("ip -6 route add 2001:db8:10::/48 nhid 32 && ip -6 route add 2001:db8:10::/64 nhid 30");
	live_run("ip -6 route add 2001:db8:11::/64 nhid 30 mtu 1400 && ip -6 route add 2001:db8:12::/64 nhid "
		 "31");
	for (int round = 0; round < 3; round++) {
		snprintf(expect, sizeof(expect), "unicast ::/0 metric 1024: %s", both);
		answers(*state, "2001:db8:99::1", expect);
		snprintf(expect, sizeof(expect), "unicast 2001:db8:10::/48 metric 1024: %s", both);
		answers(*state, "2001:db8:10:1::1", expect);
		answers(*state, "2001:db8:10::1",
			"unicast 2001:db8:10::/64 metric 1024: 2001:db8:1::30@va*1");
		answers(*state, "2001:db8:11::1",
			"unicast 2001:db8:11::/64 metric 1024 mtu 1400: 2001:db8:1::30@va*1");
		answers(*state, "2001:db8:12::1",
			"unicast 2001:db8:12::/64 metric 1024: 2001:db8:1::31@va*1");
		live_run("echo %d > /proc/sys/net/ipv4/nexthop_compat_mode", round % 2);
	}
	/* Each kind of change is followed: replace, remove, another metric, the object itself. */
	live_run("ip -6 route replace 2001:db8:12::/64 nhid 32");
	snprintf(expect, sizeof(expect), "unicast 2001:db8:12::/64 metric 1024: %s", both);
	answers(*state, "2001:db8:12::1", expect);
	live_run("ip -6 route del 2001:db8:10::/64");
	snprintf(expect, sizeof(expect), "unicast 2001:db8:10::/48 metric 1024: %s", both);
	answers(*state, "2001:db8:10::1", expect);
	live_run("ip -6 route add 2001:db8:12::/64 nhid 31 metric 7");
	answers(*state, "2001:db8:12::1", "unicast 2001:db8:12::/64 metric 7: 2001:db8:1::31@va*1");
	live_run("ip nexthop replace id 32 group 31,2");
	answers(*state, "2001:db8:10::1", "unicast 2001:db8:10::/48 metric 1024: 2001:db8:1::31@va*2");
	/* With compat_mode=0 the routes of a deleted object go without a word. */
	live_run("ip -6 route replace default nhid 30 && ip nexthop del id 32");
	answers(*state, "2001:db8:10::1", "unicast ::/0 metric 1024: 2001:db8:1::30@va*1");
	live_run("ip -6 route replace 2001:db8:12::/64 metric 7 via 2001:db8:1::40");
	answers(*state, "2001:db8:12::1", "unicast 2001:db8:12::/64 metric 7: 2001:db8:1::40@va*1");
}

/* Answers do not depend on which addresses were said to matter. */
static void they_are_told_apart_where_some_addresses_are_tracked(void **state)
{
	const struct addr tracked[] = {parsed("2001:db8:12::1"), parsed("198.51.100.7"),
				       parsed("2001:db8:10::1")};

	assert_int_equal(rt_query_interest(*state, tracked, 3), 0);
	ipv6_routes_that_share_a_nexthop_object(state);
	/* The event of one that is not tracked does not come. */
	live_run("ip -6 route replace 2001:db8:11::/64 nhid 31");
	answers(*state, "2001:db8:11::1", "unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::31@va*1");
}

/* Of routes with one prefix and metric the kernel takes the first. */
static void ipv6_routes_appended_behind_nexthop_objects(void **state)
{
	static const char *const by[] = {"30", "31", "32"};
	char routes[4][TEXT_SIZE];

	for (size_t i = 0; i < 3; i++) {
		live_run("ip nexthop add id %s via 2001:db8:1::%s dev va", by[i], by[i]);
		snprintf(routes[i], TEXT_SIZE, "unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::%s@va*1",
			 by[i]);
	}
	snprintf(routes[3], TEXT_SIZE, "unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::40@va*1");
	live_run("ip -6 route add default nhid 32");
	live_run("ip -6 route add 2001:db8:11::/64 nhid 30");
	answers(*state, "2001:db8:11::1", routes[0]);
	/* A nexthop object that comes has the index made anew. */
	for (int round = 0; round < 2; round++) {
		live_run("ip -6 route append 2001:db8:11::/64 nhid 31");
		answers(*state, "2001:db8:11::1", routes[0]);
		live_run("ip -6 route append 2001:db8:11::/64 via 2001:db8:1::40");
		answers(*state, "2001:db8:11::1", routes[0]);
		live_run("ip nexthop replace id 5%d via 2001:db8:1::50 dev va", round);
		answers(*state, "2001:db8:11::1", routes[0]);
		live_run("ip -6 route append 2001:db8:11::/64 nhid 32");
		live_run("ip -6 route del 2001:db8:11::/64 nhid 30");
		answers(*state, "2001:db8:11::1", routes[1]);
		live_run("ip -6 route del 2001:db8:11::/64 nhid 31");
		answers(*state, "2001:db8:11::1", routes[3]);
		live_run("ip -6 route del 2001:db8:11::/64 via 2001:db8:1::40");
		answers(*state, "2001:db8:11::1", routes[2]);
		live_run("ip -6 route replace 2001:db8:11::/64 nhid 30");
		answers(*state, "2001:db8:11::1", routes[0]);
	}
	live_run("ip -6 route replace 2001:db8:11::/64 via 2001:db8:1::40");
	answers(*state, "2001:db8:11::1", routes[3]);
	live_run("ip -6 route del 2001:db8:11::/64");
	answers(*state, "2001:db8:11::1", "unicast ::/0 metric 1024: 2001:db8:1::32@va*1");
}

/* Only one of them is looked at, and not the first: who is first is to be known when that goes. */
static void ipv6_routes_by_nexthop_objects_appended_behind_others(void **state)
{
	static const char *const gateways[] = {"via 2001:db8:1::40", "via 2001:db8:1::41"};

	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va");
	live_run("ip -6 route add default nhid 30");
	answers(*state, "2001:db8:11::1", "unicast ::/0 metric 1024: 2001:db8:1::30@va*1");
	live_run("ip -6 route add 2001:db8:11::/64 %s", gateways[0]);
	for (int round = 0; round < 2; round++) {
		live_run("ip -6 route append 2001:db8:11::/64 nhid 30");
		answers(*state, "2001:db8:11::1",
			"unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::40@va*1");
		if (round) /* the index is made anew */
			live_run("ip nexthop add id 31 via 2001:db8:1::31 dev va");
		answers(*state, "2001:db8:12::1", "unicast ::/0 metric 1024: 2001:db8:1::30@va*1");
		live_run("ip -6 route replace 2001:db8:11::/64 %s", gateways[1]);
		answers(*state, "2001:db8:11::1",
			"unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::41@va*1");
		live_run("ip -6 route del 2001:db8:11::/64 %s", gateways[1]);
		answers(*state, "2001:db8:11::1",
			"unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::30@va*1");
		live_run("ip -6 route replace 2001:db8:11::/64 %s", gateways[0]);
	}
}

/* The kernel's answer for an address may be a route of another table, too. */
static void ipv6_routes_in_several_tables_share_a_nexthop_object(void **state)
{
	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va");
	live_run("ip -6 route add 2001:db8:12::/64 nhid 30 && "
		 "ip -6 nexthop add id 33 blackhole && ip -6 route add 2001:db8:11::1 nhid 33");
	live_run("ip -6 route add 2001:db8:11::/64 nhid 30 table 1000");
	answers(*state, "2001:db8:12::1", "unicast 2001:db8:12::/64 metric 1024: 2001:db8:1::30@va*1");
	live_run("ip -6 rule add to 2001:db8:11::/64 lookup 1000 priority 100");
	answers(*state, "2001:db8:11::1", "unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::30@va*1");
	live_run("ip -6 route add 2001:db8:11::/64 nhid 30");
	live_run("ip -6 rule del priority 100");
	answers(*state, "2001:db8:11:0:1::1", "unicast 2001:db8:11::/64 metric 1024: 2001:db8:1::30@va*1");
	answers(*state, "2001:db8:11::1", "blackhole");
}

/* A throw route leads past the routes of its table that are shorter, or stand behind it. */
static void ipv6_throw_routes_among_nexthop_objects(void **state)
{
	static const char *const last = "unicast ::/0 metric 1024: 2001:db8:1::30@va*1";
	static const char *const first = "unicast 2001:db8:11::/48 metric 1024: 2001:db8:1::30@va*1";

	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va");
	live_run("ip -6 route add default nhid 30 && ip -6 rule add priority 100 lookup 1000");
	live_run("ip -6 route add 2001:db8:11::/48 nhid 30 table 1000");
	for (int round = 0; round < 2; round++) {
		answers(*state, "2001:db8:11::1", first);
		live_run("ip -6 route add throw 2001:db8:11::/64 table 1000");
		if (round) /* the index is made anew */
			live_run("ip nexthop add id 31 via 2001:db8:1::31 dev va");
		answers(*state, "2001:db8:11::1", last);
		answers(*state, "2001:db8:11:1::1", first);
		live_run("ip -6 route del throw 2001:db8:11::/64 table 1000");
		answers(*state, "2001:db8:11::1", first);
		live_run("ip -6 route append throw 2001:db8:11::/48 table 1000");
		answers(*state, "2001:db8:11::1", first);
		live_run("ip -6 route del 2001:db8:11::/48 nhid 30 table 1000");
		answers(*state, "2001:db8:11::1", last);
		live_run("ip -6 route append 2001:db8:11::/48 nhid 30 table 1000");
		answers(*state, "2001:db8:11::1", last);
		live_run("ip -6 route del throw 2001:db8:11::/48 table 1000");
	}
	answers(*state, "2001:db8:11::1", first);
	live_run("ip -6 route replace throw 2001:db8:11::/48 table 1000");
	answers(*state, "2001:db8:11::1", last);
	live_run("ip -6 route replace 2001:db8:11::/48 nhid 30 table 1000");
	answers(*state, "2001:db8:11::1", first);
}

/* The kernel knows no route for a CPU whose last look-up was by the object, for a route that went. */
static void ipv6_routes_whose_fellow_by_a_nexthop_object_went(void **state)
{
	static const char *const other = "unicast 2001:db8:12::/48 metric 1024: 2001:db8:1::30@va*1";
	cpu_set_t one, all;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	answers(*state, "2001:db8:12::1", "none");
	live_run(
		"ip nexthop add id 30 via 2001:db8:1::30 dev va && ip -6 route add 2001:db8:12::/48 nhid 30");
	for (int round = 0; round < 2; round++) {
		live_run("ip -6 route add 2001:db8:11::/48 nhid 30");
		if (round) /* no copy is left */
			live_run("ip -6 nexthop replace id 30 via 2001:db8:1::30 dev va");
		answers(*state, "2001:db8:11::1",
			"unicast 2001:db8:11::/48 metric 1024: 2001:db8:1::30@va*1");
		answers(*state, "2001:db8:12::1", other);
		live_run("ip -6 route del 2001:db8:11::/48");
		answers(*state, "2001:db8:12::1", other);
		answers(*state, "2001:db8:11::1", "none");
	}
	live_run("ip -6 rule add priority 50 to 2001:db8:12::/48 unreachable");
	answers(*state, "2001:db8:12::1", "none");
	live_run("ip -6 rule del priority 50 && ip -6 route del 2001:db8:12::/48");
	answers(*state, "2001:db8:12::1", "none");
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

/* As `answers`, for a packet that comes in by an interface. */
static void answers_from(struct rt_query *query, const char *dev, const char *asked, const char *expect)
{
	struct rt_ingress ingress = {.ifindex = (int)if_nametoindex(dev)};
	struct addr addr = parsed(asked);
	struct rt_route route;
	char text[TEXT_SIZE];

	snprintf(ingress.name, sizeof(ingress.name), "%s", dev);
	assert_int_equal(rt_query_fib_from(query, &addr, &ingress, &route), 0);
	if (strcmp(route_text(&route, text), expect) != 0)
		fail_msg("%s by %s: \"%s\" instead of \"%s\"", asked, dev, text, expect);
}

/* Where the kernel's answer may be any of several tables' routes, the rules decide as for the packet asked
 * about. */
static void ipv6_rules_decide_among_nexthop_objects(void **state)
{
	static const char *const rules[] = {
		"iif va lookup 1000",	"iif vb goto 300",	   "not to 2001:db8:11::/64 lookup 1002",
		"fwmark 1 lookup 1002", "ipproto tcp lookup 1002", "iif lo lookup 1001",
	};
	static const char *const by[] = {"30", "31", "31", "30"};
	char routes[4][TEXT_SIZE];

	live_run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va && ip nexthop add id 31 via 2001:db8:1::31 "
		 "dev va");
	/* A length of its own in each table tells them apart. The main table comes last. */
	for (size_t i = 0; i < 4; i++) {
		live_run("ip -6 route add 2001:db8:11::/%zu nhid %s table %zu", 60 + i, by[i],
			 i == 3 ? 254 : 1000 + i);
		snprintf(routes[i], TEXT_SIZE, "unicast 2001:db8:11::/%zu metric 1024: 2001:db8:1::%s@va*1",
			 60 + i, by[i]);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		live_run("ip -6 rule add priority %zu %s", 100 + i, rules[i]);
	live_run("ip -6 rule add priority 299 lookup 1002 && ip -6 rule add priority 300 lookup 1002 "
		 "suppress_prefixlength 62");
	for (int round = 0; round < 2; round++) {
		answers_from(*state, "va", "2001:db8:11::1", routes[0]);
		answers(*state, "2001:db8:11::1", routes[1]);
		answers_from(*state, "vb", "2001:db8:11::1", routes[3]);
		live_run("ip -6 rule del priority %d", 300);
		live_run("ip -6 rule add priority 300 lookup 1002 suppress_prefixlength %d", 62 - round);
	}
	answers_from(*state, "vb", "2001:db8:11::1", routes[2]);
}

static uint32_t table_of(struct rt_query *query, const char *asked)
{
	struct addr addr = parsed(asked);
	struct rt_route route;

	assert_int_equal(rt_query_fib(query, &addr, &route), 0);
	return route.table;
}

static void rules_and_tables_decide(void **state)
{
	live_run("ip route add 203.0.113.0/24 via 198.51.100.2");
	live_run("ip route add 203.0.113.0/24 via 198.51.100.3 table 1000");
	answers(*state, "203.0.113.1", "unicast 203.0.113.0/24: 198.51.100.2@va*1");
	assert_int_equal(table_of(*state, "203.0.113.1"), RT_TABLE_MAIN);
	live_run("ip rule add to 203.0.113.0/24 lookup 1000 priority 100");
	answers(*state, "203.0.113.1", "unicast 203.0.113.0/24: 198.51.100.3@va*1");
	assert_int_equal(table_of(*state, "203.0.113.1"), 1000);
}

static void ipv6_answers_name_their_table(void **state)
{
	live_run("ip -6 route add 2001:db8:11::/64 via 2001:db8:1::2 table 1000");
	live_run("ip -6 rule add to 2001:db8:11::/64 lookup 1000 priority 100");
	assert_int_equal(table_of(*state, "2001:db8:11::1"), 1000);
	assert_int_equal(table_of(*state, "2001:db8:1::7"), RT_TABLE_MAIN);
}

static void a_leg_without_carrier_is_dead(void **state)
{
	live_run("ip link add vc type veth peer name vd && ip link set vc up && ip link set vd up");
	live_run("ip addr add 192.0.2.1/24 dev vc");
	live_run("ip route add 203.0.113.0/24 nexthop via 198.51.100.2 nexthop via 192.0.2.2");
	live_run("ip route add 203.0.113.0/28 via 192.0.2.2");
	comes_to_answer(*state, "203.0.113.100", "unicast 203.0.113.0/24: 198.51.100.2@va*1 192.0.2.2@vc*1");
	live_run("ip link set vd down");
	comes_to_answer(*state, "203.0.113.100", "unicast 203.0.113.0/24: 198.51.100.2@va*1 192.0.2.2@vc*1!");
	answers(*state, "203.0.113.1", "unicast 203.0.113.0/28: 192.0.2.2@vc*1!");
}

static void a_family_of_none_is_an_error(void **state)
{
	struct addr none = {0};
	struct rt_route route;
	bool managed;

	assert_int_equal(rt_query_fib(*state, &none, &route), -EAFNOSUPPORT);
	assert_int_equal(rt_neigh_manage(*state, 1, &none, &managed), -EAFNOSUPPORT);
	assert_int_equal(rt_neigh_unmanage(*state, 1, &none), -EAFNOSUPPORT);
	assert_int_equal(rt_addr_add(*state, 1, &none, 0), -EAFNOSUPPORT);
}

/* ---- dumps ---------------------------------------------------------------------------------- */

static int collect_route(const struct rt_route *route, void *text)
{
	char one[TEXT_SIZE];

	if (route->table == 254 && route->protocol == 242)
		append(text, "%s; ", route_text(route, one));
	return 0;
}

static void dumped_routes_have_their_legs(void **state)
{
	char text[TEXT_SIZE];

	live_run("ip nexthop add id 10 via 198.51.100.10 dev va && ip nexthop add id 11 via 198.51.100.11 "
		 "dev va");
	live_run("ip nexthop add id 20 group 10,7/11,3");
	live_run("ip route add 203.0.113.0/28 nhid 20 protocol 242");
	live_run("ip route add blackhole 203.0.113.16/28 protocol 242");
	for (int compat = 1; compat >= 0; compat--) {
		live_run("echo %d > /proc/sys/net/ipv4/nexthop_compat_mode", compat);
		text[0] = '\0';
		assert_int_equal(rt_dump_routes(*state, ADDR_IPV4, collect_route, text), 0);
		assert_string_equal(text, "unicast 203.0.113.0/28: 198.51.100.10@va*7 198.51.100.11@va*3; "
					  "blackhole 203.0.113.16/28; ");
	}
	live_run("ip -6 route add 2001:db8:a::/64 via 2001:db8:1::2 protocol 242");
	text[0] = '\0';
	assert_int_equal(rt_dump_routes(*state, ADDR_IPV6, collect_route, text), 0);
	assert_string_equal(text, "unicast 2001:db8:a::/64 metric 1024: 2001:db8:1::2@va*1; ");
}

static int collect_rule(const struct rt_rule *rule, void *text)
{
	append(text, "%u:%u ", rule->priority, rule->table);
	return 0;
}

static void rules_are_dumped_by_family(void **state)
{
	char text[TEXT_SIZE] = "";

	live_run("ip rule add fwmark 7 lookup 1000 priority 100");
	assert_int_equal(rt_dump_rules(*state, ADDR_IPV4, collect_rule, text), 0);
	assert_string_equal(text, "0:255 100:1000 32766:254 32767:253 ");
	text[0] = '\0';
	assert_int_equal(rt_dump_rules(*state, ADDR_IPV6, collect_rule, text), 0);
	assert_string_equal(text, "0:255 32766:254 ");
}

static int stop_at_second(const struct rt_route *route, void *arg)
{
	int *seen = arg;

	(void)route;
	return ++*seen == 2 ? -ECANCELED : 0;
}

/* More routes than one datagram holds: the rest of the dump must not disturb the next question. */
static void a_dump_that_is_ended_early(void **state)
{
	int seen = 0;

	live_run("for i in $(seq 0 1999); do echo route add 198.18.$((i / 256)).$((i %% 256))/32 dev va; "
		 "done | "
		 "ip -batch -");
	assert_int_equal(rt_dump_routes(*state, ADDR_IPV4, stop_at_second, &seen), -ECANCELED);
	assert_int_equal(seen, 2);
	answers(*state, "198.18.7.1", "unicast 198.18.7.1/32: on-link@va*1");
}

/* ---- neighbours ----------------------------------------------------------------------------- */

struct wanted {
	struct addr addr;
	struct rt_neigh found;
	bool any;
};

static int match_neigh(const struct rt_neigh *neigh, void *arg)
{
	struct wanted *wanted = arg;

	if (addr_equal(&neigh->addr, &wanted->addr)) {
		wanted->found = *neigh;
		wanted->any = true;
	}
	return 0;
}

/* "valid 02:... managed", or "gone". */
static void neighbour_is(struct rt_query *query, const char *addr, const char *expect)
{
	static const char *const states[] = {"none", "incomplete", "failed", "valid", "permanent"};
	struct wanted wanted = {.addr = parsed(addr)};
	char text[TEXT_SIZE] = "", mac[MAC_TEXT_SIZE];

	assert_int_equal(rt_dump_neighs(query, match_neigh, &wanted), 0);
	if (!wanted.any)
		append(text, "gone");
	else
		append(text, "%s %s%s", states[wanted.found.state], mac_format(wanted.found.mac, mac),
		       wanted.found.managed ? " managed" : "");
	assert_string_equal(text, expect);
}

static void managing_disturbs_no_entry(void **state)
{
	static const char *const addrs[] = {"198.51.100.5", "2001:db8:1::5"};
	int va = live_ifindex("va");

	for (int i = 0; i < 2; i++) {
		struct addr addr = parsed(addrs[i]);
		bool managed = false;

		live_run("ip neigh replace %s lladdr 02:00:00:00:00:55 dev va nud reachable", addrs[i]);
		assert_int_equal(rt_neigh_manage(*state, va, &addr, &managed), 0);
		assert_true(managed);
		neighbour_is(*state, addrs[i], "valid 02:00:00:00:00:55 managed");
		assert_int_equal(rt_neigh_manage(*state, va, &addr, &managed), 0);
		assert_true(managed);
		assert_int_equal(rt_neigh_unmanage(*state, va, &addr), 0);
		neighbour_is(*state, addrs[i], "valid 02:00:00:00:00:55");
		assert_int_equal(rt_neigh_unmanage(*state, va, &addr), 0);
		neighbour_is(*state, addrs[i], "valid 02:00:00:00:00:55");
	}
}

static void a_permanent_entry_is_left_alone(void **state)
{
	struct addr addr = parsed("198.51.100.5");
	int va = live_ifindex("va");
	bool managed = false;

	live_run("ip neigh replace 198.51.100.5 lladdr 02:00:00:00:00:55 dev va nud permanent");
	assert_int_equal(rt_neigh_manage(*state, va, &addr, &managed), -EEXIST);
	assert_false(managed);
	assert_int_equal(rt_neigh_unmanage(*state, va, &addr), 0);
	neighbour_is(*state, "198.51.100.5", "permanent 02:00:00:00:00:55");
}

static void a_new_managed_entry_is_being_resolved(void **state)
{
	struct addr addr = parsed("198.51.100.5");
	int va = live_ifindex("va");
	bool managed = false;

	assert_int_equal(rt_neigh_unmanage(*state, va, &addr), 0);
	neighbour_is(*state, "198.51.100.5", "gone");
	assert_int_equal(rt_neigh_manage(*state, va, &addr, &managed), 0);
	assert_true(managed);
	neighbour_is(*state, "198.51.100.5", "incomplete 00:00:00:00:00:00 managed");
	assert_int_equal(rt_neigh_manage(*state, 9999, &addr, &managed), -ENODEV);
	assert_int_equal(rt_neigh_unmanage(*state, 9999, &addr), 0);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static int match_addr(const struct rt_addr *addr, void *text)
{
	char one[ADDR_TEXT_SIZE];

	if (addr->ifindex == 1 && addr->protocol != 1 && addr->addr.bytes[0] != 127)
		append(text, "%s/%u@%u ", addr_format(&addr->addr, one), addr->length, addr->protocol);
	return 0;
}

static void loopback_has(struct rt_query *query, const char *expect)
{
	char text[TEXT_SIZE] = "";

	assert_int_equal(rt_dump_addrs(query, match_addr, text), 0);
	assert_string_equal(text, expect);
}

static void host_addresses_come_and_go(void **state)
{
	struct addr four = parsed("203.0.113.10"), six = parsed("2001:db8:5::10");

	live_run("ip addr del ::1/128 dev lo");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rt_addr_add(*state, 1, &four, 66), 0);
		assert_int_equal(rt_addr_add(*state, 1, &six, 66), 0);
		loopback_has(*state, "203.0.113.10/32@66 2001:db8:5::10/128@66 ");
	}
	comes_to_answer(*state, "2001:db8:5::10", "local 2001:db8:5::10/128: on-link@lo*1");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rt_addr_remove(*state, 1, &four), 0);
		assert_int_equal(rt_addr_remove(*state, 1, &six), 0);
		loopback_has(*state, "");
	}
	assert_int_equal(rt_addr_add(*state, 9999, &four, 0), -ENODEV);
	assert_int_equal(rt_addr_remove(*state, 9999, &four), 0);
}

int main(void)
{
#define LIVE(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		LIVE(routes_with_next_hops_of_their_own),
		LIVE(routes_that_lead_nowhere),
		LIVE(addresses_of_this_node),
		LIVE(routes_through_nexthop_objects),
		LIVE(weights_above_256_are_whole),
		LIVE(ipv6_routes_that_share_a_nexthop_object),
		LIVE(they_are_told_apart_where_some_addresses_are_tracked),
		LIVE(ipv6_routes_appended_behind_nexthop_objects),
		LIVE(ipv6_routes_by_nexthop_objects_appended_behind_others),
		LIVE(ipv6_throw_routes_among_nexthop_objects),
		LIVE(ipv6_routes_whose_fellow_by_a_nexthop_object_went),
		LIVE(ipv6_routes_in_several_tables_share_a_nexthop_object),
		LIVE(ipv6_rules_decide_among_nexthop_objects),
		LIVE(rules_and_tables_decide),
		LIVE(ipv6_answers_name_their_table),
		LIVE(a_leg_without_carrier_is_dead),
		LIVE(a_family_of_none_is_an_error),
		LIVE(dumped_routes_have_their_legs),
		LIVE(rules_are_dumped_by_family),
		LIVE(a_dump_that_is_ended_early),
		LIVE(managing_disturbs_no_entry),
		LIVE(a_permanent_entry_is_left_alone),
		LIVE(a_new_managed_entry_is_being_resolved),
		LIVE(host_addresses_come_and_go),
	};

	if (!live_possible("rt_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
