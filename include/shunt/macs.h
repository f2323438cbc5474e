/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in `macs` a MAC of this node is found. Compiled by both sides.
 *
 * The MACs are those of the network namespace's devices that are up, of whatever kind: a VRRP master's
 * virtual MAC is its macvlan's. They lie by their last byte, SH_MACS_WAYS to a place. A place with more than
 * that says so, and takes any MAC: none of ours may be refused.
 */
#ifndef SHUNT_MACS_H
#define SHUNT_MACS_H

#include <shunt/abi.h>

/* A MAC as one word, from its first two and its other four bytes as they lie in memory; never
 * SH_MAC_NONE or SH_MAC_ANY. */
static inline __attribute__((always_inline)) __u64 sh_mac_word(__u16 first, __u32 rest)
{
	return (__u64)rest << 32 | (__u32)first << 16 | 1;
}

/* The same of six bytes anywhere. */
static inline __attribute__((always_inline)) __u64 sh_mac_of(const __u8 *mac)
{
	__u16 first;
	__u32 rest;

	__builtin_memcpy(&first, mac, sizeof(first));
	__builtin_memcpy(&rest, mac + sizeof(first), sizeof(rest));
	return sh_mac_word(first, rest);
}

/* The place, by the last byte. */
static inline __attribute__((always_inline)) __u32 sh_mac_place(__u64 word)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (__u32)(word >> 56) : (__u32)(word >> 32) & 0xff;
}

#endif
