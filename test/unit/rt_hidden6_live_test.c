/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_query against the real kernel, where an IPv6 route is in no dump: `ip -6 route append` has put it
 * between next hops of one prefix and metric, and the kernel tells those as one route. The first of them is
 * dead, so it is met before the others. Whether "no route" is then true is to be found out; netlink/index6.c
 * says why it may not be. Each test has a network namespace of its own, and one CPU, which alone has copies
 * of routes.
 */
#include "live.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <shunt/rt.h>

#define WAYS_SIZE 256

/* Who asks, and by which interface the packet comes in; NULL: of this node's own. */
struct asking {
	struct rt_query *query;
	const char *dev, *vrf;
	uint32_t vrf_table;
};

static struct rt_route ask_any(const struct asking *asking, const struct addr *addr)
{
	struct rt_ingress ingress = {.vrf_table = asking->vrf_table};
	struct rt_route route;

	if (!asking->dev) {
		assert_int_equal(rt_query_fib(asking->query, addr, &route), 0);
		return route;
	}
	ingress.ifindex = (int)if_nametoindex(asking->dev);
	snprintf(ingress.name, sizeof(ingress.name), "%s", asking->dev);
	snprintf(ingress.vrf, sizeof(ingress.vrf), "%s", asking->vrf ? asking->vrf : "");
	assert_int_equal(rt_query_fib_from(asking->query, addr, &ingress, &route), 0);
	return route;
}

static struct rt_route ask(const struct asking *asking, const char *dst)
{
	struct addr addr;
	struct rt_route route;

	assert_int_equal(addr_parse(dst, &addr), 0);
	route = ask_any(asking, &addr);
	assert_true(route.type == RT_ROUTE_NONE || prefix_covers(&route.dst, &addr));
	return route;
}

/* The gateways of the legs that take packets, a space behind each; "" where there is no route. */
static void ways(const struct asking *asking, const char *dst, char out[static WAYS_SIZE])
{
	struct rt_route route = ask(asking, dst);
	char text[ADDR_TEXT_SIZE];
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < route.legs_count; i++) {
		if (!route.legs[i].dead && used + sizeof(text) < WAYS_SIZE)
			used += (size_t)snprintf(out + used, WAYS_SIZE - used, "%s ",
						 addr_format(&route.legs[i].gateway, text));
	}
}

static void goes(const struct asking *asking, const char *dst, const char *expect)
{
	char found[WAYS_SIZE];

	ways(asking, dst, found);
	assert_string_equal(found, expect);
}

/* Carrier is lost a moment after the command. */
static void comes_to_go(const struct asking *asking, const char *dst, const char *expect)
{
	char found[WAYS_SIZE] = "?";

	for (int tries = 0; tries < 10000 && strcmp(found, expect) != 0; tries++) {
		usleep(1000);
		ways(asking, dst, found);
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

/* Can bpf_fib_lookup be asked about a table by its number? */
static bool names_tables(void)
{
	struct utsname name;
	int major, minor;

	return !uname(&name) && sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 5));
}

static int enter_own(void **state)
{
	static struct asking asking;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one) || live_enter())
		return -1;
	live_run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
	/* Linux 6.1 takes one byte of this, whatever it is given. */
	live_run("printf 1 > /proc/sys/net/ipv6/conf/all/ignore_routes_with_linkdown");
	live_run("printf 1 > /proc/sys/net/ipv6/conf/default/ignore_routes_with_linkdown");
	live_pair();
	live_run("ip link add vc type veth peer name cut && ip link set vc up && ip link set cut up");
	live_run("ip addr add 2001:db8:1::1/64 dev va nodad && ip addr add 2001:db8:2::1/64 dev vc nodad");
	live_run("ip nexthop add id 30 via 2001:db8:1::30 dev va");
	live_run("ip nexthop add id 31 via 2001:db8:1::31 dev va");
	asking = (struct asking){0};
	*state = &asking;
	return rt_query_open(&asking.query);
}

static int enter_forwarding(void **state)
{
	int err = enter_own(state);

	if (!err)
		live_run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
	return err;
}

/* The packet comes in by vb. */
static int enter_by_vb(void **state)
{
	int err = enter_forwarding(state);

	((struct asking *)*state)->dev = "vb";
	return err;
}

