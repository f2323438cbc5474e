/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All who may have flows of a service: first the members that the file names, then those that are gone.
 *
 * A walk can be left and gone on with, as long as nobody who is gone is forgotten.
 * model_forget looks after the walk that goes on between passes, and no other.
 */
#ifndef SHUNT_MEMBERS_H
#define SHUNT_MEMBERS_H

struct member;
struct members;

/* The next, or NULL. Who is gone is the member of a struct gone. */
struct member *members_next(struct members *members);

#endif
