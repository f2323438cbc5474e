/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Truth tables of the rtnetlink decoders, over bytes built by hand: every field, what is skipped,
 * what is refused, every truncated length and every damaged byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "decode.h"
#include "nlbytes.h"

#define UNKNOWN_TYPE 1000

static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x01};
static const uint8_t v4[4] = {192, 0, 2, 1}, gw4[4] = {192, 0, 2, 254};
static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
		     gw6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 0xfe};

static void is_addr(const struct addr *addr, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(addr_format(addr, got), text);
}

static void is_prefix(const struct prefix *prefix, const char *text)
{
	char got[ADDR_TEXT_SIZE];

	assert_string_equal(prefix_format(prefix, got), text);
}

/* ---- one message of each kind, with everything in it ---------------------------------------- */

static void build_link(struct nlbytes *m)
{
	struct ifinfomsg header = {
		.ifi_family = AF_UNSPEC, .ifi_index = 7, .ifi_flags = IFF_UP | 0x10000 /* IFF_LOWER_UP */};
	uint32_t info, xdp;

	nlbytes_begin(m, RTM_NEWLINK, &header, sizeof(header));
	nlbytes_puts(m, IFLA_IFNAME, "eth7");
	nlbytes_put(m, IFLA_ADDRESS, mac, sizeof(mac));
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put32(m, IFLA_MTU, 1500);
	nlbytes_put32(m, IFLA_LINK, 3);
	nlbytes_put32(m, IFLA_LINK_NETNSID, 0);
	nlbytes_put32(m, IFLA_MASTER, 9);
	info = nlbytes_open(m, IFLA_LINKINFO);
	nlbytes_puts(m, IFLA_INFO_KIND, "veth");
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_close(m, info);
	xdp = nlbytes_open(m, IFLA_XDP | NLA_F_NESTED);
	nlbytes_put8(m, IFLA_XDP_ATTACHED, XDP_ATTACHED_DRV);
	nlbytes_put32(m, IFLA_XDP_PROG_ID, 42);
	nlbytes_close(m, xdp);
}

static void build_addr(struct nlbytes *m)
{
	struct ifaddrmsg header = {.ifa_family = AF_INET, .ifa_prefixlen = 24, .ifa_index = 7};

	nlbytes_begin(m, RTM_NEWADDR, &header, sizeof(header));
	nlbytes_put(m, IFA_ADDRESS, gw4, sizeof(gw4));
	nlbytes_put(m, IFA_LOCAL, v4, sizeof(v4));
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put8(m, IFA_PROTO, 66);
}

