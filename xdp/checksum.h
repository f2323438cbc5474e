/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The IPv4 header checksum, kept right by what changed (RFC 1624, equation 3):
 *
 *	HC' = ~(~HC + ~m + m')
 *
 * Sums are kept unfolded in 64 bits. One's complement sums do not depend on the byte order, so
 * words are added as they lie in the packet.
 */
#ifndef SHUNT_CHECKSUM_H
#define SHUNT_CHECKSUM_H

#include <linux/ip.h>
#include <bpf/bpf_endian.h>

/* ~m + m' for the word {TTL, protocol} when the TTL goes down by one: 0xffff - 0x0100. */
#define SH_TTL_DOWN bpf_htons(0xfeff)

static __always_inline __u64 sh_sum_replace(__be32 old, __be32 new)
{
	return (__u64)(__u32)~old + new;
}

/* A sum below 2^36 in 16 bits. */
static __always_inline __u16 sh_sum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* `check` after `change`, a sum of ~m + m' terms below 2^36. */
static __always_inline __sum16 sh_sum_patched(__sum16 check, __u64 change)
{
	return (__u16)~sh_sum_fold((__u16)~check + change);
}

/* The TTL goes down by one, the checksum with it. Two numbers of 16 bits: what is carried once is all. */
static __always_inline void sh_checksum_ttl_down(struct iphdr *ip)
{
	__u32 sum = (__u16)~ip->check + (__u32)SH_TTL_DOWN;

	ip->check = ~(sum + (sum >> 16));
	ip->ttl--;
}

/* Adds `change` to the header's checksum. */
static __always_inline void sh_checksum_apply(struct iphdr *ip, __u64 change)
{
	ip->check = sh_sum_patched(ip->check, change);
}

#endif
