/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ethernet, IP, and TCP or UDP, from the inside out. See frame.h.
 */
#include "frame.h"

#include <netinet/in.h>
#include <string.h>

#define ETHERNET 14
#define IPV4	 20
#define IPV6	 40
#define TCP	 20
#define UDP	 8

#define QUIC_LEAST 1200 /* of a datagram with a client's Initial (RFC 9000, 14.1) */

static const char *const names[FRAME_KINDS] = {"syn", "ack", "datagram", "initial"};

const char *frame_kind_name(enum frame_kind kind)
{
	return names[kind];
}

enum frame_kind frame_kind_named(const char *name)
{
	enum frame_kind kind = FRAME_SYN;

	while (kind < FRAME_KINDS && strcmp(names[kind], name) != 0)
		kind++;
	return kind;
}

static void put16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Adds bytes up as 16-bit words in network order (RFC 1071). */
static uint32_t add(uint32_t sum, const uint8_t *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_ipv4(const struct frame *frame, uint8_t *at, size_t size)
{
	at[0] = 0x45;
	put16(at + 2, size);
	at[6] = 0x40; /* DF */
	at[8] = frame->ttl ? frame->ttl : FRAME_TTL;
	at[9] = frame->protocol;
	memcpy(at + 12, frame->client.bytes, 4);
	memcpy(at + 16, frame->vip.bytes, 4);
	put16(at + 10, fold(add(0, at, IPV4)));
}

static void put_ipv6(const struct frame *frame, uint8_t *at, size_t size)
{
	at[0] = 0x60;
	put16(at + 4, size - IPV6);
	at[6] = frame->protocol;
	at[7] = frame->ttl ? frame->ttl : FRAME_TTL;
	memcpy(at + 8, frame->client.bytes, 16);
	memcpy(at + 24, frame->vip.bytes, 16);
}

static void put_tcp(const struct frame *frame, uint8_t *at)
{
	at[7] = 1; /* sequence number */
	at[12] = TCP / 4 << 4;
	at[13] = frame->kind == FRAME_SYN ? 0x02 : 0x10;
	put16(at + 14, 65535);
}

static void put_udp(const struct frame *frame, uint8_t *at, size_t size)
{
	put16(at + 4, size);
	if (frame->kind != FRAME_INITIAL)
		return;
	at[UDP] = 0xc0;	 /* long header, Initial */
	at[UDP + 4] = 1; /* version 1 */
	at[UDP + 5] = 8; /* connection ID of the client's choice */
	at[UDP + 13] = 0x5e;
}

static void put_checksum(const struct frame *frame, uint8_t *at, size_t size)
{
	size_t address = addr_size(&frame->vip);
	uint32_t sum = frame->protocol + (uint32_t)size;
	uint16_t check;

	sum = add(sum, frame->client.bytes, address);
	sum = add(sum, frame->vip.bytes, address);
	check = fold(add(sum, at, size));
	/* A UDP checksum of 0 would say that there is none. */
	if (frame->protocol == IPPROTO_UDP && !check)
		check = 0xffff;
	put16(at + (frame->protocol == IPPROTO_TCP ? 16 : 6), check);
}

static size_t ip_size(const struct frame *frame)
{
	return frame->vip.family == ADDR_IPV4 ? IPV4 : IPV6;
}

size_t frame_least(const struct frame *frame)
{
	static const size_t l4[FRAME_KINDS] = {TCP, TCP, UDP, UDP + QUIC_LEAST};

	return ETHERNET + ip_size(frame) + l4[frame->kind];
}

size_t frame_make(const struct frame *frame, uint8_t out[static FRAME_MAX])
{
	size_t size = frame->size ? frame->size : frame_least(frame), ip = ip_size(frame);
	uint8_t *l4 = out + ETHERNET + ip;

	if (size < frame_least(frame) || size > FRAME_MAX)
		return 0;
	memset(out, 0, size);
	memcpy(out, frame->dst_mac, 6);
	memcpy(out + 6, frame->src_mac, 6);
	if (frame->vip.family == ADDR_IPV4) {
		put16(out + 12, 0x0800);
		put_ipv4(frame, out + ETHERNET, size - ETHERNET);
	} else {
		put16(out + 12, 0x86dd);
		put_ipv6(frame, out + ETHERNET, size - ETHERNET);
	}
	put16(l4, frame->client_port);
	put16(l4 + 2, frame->vip_port);
	if (frame->protocol == IPPROTO_TCP)
		put_tcp(frame, l4);
	else
		put_udp(frame, l4, size - ETHERNET - ip);
	put_checksum(frame, l4, size - ETHERNET - ip);
	return size;
}