static void build_neigh(struct nlbytes *m)
{
	struct ndmsg header = {.ndm_family = AF_INET6, .ndm_ifindex = 7, .ndm_state = NUD_STALE};

	nlbytes_begin(m, RTM_NEWNEIGH, &header, sizeof(header));
	nlbytes_put(m, NDA_DST, v6, sizeof(v6));
	nlbytes_put(m, NDA_LLADDR, mac, sizeof(mac));
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put32(m, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
}

static void put_hop(struct nlbytes *m, const struct rtnexthop *hop, uint16_t type, const void *data,
		    uint16_t size)
{
	uint32_t at = m->used;

	nlbytes_raw(m, hop, sizeof(*hop));
	if (type)
		nlbytes_put(m, type, data, size);
	nlbytes_close(m, at);
}

static void build_route(struct nlbytes *m)
{
	struct rtmsg header = {
		.rtm_family = AF_INET,
		.rtm_dst_len = 24,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BGP,
		.rtm_type = RTN_UNICAST,
	};
	struct rtnexthop first = {.rtnh_ifindex = 7, .rtnh_hops = 2};
	struct rtnexthop second = {.rtnh_ifindex = 8, .rtnh_hops = 255, .rtnh_flags = RTNH_F_LINKDOWN};
	struct rtnexthop third = {.rtnh_ifindex = 9, .rtnh_flags = RTNH_F_DEAD};
	struct {
		uint16_t family;
		uint8_t bytes[16];
	} via = {.family = AF_INET6};
	uint32_t at;

	memcpy(via.bytes, gw6, sizeof(gw6));
	nlbytes_begin(m, RTM_NEWROUTE, &header, sizeof(header));
	nlbytes_put32(m, RTA_TABLE, 1000);
	nlbytes_put(m, RTA_DST, v4, sizeof(v4));
	nlbytes_put32(m, RTA_PRIORITY, 20);
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put32(m, RTA_NH_ID, 77);
	at = nlbytes_open(m, RTA_METRICS);
	nlbytes_put32(m, RTAX_MTU, 1400);
	nlbytes_close(m, at);
	at = nlbytes_open(m, RTA_MULTIPATH);
	put_hop(m, &first, RTA_GATEWAY, gw4, sizeof(gw4));
	put_hop(m, &second, RTA_VIA, &via, 18);
	put_hop(m, &third, 0, NULL, 0);
	nlbytes_close(m, at);
}

static void build_rule(struct nlbytes *m)
{
	struct fib_rule_hdr header = {.family = AF_INET6,
				      .src_len = 64,
				      .dst_len = 128,
				      .tos = 8,
				      .table = 254,
				      .action = FR_ACT_TO_TBL};
	struct fib_rule_port_range ports = {.start = 80, .end = 443};

	nlbytes_begin(m, RTM_NEWRULE, &header, sizeof(header));
	nlbytes_put32(m, FRA_TABLE, 1000);
	nlbytes_put32(m, FRA_PRIORITY, 100);
	nlbytes_put(m, FRA_SRC, v6, sizeof(v6));
	nlbytes_put(m, FRA_DST, gw6, sizeof(gw6));
	nlbytes_put32(m, FRA_FWMARK, 0x10);
	nlbytes_put32(m, FRA_FWMASK, 0xff);
	nlbytes_puts(m, FRA_IIFNAME, "eth0");
	nlbytes_puts(m, FRA_OIFNAME, "eth1");
	nlbytes_put8(m, FRA_IP_PROTO, 6);
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put(m, FRA_DPORT_RANGE, &ports, sizeof(ports));
}

static void build_group(struct nlbytes *m)
{
	struct nhmsg header = {0};
	/* id, weight - 1 in two bytes, two of zero */
	static const struct {
		uint32_t id;
		uint8_t low, high;
		uint16_t zero;
	} members[] = {{10, 6, 0, 0}, {11, 0xff, 1, 0}};

	nlbytes_begin(m, RTM_NEWNEXTHOP, &header, sizeof(header));
	nlbytes_put32(m, NHA_ID, 20);
	nlbytes_put32(m, UNKNOWN_TYPE, 1);
	nlbytes_put(m, NHA_GROUP, members, sizeof(members));
}

/* ---- links ---------------------------------------------------------------------------------- */

static void a_link_with_everything(void **state)
{
	struct rt_link link;
	struct nlbytes m;

	(void)state;
	build_link(&m);
	assert_int_equal(decode_link(nlbytes_message(&m), &link), 0);
	assert_int_equal(link.ifindex, 7);
	assert_string_equal(link.name, "eth7");
	assert_string_equal(link.kind, "veth");
	assert_memory_equal(link.mac, mac, sizeof(mac));
	assert_int_equal(link.mtu, 1500);
	assert_true(link.up);
	assert_true(link.carrier);
	assert_false(link.loopback);
	assert_int_equal(link.master, 9);
	assert_int_equal(link.lower, 3);
	assert_true(link.lower_elsewhere);
	assert_int_equal(link.xdp_mode, RT_XDP_NATIVE);
	assert_int_equal(link.xdp_program, 42);
}

static void a_link_with_nothing(void **state)
{
	struct ifinfomsg header = {.ifi_index = 1, .ifi_flags = IFF_LOOPBACK};
	struct rt_link link;
	struct nlbytes m;

	(void)state;
	nlbytes_begin(&m, RTM_NEWLINK, &header, sizeof(header));
	/* An InfiniBand address has 20 bytes: no MAC. */
	nlbytes_put(&m, IFLA_ADDRESS, "12345678901234567890", 20);
	assert_int_equal(decode_link(nlbytes_message(&m), &link), 0);
	assert_true(link.loopback);
	assert_false(link.up || link.carrier || link.lower_elsewhere);
	assert_int_equal(link.mac[0] | link.mtu | link.lower | link.master, 0);
	assert_int_equal(link.xdp_mode, RT_XDP_NONE);
}

static void xdp_modes(void **state)
{
	static const struct {
		uint8_t attached;
		uint16_t id;
		enum rt_xdp_mode mode;
		uint32_t program;
	} cases[] = {
		{XDP_ATTACHED_NONE, IFLA_XDP_FLAGS, RT_XDP_NONE, 0},
		{XDP_ATTACHED_DRV, IFLA_XDP_PROG_ID, RT_XDP_NATIVE, 5},
		{XDP_ATTACHED_SKB, IFLA_XDP_PROG_ID, RT_XDP_GENERIC, 5},
		{XDP_ATTACHED_HW, IFLA_XDP_PROG_ID, RT_XDP_OFFLOAD, 5},
		{XDP_ATTACHED_MULTI, IFLA_XDP_DRV_PROG_ID, RT_XDP_MULTI, 5},
		{XDP_ATTACHED_MULTI, IFLA_XDP_HW_PROG_ID, RT_XDP_MULTI, 5},
		{99, IFLA_XDP_SKB_PROG_ID, RT_XDP_NONE, 5},
	};
	struct ifinfomsg header = {.ifi_index = 1};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rt_link link;
		struct nlbytes m;
		uint32_t xdp;

		nlbytes_begin(&m, RTM_NEWLINK, &header, sizeof(header));
		xdp = nlbytes_open(&m, IFLA_XDP);
		nlbytes_put8(&m, IFLA_XDP_ATTACHED, cases[i].attached);
		nlbytes_put32(&m, cases[i].id, 5);
		nlbytes_close(&m, xdp);
		assert_int_equal(decode_link(nlbytes_message(&m), &link), 0);
		assert_int_equal(link.xdp_mode, cases[i].mode);
		assert_int_equal(link.xdp_program, cases[i].program);
	}
}

