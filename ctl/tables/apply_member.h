/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One member of one service: from its resolution to its records. Used by apply.c.
 */
#ifndef SHUNT_APPLY_MEMBER_H
#define SHUNT_APPLY_MEMBER_H

struct apply;
struct member;
struct table_nexthop;

/* Resolves a member and switches it to its new path; one that is to serve no more keeps its
 * path and is marked as leaving. 0 or -errno, and then it stays as it was. */
int apply_member(struct apply *apply, struct member *member);
/* The rest of leaving, once no slot leads to it. */
void apply_member_left(struct apply *apply, struct member *member);
/* A reference to a next hop was taken: stores its record from its link and neighbour, and for the
 * first reference notes how the neighbour was found, as what it becomes is compared with that. In apply.c. */
void apply_meet_nexthop(struct apply *apply, struct table_nexthop *nexthop);

#endif
