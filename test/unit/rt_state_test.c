/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Truth tables of the observed state and of the hints: put, drop, find, order, what counts as a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/rt.h>

#include "hints.h"
#include "state.h"

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static int fresh(void **state)
{
	struct rt_state *rt;

	if (rt_state_new(&rt))
		return -1;
	*state = rt;
	return 0;
}

static int done(void **state)
{
	rt_state_free(*state);
	return 0;
}

static const struct rt_link eth = {
	.ifindex = 7,
	.name = "eth7",
	.kind = "veth",
	.mac = {2, 0, 0, 0, 0, 7},
	.mtu = 1500,
	.up = true,
	.carrier = true,
	.lower = 3,
};

static void empty_state_holds_nothing(void **state)
{
	struct addr addr = parsed("192.0.2.1");

	assert_null(rt_state_link(*state, 1));
	assert_null(rt_state_addr(*state, &addr));
	assert_null(rt_state_neigh(*state, 1, &addr));
	rt_state_drop_link(*state, 1);
	rt_state_drop_neigh(*state, 1, &addr);
	rt_state_drop_addr(*state, &(struct rt_addr){.ifindex = 1, .addr = addr, .length = 32});
}

static void a_link_is_put_replaced_and_dropped(void **state)
{
	struct rt_link renamed = eth;

	assert_int_equal(rt_state_put_link(*state, &eth), 0);
	assert_string_equal(rt_state_link(*state, 7)->name, "eth7");
	strcpy(renamed.name, "wan");
	assert_int_equal(rt_state_put_link(*state, &renamed), 0);
	assert_string_equal(rt_state_link(*state, 7)->name, "wan");
	assert_null(rt_state_link(*state, 8));
	rt_state_drop_link(*state, 7);
	assert_null(rt_state_link(*state, 7));
}

static void each_field_of_a_link_is_a_change(void **state)
{
	struct rt_link variants[14];
	size_t n = 0;

	for (size_t i = 0; i < 14; i++)
		variants[i] = eth;
	strcpy(variants[n++].name, "eth8");
	strcpy(variants[n++].kind, "vlan");
	variants[n++].mac[5] = 8;
	variants[n++].mtu = 9000;
	variants[n++].up = false;
	variants[n++].carrier = false;
	variants[n++].loopback = true;
	variants[n++].master = 9;
	variants[n++].lower = 4;
	variants[n++].lower_elsewhere = true;
	variants[n++].xdp_mode = RT_XDP_NATIVE;
	variants[n++].xdp_program = 5;
	assert_int_equal(state_put_link(*state, &eth), 1);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(state_put_link(*state, &variants[i]), 1);
		assert_int_equal(state_put_link(*state, &variants[i]), 0);
		assert_int_equal(state_put_link(*state, &eth), 1);
		assert_int_equal(state_put_link(*state, &eth), 0);
	}
}

static void each_field_of_a_neighbour_is_a_change(void **state)
{
	struct rt_neigh base = {
		.ifindex = 7, .addr = parsed("192.0.2.1"), .state = RT_NEIGH_VALID, .mac = {2}};
	struct rt_neigh variants[3] = {base, base, base};

	variants[0].state = RT_NEIGH_FAILED;
	variants[1].mac[0] = 4;
	variants[2].managed = true;
	assert_int_equal(state_put_neigh(*state, &base), 1);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(state_put_neigh(*state, &base), 0);
		assert_int_equal(state_put_neigh(*state, &variants[i]), 1);
		assert_int_equal(state_put_neigh(*state, &variants[i]), 0);
		assert_int_equal(state_put_neigh(*state, &base), 1);
	}
	assert_true(state_drop_neigh(*state, 7, &base.addr));
	assert_false(state_drop_neigh(*state, 7, &base.addr));
}

