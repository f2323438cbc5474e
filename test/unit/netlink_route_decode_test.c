/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Truth tables of the decoders of routes, nexthop objects and rules, over bytes built by hand. */
#include "nlsamples.h"

#include <errno.h>

#include "decode.h"

/* ---- routes --------------------------------------------------------------------------------- */

static void a_multipath_route_with_everything(void **state)
{
	struct rt_route route;
	struct nlbytes m;

	(void)state;
	sample_route(&m);
	assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
	assert_int_equal(route.type, RT_ROUTE_UNICAST);
	is_prefix(&route.dst, "192.0.2.1/24");
	assert_int_equal(route.table, 1000);
	assert_int_equal(route.protocol, RTPROT_BGP);
	assert_int_equal(route.metric, 20);
	assert_int_equal(route.mtu, 1400);
	assert_int_equal(route.nexthop_id, 77);
	assert_false(route.tunnel);
	assert_int_equal(route.legs_count, 3);
	assert_int_equal(route.legs[0].ifindex, 7);
	assert_int_equal(route.legs[0].weight, 3);
	is_addr(&route.legs[0].gateway, "192.0.2.254");
	assert_false(route.legs[0].dead);
	assert_int_equal(route.legs[1].ifindex, 8);
	assert_int_equal(route.legs[1].weight, 256);
	is_addr(&route.legs[1].gateway, "2001:db8::fe");
	assert_true(route.legs[1].dead);
	assert_int_equal(route.legs[2].ifindex, 9);
	assert_int_equal(route.legs[2].weight, 1);
	is_addr(&route.legs[2].gateway, "none");
	assert_true(route.legs[2].dead);
}

static void a_default_route_with_one_leg(void **state)
{
	struct rtmsg header = {.rtm_family = AF_INET6,
			       .rtm_table = 254,
			       .rtm_type = RTN_UNICAST,
			       .rtm_flags = RTNH_F_LINKDOWN};
	struct rt_route route;
	struct nlbytes m;

	(void)state;
	nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
	nlbytes_put32(&m, RTA_OIF, 7);
	nlbytes_put(&m, RTA_GATEWAY, sample_gw6, sizeof(sample_gw6));
	assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
	is_prefix(&route.dst, "::/0");
	assert_int_equal(route.table, 254);
	assert_int_equal(route.legs_count, 1);
	assert_int_equal(route.legs[0].weight, 1);
	assert_true(route.legs[0].dead);
	is_addr(&route.legs[0].gateway, "2001:db8::fe");
}

static int64_t lifetime(int32_t expires)
{
	struct rtmsg header = {.rtm_family = AF_INET6, .rtm_type = RTN_UNICAST};
	struct rta_cacheinfo info = {.rta_expires = expires};
	struct rt_route route;
	struct nlbytes m;

	nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
	nlbytes_put(&m, RTA_CACHEINFO, &info, sizeof(info));
	assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
	return route.lifetime;
}

static void lifetimes_are_told_in_hundredths_and_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(lifetime(0), 0);
	assert_int_equal(lifetime(1), 30);
	assert_int_equal(lifetime(300), 3020);
	assert_int_equal(lifetime(-1), -10);
	assert_true(lifetime(INT32_MAX) > 0);
}

static void route_types(void **state)
{
	static const struct {
		uint8_t rtn;
		enum rt_route_type type;
		size_t legs;
	} cases[] = {
		{RTN_UNICAST, RT_ROUTE_UNICAST, 1},	{RTN_LOCAL, RT_ROUTE_LOCAL, 1},
		{RTN_BLACKHOLE, RT_ROUTE_BLACKHOLE, 0}, {RTN_UNREACHABLE, RT_ROUTE_UNREACHABLE, 0},
		{RTN_PROHIBIT, RT_ROUTE_PROHIBIT, 0},	{RTN_BROADCAST, RT_ROUTE_OTHER, 1},
		{RTN_ANYCAST, RT_ROUTE_OTHER, 1},	{RTN_MULTICAST, RT_ROUTE_OTHER, 1},
		{RTN_THROW, RT_ROUTE_THROW, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtmsg header = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_type = cases[i].rtn};
		struct rt_route route;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put(&m, RTA_DST, sample_v4, sizeof(sample_v4));
		nlbytes_put32(&m, RTA_OIF, 1);
		assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
		assert_int_equal(route.type, cases[i].type);
		assert_int_equal(route.legs_count, cases[i].legs);
	}
}

