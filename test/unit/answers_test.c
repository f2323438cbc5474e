/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When one address's answer is another's: as facts, and against a table of routes that is looked up by the
 * longest prefix, in which routes of one prefix change while others do, whose events come later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "answers.h"
#include "observed.h"

#define MAIN 254

static struct rt_route by(const char *prefix, uint8_t length, uint32_t table)
{
	struct rt_route route = {.type = RT_ROUTE_UNICAST, .table = table, .legs_count = 1};

	route.dst = (struct prefix){.addr = test_addr(prefix), .length = length};
	return route;
}

static bool stands(struct rt_route answer, struct rt_route before, const char *dst, uint8_t length)
{
	const struct addr addr = test_addr(dst);

	return answer_stands(&answer, &before, &addr, length, MAIN);
}

static void a_route_that_is_replaced_is_everyone_s(void **state)
{
	(void)state;
	assert_true(stands(by("198.18.0.0", 16, 254), by("198.18.0.0", 16, 254), "198.18.7.7", 16));
	assert_true(stands(by("0.0.0.0", 0, 254), by("198.18.0.0", 16, 254), "198.18.7.7", 16)); /* it went */
	assert_true(stands(by("198.18.0.0", 16, 254), by("0.0.0.0", 0, 254), "198.18.7.7", 16)); /* it came */
}

static void a_longer_route_of_its_own_is_not_passed_over(void **state)
{
	(void)state;
	assert_false(stands(by("198.18.0.0", 16, 254), by("198.18.7.0", 24, 254), "198.18.7.7", 16));
	/* Nor is the one of the address that was asked about taken for others. */
	assert_false(stands(by("198.18.9.0", 24, 254), by("198.18.0.0", 16, 254), "198.18.7.7", 16));
}

static void tables_are_not_mixed_up(void **state)
{
	(void)state;
	assert_false(stands(by("198.18.0.0", 16, 100), by("198.18.0.0", 16, 254), "198.18.7.7", 16));
}

/* A throw route may have led past a table before. */
static void only_the_first_table_s_are_shared(void **state)
{
	const struct rt_route route = by("198.18.0.0", 16, 100);
	const struct addr dst = test_addr("198.18.7.7");

	(void)state;
	assert_true(answer_stands(&route, &route, &dst, 16, 100));
	assert_false(answer_stands(&route, &route, &dst, 16, MAIN));
	assert_false(answer_stands(&route, &route, &dst, 16, 0));
}

static void what_names_no_prefix_is_nobody_else_s(void **state)
{
	struct rt_route none = {.type = RT_ROUTE_NONE}, hole = {.type = RT_ROUTE_BLACKHOLE};
	const struct rt_route route = by("198.18.0.0", 16, 254);
	const struct addr dst = test_addr("198.18.7.7");

	(void)state;
	assert_false(answer_stands(&none, &route, &dst, 16, MAIN));
	assert_false(answer_stands(&route, &none, &dst, 16, MAIN));
	assert_false(answer_stands(&hole, &route, &dst, 16, MAIN));
	assert_false(answer_stands(&route, &hole, &dst, 16, MAIN));
	assert_false(answer_stands(&route, NULL, &dst, 16, MAIN));
}

static void ipv6_is_shared_only_where_the_prefix_decides(void **state)
{
	struct rt_route route = by("2001:db8::", 32, 254), object = route, two = route;

	(void)state;
	object.nexthop_id = 7;
	two.legs_count = 2;
	assert_true(stands(route, route, "2001:db8::7", 32));
	assert_false(stands(object, route, "2001:db8::7", 32));
	assert_false(stands(route, object, "2001:db8::7", 32));
	assert_false(stands(two, route, "2001:db8::7", 32));
	assert_false(stands(by("198.18.0.0", 16, 254), route, "2001:db8::7", 16));
}

/* ---- against a table ------------------------------------------------------------------------ */

#define BITS  4 /* of an address; routes of 0 to 4 bits */
#define HOSTS (1 << BITS)

#define THROW (-1)
#define FIRST 100 /* the table that is looked up before the main one */

/* The routes of both tables: for each prefix a number, THROW, or 0 for none. */
struct table {
	int routes[2][BITS + 1][HOSTS];
};

static struct prefix prefix_of(int host, int length)
{
	struct prefix prefix = {.addr = {.family = ADDR_IPV4}, .length = (uint8_t)length};

	prefix.addr.bytes[0] = (uint8_t)((host >> (BITS - length) << (BITS - length)) << (8 - BITS));
	return prefix;
}

static int *route_at(struct table *table, int which, int host, int length)
{
	return &table->routes[which][length][length ? host >> (BITS - length) : 0];
}

static struct rt_route look_up(struct table *table, int host, int *number)
{
	*number = 0;
	for (int which = 0; which < 2; which++) {
		for (int length = BITS; length >= 0 && !*number; length--) {
			*number = *route_at(table, which, host, length);
			if (*number > 0)
				return (struct rt_route){.type = RT_ROUTE_UNICAST,
							 .dst = prefix_of(host, length),
							 .table = which ? MAIN : FIRST,
							 .legs_count = 1};
		}
		*number = 0;
	}
	return (struct rt_route){.type = RT_ROUTE_NONE};
}

static int some(int from, int to)
{
	return from + rand() % (to - from + 1);
}

static void change(struct table *table, int host, int length)
{
	static const int kinds[] = {0, 0, 0, 0, THROW, 1, 1};
	int kind = kinds[some(0, 6)];

	*route_at(table, some(0, 1), host, length) = kind == 1 ? some(1, 1000) : kind;
}

/* Two hosts in the prefix whose routes changed. Others may have changed since, which are still to be told of:
 * then a shared answer may be wrong, if what is still to be told covers whom it is wrong for. */
static void check_sharing(struct table *table, int *shared)
{
	int length = some(0, BITS), asked = some(0, HOSTS - 1), other = some(0, HOSTS - 1),
	    later = some(0, BITS);
	int number, right, later_host = some(0, HOSTS - 1);
	bool more = some(0, 1);
	struct rt_route before = look_up(table, other, &number), answer;
	struct addr dst = prefix_of(other, BITS).addr;
	struct prefix changed = prefix_of(asked, length);

	if (!prefix_covers(&changed, &dst))
		return;
	change(table, asked, length);
	if (more)
		change(table, later_host, later);
	answer = look_up(table, asked, &number);
	(void)look_up(table, other, &right);
	if (!answer_stands(&answer, &before, &dst, (uint8_t)length, FIRST))
		return;
	++*shared;
	if (more) {
		const struct prefix to_come = prefix_of(later_host, later);

		assert_true(number == right || prefix_covers(&to_come, &dst));
	} else {
		assert_int_equal(number, right);
	}
}

static void what_is_shared_is_what_a_question_would_have_said(void **state)
{
	struct table table = {0};
	int shared = 0;

	(void)state;
	srand(1);
	for (int i = 0; i < 300000; i++)
		check_sharing(&table, &shared);
	assert_true(shared > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_route_that_is_replaced_is_everyone_s),
		cmocka_unit_test(a_longer_route_of_its_own_is_not_passed_over),
		cmocka_unit_test(tables_are_not_mixed_up),
		cmocka_unit_test(only_the_first_table_s_are_shared),
		cmocka_unit_test(what_names_no_prefix_is_nobody_else_s),
		cmocka_unit_test(ipv6_is_shared_only_where_the_prefix_decides),
		cmocka_unit_test(what_is_shared_is_what_a_question_would_have_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
