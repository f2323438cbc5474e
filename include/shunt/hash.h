/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash of a flow, and the share of a ring that it selects: the numbers that xdp/pick.h picks by.
 *
 * Compiled by both sides: packets are dealt by it, and `shunt explain` names the slot that it leads to.
 * Addresses and ports are in host order, so that directors of any byte order agree on each flow.
 */
#ifndef SHUNT_HASH_H
#define SHUNT_HASH_H

#include <linux/types.h>

#define SH_HASH_INLINE static inline __attribute__((always_inline))

/*
 * The finalizer of SplitMix64 (Steele, Lea, Flood 2014; D. Stafford's mix 13): a bijection in which
 * each input bit flips each output bit with a probability close to one half. Without its last step, which is
 * for the lower half: a packet to a backend behind one next hop does not need that one (sh_hash_share).
 */
SH_HASH_INLINE __u64 sh_mix_upper(__u64 x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	return (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
}

SH_HASH_INLINE __u64 sh_mix(__u64 x)
{
	x = sh_mix_upper(x);
	return x ^ (x >> 31);
}

SH_HASH_INLINE __u64 sh_hash_salt(__u32 protocol)
{
	return protocol * 0x9e3779b97f4a7c15ULL;
}

/* The hash of a flow, of which the two below are made. `ports`: the client's in the upper half, the VIP's in
 * the lower. */
SH_HASH_INLINE __u64 sh_hash4(__u32 client, __u32 ports, __u32 protocol)
{
	return sh_mix_upper(((__u64)client << 32 | ports) ^ sh_hash_salt(protocol));
}

/* An address of 128 bits as 64: an odd multiplier carries the upper half's bits across, so that the two
 * halves cannot cancel out. */
SH_HASH_INLINE __u64 sh_hash_fold(__u64 high, __u64 low)
{
	high *= 0xd6e8feb86659fd93ULL;
	return sh_mix((high ^ (high >> 32)) + low);
}

SH_HASH_INLINE __u64 sh_hash6(__u64 high, __u64 low, __u32 ports, __u32 protocol)
{
	return sh_mix_upper(sh_hash_fold(high, low) ^ ports ^ sh_hash_salt(protocol));
}

/* Where the flow lies on its service's ring, as a part of 2^32 of the way round. */
SH_HASH_INLINE __u32 sh_hash_ring(__u64 hash)
{
	return (__u32)(hash >> 32);
}

/* What spreads flows of the same slot: over the next hops of their backend, and over its queues. */
SH_HASH_INLINE __u32 sh_hash_share(__u64 hash)
{
	return (__u32)(hash ^ hash >> 31);
}

/* Which of `count` slots lies `share`/2^32 of the way round the ring. */
SH_HASH_INLINE __u32 sh_hash_slot(__u32 share, __u32 count)
{
	return (__u32)(((__u64)share * count) >> 32);
}

#endif