static void links_that_are_not_ours(void **state)
{
	struct ifinfomsg bridge = {.ifi_family = AF_BRIDGE, .ifi_index = 7};
	struct ifinfomsg wireless = {.ifi_index = 7}, nameless = {.ifi_index = 0};
	struct rt_link link;
	struct nlbytes m;

	(void)state;
	nlbytes_begin(&m, RTM_DELLINK, &bridge, sizeof(bridge));
	assert_int_equal(decode_link(nlbytes_message(&m), &link), DECODE_SKIP);
	nlbytes_begin(&m, RTM_NEWLINK, &wireless, sizeof(wireless));
	nlbytes_put(&m, IFLA_WIRELESS, "x", 1);
	assert_int_equal(decode_link(nlbytes_message(&m), &link), DECODE_SKIP);
	nlbytes_begin(&m, RTM_NEWLINK, &nameless, sizeof(nameless));
	assert_int_equal(decode_link(nlbytes_message(&m), &link), -EINVAL);
}

static void attributes_of_a_wrong_size_are_refused(void **state)
{
	static const struct {
		uint16_t type, size;
	} cases[] = {{IFLA_MTU, 2}, {IFLA_LINK, 0}, {IFLA_MASTER, 3}, {IFLA_LINKINFO, 3}, {IFLA_XDP, 2}};
	struct ifinfomsg header = {.ifi_index = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rt_link link;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWLINK, &header, sizeof(header));
		nlbytes_put(&m, cases[i].type, "\1\1\1\1", cases[i].size);
		assert_int_equal(decode_link(nlbytes_message(&m), &link), -EINVAL);
	}
}

/* ---- addresses and neighbours --------------------------------------------------------------- */