static void tunnels_are_told(void **state)
{
	struct rtmsg header = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};

	(void)state;
	for (unsigned int encap = LWTUNNEL_ENCAP_NONE; encap <= LWTUNNEL_ENCAP_IP; encap++) {
		struct rt_route route;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put32(&m, RTA_OIF, 1);
		nlbytes_put16(&m, RTA_ENCAP_TYPE, (uint16_t)encap);
		assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
		assert_int_equal(route.tunnel, encap != LWTUNNEL_ENCAP_NONE);
	}
}

static void legs_beyond_the_bound_are_cut_and_said_so(void **state)
{
	struct rtmsg header = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};

	(void)state;
	for (int count = RT_LEGS_MAX - 1; count <= RT_LEGS_MAX + 2; count++) {
		struct rt_route route;
		struct nlbytes m;
		uint32_t at;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		at = nlbytes_open(&m, RTA_MULTIPATH);
		for (int i = 0; i < count; i++)
			put_hop(&m, &(struct rtnexthop){.rtnh_ifindex = i + 1}, 0, NULL, 0);
		nlbytes_close(&m, at);
		assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
		assert_int_equal(route.legs_count, count > RT_LEGS_MAX ? RT_LEGS_MAX : count);
		assert_int_equal(route.legs_cut, count > RT_LEGS_MAX);
	}
}

static void bad_legs_are_refused(void **state)
{
	struct rtmsg header = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};
	static const uint16_t lengths[] = {0, 4, 7, 9, 100};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct rtnexthop hop = {.rtnh_len = lengths[i], .rtnh_ifindex = 1};
		struct rt_route route;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put(&m, RTA_MULTIPATH, &hop, sizeof(hop));
		assert_int_equal(decode_route(nlbytes_message(&m), &route), -EINVAL);
	}
}

static void routes_that_are_refused_or_skipped(void **state)
{
	static const struct {
		uint8_t family, length;
		uint32_t flags;
		uint16_t type, size;
		int expect;
	} cases[] = {
		{AF_INET, 32, 0, RTA_DST, 4, 0},
		{AF_INET, 0, 0, RTA_PREF, 1, 0},
		{AF_INET, 24, 0, RTA_PREF, 1, -EINVAL}, /* a length without a destination */
		{AF_INET, 33, 0, RTA_DST, 4, -EINVAL},
		{AF_INET, 32, 0, RTA_DST, 16, -EINVAL},
		{AF_INET6, 129, 0, RTA_DST, 16, -EINVAL},
		{AF_INET6, 128, RTM_F_CLONED, RTA_DST, 16, DECODE_SKIP},
		{AF_MPLS, 20, 0, RTA_DST, 4, DECODE_SKIP},
		{AF_INET, 0, 0, RTA_OIF, 3, -EINVAL},
		{AF_INET, 0, 0, RTA_TABLE, 1, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtmsg header = {.rtm_family = cases[i].family,
				       .rtm_dst_len = cases[i].length,
				       .rtm_flags = cases[i].flags};
		struct rt_route route;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put(&m, cases[i].type, sample_v6, cases[i].size);
		assert_int_equal(decode_route(nlbytes_message(&m), &route), cases[i].expect);
	}
}

static void bad_via_is_refused(void **state)
{
	static const struct {
		uint16_t family, size;
		int expect;
	} cases[] = {{AF_INET6, 18, 0},	     {AF_INET, 6, 0},	     {AF_INET6, 6, -EINVAL},
		     {AF_INET, 18, -EINVAL}, {AF_INET6, 2, -EINVAL}, {AF_INET6, 1, -EINVAL},
		     {AF_INET6, 17, -EINVAL}};
	struct rtmsg header = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t via[18] = {0};
		struct rt_route route;
		struct nlbytes m;

		memcpy(via, &cases[i].family, 2);
		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put32(&m, RTA_OIF, 1);
		nlbytes_put(&m, RTA_VIA, via, cases[i].size);
		assert_int_equal(decode_route(nlbytes_message(&m), &route), cases[i].expect);
	}
}

/* ---- nexthop objects and rules -------------------------------------------------------------- */

static void a_nexthop_group(void **state)
{
	struct nexthop nexthop;
	struct nlbytes m;

	(void)state;
	sample_group(&m);
	assert_int_equal(decode_nexthop(nlbytes_message(&m), &nexthop), 0);
	assert_int_equal(nexthop.id, 20);
	assert_int_equal(nexthop.members_count, 2);
	assert_int_equal(nexthop.members[0].id, 10);
	assert_int_equal(nexthop.members[0].weight, 7);
	assert_int_equal(nexthop.members[1].id, 11);
	assert_int_equal(nexthop.members[1].weight, 512);
}

