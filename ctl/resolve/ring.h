/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A service's Maglev ring: which backend each share of its flows goes to.
 *
 * Pure and deterministic: two directors with the same file compute the same ring, whatever the
 * order of the backends. After Eisenbud et al., "Maglev: A Fast and Reliable Software Network
 * Load Balancer", NSDI 2016, section 3.4, with exact shares and a stable assignment in place of
 * turns (ring.c says why).
 *
 * Every member has its weight's share of the slots, rounded down or up. Removing or adding one of
 * n equal members moves 1.0/n of 65,536 slots for n up to 10, 1.2/n for 50, 1.3/n for 100, 2.2/n for
 * 300 and 3.5/n for 650, where each has but 100 slots.
 */
#ifndef SHUNT_RING_H
#define SHUNT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

#define RING_MIN 128
#define RING_MAX 65536

struct ring_member {
	struct addr address; /* its identity: the permutation follows from it alone */
	uint32_t weight;     /* 1..1000: at least one slot, while there are enough; 0: no slot */
	uint32_t value;	     /* what is stored in its slots: the backend's index */
};

/* Slots for that many backends in the file: at least 100 for each, at most RING_MAX, and a power of
 * two: adding one backend rarely resizes the ring, and where it does, a slot of the smaller ring is
 * a whole number of slots of the larger, so that who moves from where is known slot by slot. */
uint32_t ring_size(size_t backends);

/*
 * Fills slots[0..size) with the members' values; 0 in every slot where no member has weight.
 * `size` is one from ring_size(). Members need not be sorted; their addresses differ.
 * 0, or -errno with `slots` untouched: -ENOMEM, or -EINVAL where two members are to share less than two
 * slots.
 */
int ring_build(const struct ring_member *members, size_t count, uint32_t *slots, uint32_t size);

/*
 * The same in parts, where others are to have their turn between: a ring of 65,536 slots takes milliseconds.
 * `members` and `slots` are borrowed until ring_end, and the members must stay as they are. Errors as above,
 * and *out for ring_end only after 0.
 */
struct ring_building;
int ring_begin(const struct ring_member *members, size_t count, uint32_t *slots, uint32_t size,
	       struct ring_building **out);
/* Goes on by at most *budget steps, of about 10 ns, and takes those it made off it. True while there is more
 * to be done; `slots` is filled after. */
bool ring_go_on(struct ring_building *building, size_t *budget);
void ring_end(struct ring_building *building); /* at any time; NULL is fine */

#endif
