/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules as a truth table: which of them tell the packets to a backend apart.
 *
 * Every set ends with the kernel's own: 32766 main, 32767 default. The backend is 198.51.100.11, and the
 * kernel's answer is a route 198.51.100.0/24 of the main table, unless the case says otherwise.
 */
#include <linux/rtnetlink.h>

#include "observed.h"
#include "rules.h"

#define MAIN 254

#define TO(text) .dst = {.addr = {ADDR_IPV4, text}, .length = 24}
#define BACKENDS             \
	{                    \
		198, 51, 100 \
	}
#define OTHERS            \
	{                 \
		192, 0, 2 \
	}
#define LOOKUP(which) .table = (which), .suppress_length = -1

static const struct rt_rule main_rule = {.priority = 32766, LOOKUP(MAIN)};
static const struct rt_rule default_rule = {.priority = 32767, LOOKUP(253)};

static const struct {
	const char *name;
	struct rt_rule rules[3];
	size_t count;
	bool trivial;
	const char *ingress, *vrf;
	uint32_t answer; /* its table; 0: main. UINT32_MAX: no route */
	enum rules_by by;
	uint32_t priority;
} cases[] = {
	{.name = "none", .rules = {{0}}, .count = 0, .trivial = true},
	{.name = "table alone", .rules = {{.priority = 9, LOOKUP(7)}}, .count = 1, .trivial = true},
	{.name = "to",
	 .rules = {{.priority = 9, LOOKUP(7), TO(BACKENDS)}},
	 .count = 1,
	 .trivial = true,
	 .answer = 7},
	{.name = "from",
	 .rules = {{.priority = 9, LOOKUP(7), .src = {.length = 8}}},
	 .count = 1,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "from, to others",
	 .rules = {{.priority = 9, LOOKUP(7), .src = {.length = 8}, TO(OTHERS)}},
	 .count = 1},
	{.name = "not from",
	 .rules = {{.priority = 9, LOOKUP(7), .src = {.length = 8}, .invert = true}},
	 .count = 1,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	/* Not (from these and to others): to the backend always. */
	{.name = "not from to others",
	 .rules = {{.priority = 9, LOOKUP(MAIN), .src = {.length = 8}, TO(OTHERS), .invert = true}},
	 .count = 1},
	{.name = "not to others",
	 .rules = {{.priority = 9, LOOKUP(7), TO(OTHERS), .invert = true}},
	 .count = 1,
	 .trivial = true,
	 .answer = 7},
	{.name = "from after the answer",
	 .rules = {{.priority = 32766, LOOKUP(MAIN)}, {.priority = 32767, LOOKUP(7), .src = {.length = 8}}},
	 .count = 2},
	{.name = "from where nothing answers",
	 .rules = {{.priority = 32767, LOOKUP(7), .src = {.length = 8}}},
	 .count = 1,
	 .answer = UINT32_MAX,
	 .by = RULES_BY_SOURCE,
	 .priority = 32767},
	{.name = "main without its default, then from",
	 .rules = {{.priority = 8, .table = MAIN}, {.priority = 9, LOOKUP(7), .src = {.length = 8}}},
	 .count = 2},
	{.name = "main without what is as short, then from",
	 .rules = {{.priority = 8, .table = MAIN, .suppress_length = 24},
		   {.priority = 9, LOOKUP(7), .src = {.length = 8}}},
	 .count = 2,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "main without a group's, then from",
	 .rules = {{.priority = 8, LOOKUP(MAIN), .suppress_group = true},
		   {.priority = 9, LOOKUP(7), .src = {.length = 8}}},
	 .count = 2,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "mark",
	 .rules = {{.priority = 9, LOOKUP(7), .fwmark = 1, .fwmask = UINT32_MAX}},
	 .count = 1,
	 .by = RULES_BY_MARK,
	 .priority = 9},
	{.name = "no mark",
	 .rules = {{.priority = 9, LOOKUP(7), .fwmask = 0xff}},
	 .count = 1,
	 .by = RULES_BY_MARK,
	 .priority = 9},
	{.name = "tos",
	 .rules = {{.priority = 9, LOOKUP(7), .tos = 16}},
	 .count = 1,
	 .by = RULES_BY_TOS,
	 .priority = 9},
	{.name = "dscp",
	 .rules = {{.priority = 9, LOOKUP(7), .dscp = true}},
	 .count = 1,
	 .by = RULES_BY_TOS,
	 .priority = 9},
	{.name = "protocol",
	 .rules = {{.priority = 9, LOOKUP(7), .protocol = 6}},
	 .count = 1,
	 .by = RULES_BY_PROTOCOL,
	 .priority = 9},
	{.name = "ports",
	 .rules = {{.priority = 9, LOOKUP(7), .ports = true}},
	 .count = 1,
	 .by = RULES_BY_PORT,
	 .priority = 9},
	{.name = "flow label",
	 .rules = {{.priority = 9, LOOKUP(7), .flow_label = true}},
	 .count = 1,
	 .by = RULES_BY_FLOW_LABEL,
	 .priority = 9},
	{.name = "unknown",
	 .rules = {{.priority = 9, LOOKUP(7), .unknown = true}},
	 .count = 1,
	 .by = RULES_BY_UNKNOWN,
	 .priority = 9},
	{.name = "prohibit from",
	 .rules = {{.priority = 9, .action = RT_RULE_REJECT, .src = {.length = 8}}},
	 .count = 1,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "prohibit all, then from",
	 .rules = {{.priority = 8, .action = RT_RULE_REJECT}, {.priority = 9, .src = {.length = 8}}},
	 .count = 2,
	 .answer = UINT32_MAX},
	{.name = "nop, then from",
	 .rules = {{.priority = 8, .action = RT_RULE_NOP}, {.priority = 9, .src = {.length = 8}}},
	 .count = 2,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "goto past from",
	 .rules = {{.priority = 8, .action = RT_RULE_GOTO, .target = 32766},
		   {.priority = 9, .src = {.length = 8}}},
	 .count = 2},
	{.name = "goto nowhere, then from",
	 .rules = {{.priority = 8, .action = RT_RULE_GOTO, .target = 77},
		   {.priority = 9, .src = {.length = 8}}},
	 .count = 2,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "goto of some",
	 .rules = {{.priority = 8, .action = RT_RULE_GOTO, .target = 32766, .fwmark = 1}},
	 .count = 1,
	 .by = RULES_BY_MARK,
	 .priority = 8},
	{.name = "iif of this",
	 .rules = {{.priority = 9, LOOKUP(7), .iif = "eth0", .src = {.length = 8}}},
	 .count = 1,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "iif of another",
	 .rules = {{.priority = 9, LOOKUP(7), .iif = "eth1", .src = {.length = 8}}},
	 .count = 1},
	{.name = "iif lo",
	 .rules = {{.priority = 9, LOOKUP(7), .iif = "lo", .src = {.length = 8}}},
	 .count = 1},
	{.name = "not iif lo",
	 .rules = {{.priority = 9, LOOKUP(MAIN), .iif = "lo", .invert = true},
		   {.priority = 10, .src = {.length = 8}}},
	 .count = 2},
	{.name = "iif of the VRF",
	 .rules = {{.priority = 9, LOOKUP(7), .iif = "red", .src = {.length = 8}}},
	 .count = 1,
	 .vrf = "red",
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "oif",
	 .rules = {{.priority = 9, LOOKUP(7), .oif = "eth0", .src = {.length = 8}}},
	 .count = 1},
	{.name = "tunnel",
	 .rules = {{.priority = 9, LOOKUP(7), .tunnel = true, .src = {.length = 8}}},
	 .count = 1},
	{.name = "root among users",
	 .rules = {{.priority = 9, LOOKUP(7), .src = {.length = 8}, .uid_first = 0}},
	 .count = 1,
	 .by = RULES_BY_SOURCE,
	 .priority = 9},
	{.name = "users",
	 .rules = {{.priority = 9, LOOKUP(7), .src = {.length = 8}, .uid_first = 1000}},
	 .count = 1},
	{.name = "VRFs, outside",
	 .rules = {{.priority = 9, .l3mdev = true, .suppress_length = -1}},
	 .count = 1},
	{.name = "VRFs, inside, then from",
	 .rules = {{.priority = 9, .l3mdev = true, .suppress_length = -1},
		   {.priority = 10, .src = {.length = 8}}},
	 .count = 2,
	 .vrf = "red",
	 .by = RULES_BY_SOURCE,
	 .priority = 10},
};

static void rules_tell_packets_apart(void **state)
{
	const struct addr backend = test_addr("198.51.100.11");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct rules_ingress ingress = {"eth0", cases[i].vrf ? cases[i].vrf : ""};
		struct rt_route answer = {.type = RT_ROUTE_UNICAST, .table = MAIN};
		struct rt_rule rules[5];
		struct rules_cause cause;

		answer.dst = (struct prefix){test_addr("198.51.100.0"), 24};
		if (cases[i].answer == UINT32_MAX)
			answer = (struct rt_route){.type = RT_ROUTE_NONE};
		else if (cases[i].answer)
			answer.table = cases[i].answer;
		memcpy(rules, cases[i].rules, sizeof(cases[i].rules));
		rules[cases[i].count] = main_rule;
		rules[cases[i].count + 1] = default_rule;
		if (rules_trivial(rules, cases[i].count + 2) != cases[i].trivial)
			fail_msg("%s: not rightly trivial", cases[i].name);
		cause = rules_vary(rules, cases[i].count + 2, &backend, &ingress, &answer);
		if (cause.by != cases[i].by || cause.priority != cases[i].priority)
			fail_msg("%s: by %s of rule %u", cases[i].name, rules_by_name(cause.by),
				 cause.priority);
	}
}

