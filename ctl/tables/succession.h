/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who goes on with whose flows, when a file takes the place of another?
 *
 * A ring, its backends' records and the slots in transition have an owner (<shunt/abi.h>). Flows belong to a
 * VIP, port and protocol, and what an entry of the file is called says nothing of them: so a service takes
 * over the owner by which its VIP's ports are served so far, under whatever name. Both sides of it stand in
 * the maps, so that a start over the pins of a former run decides as a reload does.
 *
 * Pure: the file, and what is served, in; owners, and what cannot be kept, out.
 *
 *	in the new file			owner
 *	the same VIP and port		the one so far, whatever the names are
 *	names swapped between VIPs	each VIP's own
 *	a service's ports in two	(split) the one so far for who has a port of it as it was; of those,
 *					who has its name, else most of its ports, else comes first. The
 *					other has a new one, and begins with copies
 *	two services' ports in one	(merge) by the same order one of both; the other one's flows go by
 *					it, too, and break where that leads elsewhere
 *	a port, where `any` was		as if that had had the port, too
 *	`any`, where ports were		as if that had all of the VIP's that are not in the file themselves
 *	none that was served		by its name, unless somebody took that over
 */
#ifndef SHUNT_SUCCESSION_H
#define SHUNT_SUCCESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* What is served so far, and who is the owner. */
struct ancestor {
	struct addr vip;
	struct config_port port;
	uint64_t owner;
	bool named; /* for succession.c */
};

/* A service that goes on with flows of a former port. */
struct heir {
	size_t service; /* in the file */
	const struct ancestor *ancestor;
	struct config_port port; /* of those flows: the ancestor's, or the one of `any` that it has now */
	bool same;		 /* the service has the ancestor's very port */
	bool lost;		 /* they go by a ring that knows nothing of them */
};

/* What a service goes on with. */
struct inheritance {
	uint64_t owner;	 /* never 0; its own alone */
	uint64_t origin; /* whose ring it begins as a copy of; 0: no one's */
};

struct succession {
	struct inheritance *services; /* owned: of each in the file, in its order */
	struct ancestor *ancestors;   /* owned */
	struct heir *heirs;	      /* owned: in the order of services */
	size_t heirs_count;
};

/* Takes over `ancestors`, an array of `count` and not NULL, on success. 0 and *out (succession_free), or
 * -ENOMEM. */
int succession_find(const struct config *config, struct ancestor *ancestors, size_t count,
		    struct succession *out);
void succession_free(struct succession *succession); /* zeroed is fine */

#endif
