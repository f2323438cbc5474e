/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom ICMP errors come from: addresses on links, and the one that is taken.
 */
#include "observed.h"

#include <stdlib.h>

#include <shunt/abi.h>

#include "aliases.h"
#include "owns.h"

#define VIP  "203.0.113.10"
#define VIP6 "2001:db8:203::10"

enum { LO = 1, ETH0, ETH1, BOND0 };

struct has {
	int ifindex;
	const char *address;
	uint8_t length, protocol;
};

/* What is taken where packets come in by eth0, which belongs to bond0. */
static const struct fact {
	const char *name;
	struct has has[4];
	const char *four, *six; /* NULL: none */
} facts[] = {
	{"its own", {{ETH1, "192.0.2.1", 24, 0}, {ETH0, "198.18.0.1", 24, 0}}, "198.18.0.1", NULL},
	{"its own, IPv6",
	 {{ETH1, "2001:db8::1", 64, 0}, {ETH0, "2001:db8:1::1", 64, 0}},
	 NULL,
	 "2001:db8:1::1"},
	{"each family for itself",
	 {{ETH0, "198.18.0.1", 24, 0}, {ETH1, "2001:db8::1", 64, 0}},
	 "198.18.0.1",
	 "2001:db8::1"},
	{"a host's own address is perhaps one that moves",
	 {{ETH0, "198.18.0.1", 32, 0}, {ETH0, "198.18.0.2", 24, 0}},
	 "198.18.0.2",
	 NULL},
	{"the lowest of several",
	 {{ETH0, "198.18.0.3", 24, 0}, {ETH0, "198.18.0.2", 24, 0}, {ETH0, "198.18.0.4", 24, 0}},
	 "198.18.0.2",
	 NULL},
	{"the bond's before another's",
	 {{ETH1, "192.0.2.1", 24, 0}, {BOND0, "198.18.7.1", 24, 0}},
	 "198.18.7.1",
	 NULL},
	{"another's", {{ETH1, "192.0.2.1", 24, 0}, {ETH1, "2001:db8::1", 64, 0}}, "192.0.2.1", "2001:db8::1"},
	{"the loopback's",
	 {{LO, "198.51.100.1", 32, 0}, {LO, "2001:db8::7", 128, 0}},
	 "198.51.100.1",
	 "2001:db8::7"},
	{"none that says nothing elsewhere",
	 {{LO, "127.0.0.1", 8, 0},
	  {LO, "::1", 128, 0},
	  {ETH0, "fe80::1", 64, 0},
	  {ETH0, "169.254.1.1", 16, 0}},
	 NULL,
	 NULL},
	{"no VIP",
	 {{ETH0, VIP, 24, 0}, {ETH0, "198.18.0.1", 32, 0}, {ETH0, VIP6, 64, 0}},
	 "198.18.0.1",
	 NULL},
	{"no alias of ours", {{LO, "203.0.113.99", 32, SHUNT_PROTOCOL}}, NULL, NULL},
	{"nothing", {{0}}, NULL, NULL},
};

static struct config_service services[2];
static struct config config = {.services = services, .services_count = 2};

static struct rt_state *observe(const struct fact *fact)
{
	const struct rt_link slave = {.ifindex = ETH0, .name = "eth0", .up = true, .master = BOND0};
	struct rt_state *state;

	assert_int_equal(rt_state_new(&state), 0);
	test_link(state, LO, "lo", "");
	test_link(state, ETH1, "eth1", "");
	test_link(state, BOND0, "bond0", "bond");
	assert_int_equal(rt_state_put_link(state, &slave), 0);
	for (size_t i = 0; i < 4 && fact->has[i].address; i++)
		test_address(state, fact->has[i].ifindex, fact->has[i].address, fact->has[i].length,
			     fact->has[i].protocol);
	return state;
}

/* `bytes` are those of the address, or zero where there is none. */
static void check(const struct fact *fact, const char *text, const void *bytes, size_t size)
{
	struct addr want = {0};

	if (text)
		want = test_addr(text);
	if (memcmp(want.bytes, bytes, size) != 0)
		fail_msg("%s: it is not %s", fact->name, text ? text : "none");
}

static void the_nearest_is_taken(void **unused)
{
	const struct interface_row row = {.ifindex = ETH0, .state = INTERFACE_ATTACHED};

	(void)unused;
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		struct rt_state *state = observe(&facts[i]);
		struct dataplane_entries entries;
		struct sh_own own;
		int ifindex;

		assert_int_equal(owns_want(&config, state, &row, 1, &entries), 0);
		assert_int_equal(entries.count, 1);
		memcpy(&ifindex, entries.all, sizeof(ifindex));
		memcpy(&own, (char *)entries.all + sizeof(ifindex), sizeof(own));
		assert_int_equal(ifindex, ETH0);
		check(&facts[i], facts[i].four, &own.v4, sizeof(own.v4));
		check(&facts[i], facts[i].six, &own.v6, sizeof(own.v6));
		free(entries.all);
		rt_state_free(state);
	}
}

static void only_where_a_director_is(void **unused)
{
	const struct interface_row rows[] = {
		{.ifindex = ETH0, .state = INTERFACE_ATTACHED, .program = INTERFACE_BACKEND},
		{.ifindex = ETH1, .state = INTERFACE_ATTACHED, .program = INTERFACE_BOTH},
		{.ifindex = BOND0, .state = INTERFACE_BLOCKED},
	};
	struct rt_state *state = observe(&facts[0]);
	struct dataplane_entries entries;
	int ifindex;

	(void)unused;
	assert_int_equal(owns_want(&config, state, rows, 3, &entries), 0);
	assert_int_equal(entries.count, 1);
	memcpy(&ifindex, entries.all, sizeof(ifindex));
	assert_int_equal(ifindex, ETH1);
	free(entries.all);
	rt_state_free(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_is_taken),
		cmocka_unit_test(only_where_a_director_is),
	};

	services[0].vip = test_addr(VIP);
	services[1].vip = test_addr(VIP6);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