static void an_address_is_the_local_one(void **state)
{
	struct ifaddrmsg v6_header = {.ifa_family = AF_INET6, .ifa_prefixlen = 128, .ifa_index = 1};
	struct rt_addr addr;
	struct nlbytes m;

	(void)state;
	build_addr(&m);
	assert_int_equal(decode_addr(nlbytes_message(&m), &addr), 0);
	is_addr(&addr.addr, "192.0.2.1");
	assert_int_equal(addr.ifindex, 7);
	assert_int_equal(addr.length, 24);
	assert_int_equal(addr.protocol, 66);
	nlbytes_begin(&m, RTM_NEWADDR, &v6_header, sizeof(v6_header));
	nlbytes_put(&m, IFA_ADDRESS, v6, sizeof(v6));
	assert_int_equal(decode_addr(nlbytes_message(&m), &addr), 0);
	is_addr(&addr.addr, "2001:db8::1");
	assert_int_equal(addr.protocol, 0);
}

static void addresses_that_are_refused_or_skipped(void **state)
{
	static const struct {
		uint8_t family, length;
		uint16_t type, size;
		int expect;
	} cases[] = {
		{AF_INET, 32, IFA_LOCAL, 4, 0},
		{AF_INET, 33, IFA_LOCAL, 4, -EINVAL},
		{AF_INET, 32, IFA_LOCAL, 16, -EINVAL},
		{AF_INET, 32, IFA_LOCAL, 5, -EINVAL},
		{AF_INET6, 64, IFA_ADDRESS, 4, -EINVAL},
		{AF_INET, 32, IFA_LABEL, 4, -EINVAL},
		{AF_PHONET, 0, IFA_LOCAL, 1, DECODE_SKIP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ifaddrmsg header = {
			.ifa_family = cases[i].family, .ifa_prefixlen = cases[i].length, .ifa_index = 1};
		struct rt_addr addr;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWADDR, &header, sizeof(header));
		nlbytes_put(&m, cases[i].type, v6, cases[i].size);
		assert_int_equal(decode_addr(nlbytes_message(&m), &addr), cases[i].expect);
	}
}

static void a_neighbour_with_everything(void **state)
{
	struct rt_neigh neigh;
	struct nlbytes m;

	(void)state;
	build_neigh(&m);
	assert_int_equal(decode_neigh(nlbytes_message(&m), &neigh), 0);
	assert_int_equal(neigh.ifindex, 7);
	is_addr(&neigh.addr, "2001:db8::1");
	assert_int_equal(neigh.state, RT_NEIGH_VALID);
	assert_memory_equal(neigh.mac, mac, sizeof(mac));
	assert_true(neigh.managed);
}

static void neighbour_states(void **state)
{
	static const struct {
		uint16_t nud;
		enum rt_neigh_state state;
		bool mac;
	} cases[] = {
		{NUD_NONE, RT_NEIGH_NONE, false},	   {NUD_INCOMPLETE, RT_NEIGH_INCOMPLETE, false},
		{NUD_REACHABLE, RT_NEIGH_VALID, true},	   {NUD_STALE, RT_NEIGH_VALID, true},
		{NUD_DELAY, RT_NEIGH_VALID, true},	   {NUD_PROBE, RT_NEIGH_VALID, true},
		{NUD_NOARP, RT_NEIGH_VALID, true},	   {NUD_FAILED, RT_NEIGH_FAILED, false},
		{NUD_PERMANENT, RT_NEIGH_PERMANENT, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ndmsg header = {.ndm_family = AF_INET, .ndm_ifindex = 7, .ndm_state = cases[i].nud};
		struct rt_neigh neigh;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWNEIGH, &header, sizeof(header));
		nlbytes_put(&m, NDA_DST, v4, sizeof(v4));
		nlbytes_put(&m, NDA_LLADDR, mac, sizeof(mac));
		assert_int_equal(decode_neigh(nlbytes_message(&m), &neigh), 0);
		assert_int_equal(neigh.state, cases[i].state);
		assert_int_equal(neigh.mac[0], cases[i].mac ? 2 : 0);
		assert_false(neigh.managed);
	}
}

