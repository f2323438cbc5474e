/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which link carries which program in which mode: a truth table.
 */
#include "observed.h"

#include <stdio.h>
#include <stdlib.h>

#include "interfaces.h"

#define VETH_REASON "veth: the peer cannot be seen to take native frames"
#define BARE_REASON "no Ethernet device: its packets have no MAC addresses; VIPs have to come in by another"

/* One node: lo, eth0 (physical), veth1 (peer elsewhere), veth2 and veth3 (peers of each other, veth3 with a
 * native program, veth2 with none), br0, dum0, wg0 (no Ethernet), and backend addresses on eth0, br0, lo,
 * dum0 and wg0. */
static void observe(struct rt_state *state)
{
	static const struct rt_link veths[] = {
		{.ifindex = 3, .name = "veth1", .kind = "veth", .lower = 9, .lower_elsewhere = true},
		{.ifindex = 4, .name = "veth2", .kind = "veth", .lower = 5},
		{.ifindex = 5,
		 .name = "veth3",
		 .kind = "veth",
		 .lower = 4,
		 .xdp_mode = RT_XDP_NATIVE,
		 .xdp_program = 7},
	};

	static const struct rt_link bare = {.ifindex = 10, .name = "wg0", .kind = "wireguard", .bare = true};

	test_link(state, 1, "lo", "");
	test_link(state, 2, "eth0", "");
	assert_int_equal(rt_state_put_link(state, &bare), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rt_state_put_link(state, &veths[i]), 0);
	test_link(state, 6, "br0", "bridge");
	test_link(state, 9, "dum0", "dummy");
	test_address(state, 2, "198.51.100.2", 24, 0);
	test_address(state, 3, "198.51.100.3", 24, 0);
	test_address(state, 6, "2001:db8::6", 64, 0);
	test_address(state, 1, "198.51.100.101", 32, 0);
	test_address(state, 9, "198.51.100.109", 32, 0);
	test_address(state, 10, "198.51.100.110", 24, 0);
}

struct pattern {
	const char *match;
	enum attach_mode mode;
};

struct fact {
	const char *name;
	enum role role;
	enum forward forward;
	struct pattern patterns[2];
	const char *backend; /* of the one service, or NULL */
	const char *plan; /* name/program/mode[!|-] ..., `!` where there is the veth's reason, `-` where it is
			     unfit */
};

static const struct fact facts[] = {
	{"nothing matches", ROLE_DIRECTOR, 0, {{"wan*", 0}}, NULL, ""},
	{"a physical link is native if it can", ROLE_DIRECTOR, 0, {{"eth*", 0}}, NULL, "eth0/director/auto"},
	{"file says generic", ROLE_DIRECTOR, 0, {{"eth*", ATTACH_GENERIC}}, NULL, "eth0/director/generic"},
	{"file says native, whatever the peer",
	 ROLE_DIRECTOR,
	 0,
	 {{"veth1", ATTACH_NATIVE}},
	 NULL,
	 "veth1/director/native"},
	{"veth: only where the peer is seen to be native",
	 ROLE_DIRECTOR,
	 0,
	 {{"veth*", 0}},
	 NULL,
	 "veth1/director/generic! veth2/director/auto veth3/director/generic!"},
	{"the first match decides",
	 ROLE_DIRECTOR,
	 0,
	 {{"eth0", ATTACH_GENERIC}, {"eth*", ATTACH_NATIVE}},
	 NULL,
	 "eth0/director/generic"},
	{"never lo",
	 ROLE_DIRECTOR,
	 0,
	 {{"*", ATTACH_GENERIC}},
	 NULL,
	 "eth0/director/generic veth1/director/generic veth2/director/generic veth3/director/generic "
	 "br0/director/generic dum0/director/generic wg0/director/generic-"},
	{"a link without Ethernet is unfit", ROLE_DIRECTOR, 0, {{"wg*", 0}}, NULL, "wg0/director/auto-"},
	{"a backend's, too", ROLE_BACKEND, FORWARD_L3, {{"none", 0}}, "198.51.100.110", "wg0/backend/auto-"},
	{"a director's own backend changes nothing",
	 ROLE_DIRECTOR,
	 FORWARD_L3,
	 {{"eth*", 0}},
	 "198.51.100.3",
	 "eth0/director/auto"},

	{"backend, l3: the link with its address",
	 ROLE_BACKEND,
	 FORWARD_L3,
	 {{"none", 0}},
	 "198.51.100.2",
	 "eth0/backend/auto"},
	{"backend, auto", ROLE_BACKEND, FORWARD_AUTO, {{"none", 0}}, "198.51.100.2", "eth0/backend/auto"},
	{"backend, l2: no program", ROLE_BACKEND, FORWARD_L2, {{"none", 0}}, "198.51.100.2", ""},
	{"backend: what matches `interfaces:` is a director's",
	 ROLE_BACKEND,
	 FORWARD_L3,
	 {{"veth*", 0}},
	 "198.51.100.2",
	 "eth0/backend/auto"},
	{"backend on a veth: native if it can",
	 ROLE_BACKEND,
	 FORWARD_L3,
	 {{"*", 0}},
	 "198.51.100.3",
	 "veth1/backend/auto"},
	{"backend: the mode of the pattern",
	 ROLE_BACKEND,
	 FORWARD_L3,
	 {{"eth0", ATTACH_GENERIC}},
	 "198.51.100.2",
	 "eth0/backend/generic"},
	{"backend on a bridge, IPv6",
	 ROLE_BACKEND,
	 FORWARD_L3,
	 {{"none", 0}},
	 "2001:db8::6",
	 "br0/backend/auto"},
	{"backend's address on lo: on what matches",
	 ROLE_BACKEND,
	 FORWARD_L3,
	 {{"eth*", 0}},
	 "198.51.100.101",
	 "eth0/backend/auto"},
	{"backend's address on a dummy: on what matches",
	 ROLE_BACKEND,
	 FORWARD_AUTO,
	 {{"eth*", 0}},
	 "198.51.100.109",
	 "eth0/backend/auto"},
	{"not a backend here", ROLE_BACKEND, FORWARD_L3, {{"eth*", 0}}, "198.51.100.77", ""},

	{"both: the one program on all",
	 ROLE_BOTH,
	 FORWARD_L3,
	 {{"eth*", 0}},
	 "198.51.100.3",
	 "eth0/both/auto veth1/both/generic!"},
	{"both, l2: where the director is",
	 ROLE_BOTH,
	 FORWARD_L2,
	 {{"eth*", 0}},
	 "198.51.100.3",
	 "eth0/both/auto"},
	{"neither, yet", ROLE_AUTO, FORWARD_L3, {{"none", 0}}, "198.51.100.2", ""},
};

