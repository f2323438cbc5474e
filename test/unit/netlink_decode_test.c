/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Truth tables of the decoders of links, addresses and neighbours, over bytes built by hand. */
#include "nlsamples.h"

#include <errno.h>

#include "decode.h"

/* ---- links ---------------------------------------------------------------------------------- */

static void a_link_with_everything(void **state)
{
	struct rt_link link;
	struct nlbytes m;

	(void)state;
	sample_link(&m);
	assert_int_equal(decode_link(nlbytes_message(&m), &link), 0);
	assert_int_equal(link.ifindex, 7);
	assert_string_equal(link.name, "eth7");
	assert_string_equal(link.kind, "veth");
	assert_memory_equal(link.mac, sample_mac, sizeof(sample_mac));
	assert_int_equal(link.mtu, 1500);
	assert_true(link.up);
	assert_true(link.carrier);
	assert_false(link.loopback);
	assert_false(link.bare);
	assert_int_equal(link.master, 9);
	assert_int_equal(link.lower, 3);
	assert_true(link.lower_elsewhere);
	assert_int_equal(link.xdp_mode, RT_XDP_NATIVE);
	assert_int_equal(link.xdp_program, 42);
}

static void a_link_with_nothing(void **state)
{
	struct ifinfomsg header = {.ifi_index = 1, .ifi_type = ARPHRD_LOOPBACK, .ifi_flags = IFF_LOOPBACK};
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

static void what_a_link_puts_before_ip(void **state)
{
	static const struct {
		uint16_t type;
		bool bare;
	} cases[] = {{ARPHRD_ETHER, false}, {ARPHRD_LOOPBACK, false}, {ARPHRD_NONE, true},
		     {ARPHRD_TUNNEL, true}, {ARPHRD_PPP, true},	      {ARPHRD_INFINIBAND, true}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ifinfomsg header = {.ifi_index = 1, .ifi_type = cases[i].type};
		struct rt_link link;
		struct nlbytes m;

		nlbytes_begin(&m, RTM_NEWLINK, &header, sizeof(header));
		assert_int_equal(decode_link(nlbytes_message(&m), &link), 0);
		assert_int_equal(link.bare, cases[i].bare);
	}
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
	sample_addr(&m);
	assert_int_equal(decode_addr(nlbytes_message(&m), &addr), 0);
	is_addr(&addr.addr, "192.0.2.1");
	assert_int_equal(addr.ifindex, 7);
	assert_int_equal(addr.length, 24);
	assert_int_equal(addr.protocol, 66);
	nlbytes_begin(&m, RTM_NEWADDR, &v6_header, sizeof(v6_header));
	nlbytes_put(&m, IFA_ADDRESS, sample_v6, sizeof(sample_v6));
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
		nlbytes_put(&m, cases[i].type, sample_v6, cases[i].size);
		assert_int_equal(decode_addr(nlbytes_message(&m), &addr), cases[i].expect);
	}
}

static void a_neighbour_with_everything(void **state)
{
	struct rt_neigh neigh;
	struct nlbytes m;

	(void)state;
	sample_neigh(&m);
	assert_int_equal(decode_neigh(nlbytes_message(&m), &neigh), 0);
	assert_int_equal(neigh.ifindex, 7);
	is_addr(&neigh.addr, "2001:db8::1");
	assert_int_equal(neigh.state, RT_NEIGH_VALID);
	assert_memory_equal(neigh.mac, sample_mac, sizeof(sample_mac));
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
		nlbytes_put(&m, NDA_DST, sample_v4, sizeof(sample_v4));
		nlbytes_put(&m, NDA_LLADDR, sample_mac, sizeof(sample_mac));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_with_everything),
		cmocka_unit_test(a_link_with_nothing),
		cmocka_unit_test(what_a_link_puts_before_ip),
		cmocka_unit_test(xdp_modes),
		cmocka_unit_test(links_that_are_not_ours),
		cmocka_unit_test(attributes_of_a_wrong_size_are_refused),
		cmocka_unit_test(an_address_is_the_local_one),
		cmocka_unit_test(addresses_that_are_refused_or_skipped),
		cmocka_unit_test(a_neighbour_with_everything),
		cmocka_unit_test(neighbour_states),
		cmocka_unit_test(neighbours_that_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