static void the_key_of_a_neighbour_is_link_and_address(void **state)
{
	struct addr v4 = parsed("192.0.2.1"), v6 = parsed("2001:db8::1");

	assert_int_equal(rt_state_put_neigh(*state, &(struct rt_neigh){.ifindex = 1, .addr = v4, .mac = {1}}),
			 0);
	assert_int_equal(rt_state_put_neigh(*state, &(struct rt_neigh){.ifindex = 2, .addr = v4, .mac = {2}}),
			 0);
	assert_int_equal(rt_state_put_neigh(*state, &(struct rt_neigh){.ifindex = 1, .addr = v6, .mac = {3}}),
			 0);
	assert_int_equal(rt_state_neigh(*state, 1, &v4)->mac[0], 1);
	assert_int_equal(rt_state_neigh(*state, 2, &v4)->mac[0], 2);
	assert_int_equal(rt_state_neigh(*state, 1, &v6)->mac[0], 3);
	assert_null(rt_state_neigh(*state, 2, &v6));
	rt_state_drop_neigh(*state, 1, &v4);
	assert_null(rt_state_neigh(*state, 1, &v4));
	assert_non_null(rt_state_neigh(*state, 2, &v4));
}

static void an_address_is_found_on_its_first_link(void **state)
{
	struct addr vip = parsed("203.0.113.10");

	for (int ifindex = 9; ifindex >= 3; ifindex -= 3) {
		struct rt_addr addr = {.ifindex = ifindex, .addr = vip, .length = 32};

		assert_int_equal(state_put_addr(*state, &addr), 1);
		assert_int_equal(state_put_addr(*state, &addr), 0);
		assert_int_equal(rt_state_addr(*state, &vip)->ifindex, ifindex);
	}
	rt_state_drop_addr(*state, &(struct rt_addr){.ifindex = 3, .addr = vip, .length = 24});
	assert_int_equal(rt_state_addr(*state, &vip)->ifindex, 3);
	rt_state_drop_addr(*state, &(struct rt_addr){.ifindex = 3, .addr = vip, .length = 32});
	assert_int_equal(rt_state_addr(*state, &vip)->ifindex, 6);
}

static void a_new_protocol_of_an_address_is_a_change(void **state)
{
	struct rt_addr addr = {.ifindex = 1, .addr = parsed("203.0.113.10"), .length = 32};

	assert_int_equal(state_put_addr(*state, &addr), 1);
	addr.protocol = 66;
	assert_int_equal(state_put_addr(*state, &addr), 1);
	assert_int_equal(rt_state_addr(*state, &addr.addr)->protocol, 66);
}

static void a_link_takes_its_addresses_and_neighbours_along(void **state)
{
	struct addr one = parsed("192.0.2.1"), two = parsed("192.0.2.2");

	for (int ifindex = 1; ifindex <= 2; ifindex++) {
		struct rt_link link = {.ifindex = ifindex};

		rt_state_put_link(*state, &link);
		rt_state_put_addr(*state, &(struct rt_addr){.ifindex = ifindex, .addr = one, .length = 24});
		rt_state_put_neigh(*state, &(struct rt_neigh){.ifindex = ifindex, .addr = two});
	}
	rt_state_drop_link(*state, 1);
	assert_int_equal(rt_state_addr(*state, &one)->ifindex, 2);
	assert_null(rt_state_neigh(*state, 1, &two));
	assert_non_null(rt_state_neigh(*state, 2, &two));
	rt_state_drop_link(*state, 2);
	assert_null(rt_state_addr(*state, &one));
	assert_null(rt_state_neigh(*state, 2, &two));
}

static void ascending_link(const struct rt_link *link, void *arg)
{
	int *last = arg;

	assert_true(link->ifindex > last[0]);
	last[0] = link->ifindex;
	last[1]++;
}

static void ascending_addr(const struct rt_addr *addr, void *arg)
{
	int *last = arg;

	assert_true(addr->ifindex >= last[0]);
	last[0] = addr->ifindex;
	last[1]++;
}

static void walks_are_in_order_of_ifindex(void **state)
{
	int links[2] = {0, 0}, addrs[2] = {0, 0};

	for (int i = 0; i < 1000; i++) {
		struct rt_link link = {.ifindex = i * 7919 % 1000 + 1};
		struct rt_addr addr = {.ifindex = link.ifindex % 10 + 1, .length = 32};

		addr.addr = parsed("198.18.0.0");
		addr.addr.bytes[2] = (uint8_t)(i / 256);
		addr.addr.bytes[3] = (uint8_t)i;
		assert_int_equal(rt_state_put_link(*state, &link), 0);
		assert_int_equal(rt_state_put_addr(*state, &addr), 0);
	}
	rt_state_each_link(*state, ascending_link, links);
	rt_state_each_addr(*state, ascending_addr, addrs);
	assert_int_equal(links[1], 1000);
	assert_int_equal(addrs[1], 1000);
}