static int leave(void **state)
{
	rt_query_close(((struct asking *)*state)->query);
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

/* The same, and what the index has in the table that the throw route leads past is not there for the address.
 * To find that out takes a node that forwards, and Linux 6.5. */
static void what_it_leads_past_is_not_taken_for_what_the_kernel_denies(void **state)
{
	if (!names_tables())
		skip();
	live_run("ip -6 route add default nhid 30 && ip -6 route add default nhid 31 table 1000");
	hide("throw 2001:db8:11::/64", "1000");
	live_run("ip -6 rule add priority 100 lookup 1000");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::30 ");
	live_run("ip -6 route add 2001:db8:11:1::/64 nhid 30 table 1000");
	goes(*state, "2001:db8:11:1::1", "2001:db8:1::30 ");
	live_run("ip -6 route del 2001:db8:11:1::/64 table 1000");
	goes(*state, "2001:db8:11::1", "2001:db8:1::30 ");
	goes(*state, "2001:db8:12::1", "2001:db8:1::31 ");
}

/* Its table is the VRF's. */
static void a_port_of_a_vrf_finds_what_the_kernel_denies(void **state)
{
	struct asking *asking = *state;

	if (system("ip link add red type vrf table 10 2>/dev/null")) // NOLINT(cert-env33-c): as live_run
		skip();
	asking->vrf = "red";
	asking->vrf_table = 10;
	live_run("ip link set red up && ip link set vb master red");
	live_run("ip -6 route add 2001:db8:12::/64 nhid 30 table 10");
	live_run("ip -6 route add 2001:db8:13::/64 nhid 30 table 10");
	goes(asking, "2001:db8:13::1", "2001:db8:1::30 ");
	live_run("ip -6 route del 2001:db8:13::/64 table 10");
	goes(asking, "2001:db8:12::1", "2001:db8:1::30 ");
	goes(asking, "2001:db8:13::1", "");
}

/* The kernel suppresses by the length of the route that the copy was made for. */
static void what_is_suppressed_is_what_the_rule_says(void **state)
{
	live_run("ip -6 rule add priority 100 lookup main suppress_prefixlength 0");
	live_run("ip -6 rule add priority 101 lookup 1000");
	live_run("ip -6 route add default nhid 30 && ip -6 route add default nhid 31 table 1000");
	live_run("ip -6 route add 2001:db8:12::/64 nhid 30");
	for (int round = 0; round < 2; round++) {
		goes(*state, "2001:db8:12::1", "2001:db8:1::30 ");
		goes(*state, "2001:db8:13::1", "2001:db8:1::31 ");
		live_run("ip -6 nexthop replace id 30 via 2001:db8:1::30 dev va");
		goes(*state, "2001:db8:13::1", "2001:db8:1::31 ");
		goes(*state, "2001:db8:12::1", "2001:db8:1::30 ");
	}
}

/* It leads into no table. */
static void a_rule_for_what_is_in_no_vrf_leads_nowhere(void **state)
{
	live_run("ip -6 rule add not l3mdev priority 7 && ip -6 route add default nhid 30");
	live_run("ip -6 route add 2001:db8:12::/64 nhid 30");
	goes(*state, "2001:db8:12::1", "2001:db8:1::30 ");
}

/* What two routes have in common may be a leg that is not counted any more. */
static void a_group_of_more_next_hops_than_are_counted(void **state)
{
	char dst[ADDR_TEXT_SIZE];

	live_run("for i in $(seq 100 140); do echo nexthop add id $i via 2001:db8:1::$i dev va; done | "
		 "ip -batch -");
	live_run("ip nexthop add id 40 group $(seq -s/ 100 140)");
	live_run("ip -6 route add 2001:db8:11::/64 nhid 40 && ip -6 route add default nhid 140");
	for (int host = 1; host < 200; host++) {
		snprintf(dst, sizeof(dst), "2001:db8:11::%x", host);
		goes(*state, "2001:db8:12::1", "2001:db8:1::140 ");
		assert_int_equal(ask(*state, dst).dst.length, 64);
	}
}

/* The index knows only the default route. */
static void a_route_by_a_nexthop_object(void **state)
{
	live_run("ip -6 route add default nhid 30");
	hide("2001:db8:11::/64 nhid 31", "main");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::31 ");
}

/* The kernel names another one by the object. */
static void a_route_by_a_nexthop_object_that_others_use(void **state)
{
	live_run("ip -6 route add 2001:db8:13::/64 nhid 31");
	hide("2001:db8:11::/64 nhid 31", "main");
	comes_to_go(*state, "2001:db8:11::1", "2001:db8:1::31 ");
	for (int round = 0; round < 2; round++) {
		live_run("ip -6 nexthop replace id 31 via 2001:db8:1::31 dev va"); /* no copy is left */
		goes(*state, "2001:db8:13::1", "2001:db8:1::31 ");
		goes(*state, "2001:db8:11::1", "2001:db8:1::31 ");
		live_run("ip -6 route replace default nhid 30");
	}
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
#define AS(who, test)                                           \
	{                                                       \
#who ": " #test, test, enter_##who, leave, NULL \
	}
#define ALL(test) AS(own, test), AS(forwarding, test), AS(by_vb, test)
	const struct CMUnitTest tests[] = {
		ALL(a_throw_route_leads_past_a_default_route),
		ALL(a_throw_route_leads_on_to_another_table),
		ALL(a_throw_route_leads_on_to_what_the_kernel_denies),
		AS(forwarding, what_it_leads_past_is_not_taken_for_what_the_kernel_denies),
		AS(by_vb, what_it_leads_past_is_not_taken_for_what_the_kernel_denies),
		AS(by_vb, a_port_of_a_vrf_finds_what_the_kernel_denies),
		ALL(what_is_suppressed_is_what_the_rule_says),
		ALL(a_rule_for_what_is_in_no_vrf_leads_nowhere),
		ALL(a_route_by_a_nexthop_object),
		ALL(a_route_by_a_nexthop_object_that_others_use),
		ALL(a_route_by_a_nexthop_group),
		AS(forwarding, a_group_of_more_next_hops_than_are_counted),
	};

	if (!live_possible("rt_hidden6_live_test"))
		return 0;
	/* Some will do where each takes seconds: in a guest. */
	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
