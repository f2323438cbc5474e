/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings and their transitions, for apply.c alone. See apply.h for who calls it.
 */
#ifndef SHUNT_APPLY_RING_H
#define SHUNT_APPLY_RING_H

struct apply;

/* Stores the rings of services that are stale. 0 or the first -errno; what failed stays stale. */
int apply_rings(struct apply *apply);
/* Lets go of those that are gone from the file and have no flows any more, and finds out which services have
 * still to be looked after. */
void apply_care(struct apply *apply);

#endif
