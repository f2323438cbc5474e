/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When to do work that events ask for, one by one or in storms.
 *
 * The first event after a quiet time never waits: its work is done in the call. What comes within
 * the gap after that is done together, when the gap is over. Work that is long is done in parts, and
 * between two of them the loop looks at what else there is.
 *
 * Owned by the controller, for its passes. It dies with it.
 */
#ifndef SHUNT_PACE_H
#define SHUNT_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_task;
struct loop_timer;

struct pace {
	bool (*work)(void *arg); /* does the work, or a part of it: true where there is more */
	void *arg;
	uint64_t (*now_ms)(void);
	uint64_t gap_ms;
	uint64_t last_ms; /* when work was last done */
	struct loop_timer *timer;
	struct loop_task *task;
};

/* Sets up what has been filled in as far as now_ms and gap_ms. 0 or -errno. */
int pace_open(struct pace *pace, struct loop *loop);
void pace_close(struct pace *pace);

/* There is work: does it at once after a quiet time, else when the gap is over, or with what is going on. */
void pace_soon(struct pace *pace);
/* There will be, in `ms`, which are not 0. */
void pace_later(struct pace *pace, uint64_t ms);
/* Does it now. What was ahead is done with it. */
void pace_now(struct pace *pace);
/* Nothing is ahead any more. */
void pace_cancel(struct pace *pace);
bool pace_waiting(const struct pace *pace);

#endif
