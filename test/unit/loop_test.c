/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The event loop: who is called, how often, and that removed handles are not.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <cmocka.h>

#include "loop.h"

struct fixture {
	struct loop *loop;
	int pipes[2][2];
	struct loop_fd *handles[2];
	struct loop_timer *timer, *end;
	unsigned calls, limit;
	uint32_t events;
	int signal;
};

static void stop(void *arg)
{
	struct fixture *fixture = arg;

	loop_stop(fixture->loop);
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	assert_int_equal(loop_new(&fixture.loop), 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pipe(fixture.pipes[i]), 0);
	assert_int_equal(loop_timer_add(fixture.loop, stop, &fixture, &fixture.end), 0);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	loop_free(fixture->loop); /* with whatever the test has left in it */
	for (size_t i = 0; i < 2; i++) {
		close(fixture->pipes[i][0]);
		close(fixture->pipes[i][1]);
	}
	return 0;
}

/* Runs until a handler stops it, or for as long as anything that should not happen would take. */
static void run(struct fixture *fixture, uint64_t ms)
{
	assert_int_equal(loop_timer_set(fixture->end, ms, 0), 0);
	assert_int_equal(loop_run(fixture->loop), 0);
}

/* ---- descriptors --------------------------------------------------------------------------- */

static void count_and_stop(uint32_t events, void *arg)
{
	struct fixture *fixture = arg;

	fixture->calls++;
	fixture->events = events;
	loop_stop(fixture->loop);
}

static void a_ready_descriptor_calls_with_its_events(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_fd_add(fixture->loop, fixture->pipes[0][0], EPOLLIN, count_and_stop, fixture,
				     &fixture->handles[0]),
			 0);
	assert_int_equal(write(fixture->pipes[0][1], "x", 1), 1);
	run(fixture, 30000);
	assert_int_equal(fixture->calls, 1);
	assert_int_equal(fixture->events, EPOLLIN);
	run(fixture, 30000); /* level triggered: nothing was read */
	assert_int_equal(fixture->calls, 2);
}

static void events_of_no_interest_do_not_call(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_fd_add(fixture->loop, fixture->pipes[0][0], EPOLLIN, count_and_stop, fixture,
				     &fixture->handles[0]),
			 0);
	assert_int_equal(write(fixture->pipes[0][1], "x", 1), 1);
	assert_int_equal(loop_fd_events(fixture->handles[0], 0), 0);
	run(fixture, 20);
	assert_int_equal(fixture->calls, 0);
	assert_int_equal(loop_fd_events(fixture->handles[0], EPOLLIN), 0);
	run(fixture, 30000);
	assert_int_equal(fixture->calls, 1);
}

static void remove_both(uint32_t events, void *arg)
{
	struct fixture *fixture = arg;

	(void)events;
	fixture->calls++;
	loop_fd_remove(fixture->handles[0]);
	loop_fd_remove(fixture->handles[1]);
	loop_fd_remove(NULL);
}

static void a_handler_may_remove_itself_and_who_is_ready_with_it(void **state)
{
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(loop_fd_add(fixture->loop, fixture->pipes[i][0], EPOLLIN, remove_both,
					     fixture, &fixture->handles[i]),
				 0);
		assert_int_equal(write(fixture->pipes[i][1], "x", 1), 1);
	}
	run(fixture, 20);
	assert_int_equal(fixture->calls, 1);
}

static void what_epoll_refuses_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct loop_fd *untouched = (struct loop_fd *)fixture;

	assert_true(loop_fd_add(fixture->loop, -1, EPOLLIN, count_and_stop, fixture, &untouched) < 0);
	assert_ptr_equal(untouched, fixture);
}

/* ---- timers -------------------------------------------------------------------------------- */

static void count_to_limit(void *arg)
{
	struct fixture *fixture = arg;

	if (++fixture->calls == fixture->limit)
		loop_stop(fixture->loop);
}

