/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Random packets: valid ones of every kind that a network carries, and then mutated ones.
 */
#ifndef TEST_PROPERTY_PACKETS_H
#define TEST_PROPERTY_PACKETS_H

#include <stdint.h>

#include "dice.h"

#define PACKET_MAX 2048

struct packet {
	uint32_t size; /* at least 14, which a test run wants */
	uint8_t bytes[PACKET_MAX];
};

/*
 * A valid frame: to a VIP, to this node, or to nobody; TCP, UDP, QUIC, ICMP or another; plain, in fragments,
 * with options, extension headers, tags, in a tunnel, as an ICMP error's payload; or ARP.
 */
void packet_make(struct dice *dice, struct packet *out);
/* Changes it in a few places: bits, bytes, lengths, its end, a piece twice. Half of them not at all. */
void packet_mutate(struct dice *dice, struct packet *packet);

#endif
