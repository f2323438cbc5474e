/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * By which device a frame leaves: a truth table over links upon links.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <shunt/abi.h>

#include "egress.h"

static const uint8_t learnt[6] = {2, 0, 0, 0, 0, 0xaa}, unlearnt[6] = {2, 0, 0, 0, 0, 0xbb};

enum {
	ETH = 1,
	DEAD,
	VLAN,
	VLAN_AD,
	NESTED,
	VLAN_AWAY,
	MACVLAN,
	MACVLAN_BRIDGE,
	BRIDGE,
	PORT,
	FILTERING,
	VLAN_ON_BRIDGE,
	BOND,
	SLAVE,
	TLB,
	TLB_NONE,
	BROADCAST,
	VLAN_ON_BOND,
	VETH,
	PEER,
	NATIVE_VETH,
	NATIVE_PEER,
	DUMMY,
	VLAN_ON_DEAD,
	LOOP,
	BOND_OF_VETH,
	ITS_VETH,
	TAP,
	UNKNOWN
};

static const struct rt_link links[] = {
	{.ifindex = ETH, .name = "eth"},
	{.ifindex = DEAD, .name = "dead"},
	{.ifindex = VLAN,
	 .name = "vlan",
	 .kind = "vlan",
	 .lower = ETH,
	 .vlan_id = 100,
	 .vlan_protocol = 0x8100},
	{.ifindex = VLAN_AD,
	 .name = "ad",
	 .kind = "vlan",
	 .lower = ETH,
	 .vlan_id = 4094,
	 .vlan_protocol = 0x88a8},
	{.ifindex = NESTED, .name = "nested", .kind = "vlan", .lower = VLAN, .vlan_id = 7},
	{.ifindex = VLAN_AWAY, .name = "away", .kind = "vlan", .lower = ETH, .lower_elsewhere = true},
	{.ifindex = MACVLAN, .name = "macvlan", .kind = "macvlan", .lower = ETH},
	{.ifindex = MACVLAN_BRIDGE, .name = "mb", .kind = "macvlan", .lower = ETH, .macvlan_bridge = true},
	{.ifindex = BRIDGE, .name = "bridge", .kind = "bridge"},
	{.ifindex = PORT, .name = "port", .master = BRIDGE},
	{.ifindex = FILTERING, .name = "filtering", .kind = "bridge", .vlan_filtering = true},
	{.ifindex = VLAN_ON_BRIDGE, .name = "vb", .kind = "vlan", .lower = BRIDGE, .vlan_id = 8},
	{.ifindex = BOND,
	 .name = "bond",
	 .kind = "bond",
	 .bond_mode = RT_BOND_ACTIVEBACKUP,
	 .bond_active = SLAVE},
	{.ifindex = SLAVE, .name = "slave", .master = BOND},
	{.ifindex = TLB, .name = "tlb", .kind = "bond", .bond_mode = RT_BOND_TLB, .bond_active = SLAVE},
	{.ifindex = TLB_NONE, .name = "tn", .kind = "bond", .bond_mode = RT_BOND_ALB},
	{.ifindex = BROADCAST, .name = "bc", .kind = "bond", .bond_mode = RT_BOND_BROADCAST},
	{.ifindex = VLAN_ON_BOND, .name = "vbond", .kind = "vlan", .lower = BOND, .vlan_id = 9},
	{.ifindex = VETH, .name = "veth", .kind = "veth", .lower = PEER},
	{.ifindex = PEER, .name = "peer", .kind = "veth", .lower = VETH},
	{.ifindex = NATIVE_VETH, .name = "nveth", .kind = "veth", .lower = NATIVE_PEER},
	{.ifindex = NATIVE_PEER,
	 .name = "np",
	 .kind = "veth",
	 .lower = NATIVE_VETH,
	 .xdp_mode = RT_XDP_NATIVE},
	{.ifindex = DUMMY, .name = "dummy", .kind = "dummy"},
	{.ifindex = VLAN_ON_DEAD, .name = "vdead", .kind = "vlan", .lower = DEAD, .vlan_id = 10},
	{.ifindex = LOOP, .name = "loop", .kind = "macvlan", .lower = LOOP},
	{.ifindex = BOND_OF_VETH, .name = "bv", .kind = "bond", .bond_mode = RT_BOND_XOR},
	{.ifindex = ITS_VETH, .name = "iv", .kind = "veth", .lower = PEER, .master = BOND_OF_VETH},
	{.ifindex = TAP, .name = "tap", .kind = "tun"},
};

