/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When work is done: a clock that the test sets, and no word about how long anything takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/epoll.h>

#include <cmocka.h>

#include "loop.h"
#include "pace.h"

#define GAP 5UL

struct fixture {
	struct loop *loop;
	struct pace pace;
	struct loop_timer *end;
	int pipe[2];
	int parts; /* of the work that are left */
	int worked, heard;
	int heard_after; /* parts that were done when the descriptor was looked at */
};

static uint64_t now;

static uint64_t clock_of_test(void)
{
	return now;
}

static bool work(void *arg)
{
	struct fixture *fixture = arg;

	fixture->worked++;
	return --fixture->parts > 0;
}

static void stop(void *arg)
{
	struct fixture *fixture = arg;

	loop_stop(fixture->loop);
}

static int setup(void **state)
{
	static struct fixture fixture;

	now = 1000;
	fixture = (struct fixture){
		.pace = {.work = work, .arg = &fixture, .now_ms = clock_of_test, .gap_ms = GAP}, .parts = 1};
	assert_int_equal(loop_new(&fixture.loop), 0);
	assert_int_equal(pace_open(&fixture.pace, fixture.loop), 0);
	assert_int_equal(loop_timer_add(fixture.loop, stop, &fixture, &fixture.end), 0);
	assert_int_equal(pipe(fixture.pipe), 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	pace_close(&fixture->pace);
	loop_free(fixture->loop);
	close(fixture->pipe[0]);
	close(fixture->pipe[1]);
	return 0;
}

/* Runs the loop for as long as anything that should not happen would take. */
static void run(struct fixture *fixture, uint64_t ms)
{
	assert_int_equal(loop_timer_set(fixture->end, ms, 0), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
}

static void the_first_after_a_quiet_time_is_worked_for_in_the_call(void **state)
{
	struct fixture *fixture = *state;

	pace_soon(&fixture->pace);
	assert_int_equal(fixture->worked, 1); /* the loop has not run */
	assert_false(pace_waiting(&fixture->pace));
	now += GAP;
	pace_soon(&fixture->pace);
	assert_int_equal(fixture->worked, 2);
}

static void a_storm_is_worked_for_when_the_gap_is_over(void **state)
{
	struct fixture *fixture = *state;

	pace_soon(&fixture->pace);
	for (int i = 0; i < 100; i++) {
		now += i == 50;
		pace_soon(&fixture->pace);
	}
	assert_int_equal(fixture->worked, 1);
	assert_true(pace_waiting(&fixture->pace));
	run(fixture, 20 * GAP);
	assert_int_equal(fixture->worked, 2);
	assert_false(pace_waiting(&fixture->pace));
}

/* Also where it was to wait for another reason, as after a failure. */
static void an_event_does_not_wait_for_what_is_later(void **state)
{
	struct fixture *fixture = *state;

	pace_later(&fixture->pace, 100000);
	assert_int_equal(fixture->worked, 0);
	pace_soon(&fixture->pace);
	assert_int_equal(fixture->worked, 1);
	assert_false(pace_waiting(&fixture->pace));
}

static void hear(uint32_t events, void *arg)
{
	struct fixture *fixture = arg;
	char byte;

	(void)events;
	assert_int_equal(read(fixture->pipe[0], &byte, 1), 1);
	fixture->heard++;
	fixture->heard_after = fixture->worked;
}

static void between_two_parts_the_loop_looks_at_what_else_there_is(void **state)
{
	struct fixture *fixture = *state;
	struct loop_fd *handle;

	assert_int_equal(loop_fd_add(fixture->loop, fixture->pipe[0], EPOLLIN, hear, fixture, &handle), 0);
	fixture->parts = 100;
	pace_soon(&fixture->pace);
	assert_int_equal(fixture->worked, 1);
	assert_true(pace_waiting(&fixture->pace));
	pace_soon(&fixture->pace); /* it is at it */
	assert_int_equal(fixture->worked, 1);
	assert_int_equal(write(fixture->pipe[1], "x", 1), 1);
	run(fixture, 100);
	assert_int_equal(fixture->worked, 100);
	assert_int_equal(fixture->heard, 1);
	assert_int_equal(fixture->heard_after, 1);
	assert_false(pace_waiting(&fixture->pace));
}

static void all_at_once_takes_the_place_of_what_was_ahead(void **state)
{
	struct fixture *fixture = *state;

	fixture->parts = 2;
	pace_soon(&fixture->pace);
	pace_now(&fixture->pace);
	assert_int_equal(fixture->worked, 2);
	assert_false(pace_waiting(&fixture->pace));
	run(fixture, 4 * GAP);
	assert_int_equal(fixture->worked, 2);
}

static bool work_and_ask(void *arg)
{
	struct fixture *fixture = arg;

	fixture->worked++;
	now += 10 * GAP;
	if (fixture->worked < 3)
		pace_soon(&fixture->pace);
	return false;
}

/* Even if the work took long: one call does not lead into another. */
static void work_that_asks_for_more_waits_for_the_gap(void **state)
{
	struct fixture *fixture = *state;

	fixture->pace.work = work_and_ask;
	fixture->pace.gap_ms = 11 * GAP;
	now += 100 * GAP;
	pace_soon(&fixture->pace);
	assert_int_equal(fixture->worked, 1);
	assert_true(pace_waiting(&fixture->pace));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(the_first_after_a_quiet_time_is_worked_for_in_the_call),
		FACT(a_storm_is_worked_for_when_the_gap_is_over),
		FACT(an_event_does_not_wait_for_what_is_later),
		FACT(between_two_parts_the_loop_looks_at_what_else_there_is),
		FACT(all_at_once_takes_the_place_of_what_was_ahead),
		FACT(work_that_asks_for_more_waits_for_the_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
