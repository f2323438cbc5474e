/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the real kernel is asked for the packets that are forwarded, where it would send its own another way.
 */
#include "live.h"

#include <shunt/rt.h>

#include "interfaces.h"
#include "observed.h"
#include "policy.h"

struct bench {
	struct rt_query *query;
	struct rt_state *state;
	struct policy policy;
};

/* va with 198.51.100.1/24, and in by vb, with 192.0.2.1/24, come the packets. */
static int enter(void **state)
{
	struct bench *bench;

	if (live_enter())
		return -1;
	live_pair();
	live_run("ip addr add 198.51.100.1/24 dev va && ip addr add 192.0.2.1/24 dev vb");
	live_run("echo 1 > /proc/sys/net/ipv4/ip_forward");
	bench = calloc(1, sizeof(*bench));
	if (!bench)
		return -1;
	*state = bench;
	return rt_query_open(&bench->query) || rt_state_new(&bench->state);
}

static int leave(void **state)
{
	struct bench *bench = *state;

	policy_free(&bench->policy);
	rt_query_close(bench->query);
	rt_state_free(bench->state);
	free(bench);
	return 0;
}

/* Whether that may change an answer. */
static bool meets(struct bench *bench, size_t count)
{
	const struct interface_row row = {.ifindex = live_ifindex("vb"),
					  .name = "vb",
					  .program = INTERFACE_DIRECTOR,
					  .state = INTERFACE_ATTACHED};
	bool changed;

	assert_int_equal(rt_state_load(bench->state, bench->query), 0);
	assert_int_equal(policy_load(&bench->policy, bench->query), 0);
	assert_int_equal(policy_meet(&bench->policy, &row, count, bench->state, &changed), 0);
	return changed;
}

static void goes_by(struct bench *bench, const char *gateway)
{
	const struct addr dst = test_addr("203.0.113.1"), by = test_addr(gateway);
	struct rules_cause cause;
	struct rt_route route;

	assert_int_equal(policy_ask(&bench->policy, bench->query, &dst, &route, &cause), 0);
	assert_int_equal(cause.by, RULES_BY_NOTHING);
	assert_int_equal(route.legs_count, 1);
	if (!addr_equal(&route.legs[0].gateway, &by))
		fail_msg("not by %s", gateway);
}

/* The kernel's own packets go by the second, whose gateway answers. */
static void the_first_of_two_default_routes_is_that_of_forwarded_packets(void **state)
{
	struct bench *bench = *state;

	live_run("ip neigh add 198.51.100.2 dev va nud failed");
	live_run("ip neigh add 198.51.100.3 dev va lladdr 02:00:00:00:00:03 nud permanent");
	live_run("ip route add default via 198.51.100.2 && ip route append default via 198.51.100.3");
	assert_false(meets(bench, 0));
	goes_by(bench, "198.51.100.3");
	assert_true(meets(bench, 1));
	goes_by(bench, "198.51.100.2");
	assert_false(meets(bench, 1));
	live_run("ip rule add priority 100 to 203.0.113.0/24 lookup main");
	meets(bench, 1);
	goes_by(bench, "198.51.100.2");
	live_run("ip rule add priority 90 iif vb lookup main");
	meets(bench, 1);
	goes_by(bench, "198.51.100.2");
}

/* By rp_filter the kernel takes nobody's packets there. */
static void where_it_cannot_be_asked_so_it_is_asked_for_its_own(void **state)
{
	struct bench *bench = *state;

	live_run("ip route add default via 198.51.100.2 && ip route append default via 198.51.100.3");
	live_run("ip neigh add 198.51.100.2 dev va lladdr 02:00:00:00:00:02 nud permanent");
	assert_true(meets(bench, 1));
	live_run("echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter && ip route del 192.0.2.0/24");
	goes_by(bench, "198.51.100.2");
}

int main(void)
{
#define LIVE(test) cmocka_unit_test_setup_teardown(test, enter, leave)
	const struct CMUnitTest tests[] = {
		LIVE(the_first_of_two_default_routes_is_that_of_forwarded_packets),
		LIVE(where_it_cannot_be_asked_so_it_is_asked_for_its_own),
	};

	if (!live_possible("policy_live_test"))
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
