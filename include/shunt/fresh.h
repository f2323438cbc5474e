/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose a flow is, and where it lies in `fresh_sets` while one packet of it was seen so far (xdp/flows.h).
 *
 * A flow is its service's in the file, and stays that when the file gives a port another record, as from
 * `80/tcp` to `any/tcp`. Of two services that are taken for one here, once in 2^32, each flow counts for its
 * own alone, as its backend has the whole identity.
 *
 * A table of sets of eight flows, a cache line each. The hash's upper bits select the set, its lower 40 bits
 * stand for the flow, beside the index of its backend in one word. So another flow may be taken for it: once
 * in 2^37 times that a flow is looked for. Against an attack on one known flow that is no less than a table
 * with whole keys is, where a SYN forged from its client's address does as much.
 *
 * Compiled by both sides.
 */
#ifndef SHUNT_FRESH_H
#define SHUNT_FRESH_H

#include <shunt/abi.h>
#include <shunt/hash.h>

#define SH_FRESH_BACKEND_BITS 24

_Static_assert(SH_FRESH_SIZE == 1U << SH_FRESH_BITS, "sets of fresh flows");

SH_HASH_INLINE __u32 sh_flow_whose(__u64 owner, __u32 protocol)
{
	return (__u32)(owner >> 32) ^ (__u32)owner ^ protocol;
}

/* Reads the flow as words of four bytes, as whoever has just made it wrote it. */
SH_HASH_INLINE __u64 sh_fresh_hash(const struct sh_flow *flow)
{
	const __u32 *ports = (const __u32 *)&flow->client_port;
	__u64 high = (__u64)flow->client.w[0] << 32 | flow->client.w[1];
	__u64 low = (__u64)flow->client.w[2] << 32 | flow->client.w[3];

	return sh_mix(sh_hash_fold(high, low) ^ ((__u64)flow->whose << 32 | *ports));
}

SH_HASH_INLINE __u32 sh_fresh_place(__u64 hash)
{
	return (__u32)(hash >> (64 - SH_FRESH_BITS));
}

SH_HASH_INLINE __u64 sh_fresh_word(__u64 hash, __u32 backend)
{
	return hash << SH_FRESH_BACKEND_BITS | backend;
}

/* The backend, where the word is the flow's; else 0. */
SH_HASH_INLINE __u32 sh_fresh_backend(__u64 word, __u64 hash)
{
	__u64 backend = word ^ hash << SH_FRESH_BACKEND_BITS;

	return backend >> SH_FRESH_BACKEND_BITS ? 0 : (__u32)backend;
}

#endif
