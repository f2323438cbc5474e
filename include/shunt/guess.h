/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where in `guesses` a service is looked for, by its {VIP, port, protocol}.
 *
 * A guess is a service, found without a hash map: it counts only where it names the very VIP, port and
 * protocol of the packet (for the general way, where the service's record does), else the hash maps decide.
 * So a guess may be missing or another's (two VIPs share a place), and is never wrong. Compiled by both
 * sides; multiplicative hashing (Knuth, TAOCP 3, 6.4), on the keys' words as they lie in memory.
 */
#ifndef SHUNT_GUESS_H
#define SHUNT_GUESS_H

#include <shunt/abi.h>

#define SH_GUESS_MULTIPLIER 0x9e3779b97f4a7c15ULL
#define SH_GUESSES_PER_VIP  8 /* places for each: about one VIP in sixteen finds its own taken */

/* `key`: the eight bytes of a struct sh_endpoint4. */
static inline __attribute__((always_inline)) __u32 sh_guess4(__u64 key, __u32 size)
{
	return (__u32)((__u64)(__u32)(key * SH_GUESS_MULTIPLIER >> 32) * size >> 32);
}

/* `key`: the twenty bytes of a struct sh_endpoint6, as two words of eight bytes and one of four. */
static inline __attribute__((always_inline)) __u32 sh_guess6(__u64 high, __u64 low, __u32 tail, __u32 size)
{
	__u64 folded = high * 5 + low + ((__u64)tail << 32 | tail);

	return sh_guess4(folded, size);
}

/* The place of a service by its record. */
static inline __attribute__((always_inline)) __u32 sh_guess_of(const struct sh_service *service, __u32 size)
{
	const union {
		struct sh_endpoint4 key;
		__u64 word;
	} v4 = {{service->vip.w[0], service->vip_port, service->protocol, 0}};
	const union {
		struct sh_ip address;
		__u64 word[2];
	} v6 = {service->vip};
	const union {
		struct sh_endpoint4 key;
		__u32 word[2];
	} tail = {v4.key};

	if (service->family == SH_FAMILY_IPV4)
		return sh_guess4(v4.word, size);
	return sh_guess6(v6.word[0], v6.word[1], tail.word[1], size);
}

/* The guess that finds the service of that index and record. Its ring is there where that is all there is to
 * a packet: not where the service has ways of its own (flags), nor while somebody listens to events. */
static inline __attribute__((always_inline)) struct sh_guess sh_guess_by(const struct sh_service *service,
									 __u32 index, __u32 listening)
{
	struct sh_guess guess = {
		.service = index,
		.vip_port = service->vip_port,
		.protocol = service->protocol,
		.family = service->family,
		.vip = service->vip,
	};

	guess.where = service->flags || listening || !service->slots ? 0 : service->where;
	return guess;
}

#endif
