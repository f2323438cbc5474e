/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings and their transitions, for apply.c alone. See apply.h for who calls it.
 */
#ifndef SHUNT_APPLY_RING_H
#define SHUNT_APPLY_RING_H

struct apply;

struct service;

/* Stores the ring of a service. 0 or -errno. */
int apply_store_ring(struct apply *apply, struct service *service);
/* Lets go of those that are gone from the file and have no flows any more, and finds out which services have
 * still to be looked after. */
void apply_care(struct apply *apply);

#endif