static void describe(const struct interface_plan *plans, size_t count, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(out);
		const char *reason = plans[i].reason;

		if (strcmp(reason, plans[i].unfit ? BARE_REASON : VETH_REASON) == 0)
			reason = plans[i].unfit ? "-" : "!";
		snprintf(out + used, size - used, "%s%s/%s/%s%s", i ? " " : "", plans[i].name,
			 interface_program_name(plans[i].program), attach_mode_name(plans[i].mode), reason);
	}
}

static void check(const struct fact *fact, const struct rt_state *state)
{
	char matches[2][16] = {{0}};
	char name[] = "web";
	char got[512];
	struct config_backend backend = {.weight = 1};
	struct config_service service = {.name = name,
					 .forward = fact->forward,
					 .backends = &backend,
					 .backends_count = fact->backend ? 1 : 0};
	struct config_interface interfaces[2];
	struct config config = {.interfaces = interfaces, .services = &service, .services_count = 1};
	struct interface_plan *plans;
	size_t count;

	if (fact->backend)
		backend.address = test_addr(fact->backend);
	for (; config.interfaces_count < 2 && fact->patterns[config.interfaces_count].match;
	     config.interfaces_count++) {
		const struct pattern *pattern = &fact->patterns[config.interfaces_count];

		strncpy(matches[config.interfaces_count], pattern->match, 15);
		interfaces[config.interfaces_count] = (struct config_interface){
			matches[config.interfaces_count], pattern->mode};
	}
	assert_int_equal(interfaces_plan(&config, state, fact->role, &plans, &count), 0);
	describe(plans, count, got, sizeof(got));
	free(plans);
	if (strcmp(got, fact->plan) != 0)
		fail_msg("%s:\n  want %s\n  got  %s", fact->name, fact->plan, got);
}

static void plans(void **unused)
{
	struct rt_state *state;

	(void)unused;
	assert_int_equal(rt_state_new(&state), 0);
	observe(state);
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
		check(&facts[i], state);
	rt_state_free(state);
}

static void names_of_the_contract(void **unused)
{
	(void)unused;
	assert_string_equal(interface_program_name(INTERFACE_BOTH), "both");
	assert_string_equal(interface_mode_name(ATTACH_AUTO), "");
	assert_string_equal(interface_mode_name(ATTACH_GENERIC), "generic");
	assert_string_equal(interface_state_name(INTERFACE_ATTACHED), "attached");
	assert_string_equal(interface_state_name(INTERFACE_BLOCKED), "blocked");
	assert_string_equal(interface_state_name(INTERFACE_FAILED), "failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(names_of_the_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
