/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cases: one frame through one program, and everything that must come of it.
 */
#ifndef TEST_PACKET_CASES_H
#define TEST_PACKET_CASES_H

#include <stdbool.h>

#include "lines.h"
#include "net.h"
#include "world.h"

struct tally {
	int passed;
	int failed;
	int skipped;
	uint64_t seen[2][SH_REASON_COUNT]; /* packets by enum world_program and reason */
};

/* Fails for each reason that a program can give and no packet had. */
void tally_reasons(struct tally *tally);

struct cases;

struct cases *cases_new(struct tally *tally);
void cases_free(struct cases *cases);
/* Runs a verb of run.c's list; false where it is none. */
bool cases_verb(struct cases *cases, struct world *world, const struct net *net, const struct line *line);

#endif