static struct rt_state *node(void)
{
	const struct rt_fdb entry = {.bridge = BRIDGE, .mac = {2, 0, 0, 0, 0, 0xaa}, .port = PORT};
	struct rt_state *state;

	assert_int_equal(rt_state_new(&state), 0);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct rt_link link = links[i];

		link.up = true;
		link.carrier = link.ifindex != DEAD;
		link.mtu = 1500 - (uint32_t)link.ifindex;
		assert_int_equal(rt_state_put_link(state, &link), 0);
	}
	assert_int_equal(rt_state_put_fdb(state, &entry), 0);
	return state;
}

#define TAG(id) (SH_NEXTHOP_TAGGED | (id))
#define HERE	SH_NEXTHOP_HERE

static const struct {
	int link;
	const uint8_t *mac;
	int by; /* 0: not looked at */
	unsigned flags;
	enum egress_fault fault;
	const char *words; /* of a fault */
} ways[] = {
	{ETH, learnt, ETH, 0, EGRESS_FINE, NULL},
	{ETH, NULL, ETH, 0, EGRESS_FINE, NULL},
	{DEAD, learnt, DEAD, 0, EGRESS_DOWN, "link dead is down or has no carrier"},
	{UNKNOWN, learnt, UNKNOWN, 0, EGRESS_DOWN, "link ? is down or has no carrier"},
	{VLAN, learnt, ETH, TAG(100), EGRESS_FINE, NULL},
	{VLAN_AD, NULL, ETH, TAG(4094) | SH_NEXTHOP_8021AD, EGRESS_FINE, NULL},
	{NESTED, learnt, NESTED, TAG(7), EGRESS_NESTED, "VLAN vlan stands for a tag within a tag"},
	{VLAN_AWAY, learnt, VLAN_AWAY, 0, EGRESS_ELSEWHERE,
	 "what is below link away cannot be seen from here"},
	{VLAN_ON_DEAD, learnt, DEAD, TAG(10), EGRESS_DOWN, "link dead is down or has no carrier"},
	{MACVLAN, learnt, ETH, 0, EGRESS_FINE, NULL},
	{MACVLAN_BRIDGE, learnt, MACVLAN_BRIDGE, 0, EGRESS_MACVLAN,
	 "macvlan mb is in mode bridge, its neighbours may be on this host"},
	{BRIDGE, learnt, PORT, 0, EGRESS_FINE, NULL},
	{BRIDGE, unlearnt, BRIDGE, 0, EGRESS_UNLEARNT,
	 "bridge bridge has not learnt the MAC of the next hop"},
	{BRIDGE, NULL, BRIDGE, 0, EGRESS_UNLEARNT, "bridge bridge has not learnt the MAC of the next hop"},
	{FILTERING, learnt, FILTERING, 0, EGRESS_FILTERS, "bridge filtering filters by VLAN"},
	{VLAN_ON_BRIDGE, learnt, PORT, TAG(8), EGRESS_FINE, NULL},
	{BOND, learnt, BOND, 0, EGRESS_FINE, NULL},
	{TLB, learnt, SLAVE, 0, EGRESS_FINE, NULL},
	{TLB_NONE, learnt, TLB_NONE, 0, EGRESS_NO_SLAVE, "bond tn has no active slave"},
	{BROADCAST, learnt, BROADCAST, 0, EGRESS_FINE, NULL},
	{VLAN_ON_BOND, learnt, BOND, TAG(9), EGRESS_FINE, NULL},
	{VETH, learnt, VETH, 0, EGRESS_FINE, NULL},
	{DUMMY, learnt, DUMMY, 0, EGRESS_FINE, NULL},
	{LOOP, learnt, LOOP, 0, EGRESS_FINE, NULL},
};