static void a_nexthop_that_is_a_leg(void **state)
{
	struct nhmsg header = {.nh_family = AF_INET6, .nh_flags = RTNH_F_DEAD};
	struct nexthop nexthop;
	struct nlbytes m;

	(void)state;
	nlbytes_begin(&m, RTM_NEWNEXTHOP, &header, sizeof(header));
	nlbytes_put32(&m, NHA_ID, 30);
	nlbytes_put32(&m, NHA_OIF, 7);
	nlbytes_put(&m, NHA_GATEWAY, sample_gw6, sizeof(sample_gw6));
	nlbytes_put16(&m, NHA_ENCAP_TYPE, LWTUNNEL_ENCAP_SEG6);
	assert_int_equal(decode_nexthop(nlbytes_message(&m), &nexthop), 0);
	assert_int_equal(nexthop.members_count, 0);
	assert_int_equal(nexthop.leg.ifindex, 7);
	assert_int_equal(nexthop.leg.weight, 1);
	assert_true(nexthop.leg.dead);
	assert_true(nexthop.tunnel);
	assert_false(nexthop.blackhole);
	is_addr(&nexthop.leg.gateway, "2001:db8::fe");
}

static void nexthops_that_are_refused(void **state)
{
	static const uint16_t group_sizes[] = {0, 4, 7, 9, 12};
	struct nhmsg header = {.nh_family = AF_INET};
	struct nexthop nexthop;
	struct nlbytes m;

	(void)state;
	nlbytes_begin(&m, RTM_NEWNEXTHOP, &header, sizeof(header));
	assert_int_equal(decode_nexthop(nlbytes_message(&m), &nexthop), -EINVAL);
	for (size_t i = 0; i < sizeof(group_sizes) / sizeof(group_sizes[0]); i++) {
		nlbytes_begin(&m, RTM_NEWNEXTHOP, &header, sizeof(header));
		nlbytes_put32(&m, NHA_ID, 1);
		nlbytes_put(&m, NHA_GROUP, sample_v6, group_sizes[i]);
		assert_int_equal(decode_nexthop(nlbytes_message(&m), &nexthop), -EINVAL);
	}
}

static void a_rule_with_everything(void **state)
{
	struct rt_rule rule;
	struct nlbytes m;

	(void)state;
	sample_rule(&m);
	assert_int_equal(decode_rule(nlbytes_message(&m), &rule), 0);
	assert_int_equal(rule.family, ADDR_IPV6);
	assert_int_equal(rule.priority, 100);
	assert_int_equal(rule.table, 1000);
	assert_int_equal(rule.action, RT_RULE_TABLE);
	is_prefix(&rule.src, "2001:db8::1/64");
	is_prefix(&rule.dst, "2001:db8::fe/128");
	assert_int_equal(rule.fwmark, 0x10);
	assert_int_equal(rule.fwmask, 0xff);
	assert_int_equal(rule.tos, 8);
	assert_int_equal(rule.protocol, 6);
	assert_string_equal(rule.iif, "eth0");
	assert_string_equal(rule.oif, "eth1");
	assert_true(rule.ports);
}

static void a_rule_with_nothing(void **state)
{
	struct fib_rule_hdr header = {.family = AF_INET, .table = 255, .action = FR_ACT_TO_TBL};
	struct fib_rule_hdr other = {.family = 128};
	struct rt_rule rule;
	struct nlbytes m;

	(void)state;
	nlbytes_begin(&m, RTM_NEWRULE, &header, sizeof(header));
	assert_int_equal(decode_rule(nlbytes_message(&m), &rule), 0);
	assert_int_equal(rule.table, 255);
	assert_int_equal(rule.src.addr.family | rule.dst.addr.family | rule.src.length, 0);
	assert_false(rule.ports);
	nlbytes_begin(&m, RTM_NEWRULE, &other, sizeof(other));
	assert_int_equal(decode_rule(nlbytes_message(&m), &rule), DECODE_SKIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_multipath_route_with_everything),
		cmocka_unit_test(a_default_route_with_one_leg),
		cmocka_unit_test(lifetimes_are_told_in_hundredths_and_rounded_up),
		cmocka_unit_test(route_types),
		cmocka_unit_test(tunnels_are_told),
		cmocka_unit_test(legs_beyond_the_bound_are_cut_and_said_so),
		cmocka_unit_test(bad_legs_are_refused),
		cmocka_unit_test(routes_that_are_refused_or_skipped),
		cmocka_unit_test(bad_via_is_refused),
		cmocka_unit_test(a_nexthop_group),
		cmocka_unit_test(a_nexthop_that_is_a_leg),
		cmocka_unit_test(nexthops_that_are_refused),
		cmocka_unit_test(a_rule_with_everything),
		cmocka_unit_test(a_rule_with_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
