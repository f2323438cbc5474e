/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Work that takes long and changes nothing, aside: in a child, from all as it is now, while the loop goes on.
 *
 * The child is a copy of this process: it sees memory as it was, and maps as they are. It shares descriptors,
 * and so must not read from a socket that is also read here. It ends with this process.
 */
#ifndef SHUNT_ASIDE_H
#define SHUNT_ASIDE_H

#include <stdbool.h>

struct aside;
struct loop;

/*
 * Calls `work` in a child and `done` here once that is over, with `ok` where it returned; aside_free is left
 * to the caller then, too. 0 and *out, or -errno and nothing begun.
 */
struct aside_job {
	void (*work)(void *arg);
	void (*done)(bool ok, void *arg);
	void *arg;
};
int aside_begin(struct loop *loop, const struct aside_job *job, struct aside **out);
/* Ends the child where it is still there. NULL is fine. */
void aside_free(struct aside *aside);

#endif
