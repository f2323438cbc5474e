/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a node is: a truth table over `role:`, its addresses and its links.
 */
#include "observed.h"

#include "aliases.h"
#include "role.h"

struct fact {
	const char *name;
	enum role in_file, is;
	const char *own;  /* an address on eth0, or NULL */
	const char *link; /* a second link, or NULL */
	const char *match;
	const char *reason; /* a part of it */
	uint8_t protocol;   /* of the address */
};

static const struct fact facts[] = {
	{"own address is a backend's", ROLE_AUTO, ROLE_BACKEND, "198.51.100.11", NULL, "none",
	 "198.51.100.11 is a backend of service 'web'", 0},
	{"own IPv6 address is a backend's", ROLE_AUTO, ROLE_BACKEND, "2001:db8::11", NULL, "none",
	 "2001:db8::11 is a backend of service 'web6'", 0},
	{"backend before director", ROLE_AUTO, ROLE_BACKEND, "198.51.100.11", NULL, "eth*", "is a backend",
	 0},
	{"a link matches", ROLE_AUTO, ROLE_DIRECTOR, "192.0.2.1", NULL, "eth*",
	 "eth0 matches `interfaces: eth*`", 0},
	{"the second link matches", ROLE_AUTO, ROLE_DIRECTOR, NULL, "wan7", "wan[0-9]", "wan7 matches", 0},
	{"an alias is no own address", ROLE_AUTO, ROLE_AUTO, "198.51.100.11", NULL, "none", "set `role:`",
	 SHUNT_PROTOCOL},
	{"lo never matches", ROLE_AUTO, ROLE_AUTO, NULL, NULL, "lo", "set `role:`", 0},
	{"neither", ROLE_AUTO, ROLE_AUTO, "192.0.2.1", "eth1", "wan*", "no interface matches", 0},
	{"director by the file", ROLE_DIRECTOR, ROLE_DIRECTOR, "198.51.100.11", NULL, "none",
	 "`role: director`", 0},
	{"backend by the file", ROLE_BACKEND, ROLE_BACKEND, NULL, NULL, "eth*", "`role: backend`", 0},
	{"both by the file", ROLE_BOTH, ROLE_BOTH, "198.51.100.11", NULL, "eth*", "`role: both`", 0},
};

static char web[] = "web", web6[] = "web6";

static void roles(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		const struct fact *fact = &facts[i];
		struct config_backend four[] = {{.address = test_addr("198.51.100.10"), .weight = 1},
						{.address = test_addr("198.51.100.11"), .weight = 1}};
		struct config_backend six[] = {{.address = test_addr("2001:db8::11"), .weight = 1}};
		struct config_service services[] = {
			{.name = web, .backends = four, .backends_count = 2},
			{.name = web6, .backends = six, .backends_count = 1},
		};
		char match[16] = {0};
		struct config_interface interface = {.match = match};
		struct config config = {.role = fact->in_file,
					.interfaces = &interface,
					.interfaces_count = 1,
					.services = services,
					.services_count = 2};
		struct role_view view;
		struct rt_state *state;

		strncpy(match, fact->match, sizeof(match) - 1);
		assert_int_equal(rt_state_new(&state), 0);
		test_link(state, 1, "lo", "");
		test_link(state, 2, "eth0", "");
		if (fact->link)
			test_link(state, 3, fact->link, "veth");
		if (fact->own)
			test_address(state, 2, fact->own, 24, fact->protocol);
		if (role_of(&config, state, &view) != fact->is || view.role != fact->is)
			fail_msg("%s: is %s", fact->name, role_name(view.role));
		if (!strstr(view.reason, fact->reason))
			fail_msg("%s: the reason is: %s", fact->name, view.reason);
		rt_state_free(state);
	}
}

static void what_a_role_does(void **unused)
{
	(void)unused;
	assert_false(role_directs(ROLE_AUTO) || role_serves(ROLE_AUTO));
	assert_true(role_directs(ROLE_DIRECTOR) && !role_serves(ROLE_DIRECTOR));
	assert_true(!role_directs(ROLE_BACKEND) && role_serves(ROLE_BACKEND));
	assert_true(role_directs(ROLE_BOTH) && role_serves(ROLE_BOTH));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles),
		cmocka_unit_test(what_a_role_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
