/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is in a frame, by the RFCs alone: nothing here comes from xdp/, so that both may be wrong only by
 * the same misreading. Works on bytes; whatever lies is told, nothing is believed.
 */
#ifndef TEST_PROPERTY_SIGHT_H
#define TEST_PROPERTY_SIGHT_H

#include <stdbool.h>
#include <stdint.h>

struct sight {
	unsigned int tags; /* 802.1Q and 802.1ad, as many as there are */
	uint8_t family;	   /* 4 or 6; 0: the ethertype says neither */
	const uint8_t *l3;
	uint32_t room;	 /* from there to the end of the frame */
	uint32_t bytes;	 /* of the packet, by its own length */
	uint32_t header; /* of IP, without extension headers */
	bool whole;	 /* version and lengths are right, and all of it is there */
	bool ip_sum;	 /* the header's checksum is right; IPv6 has none */
	const uint8_t *src, *dst;
	uint32_t address; /* bytes of one */
	uint8_t ttl, traffic_class;
	bool options;	  /* of IPv4, or extension headers */
	bool fragment;	  /* one of several; an IPv6 "atomic" one, too */
	bool later;	  /* and not the first of them */
	uint8_t protocol; /* behind the extension headers */
	const uint8_t *l4;
	uint32_t l4_bytes;
	bool ports; /* a whole TCP or UDP header, and no fragment */
	uint16_t src_port, dst_port;
};

void sight_frame(const uint8_t *frame, uint32_t size, struct sight *out);
/* The same from an IP header on, of that family; `room` bytes. */
void sight_ip(const uint8_t *l3, uint32_t room, uint8_t family, struct sight *out);

enum sight_sum { SUM_NONE, SUM_RIGHT, SUM_WRONG };

/* The checksum of TCP, UDP, ICMP or ICMPv6, were `dst` the destination. NONE: there is none, or it cannot be
 * told (fragments, other protocols). */
enum sight_sum sight_l4_sum(const struct sight *sight, const uint8_t *dst);

/* All 16-bit words added up (RFC 1071). */
uint32_t sight_add(uint32_t sum, const uint8_t *at, uint32_t size);
uint16_t sight_fold(uint32_t sum);

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

#endif
