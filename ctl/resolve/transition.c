/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The rule for one slot. See transition.h.
 */
#include "transition.h"

static enum fate fate_of(const struct transition *transition, uint32_t backend)
{
	return backend < transition->fates_size ? transition->fates[backend] : FATE_DEAD;
}

bool transition_leave(struct transition *transition, uint32_t backend)
{
	enum fate fate = fate_of(transition, backend);

	if (fate == FATE_STEADY) {
		transition->fates[backend] = FATE_LEFT;
		transition->left++;
		transition->left_any = backend;
	}
	return fate != FATE_DEAD;
}

/* May flows be remembered for another backend than `want`? */
static bool others_left(const struct transition *transition, uint32_t want)
{
	return transition->left > (fate_of(transition, want) == FATE_LEFT ? 1 : 0);
}

struct sh_slot transition_next(struct sh_slot slot, uint32_t want, const struct transition *transition)
{
	uint32_t before = slot.before & ~SH_BEFORE_CLOSED;
	uint32_t closed = slot.before & SH_BEFORE_CLOSED;
	uint32_t holder = before ? before : slot.now;

	if (!before && slot.now == want)
		return (struct sh_slot){.now = want};
	if (fate_of(transition, holder) != FATE_LEFT)
		holder = want;
	if (holder == want && !others_left(transition, want))
		return (struct sh_slot){.now = want};
	if (!holder)
		holder = transition->left_any;
	if (transition->close)
		closed = SH_BEFORE_CLOSED;
	return (struct sh_slot){.now = want, .before = holder | closed};
}
