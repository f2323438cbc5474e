/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What must hold of every packet, whatever is in it:
 *
 *  - verdict and counted reason agree
 *  - what passes is bit-identical, but for what goes to the kernel rewritten, is restored or taken out
 *  - a plain packet to a service is taken; where its TTL ends, its sender is told
 *  - only what is whole and addressed to a service (or, on a backend, to its own endpoints) is touched
 *  - what is forwarded has the MACs, the tag, the addresses, the TTL and the lengths that the service's way
 *    asks for, and else the bytes that came in
 *  - a checksum that was right is right, for the VIP where l3 has no DSCP; one that was wrong stays so
 *  - outer headers are right in every field, a UDP checksum too
 */
#ifndef TEST_PROPERTY_RULES_H
#define TEST_PROPERTY_RULES_H

#include <stdbool.h>

#include "packets.h"

struct trial {
	bool director, backend; /* what the program does */
	const struct packet *in;
	const struct packet *out;
	uint32_t verdict;
	const char *reason;
};

/* NULL, or what does not hold. */
const char *rules_broken(const struct trial *trial);

#endif
