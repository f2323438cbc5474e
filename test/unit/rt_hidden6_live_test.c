/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_query against the real kernel, where an IPv6 route is in no dump: `ip -6 route append` has put it
 * between next hops of one prefix and metric, and the kernel tells those as one route. The first of them is
 * dead, so it is met before the others. Whether "no route" is then true is to be found out; netlink/index6.c
 * says why it may not be. Each test has a network namespace of its own, and one CPU, which alone has copies
 * of routes.
 */
#include "live.h"

#include <unistd.h>

#include <shunt/rt.h>

#define WAYS_SIZE 256

static struct rt_route ask(struct rt_query *query, const char *dst)
{
	struct addr addr;
	struct rt_route route;

	assert_int_equal(addr_parse(dst, &addr), 0);
	assert_int_equal(rt_query_fib(query, &addr, &route), 0);
	return route;
}

/* The gateways of the legs that take packets, a space behind each; "" where there is no route. */
static void ways(struct rt_query *query, const char *dst, char out[static WAYS_SIZE])
{
	struct rt_route route = ask(query, dst);
	char text[ADDR_TEXT_SIZE];
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < route.legs_count; i++) {
		if (!route.legs[i].dead && used + sizeof(text) < WAYS_SIZE)
			used += (size_t)snprintf(out + used, WAYS_SIZE - used, "%s ",
						 addr_format(&route.legs[i].gateway, text));
	}
}

static void goes(struct rt_query *query, const char *dst, const char *expect)
{
	char found[WAYS_SIZE];

	ways(query, dst, found);
	assert_string_equal(found, expect);
}

/* Carrier is lost a moment after the command. */
static void comes_to_go(struct rt_query *query, const char *dst, const char *expect)
{
	char found[WAYS_SIZE] = "?";

	for (int tries = 0; tries < 10000 && strcmp(found, expect) != 0; tries++) {
		usleep(1000);
		ways(query, dst, found);
	}
	assert_string_equal(found, expect);
}

/* 2001:db8:11::/64 in `table` by a link that will lose its carrier, ROUTE, and by va; then the index has to
 * be made anew, by a dump. */
static void hide(const char *route, const char *table)
{
	live_run("ip -6 route add 2001:db8:11::/64 via 2001:db8:2::40 dev vc table %s", table);
	live_run("ip -6 route append %s table %s", route, table);
	live_run("ip -6 route append 2001:db8:11::/64 via 2001:db8:1::41 dev va table %s", table);
	live_run("ip nexthop add id 99 via 2001:db8:1::99 dev va && ip link set cut down");
}

static int enter(void **state)
{
	struct rt_query *query;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) || live_enter())
		return -1;
	live_run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
	live_run("echo 1 > /proc/sys/net/ipv6/conf/all/ignore_routes_with_linkdown");
	live_run("echo 1 > /proc/sys/net/ipv6/conf/default/ignore_routes_with_linkdown");
	live_pair();
	live_run("ip link add vc type veth peer name cut && ip link set vc up && ip link set cut up");
	live_run("ip addr add 2001:db8:1::1/64 dev va nodad && ip addr add 2001:db8:2::1/64 dev vc nodad");
	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va");
	live_run("ip nexthop add id 31 via 2001:db8:1::31 dev va");
	if (rt_query_open(&query))
		return -1;
	*state = query;
	return 0;
}

static int leave(void **state)
{
	rt_query_close(*state);
	return 0;
}

/* The default route is in the index; it is not what the kernel denies. */
static void a_throw_route_leads_past_a_default_route(void **state)
{
	live_run("ip -6 route add default nhid 30");
	hide("throw 2001:db8:11::/64", "main");
	comes_to_go(*state, "2001:db8:11::1", "");
	goes(*state, "2001:db8:12::1", "2001:db8:1::30 ");
}

/* The index has a route of its table, which has no next hop in common with the kernel's. */
static void a_throw_route_leads_on_to_another_table(void **state)
{
	live_run("ip -6 route add default nhid 30 && ip -6 route add default nhid 31 table 1000");
	hide("throw 2001:db8:11::/64", "1000");
	live_run("ip -6 rule add priority 100 lookup 1000");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::30 ");
	goes(*state, "2001:db8:12::1", "2001:db8:1::31 ");
}

/* "No route" is false there: the copy was made for a route that went. */
static void a_throw_route_leads_on_to_what_the_kernel_denies(void **state)
{
	live_run("ip -6 route add default nhid 30");
	hide("throw 2001:db8:11::/64", "1000");
	live_run("ip -6 rule add priority 100 lookup 1000");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::30 ");
	live_run("ip -6 route add 2001:db8:13::/64 nhid 30");
	goes(*state, "2001:db8:13::1", "2001:db8:1::30 ");
	live_run("ip -6 route del 2001:db8:13::/64");
	goes(*state, "2001:db8:11::1", "2001:db8:1::30 ");
}

/* The index knows only the default route. */
static void a_route_by_a_nexthop_object(void **state)
{
	live_run("ip -6 route add default nhid 30");
	hide("2001:db8:11::/64 nhid 31", "main");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::31 ");
}

/* That one's next hop is one of them. */
static void a_route_by_a_nexthop_group(void **state)
{
	live_run("ip -6 route add default nhid 30 && ip nexthop add id 40 group 30/31");
	hide("2001:db8:11::/64 nhid 40", "main");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::30 2001:db8:1::31 ");
}

int main(void)
{
#define LIVE(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		LIVE(a_throw_route_leads_past_a_default_route),
		LIVE(a_throw_route_leads_on_to_another_table),
		LIVE(a_throw_route_leads_on_to_what_the_kernel_denies),
		LIVE(a_route_by_a_nexthop_object),
		LIVE(a_route_by_a_nexthop_group),
	};

	if (!live_possible("rt_hidden6_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