static void neighbours_that_are_not_ours(void **state)
{
	static const struct {
		uint8_t family, flags;
		uint8_t dst[16];
		uint16_t size;
		int expect;
	} cases[] = {
		{AF_INET, 0, {192, 0, 2, 1}, 4, 0},
		{AF_BRIDGE, 0, {192, 0, 2, 1}, 4, DECODE_SKIP},
		{AF_INET, NTF_PROXY, {192, 0, 2, 1}, 4, DECODE_SKIP},
		{AF_INET, 0, {224, 0, 0, 22}, 4, DECODE_SKIP},
		{AF_INET, 0, {239, 255, 255, 255}, 4, DECODE_SKIP},
		{AF_INET, 0, {240, 0, 0, 1}, 4, 0},
		{AF_INET6, 0, {0xff, 2, [15] = 1}, 16, DECODE_SKIP},
		{AF_INET6, 0, {0xfe, 0x80, [15] = 1}, 16, 0},
		{AF_INET6, 0, {192, 0, 2, 1}, 4, -EINVAL},
		{AF_INET, 0, {0}, 0, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ndmsg header = {
			.ndm_family = cases[i].family, .ndm_ifindex = 7, .ndm_flags = cases[i].flags};
		struct rt_neigh neigh;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWNEIGH, &header, sizeof(header));
		nlbytes_put(&m, NDA_DST, cases[i].dst, cases[i].size);
		assert_int_equal(decode_neigh(nlbytes_message(&m), &neigh), cases[i].expect);
	}
}

/* ---- routes --------------------------------------------------------------------------------- */

static void a_multipath_route_with_everything(void **state)
{
	struct rt_route route;
	struct nlbytes m;

	(void)state;
	build_route(&m);
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
	nlbytes_put(&m, RTA_GATEWAY, gw6, sizeof(gw6));
	assert_int_equal(decode_route(nlbytes_message(&m), &route), 0);
	is_prefix(&route.dst, "::/0");
	assert_int_equal(route.table, 254);
	assert_int_equal(route.legs_count, 1);
	assert_int_equal(route.legs[0].weight, 1);
	assert_true(route.legs[0].dead);
	is_addr(&route.legs[0].gateway, "2001:db8::fe");
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
		{RTN_THROW, RT_ROUTE_OTHER, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtmsg header = {.rtm_family = AF_INET, .rtm_dst_len = 32, .rtm_type = cases[i].rtn};
		struct rt_route route;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put(&m, RTA_DST, v4, sizeof(v4));
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
	for (uint16_t encap = LWTUNNEL_ENCAP_NONE; encap <= LWTUNNEL_ENCAP_IP; encap++) {
		struct rt_route route;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWROUTE, &header, sizeof(header));
		nlbytes_put32(&m, RTA_OIF, 1);
		nlbytes_put16(&m, RTA_ENCAP_TYPE, encap);
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
		nlbytes_put(&m, cases[i].type, v6, cases[i].size);
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
	build_group(&m);
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
	nlbytes_put(&m, NHA_GATEWAY, gw6, sizeof(gw6));
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
		nlbytes_put(&m, NHA_GROUP, v6, group_sizes[i]);
		assert_int_equal(decode_nexthop(nlbytes_message(&m), &nexthop), -EINVAL);
	}
}

static void a_rule_with_everything(void **state)
{
	struct rt_rule rule;
	struct nlbytes m;

	(void)state;
	build_rule(&m);
	assert_int_equal(decode_rule(nlbytes_message(&m), &rule), 0);
	assert_int_equal(rule.family, ADDR_IPV6);
	assert_int_equal(rule.priority, 100);
	assert_int_equal(rule.table, 1000);
	assert_int_equal(rule.action, FR_ACT_TO_TBL);
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

/* ---- every length, every byte --------------------------------------------------------------- */

union any_record {
	struct rt_link link;
	struct rt_addr addr;
	struct rt_neigh neigh;
	struct rt_route route;
	struct rt_rule rule;
	struct nexthop nexthop;
};

static int link_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_link(m, &out->link);
}

static int addr_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_addr(m, &out->addr);
}

static int neigh_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_neigh(m, &out->neigh);
}

static int route_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_route(m, &out->route);
}

static int rule_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_rule(m, &out->rule);
}

static int nexthop_into(const struct nlmsghdr *m, union any_record *out)
{
	return decode_nexthop(m, &out->nexthop);
}

