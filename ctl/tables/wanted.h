/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ring that a service is to have, worked out in parts from the states of its backends.
 *
 * For who stores it (apply_ring.c) and who compares it with what is stored (verify.c). What is worked out is
 * what held when the backends were looked at, at the beginning: who is to know of changes meanwhile looks at
 * service->stored and model_is_stale().
 */
#ifndef SHUNT_WANTED_H
#define SHUNT_WANTED_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"
#include "ring.h"

/* All zero at first. */
struct wanted {
	const struct service *service;
	uint32_t *slots;	     /* owned: the backend's index for each slot; room for RING_MAX */
	struct ring_member *members; /* owned: those that take flows */
	size_t members_count, looked_at;
	struct ring_building *building; /* owned */
	uint32_t left; /* slots that are still to be spread over a larger ring, from the end */
};

/* Begins with a service, in the room of the one before. 0 or -ENOMEM. */
int wanted_begin(struct wanted *wanted, const struct service *service);
/* Goes on by at most *budget steps, of about 10 ns, and takes those it made off it. 1: there is more to be
 * done, 0: `slots` are filled, or -errno. */
int wanted_go_on(struct wanted *wanted, size_t *budget);
void wanted_free(struct wanted *wanted);

#endif
