/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * rt_query against the real kernel, where it chooses among routes by more than the prefix: by lifetimes, by
 * whether IPv6 is forwarded, and by the source. Each test has a network namespace of its own.
 */
#include "live.h"

#include <unistd.h>

#include <shunt/rt.h>

static struct rt_route ask(struct rt_query *query, const char *dst)
{
	struct addr addr;
	struct rt_route route;

	assert_int_equal(addr_parse(dst, &addr), 0);
	assert_int_equal(rt_query_fib(query, &addr, &route), 0);
	return route;
}

/* The one gateway of the answer; "" where there is none. */
static const char *gateway(struct rt_query *query, const char *dst)
{
	static char text[ADDR_TEXT_SIZE];
	struct rt_route route = ask(query, dst);

	assert_true(route.legs_count <= 1);
	text[0] = '\0';
	return route.legs_count ? addr_format(&route.legs[0].gateway, text) : text;
}

static int enter(void **state)
{
	struct rt_query *query;

	if (live_enter())
		return -1;
	live_run("echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
	live_pair();
	live_run("ip addr add 198.51.100.1/24 dev va && ip addr add 2001:db8:1::1/64 dev va nodad");
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

static void of_routes_that_end_the_lifetime_is_told(void **state)
{
	struct rt_route route;

	live_run("ip -6 route add 2001:db8:2::/64 via 2001:db8:1::2 expires 60");
	route = ask(*state, "2001:db8:2::7");
	assert_in_range(route.lifetime, 50000, 60100);
	live_run("ip -6 route add 2001:db8:3::/64 via 2001:db8:1::2");
	assert_int_equal(ask(*state, "2001:db8:3::7").lifetime, 0);
}

/* By a nexthop object (index6.c), too: it is skipped, and not asked about any more, before the kernel tells.
 */
static void when_the_lifetime_is_over_the_answer_is_another(void **state)
{
	int64_t lifetime;

	live_run("ip nexthop add id 1 via 2001:db8:1::3 dev va && ip nexthop add id 2 via 2001:db8:1::2 dev "
		 "va");
	live_run("ip -6 route add 2001:db8:2::/48 nhid 1");
	live_run("ip -6 route add 2001:db8:2::/64 nhid 2 expires 1");
	lifetime = ask(*state, "2001:db8:2::7").lifetime;
	assert_in_range(lifetime, 1, 1020);
	assert_string_equal(gateway(*state, "2001:db8:2::7"), "2001:db8:1::2");
	usleep((useconds_t)lifetime * 1000);
	assert_string_equal(gateway(*state, "2001:db8:2::7"), "2001:db8:1::3");
	assert_int_equal(ask(*state, "2001:db8:2::7").lifetime, 0);
}

static void forwarding_is_told(void **state)
{
	bool on;

	live_run("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
	assert_int_equal(rt_query_forwarding6(*state, &on), 0);
	assert_true(on);
	live_run("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
	assert_int_equal(rt_query_forwarding6(*state, &on), 0);
	assert_false(on);
}

/* The kernel says EINVAL to both from Linux 6.13 on. */
static void a_source_that_is_refused_is_told_from_a_blackhole(void **state)
{
	struct rt_ingress ingress = {.ifindex = (int)if_nametoindex("va"), .name = "va"};
	struct addr open_way, hole;
	struct rt_route route;

	assert_int_equal(addr_parse("203.0.113.1", &open_way), 0);
	assert_int_equal(addr_parse("203.0.113.65", &hole), 0);
	assert_int_equal(addr_parse("198.51.100.9", &ingress.source), 0);
	live_run("echo 1 > /proc/sys/net/ipv4/ip_forward");
	live_run("ip route add 203.0.113.0/24 dev vb table 100 && ip rule add iif va lookup 100");
	live_run("ip route add blackhole 203.0.113.64/26 table 100");
	assert_int_equal(rt_query_fib_from(*state, &open_way, &ingress, &route), 0);
	assert_int_equal(route.type, RT_ROUTE_UNICAST);
	assert_int_equal(rt_query_fib_from(*state, &hole, &ingress, &route), 0);
	assert_int_equal(route.type, RT_ROUTE_BLACKHOLE);
	live_run("ip route add 198.51.100.9/32 dev vb && echo 1 > /proc/sys/net/ipv4/conf/va/rp_filter");
	assert_int_equal(rt_query_fib_from(*state, &open_way, &ingress, &route), -EXDEV);
}

int main(void)
{
#define LIVE(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		LIVE(of_routes_that_end_the_lifetime_is_told),
		LIVE(when_the_lifetime_is_over_the_answer_is_another),
		LIVE(forwarding_is_told),
		LIVE(a_source_that_is_refused_is_told_from_a_blackhole),
	};

	if (!live_possible("rt_choices_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
