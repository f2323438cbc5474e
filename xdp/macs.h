/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A frame's MACs as words (<shunt/macs.h>), each by one load that takes two bytes of its neighbour along.
 */
#ifndef SHUNT_FRAME_MACS_H
#define SHUNT_FRAME_MACS_H

#include <linux/if_ether.h>

#include <shunt/macs.h>

static __always_inline __u64 sh_mac_destination(const struct ethhdr *eth)
{
	const void *frame = eth;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return *(const __u64 *)frame << 16 | 1;
	return sh_mac_of(eth->h_dest);
}

static __always_inline __u64 sh_mac_source(const struct ethhdr *eth)
{
	const void *frame = eth;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return (__u64) * (const __u32 *)(frame + 8) << 32 |
		       (__u32) * (const __u16 *)(frame + 6) << 16 | 1;
	return sh_mac_of(eth->h_source);
}

/* Of the MAC that a word of a next hop (`dst`, abi.h) begins with. */
static __always_inline __u64 sh_mac_of_hop(__u64 dst)
{
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		return dst << 16 | 1;
	return sh_mac_word(dst >> 48, dst >> 16);
}

/* Is the frame to the source MAC of those that a frame begins with: eight bytes and four as they lie in
 * memory? */
static __always_inline int sh_mac_is_to_source(const struct ethhdr *eth, __u64 first, __u32 second)
{
	const void *frame = eth;
	__u16 head = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? first >> 48 : first;

	return *(const __u32 *)(frame + 2) == second && *(const __u16 *)frame == head;
}

/* Is it from the destination MAC of those? Most often the first four bytes say no. (Eight in one load, of two
 * that were stored apart, may wait until the processor has joined them.) */
static __always_inline int sh_mac_is_from_destination(const struct ethhdr *eth, __u64 first)
{
	const void *source = eth->h_source;
	__u32 tail = first >> 16;
	__u16 head = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? first : first >> 48;

	return *(const __u32 *)(source + 2) == tail && *(const __u16 *)source == head;
}

#endif