static const struct kind {
	void (*build)(struct nlbytes *m);
	int (*decode)(const struct nlmsghdr *m, union any_record *out);
	uint32_t header; /* of the fixed header */
} kinds[] = {
	{build_link, link_into, sizeof(struct ifinfomsg)},
	{build_addr, addr_into, sizeof(struct ifaddrmsg)},
	{build_neigh, neigh_into, sizeof(struct ndmsg)},
	{build_route, route_into, sizeof(struct rtmsg)},
	{build_rule, rule_into, sizeof(struct fib_rule_hdr)},
	{build_group, nexthop_into, sizeof(struct nhmsg)},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Ends `size` between two attributes? Then what is left is a whole, shorter message. */
static bool at_boundary(const struct nlbytes *m, uint32_t header, uint32_t size)
{
	uint32_t at = NLMSG_HDRLEN + header;

	while (at < size) {
		uint16_t length;

		memcpy(&length, m->bytes + at, sizeof(length));
		/* Without its padding the last attribute is whole, too. */
		if (size >= at + length && size <= at + ((length + 3U) & ~3U))
			return true;
		at += (length + 3U) & ~3U;
	}
	return at == size;
}

static int decode_copy(const struct kind *kind, const void *bytes, uint32_t size, union any_record *out)
{
	/* An allocation of exactly this size: ASan sees each byte too many. */
	unsigned char *copy = malloc(size);
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, size);
	memcpy(copy, &size, sizeof(size));
	err = kind->decode((const struct nlmsghdr *)copy, out);
	free(copy);
	return err;
}

static void every_truncated_length(void **state)
{
	union any_record untouched, record;
	struct nledge edge = {0};

	(void)state;
	memset(&untouched, 0xa5, sizeof(untouched));
	assert_int_equal(nledge_open(&edge), 0);
	for (size_t k = 0; k < KINDS; k++) {
		struct nlbytes m;

		kinds[k].build(&m);
		for (uint32_t size = NLMSG_HDRLEN; size <= m.used; size++) {
			int err;

			memcpy(&record, &untouched, sizeof(record));
			err = kinds[k].decode(nledge_lay(&edge, m.bytes, size), &record);
			assert_int_equal(decode_copy(&kinds[k], m.bytes, size, &record), err);
			if (!at_boundary(&m, kinds[k].header, size))
				assert_int_equal(err, -EINVAL);
			if (err)
				assert_memory_equal(&record, &untouched, sizeof(record));
		}
	}
	nledge_close(&edge);
}

static void every_damaged_byte(void **state)
{
	static const unsigned char damages[] = {0x00, 0x01, 0x04, 0x05, 0x7f, 0x80, 0xff};
	struct nledge edge = {0};

	(void)state;
	assert_int_equal(nledge_open(&edge), 0);
	for (size_t k = 0; k < KINDS; k++) {
		struct nlbytes m;

		kinds[k].build(&m);
		for (uint32_t at = NLMSG_HDRLEN; at < m.used; at++) {
			unsigned char whole = m.bytes[at];

			for (size_t d = 0; d < sizeof(damages); d++) {
				union any_record record;
				int err;

				m.bytes[at] = damages[d];
				err = kinds[k].decode(nledge_lay(&edge, m.bytes, m.used), &record);
				assert_true(err == 0 || err == DECODE_SKIP || err == -EINVAL);
				assert_int_equal(decode_copy(&kinds[k], m.bytes, m.used, &record), err);
			}
			m.bytes[at] = whole;
		}
	}
	nledge_close(&edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_with_everything),
		cmocka_unit_test(a_link_with_nothing),
		cmocka_unit_test(xdp_modes),
		cmocka_unit_test(links_that_are_not_ours),
		cmocka_unit_test(attributes_of_a_wrong_size_are_refused),
		cmocka_unit_test(an_address_is_the_local_one),
		cmocka_unit_test(addresses_that_are_refused_or_skipped),
		cmocka_unit_test(a_neighbour_with_everything),
		cmocka_unit_test(neighbour_states),
		cmocka_unit_test(neighbours_that_are_not_ours),
		cmocka_unit_test(a_multipath_route_with_everything),
		cmocka_unit_test(a_default_route_with_one_leg),
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
		cmocka_unit_test(every_truncated_length),
		cmocka_unit_test(every_damaged_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
