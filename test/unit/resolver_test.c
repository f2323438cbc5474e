/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The resolver as a truth table: a route and what is known of links and neighbours in; state,
 * mode, legs and reason out. Then next hops.
 *
 * The node: eth0 (2) with MAC, eth1 (3) with MAC, tun0 (4) without, down0 (5), nocarrier0 (6),
 * lo (1). Link 9 does not exist.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "observed.h"
#include "resolver.h"

#define V4 "198.51.100.11"
#define V6 "2001:db8:1::11"
#define G1 "192.0.2.1"
#define G2 "192.0.2.2"
#define G6 "2001:db8::1"

enum { LO = 1, ETH0, ETH1, TUN, DOWN, NOCARRIER, MISSING = 9 };

static const uint8_t neighbour_mac[6] = {2, 0, 0x5e, 0x10, 0, 0x99};

static struct addr address(const char *text)
{
	struct addr addr = {0};

	if (text)
		assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void put_link(struct rt_state *state, int ifindex, const char *name, bool up, bool carrier, bool mac)
{
	struct rt_link link = {.ifindex = ifindex, .mtu = 1500, .up = up, .carrier = carrier};

	snprintf(link.name, sizeof(link.name), "%s", name);
	link.loopback = ifindex == LO;
	if (mac) {
		link.mac[0] = 2;
		link.mac[5] = (uint8_t)ifindex;
	}
	assert_int_equal(rt_state_put_link(state, &link), 0);
}

static void put_neigh(struct rt_state *state, int ifindex, const char *addr, enum rt_neigh_state how)
{
	struct rt_neigh neigh = {.ifindex = ifindex, .addr = address(addr), .state = how};

	if (how >= RT_NEIGH_VALID)
		memcpy(neigh.mac, neighbour_mac, sizeof(neigh.mac));
	assert_int_equal(rt_state_put_neigh(state, &neigh), 0);
}

static struct rt_state *node(void)
{
	struct rt_state *state;