static void a_timer_fires_once_and_is_no_longer_armed(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_timer_add(fixture->loop, count_to_limit, fixture, &fixture->timer), 0);
	assert_false(loop_timer_armed(fixture->timer));
	assert_int_equal(loop_timer_set(fixture->timer, 1, 0), 0);
	assert_true(loop_timer_armed(fixture->timer));
	run(fixture, 50);
	assert_int_equal(fixture->calls, 1);
	assert_false(loop_timer_armed(fixture->timer));
}

static void a_repeating_timer_starts_at_once_with_first_0(void **state)
{
	struct fixture *fixture = *state;

	fixture->limit = 3;
	assert_int_equal(loop_timer_add(fixture->loop, count_to_limit, fixture, &fixture->timer), 0);
	assert_int_equal(loop_timer_set(fixture->timer, 0, 2), 0);
	run(fixture, 30000);
	assert_int_equal(fixture->calls, 3);
	assert_true(loop_timer_armed(fixture->timer));
}

static void a_disarmed_timer_does_not_fire(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_timer_add(fixture->loop, count_to_limit, fixture, &fixture->timer), 0);
	assert_int_equal(loop_timer_set(fixture->timer, 1, 1), 0);
	usleep(5000); /* it has run out, but has not been looked at */
	assert_int_equal(loop_timer_set(fixture->timer, 0, 0), 0);
	assert_false(loop_timer_armed(fixture->timer));
	run(fixture, 20);
	assert_int_equal(fixture->calls, 0);
}

static void remove_own_timer(void *arg)
{
	struct fixture *fixture = arg;

	fixture->calls++;
	loop_timer_remove(fixture->timer);
	loop_timer_remove(NULL);
}

static void a_timer_may_remove_itself(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_timer_add(fixture->loop, remove_own_timer, fixture, &fixture->timer), 0);
	assert_int_equal(loop_timer_set(fixture->timer, 1, 1), 0);
	run(fixture, 50);
	assert_int_equal(fixture->calls, 1);
}

static void rearm(void *arg)
{
	struct fixture *fixture = arg;

	if (++fixture->calls < 3)
		assert_int_equal(loop_timer_set(fixture->timer, 1, 0), 0);
	else
		loop_stop(fixture->loop);
}

static void a_timer_may_be_set_again_when_it_fires(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(loop_timer_add(fixture->loop, rearm, fixture, &fixture->timer), 0);
	assert_int_equal(loop_timer_set(fixture->timer, 1, 0), 0);
	run(fixture, 30000);
	assert_int_equal(fixture->calls, 3);
}

/* ---- signals and stopping ------------------------------------------------------------------ */

static void note_signal(int signal, void *arg)
{
	struct fixture *fixture = arg;

	fixture->signal = signal;
	loop_stop(fixture->loop);
}

static void signals_come_through_the_loop(void **state)
{
	static const int wanted[] = {SIGTERM, SIGINT, SIGHUP};
	struct fixture *fixture = *state;

	assert_int_equal(loop_signals(fixture->loop, note_signal, fixture), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(kill(getpid(), wanted[i]), 0);
		run(fixture, 30000);
		assert_int_equal(fixture->signal, wanted[i]);
	}
}

static void a_stop_before_the_run_counts(void **state)
{
	struct fixture *fixture = *state;

	loop_stop(fixture->loop);
	assert_int_equal(loop_run(fixture->loop), 0);
	run(fixture, 1); /* and only for that one */
	assert_false(loop_timer_armed(fixture->end));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_ready_descriptor_calls_with_its_events),
		FACT(events_of_no_interest_do_not_call),
		FACT(a_handler_may_remove_itself_and_who_is_ready_with_it),
		FACT(what_epoll_refuses_is_an_error),
		FACT(a_timer_fires_once_and_is_no_longer_armed),
		FACT(a_repeating_timer_starts_at_once_with_first_0),
		FACT(a_disarmed_timer_does_not_fire),
		FACT(a_timer_may_remove_itself),
		FACT(a_timer_may_be_set_again_when_it_fires),
		FACT(signals_come_through_the_loop),
		FACT(a_stop_before_the_run_counts),
	};

	loop_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
