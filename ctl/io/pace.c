/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A timer for the gap, a task of the loop for the parts. See pace.h. */
#include "loop.h"
#include "pace.h"

void pace_now(struct pace *pace)
{
	bool more;

	pace_cancel(pace);
	pace->last_ms = pace->now_ms(); /* who asks for more in there is not to be worked for in there */
	more = pace->work(pace->arg);
	pace->last_ms = pace->now_ms();
	if (more)
		loop_task_want(pace->task, true);
}

static void next(void *arg)
{
	pace_now(arg);
}

int pace_open(struct pace *pace, struct loop *loop)
{
	int err = loop_timer_add(loop, next, pace, &pace->timer);

	return err ? err : loop_task_add(loop, next, pace, &pace->task);
}

void pace_close(struct pace *pace)
{
	loop_timer_remove(pace->timer);
	loop_task_remove(pace->task);
}

void pace_soon(struct pace *pace)
{
	uint64_t since = pace->now_ms() - pace->last_ms;

	if (loop_task_wanted(pace->task))
		return;
	if (since >= pace->gap_ms)
		pace_now(pace);
	else if (!loop_timer_armed(pace->timer))
		loop_timer_set(pace->timer, pace->gap_ms - since, 0);
}

void pace_later(struct pace *pace, uint64_t ms)
{
	if (!loop_task_wanted(pace->task))
		loop_timer_set(pace->timer, ms, 0);
}

void pace_cancel(struct pace *pace)
{
	loop_timer_set(pace->timer, 0, 0);
	loop_task_want(pace->task, false);
}

bool pace_waiting(const struct pace *pace)
{
	return loop_task_wanted(pace->task) || loop_timer_armed(pace->timer);
}
