/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What two million SYNs of as many flows, to a service whose slots are all in transition, do to flows that
 * are there: is one of them sent elsewhere, and does any take longer?
 */
#ifndef BENCH_FLOOD_H
#define BENCH_FLOOD_H

#include "bed.h"

#define FLOOD_SYNS  2000000U
#define FLOOD_FLOWS 10000U /* that are there, of each kind */

/* Established flows: in steady slots; in moving ones, begun there (so remembered) and begun before. */
enum flood_kind { FLOOD_STEADY, FLOOD_REMEMBERED, FLOOD_BEFORE, FLOOD_KINDS };

extern const char *const flood_names[FLOOD_KINDS];

struct flood {
	double slower[FLOOD_KINDS]; /* time per packet after the flood, as a ratio to that before it */
	uint32_t astray;	    /* flows that go to another backend than before it */
};

/* IPv4. The bed's director must not know the flows from FLOOD_SYNS on. */
void flood_run(struct bed *bed, struct flood *out);

#endif
