/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is behind a next hop: an index from it to the members whose legs it is.
 *
 * Each leg of a member's way enters the list of its next hop when it takes its reference, and leaves it
 * when it gives that back. So what changes about one next hop costs as much as there is behind it, not as
 * much as there is. The list lies in the legs themselves; in no order.
 */
#ifndef SHUNT_BEHIND_H
#define SHUNT_BEHIND_H

struct member;

struct behind {
	struct member *member;
	struct behind *next, **link; /* link: what points here */
};

/* `list` is the next hop's, NULL while nobody is behind it. */
void behind_enter(struct behind **list, struct behind *behind, struct member *member);
void behind_leave(struct behind *behind);

#endif
