/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Checks of what is remembered of flows, and of what a flood does to it.
 *
 *	check NAME flow|fresh CLIENT PORT VIP_PORT SERVICE BACKEND...	remembered as one of these
 *	check NAME flows N						so many at most that are not fresh
 *	check NAME seen BACKEND VALUE|renewed				what its `seen` says
 *	check NAME named BACKEND VALUE|renewed				the same of its `named`
 *	check NAME storm FLOWS SYNS [random]
 *
 * The last: with the last case's frame, to a slot in transition or, with `random`, to a service so scheduled:
 * FLOWS flows that begin and as many that go on keep their backends through SYNS SYNs of others, fewer where
 * SHUNT_STORM_SYNS says so.
 */
#ifndef TEST_PACKET_FLOWS_H
#define TEST_PACKET_FLOWS_H

#include <stdbool.h>

#include "compare.h"
#include "lines.h"
#include "world.h"

/* Runs the check of the line; false where it is none of the above. */
bool flows_check(struct facts *facts, struct world *world, const struct line *line, bool *passed);

#endif