static void the_device_at_the_bottom(void **unused)
{
	struct rt_state *state = node();
	struct egress out;
	char text[128];

	(void)unused;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		egress_find(state, NULL, ways[i].link, ways[i].mac, &out);
		if (out.fault != ways[i].fault || out.ifindex != ways[i].by || out.flags != ways[i].flags)
			fail_msg("link %d: by %d, flags %x, fault %d", ways[i].link, out.ifindex, out.flags,
				 out.fault);
		egress_words(state, &out, text, sizeof(text));
		assert_string_equal(text, ways[i].words ? ways[i].words : "");
	}
	rt_state_free(state);
}

static void the_smallest_mtu_counts(void **unused)
{
	struct rt_state *state = node();
	struct egress out;

	(void)unused;
	egress_find(state, NULL, ETH, NULL, &out);
	assert_int_equal(out.mtu, 1500 - ETH);
	egress_find(state, NULL, VLAN, NULL, &out);
	assert_int_equal(out.mtu, 1500 - VLAN);
	egress_find(state, NULL, BRIDGE, learnt, &out);
	assert_int_equal(out.mtu, 1500 - PORT);
	egress_find(state, NULL, UNKNOWN, NULL, &out);
	assert_int_equal(out.mtu, 0);
	rt_state_free(state);
}

/* Who takes what native XDP redirects; `natives` is where the director's program is in native mode. */
static void who_takes_redirected_frames(void **unused)
{
	static const struct {
		int link;
		int natives[3];
		bool here;
	} cases[] = {
		{ETH, {TAP}, false},
		{TAP, {ETH}, false},
		{VETH, {0}, false}, /* nobody redirects natively */
		{VETH, {ETH}, true},
		{VETH, {ETH, VETH}, false}, /* `mode: native` there says that it takes them */
		{VETH, {VETH}, false},
		{NATIVE_VETH, {ETH}, false}, /* the peer can be seen to */
		{DUMMY, {0}, false},
		{DUMMY, {ETH}, true},
		{DUMMY, {DUMMY}, false}, /* nothing comes in elsewhere */
		{BOND, {ETH}, false},
		{BROADCAST, {ETH}, true},
		{BOND_OF_VETH, {ETH}, true},
		{BOND_OF_VETH, {ETH, BOND_OF_VETH}, false},
		{VLAN, {TAP}, false},
	};
	struct rt_state *state = node();
	struct egress out;
	char text[128];

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int ifindexes[3];
		struct natives natives = {ifindexes, 0};

		for (; natives.count < 3 && cases[i].natives[natives.count]; natives.count++)
			ifindexes[natives.count] = cases[i].natives[natives.count];
		egress_find(state, &natives, cases[i].link, NULL, &out);
		if (((out.flags & HERE) != 0) != cases[i].here)
			fail_msg("case %zu: %x", i, out.flags);
		egress_words(state, &out, text, sizeof(text));
		assert_int_equal(strstr(text, "cannot be seen to take what native XDP redirects") != NULL,
				 cases[i].here);
	}
	rt_state_free(state);
}

static void a_bridge_forgets(void **unused)
{
	struct rt_state *state = node();
	const struct rt_fdb moved = {.bridge = BRIDGE, .mac = {2, 0, 0, 0, 0, 0xaa}, .port = TAP};
	struct egress out;

	(void)unused;
	assert_int_equal(rt_state_put_fdb(state, &moved), 0);
	egress_find(state, NULL, BRIDGE, learnt, &out);
	assert_int_equal(out.ifindex, TAP);
	rt_state_drop_link(state, TAP);
	egress_find(state, NULL, BRIDGE, learnt, &out);
	assert_int_equal(out.fault, EGRESS_UNLEARNT);
	rt_state_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_at_the_bottom),
		cmocka_unit_test(the_smallest_mtu_counts),
		cmocka_unit_test(who_takes_redirected_frames),
		cmocka_unit_test(a_bridge_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