#define LOCAL                                                  \
	{                                                      \
		.table = RT_TABLE_LOCAL, .suppress_length = -1 \
	}

/* Where it is 0, what is known of one backend says nothing of another. */
static void the_table_that_all_are_looked_up_in_first(void **state)
{
	static const struct {
		struct rt_rule rule;
		uint32_t first;
	} facts[] = {
		{{.priority = 9, LOOKUP(7)}, 7},
		{{.priority = 9, LOOKUP(7), TO(BACKENDS)}, 0},
		{{.priority = 9, LOOKUP(7), .invert = true}, 0},
		{{.priority = 9, LOOKUP(7), .iif = "eth0"}, 0},
		{{.priority = 9, LOOKUP(7), .src = {.length = 8}}, 0},
		{{.priority = 9, .table = 7, .suppress_length = 0}, 0},
		{{.priority = 9, .action = RT_RULE_GOTO, .target = 32766, .suppress_length = -1}, 0},
		{{.priority = 9, .action = RT_RULE_REJECT, .suppress_length = -1}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		const struct rt_rule rules[] = {LOCAL, facts[i].rule, main_rule, default_rule};

		if (rules_first(rules, 4) != facts[i].first)
			fail_msg("%zu: table %u", i, rules_first(rules, 4));
	}
	assert_int_equal(rules_first((struct rt_rule[]){LOCAL, main_rule, default_rule}, 3), MAIN);
	assert_int_equal(rules_first((struct rt_rule[]){LOCAL}, 1), 0);
}

static void rules_by_interface_are_found(void **state)
{
	const struct rt_rule rules[] = {
		{.priority = 8, LOOKUP(7), TO(BACKENDS)},
		{.priority = 9, LOOKUP(7), .iif = "eth1", TO(OTHERS)},
		{.priority = 10, LOOKUP(7), .iif = "lo"},
		{.priority = 11, .l3mdev = true},
	};
	const struct addr backend = test_addr("198.51.100.11"), other = test_addr("192.0.2.1");

	(void)state;
	assert_ptr_equal(rules_by_ingress(rules, 4, &backend), &rules[2]);
	assert_ptr_equal(rules_by_ingress(rules, 4, &other), &rules[1]);
	assert_null(rules_by_ingress(rules, 2, &backend));
	assert_ptr_equal(rules_by_ingress(&rules[3], 1, &backend), &rules[3]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_tell_packets_apart),
		cmocka_unit_test(rules_by_interface_are_found),
		cmocka_unit_test(the_table_that_all_are_looked_up_in_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
