/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* See apply_ends.h. */
#include "apply.h"
#include "apply_ends.h"

/* So long after its end a route may still be there, to be given another: net.ipv6.route.gc_interval is 30 s.
 */
#define LINGER_MS 40000

uint64_t ends_take(const struct apply *apply, struct rt_route *answer)
{
	uint64_t end = answer->lifetime > 0 ? apply->now_ms() + (uint64_t)answer->lifetime : 0;

	answer->lifetime = 0;
	return end;
}

static void expect(struct apply *apply, uint64_t end)
{
	if (!apply->next_end || end < apply->next_end)
		apply->next_end = end;
}

/*
 * An answer without an end leaves the former one, for one more question: the kernel says nothing of what is
 * less than 10 ms ahead.
 */
void ends_note(struct apply *apply, struct target *target, uint64_t end)
{
	if (!end)
		return;
	target->end = end;
	apply->ending = true;
	expect(apply, end);
}

void apply_mark_ended(struct apply *apply)
{
	uint64_t now = apply->now_ms();

	apply->next_end = 0;
	for (struct target *target = apply->model->targets; target; target = target->hh.next) {
		if (target->end > now)
			expect(apply, target->end);
		else if (target->end)
			model_ask(apply->model, target, ASK_ALONE);
	}
}

void apply_mark_ending(struct apply *apply)
{
	uint64_t now = apply->ending ? apply->now_ms() : 0;

	if (!apply->ending)
		return;
	apply->ending = false;
	for (struct target *target = apply->model->targets; target; target = target->hh.next) {
		if (target->end && target->end + LINGER_MS > now) {
			model_ask(apply->model, target, ASK_ALONE);
			apply->ending = true;
		} else {
			target->end = 0;
		}
	}
}
