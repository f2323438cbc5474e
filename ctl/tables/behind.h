/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is behind a next hop: an index from it to the members whose legs it is.
 *
 * Each leg of a member's way enters the list of its next hop when it takes its reference, and leaves it
 * when it gives that back. So what changes about one next hop costs as much as there is behind it, not as
 * much as there is. The list lies in the legs themselves; in no order, but whoever enters comes before all
 * that are there: a walk in parts (`turn`) does not meet them.
 */
#ifndef SHUNT_BEHIND_H
#define SHUNT_BEHIND_H

struct member;

struct behind {
	struct member *member;
	struct behind *next, **link; /* link: what points here */
};

/* Of a next hop; all zero while nobody is behind it. */
struct behind_list {
	struct behind *first;
	struct behind *turn; /* whose turn it is in a walk over all; NULL: none goes on */
};

void behind_enter(struct behind_list *list, struct behind *behind, struct member *member);
void behind_leave(struct behind_list *list, struct behind *behind);

#endif
