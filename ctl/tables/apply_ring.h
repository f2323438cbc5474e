/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings and their transitions in a pass, for apply.c alone: a phase each. See apply.h for the rest.
 */
#ifndef SHUNT_APPLY_RING_H
#define SHUNT_APPLY_RING_H

#include <stddef.h>
#include <stdint.h>

struct apply;
struct model;
struct service;

/* Goes on with the ring that is being stored, or begins with that of the next service of the round. Returns
 * what that was worth (apply.c), 0 where no ring is left. *err: 0, or -errno and the service is marked again.
 */
size_t apply_store_rings(struct apply *apply, int *err);

/* Lets go of those that are gone from the file and have no flows any more, and finds out which services have
 * still to be looked after: likewise. */
size_t apply_care(struct apply *apply);
/* The one that is under way comes again in the next round. */
void apply_give_up_care(struct model *model);

/* After so long without a packet a flow is idle, in the unit of `seen`. */
uint32_t apply_idle(const struct service *service);

#endif