	assert_int_equal(rt_state_new(&state), 0);
	put_link(state, LO, "lo", true, true, false);
	put_link(state, ETH0, "eth0", true, true, true);
	put_link(state, ETH1, "eth1", true, true, true);
	put_link(state, TUN, "tun0", true, true, false);
	put_link(state, DOWN, "down0", false, true, true); /* each flag counts alone */
	put_link(state, NOCARRIER, "nocarrier0", true, false, true);
	return state;
}

/* ---- resolve -------------------------------------------------------------------------------- */

struct leg {
	int ifindex; /* 0: no leg */
	const char *gateway;
	enum rt_neigh_state neighbour;
	bool dead;
	uint32_t weight; /* 0: 1 */
};

struct row {
	const char *what;
	enum forward forward;
	enum rt_route_type type;
	struct leg legs[4];
	enum backend_state state;
	enum sh_mode mode;
	const char *expect; /* legs, as "ifindex address weight usable" */
	const char *reason;
	const char *backend; /* NULL: V4 */
	const char *vip;     /* NULL: 203.0.113.10 */
	bool tunnel;
	bool weightless;
	bool drained;
};

#define AUTO FORWARD_AUTO
#define L2   FORWARD_L2
#define L3   FORWARD_L3
#define UNI  RT_ROUTE_UNICAST
#define OK   RT_NEIGH_VALID
#define PERM RT_NEIGH_PERMANENT
#define BAD  RT_NEIGH_FAILED
#define ASK  RT_NEIGH_INCOMPLETE
#define NEW  RT_NEIGH_NONE

/* What a row does not say is none: that is the point of a table.
 * clang-format would spread each row over a column of lines. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
/* clang-format off */
static const struct row rows[] = {
	/* routes that lead nowhere */
	{"no route", AUTO, RT_ROUTE_NONE, {{0}}, STATE_UNREACHABLE, SH_MODE_NONE, "", "no route to 198.51.100.11"},
	{"blackhole", AUTO, RT_ROUTE_BLACKHOLE, {{0}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route to 198.51.100.11 is a blackhole"},
	{"unreachable", L2, RT_ROUTE_UNREACHABLE, {{0}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route to 198.51.100.11 says unreachable"},
	{"prohibit", L3, RT_ROUTE_PROHIBIT, {{0}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route to 198.51.100.11 says prohibited"},
	{"broadcast", L3, RT_ROUTE_OTHER, {{ETH0, NULL, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route to 198.51.100.11 is for broadcast or multicast, not for a host"},
	{"unicast without legs", AUTO, UNI, {{0}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route to 198.51.100.11 has no next hop"},
	{"local", AUTO, RT_ROUTE_LOCAL, {{LO}}, STATE_ACTIVE, SH_MODE_LOCAL, "", ""},
	{"local, l3, other family", L3, RT_ROUTE_LOCAL, {{LO}}, STATE_ACTIVE, SH_MODE_LOCAL, "", "", V6},
	{"local, weight 0", AUTO, RT_ROUTE_LOCAL, {{LO}}, STATE_DRAINING, SH_MODE_LOCAL, "", "weight is 0",
	 .weightless = true},

	/* the mode */
	{"auto, on-link", AUTO, UNI, {{ETH0, NULL, OK}}, STATE_ACTIVE, SH_MODE_L2, "2 198.51.100.11 1 +", ""},
	{"auto, gateway", AUTO, UNI, {{ETH0, G1, OK}}, STATE_ACTIVE, SH_MODE_L3, "2 192.0.2.1 1 +", ""},
	{"auto, both", AUTO, UNI, {{ETH1, NULL, OK}, {ETH0, G1, OK}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 192.0.2.1 1 + 3 198.51.100.11 1 +", ""},
	{"l2, on-link", L2, UNI, {{ETH0, NULL, PERM}}, STATE_ACTIVE, SH_MODE_L2, "2 198.51.100.11 1 +", ""},
	{"l2, gateway", L2, UNI, {{ETH0, G1, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "forward is l2 but the route goes via 192.0.2.1 on eth0; use l3 or auto"},
	{"l2, both", L2, UNI, {{ETH0, G1, OK}, {ETH1, NULL, OK}}, STATE_ACTIVE, SH_MODE_L2,
	 "3 198.51.100.11 1 +", ""},
	{"l3, on-link", L3, UNI, {{ETH0, NULL, OK}}, STATE_ACTIVE, SH_MODE_L3, "2 198.51.100.11 1 +", ""},
	{"l3, gateway of the other family", L3, UNI, {{ETH0, G6, OK}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 2001:db8::1 1 +", ""},
	{"ipv6", AUTO, UNI, {{ETH0, G6, OK}}, STATE_ACTIVE, SH_MODE_L3, "2 2001:db8::1 1 +", "", V6,
	 "2001:db8:ffff::10"},
	{"l3, families differ", L3, UNI, {{ETH0, G6, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "l3 cannot turn 203.0.113.10 (IPv4) into 2001:db8:1::11 (IPv6); use backends of the VIP's family, or ipip or gue", V6},
	{"auto, gateway, families differ", AUTO, UNI, {{ETH0, G1, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "l3 cannot turn 2001:db8:ffff::10 (IPv6) into 198.51.100.11 (IPv4); use backends of the VIP's family, or ipip or gue",
	 V4, "2001:db8:ffff::10"},
	{"auto, on-link, families differ", AUTO, UNI, {{ETH0, NULL, OK}}, STATE_ACTIVE, SH_MODE_L2,
	 "2 2001:db8:1::11 1 +", "", V6},
	{"l2, families differ", L2, UNI, {{ETH0, NULL, OK}}, STATE_ACTIVE, SH_MODE_L2, "2 198.51.100.11 1 +", "",
	 V4, "2001:db8:ffff::10"},
	{"ipip", FORWARD_IPIP, UNI, {{ETH0, G1, OK}}, STATE_ACTIVE, SH_MODE_IPIP, "2 192.0.2.1 1 +", ""},
	{"gue, on-link", FORWARD_GUE, UNI, {{ETH0, NULL, OK}}, STATE_ACTIVE, SH_MODE_GUE, "2 198.51.100.11 1 +", ""},
	{"ipip, families differ", FORWARD_IPIP, UNI, {{ETH0, NULL, OK}}, STATE_ACTIVE, SH_MODE_IPIP,
	 "2 198.51.100.11 1 +", "", V4, "2001:db8:ffff::10"},
	{"tunnel, l3", AUTO, UNI, {{ETH0, G1, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route 198.51.100.0/24 has a light-weight tunnel, which the packet path cannot take", .tunnel = true},
	{"tunnel, l2", L2, UNI, {{ETH0, NULL, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route 198.51.100.0/24 has a light-weight tunnel, which the packet path cannot take", .tunnel = true},

	/* legs that cannot carry frames */
	{"dead", L3, UNI, {{ETH0, G1, OK, true}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the kernel has marked the next hop on eth0 dead"},
	{"missing", L3, UNI, {{MISSING, G1, NEW}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "the route's link, number 9, does not exist"},
	{"down", L3, UNI, {{DOWN, G1, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "", "link down0 is down"},
	{"down and dead", AUTO, UNI, {{DOWN, NULL, OK, true}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "link down0 is down"},
	{"no carrier", AUTO, UNI, {{NOCARRIER, NULL, OK, true}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "link nocarrier0 has no carrier"},
	{"no carrier, one more is fine", AUTO, UNI, {{NOCARRIER, G1, OK}, {ETH1, G2, OK}}, STATE_ACTIVE,
	 SH_MODE_L3, "3 192.0.2.2 1 +", ""},
	{"dead, one more is resolving", AUTO, UNI, {{ETH0, G1, OK, true}, {ETH1, G2, NEW}}, STATE_RESOLVING,
	 SH_MODE_L3, "3 192.0.2.2 1 -", "the MAC of next hop 192.0.2.2 on eth1 is not known yet"},
	{"no MAC, l3", L3, UNI, {{TUN, NULL, OK}}, STATE_RESOLVING, SH_MODE_L3, "",
	 "link tun0 has no MAC addresses: the kernel forwards"},
	{"no MAC, l2", AUTO, UNI, {{TUN, NULL, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "link tun0 has no MAC addresses; use l3"},
	{"loopback, l3", L3, UNI, {{LO, NULL, OK}}, STATE_RESOLVING, SH_MODE_L3, "",
	 "link lo has no MAC addresses: the kernel forwards"},
	{"no MAC, ipip", FORWARD_IPIP, UNI, {{TUN, NULL, OK}}, STATE_RESOLVING, SH_MODE_IPIP, "",
	 "link tun0 has no MAC addresses: the kernel forwards"},
	{"no MAC, ipip, a martian", FORWARD_IPIP, UNI, {{TUN, NULL, OK}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "link tun0 has no MAC addresses; use l3", V4, "2001:db8:ffff::10"},
	{"no MAC, one more is fine", L3, UNI, {{TUN, NULL, OK}, {ETH0, G1, OK}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 192.0.2.1 1 +", ""},
	{"no MAC and down: the mildest is told", L3, UNI, {{DOWN, G1, OK}, {TUN, NULL, OK}}, STATE_RESOLVING,
	 SH_MODE_L3, "", "link tun0 has no MAC addresses: the kernel forwards"},

	/* neighbours */
	{"none", L3, UNI, {{ETH0, G1, NEW}}, STATE_RESOLVING, SH_MODE_L3, "2 192.0.2.1 1 -",
	 "the MAC of next hop 192.0.2.1 on eth0 is not known yet"},
	{"incomplete", L2, UNI, {{ETH0, NULL, ASK}}, STATE_RESOLVING, SH_MODE_L2, "2 198.51.100.11 1 -",
	 "the MAC of next hop 198.51.100.11 on eth0 is not known yet"},
	{"failed", L3, UNI, {{ETH0, G1, BAD}}, STATE_UNREACHABLE, SH_MODE_NONE, "2 192.0.2.1 1 -",
	 "next hop 192.0.2.1 on eth0 does not answer (neighbour FAILED)"},
	{"all failed", L3, UNI, {{ETH1, G2, BAD}, {ETH0, G1, BAD}}, STATE_UNREACHABLE, SH_MODE_NONE,
	 "2 192.0.2.1 1 - 3 192.0.2.2 1 -",
	 "none of 2 next hops answers (neighbours FAILED), the first is 192.0.2.1 on eth0"},
	{"one failed, one valid", L3, UNI, {{ETH0, G1, BAD}, {ETH1, G2, OK}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 192.0.2.1 1 - 3 192.0.2.2 1 +", ""},
	{"one failed, one unknown", L3, UNI, {{ETH0, G1, BAD}, {ETH1, G2, ASK}}, STATE_RESOLVING, SH_MODE_L3,
	 "2 192.0.2.1 1 - 3 192.0.2.2 1 -", "the MAC of next hop 192.0.2.2 on eth1 is not known yet"},
	{"one unknown, one valid", L3, UNI, {{ETH0, G1, NEW}, {ETH1, G2, PERM}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 192.0.2.1 1 - 3 192.0.2.2 1 +", ""},
	{"valid on another link only", L3, UNI, {{ETH1, G1, NEW}, {ETH0, G2, OK, true}}, STATE_RESOLVING,
	 SH_MODE_L3, "3 192.0.2.1 1 -", "the MAC of next hop 192.0.2.1 on eth1 is not known yet"},

	/* order and weights */
	{"sorted by link and address", L3, UNI,
	 {{ETH1, G1, OK, false, 3}, {ETH0, G2, OK, false, 2}, {ETH0, G1, OK, false, 256}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 192.0.2.1 256 + 2 192.0.2.2 2 + 3 192.0.2.1 3 +", ""},
	{"the same next hop twice", L3, UNI,
	 {{ETH0, G1, OK, false, 3}, {ETH1, G2, OK, false, 2}, {ETH0, G1, OK, false, 4}}, STATE_ACTIVE, SH_MODE_L3,
	 "2 192.0.2.1 7 + 3 192.0.2.2 2 +", ""},

	/* weight 0 */
	{"draining", L3, UNI, {{ETH0, G1, OK}}, STATE_DRAINING, SH_MODE_L3, "2 192.0.2.1 1 +", "weight is 0",
	 .weightless = true},
	{"drained", L3, UNI, {{ETH0, G1, OK}}, STATE_DRAINING, SH_MODE_L3, "2 192.0.2.1 1 +",
	 "drained by the operator", .drained = true},
	{"drained, no route", L3, RT_ROUTE_NONE, {{0}}, STATE_UNREACHABLE, SH_MODE_NONE, "",
	 "no route to 198.51.100.11", .drained = true},
	{"draining while resolving", AUTO, UNI, {{ETH0, NULL, NEW}}, STATE_DRAINING, SH_MODE_L2,
	 "2 198.51.100.11 1 -", "weight is 0", .weightless = true},
	{"unreachable for all that", L3, UNI, {{ETH0, G1, BAD}}, STATE_UNREACHABLE, SH_MODE_NONE,
	 "2 192.0.2.1 1 -", "next hop 192.0.2.1 on eth0 does not answer (neighbour FAILED)", .weightless = true},
};
/* clang-format on */

static void build_route(const struct row *row, struct rt_state *state, struct rt_route *route)
{
	memset(route, 0, sizeof(*route));
	route->type = row->type;
	route->dst = (struct prefix){address("198.51.100.0"), 24};
	route->tunnel = row->tunnel;
	for (size_t i = 0; i < 4 && row->legs[i].ifindex; i++) {
		const struct leg *leg = &row->legs[i];
		const char *neighbour = leg->gateway;

		if (!neighbour)
			neighbour = row->backend ? row->backend : V4;
		route->legs[route->legs_count++] = (struct rt_leg){
			.ifindex = leg->ifindex,
			.gateway = address(leg->gateway),
			.weight = leg->weight ? leg->weight : 1,
			.dead = leg->dead,
		};
		if (leg->neighbour != NEW)
			put_neigh(state, leg->ifindex, neighbour, leg->neighbour);
	}
}

static void legs_text(const struct resolution *out, char *text, size_t size)
{
	size_t at = 0;

	text[0] = '\0';
	for (size_t i = 0; i < out->legs_count; i++) {
		char addr[ADDR_TEXT_SIZE];

		at += (size_t)snprintf(text + at, size - at, "%s%d %s %u %c", i ? " " : "",
				       out->legs[i].nexthop.ifindex,
				       addr_format(&out->legs[i].nexthop.addr, addr), out->legs[i].weight,
				       out->legs[i].usable ? '+' : '-');
		assert_true(at < size);
	}
}

static void check_row(const struct row *row)
{
	struct rt_state *state = node();
	struct rt_route route;
	struct resolution out;
	struct resolve_input input = {
		.backend = address(row->backend ? row->backend : V4),
		.vip = address(row->vip ? row->vip : "203.0.113.10"),
		.weight = row->weightless ? 0 : 1,
		.drained = row->drained,
		.forward = row->forward,
		.remote = FORWARD_L3,
		.route = &route,
		.state = state,
	};
	char legs[512];

	build_route(row, state, &route);
	memset(&out, 0xff, sizeof(out));
	resolve(&input, &out);
	legs_text(&out, legs, sizeof(legs));
	if (out.state != row->state || out.mode != row->mode || strcmp(legs, row->expect) != 0 ||
	    strcmp(out.reason, row->reason) != 0)
		fail_msg("%s: %s, mode %d, legs \"%s\", reason \"%s\"", row->what,
			 backend_state_name(out.state), (int)out.mode, legs, out.reason);
	rt_state_free(state);
}

static void backends_resolve(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(backend_state_name(STATE_ACTIVE), "active");
	assert_string_equal(backend_state_name(STATE_RESOLVING), "resolving");
	assert_string_equal(backend_state_name(STATE_DRAINING), "draining");
	assert_string_equal(backend_state_name(STATE_DOWN), "down");
	assert_string_equal(backend_state_name(STATE_UNREACHABLE), "unreachable");
	assert_true(backend_state_serves(STATE_ACTIVE));
	assert_true(backend_state_serves(STATE_RESOLVING));
	assert_false(backend_state_serves(STATE_DRAINING));
	assert_false(backend_state_serves(STATE_DOWN));
	assert_false(backend_state_serves(STATE_UNREACHABLE));
}

/* The probes of a dead host must not bring its backend back for a moment each time. */
static void what_failed_stays_failed_until_it_answers(void **state)
{
	static const struct {
		enum rt_neigh_state told, kept;
	} steps[] = {
		{ASK, ASK}, {BAD, BAD}, {ASK, BAD}, {BAD, BAD}, {NEW, BAD},
		{OK, OK},   {ASK, ASK}, {OK, OK},   {BAD, BAD}, {PERM, PERM},
	};
	struct rt_state *observed = node();
	const struct addr gateway = address(G1);

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		put_neigh(observed, ETH0, G1, steps[i].told);
		assert_int_equal(rt_state_neigh(observed, ETH0, &gateway)->state, steps[i].kept);
	}
	/* the kernel dropped the entry: nothing is known again */
	put_neigh(observed, ETH0, G1, BAD);
	rt_state_drop_neigh(observed, ETH0, &gateway);
	put_neigh(observed, ETH0, G1, ASK);
	assert_int_equal(rt_state_neigh(observed, ETH0, &gateway)->state, ASK);
	rt_state_free(observed);
}

/* ---- devices that XDP cannot send by ---------------------------------------------------------- */

enum { NESTED = 40, TAGGED, BRIDGE };

static struct rt_state *made_of_others(void)
{
	static const struct rt_link links[] = {
		{.ifindex = TAGGED, .name = "vlan", .kind = "vlan", .lower = ETH0, .vlan_id = 5},
		{.ifindex = NESTED, .name = "inner", .kind = "vlan", .lower = TAGGED, .vlan_id = 6},
		{.ifindex = BRIDGE, .name = "br0", .kind = "bridge"},
	};
	struct rt_state *state = node();

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct rt_link link = links[i];

		link.up = link.carrier = true;
		link.mtu = 1500;
		link.mac[5] = 1;
		assert_int_equal(rt_state_put_link(state, &link), 0);
		put_neigh(state, link.ifindex, V4, OK);
	}
	return state;
}

static void what_xdp_cannot_do_is_said(void **unused)
{
	static const struct {
		int link;
		enum forward forward;
		enum backend_state state;
		const char *reason;
		bool usable;
	} cases[] = {
		{TAGGED, L2, STATE_ACTIVE, "", true},
		{NESTED, L3, STATE_ACTIVE, "VLAN vlan stands for a tag within a tag: the kernel forwards",
		 true},
		{NESTED, L2, STATE_UNREACHABLE, "VLAN vlan stands for a tag within a tag; use l3", false},
		{BRIDGE, L3, STATE_ACTIVE,
		 "bridge br0 has not learnt the MAC of the next hop: the kernel forwards", true},
		{BRIDGE, L2, STATE_RESOLVING, "bridge br0 has not learnt the MAC of the next hop", false},
	};
	struct rt_state *state = made_of_others();

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rt_route route = {.type = RT_ROUTE_UNICAST, .legs_count = 1, .mtu = 1400};
		const struct resolve_input input = {.backend = address(V4),
						    .vip = address("203.0.113.10"),
						    .weight = 1,
						    .forward = cases[i].forward,
						    .route = &route,
						    .state = state};
		struct resolution out;

		route.legs[0] = (struct rt_leg){.ifindex = cases[i].link, .weight = 1};
		resolve(&input, &out);
		assert_string_equal(out.reason, cases[i].reason);
		assert_int_equal(out.state, cases[i].state);
		assert_int_equal(out.legs[0].usable, cases[i].usable);
		assert_int_equal(out.mtu, 1400);
	}
	rt_state_free(state);
}

/* ---- resolve_nexthop ------------------------------------------------------------------------ */

static void assert_nexthop(const struct rt_state *state, int ifindex, uint16_t mtu, bool src, bool valid)
{
	static const uint8_t none[6];
	const uint8_t mac[6] = {2, 0, 0, 0, 0, (uint8_t)ifindex};
	const struct rt_neigh_key key = {ifindex, address(G1)};
	struct sh_nexthop out;

	memset(&out, 0xff, sizeof(out));
	resolve_nexthop(&key, state, NULL, &out);
	assert_int_equal(out.ifindex, ifindex);
	assert_int_equal(out.family, SH_FAMILY_IPV4);
	assert_memory_equal(&out.neighbour, key.addr.bytes, 16);
	assert_int_equal(out.mtu, mtu);
	assert_memory_equal(out.src_mac, src ? mac : none, 6);
	assert_memory_equal(out.dst_mac, valid ? neighbour_mac : none, 6);
	assert_int_equal(out.flags, valid ? SH_NEXTHOP_VALID : 0);
	assert_int_equal(out.link, ifindex);
	assert_int_equal(out.version, 0);
}

static void nexthops_follow_link_and_neighbour(void **state)
{
	struct rt_state *observed = node();
	struct rt_link big = {.ifindex = ETH1, .name = "eth1", .up = true, .carrier = true, .mtu = 65536};

	(void)state;
	assert_nexthop(observed, ETH0, 1500, true, false); /* no neighbour */
	put_neigh(observed, ETH0, G1, ASK);
	assert_nexthop(observed, ETH0, 1500, true, false);
	put_neigh(observed, ETH0, G1, OK);
	assert_nexthop(observed, ETH0, 1500, true, true);
	put_neigh(observed, ETH0, G1, PERM);
	assert_nexthop(observed, ETH0, 1500, true, true);
	put_neigh(observed, ETH0, G1, BAD);
	assert_nexthop(observed, ETH0, 1500, true, false);

	put_neigh(observed, DOWN, G1, OK);
	assert_nexthop(observed, DOWN, 1500, true, false);
	put_neigh(observed, NOCARRIER, G1, OK);
	assert_nexthop(observed, NOCARRIER, 1500, true, false);
	assert_nexthop(observed, MISSING, 0, false, false);

	memcpy(big.mac, (uint8_t[]){2, 0, 0, 0, 0, ETH1}, 6);
	assert_int_equal(rt_state_put_link(observed, &big), 0);
	assert_nexthop(observed, ETH1, 65535, true, false);
	rt_state_free(observed);
}

static void nexthops_of_ipv6(void **state)
{
	struct rt_state *observed = node();
	const struct rt_neigh_key key = {ETH0, address(G6)};
	struct sh_nexthop out;

	(void)state;
	put_neigh(observed, ETH0, G6, OK);
	resolve_nexthop(&key, observed, NULL, &out);
	assert_int_equal(out.family, SH_FAMILY_IPV6);
	assert_memory_equal(&out.neighbour, key.addr.bytes, 16);
	assert_int_equal(out.flags, SH_NEXTHOP_VALID);
	rt_state_free(observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backends_resolve),
		cmocka_unit_test(states_have_names),
		cmocka_unit_test(what_failed_stays_failed_until_it_answers),
		cmocka_unit_test(what_xdp_cannot_do_is_said),
		cmocka_unit_test(nexthops_follow_link_and_neighbour),
		cmocka_unit_test(nexthops_of_ipv6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
