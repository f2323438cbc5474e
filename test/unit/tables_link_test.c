/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables on the heap: next hops by their links, and the links that frames leave by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tables_world.h"

static void count_it(struct table_nexthop *nexthop, void *arg)
{
	(void)nexthop;
	++*(int *)arg;
}

static int count_on(const struct fixture *f, int ifindex)
{
	int count = 0;

	tables_each_on_link(f->tables, ifindex, count_it, &count);
	return count;
}

static void add_exit(int ifindex, void *arg)
{
	*(int *)arg += ifindex;
}

static int sum_of_exits(const struct fixture *f)
{
	int sum = 0;

	tables_each_exit(f->tables, add_exit, &sum);
	return sum;
}

static void next_hops_are_found_by_their_link(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *first = nexthop(f, 2, "192.0.2.1"), *second = nexthop(f, 2, "192.0.2.2"),
			     *other = nexthop(f, 3, "192.0.2.1");

	assert_int_equal(count_on(f, 2), 2);
	assert_int_equal(count_on(f, 3), 1);
	assert_int_equal(count_on(f, 4), 0);
	tables_nexthop_put(f->tables, first);
	assert_int_equal(count_on(f, 2), 1);
	tables_nexthop_put(f->tables, second);
	tables_nexthop_put(f->tables, other);
	assert_int_equal(count_on(f, 2) + count_on(f, 3), 0);
}

/* Links are exits from the first next hop that leads out by them to the last. */
static void exits_are_counted(void **state)
{
	struct fixture *f = *state;
	struct table_nexthop *first = nexthop(f, 2, "192.0.2.1"), *second = nexthop(f, 2, "192.0.2.2");

	assert_int_equal(sum_of_exits(f), 0);
	assert_int_equal(tables_set_exit(f->tables, first, 7), 0);
	assert_true(tables_exits_changed(f->tables));
	assert_false(tables_exits_changed(f->tables));
	assert_int_equal(tables_set_exit(f->tables, second, 7), 0);
	assert_false(tables_exits_changed(f->tables)); /* is one already */
	assert_int_equal(sum_of_exits(f), 7);
	assert_int_equal(tables_set_exit(f->tables, first, 2), 0);
	assert_int_equal(sum_of_exits(f), 9);
	tables_nexthop_put(f->tables, second);
	assert_true(tables_exits_changed(f->tables));
	assert_int_equal(sum_of_exits(f), 2);
	tables_nexthop_put(f->tables, first);
	assert_int_equal(sum_of_exits(f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(next_hops_are_found_by_their_link),
		FACT(exits_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