static void many_neighbours_come_and_go(void **state)
{
	struct rt_neigh neigh = {.ifindex = 1, .addr = parsed("198.18.0.0"), .state = RT_NEIGH_VALID};

	for (int i = 0; i < 20000; i++) {
		neigh.addr.bytes[2] = (uint8_t)(i / 256);
		neigh.addr.bytes[3] = (uint8_t)i;
		assert_int_equal(state_put_neigh(*state, &neigh), 1);
	}
	for (int i = 0; i < 20000; i += 2) {
		neigh.addr.bytes[2] = (uint8_t)(i / 256);
		neigh.addr.bytes[3] = (uint8_t)i;
		assert_true(state_drop_neigh(*state, 1, &neigh.addr));
	}
	for (int i = 0; i < 20000; i++) {
		neigh.addr.bytes[2] = (uint8_t)(i / 256);
		neigh.addr.bytes[3] = (uint8_t)i;
		assert_int_equal(rt_state_neigh(*state, 1, &neigh.addr) != NULL, i % 2);
	}
}

/* ---- hints --------------------------------------------------------------------------------- */

static void hints_name_a_flapping_route_once(void **state)
{
	struct prefix a = {.addr = parsed("203.0.113.0"), .length = 24}, b = {.addr = a.addr, .length = 25};
	struct rt_hints hints = {0};

	(void)state;
	assert_false(rt_hints_any(&hints));
	hints_add_route(&hints, &a);
	hints_add_route(&hints, &a);
	hints_add_route(&hints, &b);
	hints_add_route(&hints, &a);
	assert_int_equal(hints.routes_count, 3);
	assert_false(hints.everything);
	assert_true(rt_hints_any(&hints));
	rt_hints_reset(&hints);
	assert_false(rt_hints_any(&hints));
	rt_hints_free(&hints);
	assert_null(hints.routes);
}

static void too_many_hints_become_everything(void **state)
{
	struct prefix prefix = {.addr = parsed("198.18.0.0"), .length = 32};
	struct rt_hints routes = {0}, neighs = {0};

	(void)state;
	for (int i = 0; i <= HINTS_MAX; i++) {
		assert_false(routes.everything || neighs.everything);
		assert_int_equal(routes.routes_count, i);
		assert_int_equal(neighs.neighs_count, i);
		prefix.addr.bytes[2] = (uint8_t)(i / 256);
		prefix.addr.bytes[3] = (uint8_t)i;
		hints_add_route(&routes, &prefix);
		hints_add_neigh(&neighs, 1, &prefix.addr);
	}
	assert_true(routes.everything);
	assert_true(neighs.everything);
	assert_int_equal(routes.routes_count, 0);
	assert_int_equal(neighs.neighs_count, 0);
	rt_hints_free(&routes);
	rt_hints_free(&neighs);
}

static void each_flag_is_a_hint(void **state)
{
	struct rt_hints hints[] = {{.everything = true}, {.links = true}, {.addrs = true}, {.overrun = true}};

	(void)state;
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		assert_true(rt_hints_any(&hints[i]));
		rt_hints_reset(&hints[i]);
		assert_false(rt_hints_any(&hints[i]));
	}
}

int main(void)
{
#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, fresh, done)
	const struct CMUnitTest tests[] = {
		WITH_STATE(empty_state_holds_nothing),
		WITH_STATE(a_link_is_put_replaced_and_dropped),
		WITH_STATE(each_field_of_a_link_is_a_change),
		WITH_STATE(each_field_of_a_neighbour_is_a_change),
		WITH_STATE(the_key_of_a_neighbour_is_link_and_address),
		WITH_STATE(an_address_is_found_on_its_first_link),
		WITH_STATE(a_new_protocol_of_an_address_is_a_change),
		WITH_STATE(a_link_takes_its_addresses_and_neighbours_along),
		WITH_STATE(walks_are_in_order_of_ifindex),
		WITH_STATE(many_neighbours_come_and_go),
		cmocka_unit_test(hints_name_a_flapping_route_once),
		cmocka_unit_test(too_many_hints_become_everything),
		cmocka_unit_test(each_flag_is_a_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
