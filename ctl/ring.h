/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service's Maglev ring: which backend each share of its flows goes to.
 *
 * Pure and deterministic: two directors with the same file compute the same ring, whatever the
 * order of the backends. After Eisenbud et al., "Maglev: A Fast and Reliable Software Network
 * Load Balancer", NSDI 2016, section 3.4, with weights as turns.
 */
#ifndef SHUNT_RING_H
#define SHUNT_RING_H

#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

#define RING_MAX 65537

struct ring_member {
	struct addr address; /* its identity: the permutation follows from it alone */
	uint32_t weight;     /* 1..1000; a member with weight 0 gets no slot */
	uint32_t value;	     /* what is stored in its slots: the backend's index */
};

/* Slots for that many backends in the file: a prime, at least 100 for each, at most RING_MAX.
 * Taken from a short ladder of primes, each about twice the one before, so that adding one
 * backend rarely resizes the ring. */
uint32_t ring_size(size_t backends);

/*
 * Fills slots[0..size) with the members' values; 0 in every slot where no member has weight.
 * `size` is a prime from ring_size(). Members need not be sorted; their addresses differ.
 * 0, or -ENOMEM with `slots` untouched.
 */
int ring_build(const struct ring_member *members, size_t count, uint32_t *slots, uint32_t size);

#endif
