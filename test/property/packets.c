/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the inside out: an L4 header with its payload, then IP around it, perhaps more IP, then Ethernet.
 * `at` is where the packet begins in a buffer with room before it.
 */
#include "packets.h"

#include <netinet/in.h>
#include <string.h>

#include "setting.h"
#include "sight.h"

#define FRONT 512 /* room for headers */

struct made {
	uint8_t bytes[PACKET_MAX];
	uint32_t at, end;
	uint8_t family; /* of the outermost IP header; 0: none yet */
};

static uint8_t *push(struct made *made, uint32_t size)
{
	made->at -= size;
	memset(made->bytes + made->at, 0, size);
	return made->bytes + made->at;
}

static uint32_t size_of(const struct made *made)
{
	return made->end - made->at;
}

/* ---- L4 -------------------------------------------------------------------------------------------- */

/* The checksum of what is there now, between two addresses. */
static void put_sum(struct made *made, uint8_t protocol, uint32_t where, const uint8_t *src,
		    const uint8_t *dst, uint8_t family)
{
	uint8_t *l4 = made->bytes + made->at;
	uint32_t sum = 0, address = family == 4 ? 4 : 16, check;

	if (protocol != IPPROTO_ICMP) {
		sum = sight_add(protocol + size_of(made), src, address);
		sum = sight_add(sum, dst, address);
	}
	check = (uint16_t)~sight_fold(sight_add(sum, l4, size_of(made)));
	put16(l4 + where, protocol == IPPROTO_UDP && !check ? 0xffff : check);
}

static void push_tcp(struct made *made, struct dice *dice, uint16_t port)
{
	static const uint8_t flags[] = {0x02, 0x10, 0x18, 0x11, 0x12, 0x04};
	uint32_t options = dice_once(dice, 3) ? 4 * dice_below(dice, 11) : 0;
	uint8_t *tcp = push(made, 20 + options);

	put16(tcp, 1024 + dice_below(dice, 60000));
	put16(tcp + 2, port);
	tcp[7] = 1;
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = flags[dice_below(dice, sizeof(flags))];
	memset(tcp + 20, 1, options);
}

/* Perhaps with a QUIC Initial's first bytes. */
static void push_udp(struct made *made, struct dice *dice, uint16_t port)
{
	uint8_t *udp = push(made, 8);

	if (size_of(made) > 40 && dice_once(dice, 3)) {
		udp[8] = 0xc0;
		put16(udp + 9, 0);
		put16(udp + 11, 1);
		udp[13] = 8;
	}
	put16(udp, 1024 + dice_below(dice, 60000));
	put16(udp + 2, port);
	put16(udp + 4, size_of(made));
}

static void push_l4(struct made *made, struct dice *dice, uint8_t protocol, const uint8_t *src,
		    const uint8_t *dst, uint8_t family)
{
	static const uint16_t ports[] = {80, 443, GUE_PORT, 22};
	uint16_t port = dice_once(dice, 6) ? ports[dice_below(dice, 4)] : protocol == IPPROTO_TCP ? 80 : 443;
	uint8_t *icmp;

	switch (protocol) {
	case IPPROTO_TCP:
		push_tcp(made, dice, port);
		put_sum(made, protocol, 16, src, dst, family);
		break;
	case IPPROTO_UDP:
		push_udp(made, dice, port);
		if (family == 6 || !dice_once(dice, 4))
			put_sum(made, protocol, 6, src, dst, family);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		icmp = push(made, 8);
		icmp[0] = protocol == IPPROTO_ICMP ? 8 : 128;
		put_sum(made, protocol, 2, src, dst, family);
		break;
	}
}

/* ---- IP -------------------------------------------------------------------------------------------- */

static void push_ipv4(struct made *made, struct dice *dice, uint8_t protocol, const uint8_t *src,
		      const uint8_t *dst)
{
	uint32_t options = dice_once(dice, 12) ? 4 * dice_below(dice, 11) : 0;
	uint32_t fragment = dice_once(dice, 12) ? dice_below(dice, 0x4000) : 0;
	uint8_t *ip = push(made, 20 + options);

	ip[0] = (uint8_t)(0x40 | (20 + options) / 4);
	ip[1] = dice_once(dice, 4) ? (uint8_t)dice_roll(dice) : 0;
	put16(ip + 2, size_of(made));
	put16(ip + 4, dice_roll(dice));
	put16(ip + 6, fragment ? fragment : 0x4000);
	ip[8] = dice_once(dice, 16) ? (uint8_t)dice_below(dice, 3) : 64;
	ip[9] = protocol;
	memcpy(ip + 12, src, 4);
	memcpy(ip + 16, dst, 4);
	memset(ip + 20, 1, options);
	put16(ip + 10, (uint16_t)~sight_fold(sight_add(0, ip, 20 + options)));
	made->family = 4;
}

/* Pushes an extension header, and returns its number. */
static uint8_t push_extension(struct made *made, struct dice *dice, uint8_t next)
{
	static const uint8_t kinds[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT};
	uint8_t kind = kinds[dice_below(dice, 4)];
	uint8_t *header = push(made, 8);

	header[0] = next;
	if (kind == IPPROTO_FRAGMENT)
		put16(header + 2, dice_below(dice, 0x4000));
	else if (kind != IPPROTO_ROUTING)
		header[2] = 1; /* PadN */
	return kind;
}

static void push_ipv6(struct made *made, struct dice *dice, uint8_t protocol, const uint8_t *src,
		      const uint8_t *dst)
{
	uint8_t *ip;

	for (uint32_t more = dice_once(dice, 12) ? 1 + dice_below(dice, 3) : 0; more; more--)
		protocol = push_extension(made, dice, protocol);
	ip = push(made, 40);
	put16(ip + 4, size_of(made) - 40);
	put16(ip, 0x6000 | (dice_once(dice, 4) ? dice_below(dice, 0x1000) : 0));
	put16(ip + 2, dice_roll(dice));
	ip[6] = protocol;
	ip[7] = dice_once(dice, 16) ? (uint8_t)dice_below(dice, 3) : 64;
	memcpy(ip + 8, src, 16);
	memcpy(ip + 24, dst, 16);
	made->family = 6;
}

static void push_ip(struct made *made, struct dice *dice, uint8_t family, uint8_t protocol,
		    const uint8_t *src, const uint8_t *dst)
{
	if (family == 4)
		push_ipv4(made, dice, protocol, src, dst);
	else
		push_ipv6(made, dice, protocol, src, dst);
}

static void client(struct dice *dice, uint8_t family, uint8_t out[static 16])
{
	memset(out, 0, 16);
	memcpy(out,
	       family == 4 ? (const uint8_t[]){198, 18, 0}
			   : (const uint8_t[]){0x20, 0x01, 0x0d, 0xb8, 0, 0xc},
	       family == 4 ? 3 : 6);
	out[family == 4 ? 3 : 15] = (uint8_t)dice_roll(dice);
}

/* A VIP mostly, this node sometimes, else somebody. */
static void destination(struct dice *dice, uint8_t family, uint8_t out[static 16])
{
	const struct goal *goal = &setting_goals[2 * dice_below(dice, KINDS) + (family == 6)];
	uint32_t which = dice_below(dice, 16);

	memset(out, 0, 16);
	if (which > 3)
		memcpy(out, goal->vip, 16);
	else if (which)
		memcpy(out, family == 4 ? setting_own4 : setting_own6, family == 4 ? 4 : 16);
	else
		client(dice, family, out);
}

static uint8_t pick_protocol(struct dice *dice, uint8_t family)
{
	uint32_t which = dice_below(dice, 16);

	if (which < 8)
		return IPPROTO_TCP;
	if (which < 14)
		return IPPROTO_UDP;
	if (which == 14)
		return (uint8_t)dice_below(dice, 256);
	return family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* ---- around it ----------------------------------------------------------------------------------------- */

/* What was a question becomes the answer to it: addresses and ports change places, and no checksum
 * changes by that. */
static void turn_round(struct made *made)
{
	uint8_t *ip = made->bytes + made->at, other[16], *l4;
	uint32_t size = made->family == 4 ? 4 : 16, src = made->family == 4 ? 12 : 8;
	struct sight sight;

	sight_ip(ip, size_of(made), made->family, &sight);
	memcpy(other, ip + src, size);
	memcpy(ip + src, ip + src + size, size);
	memcpy(ip + src + size, other, size);
	if (!sight.ports)
		return;
	l4 = ip + (sight.l4 - sight.l3);
	put16(l4, sight.dst_port);
	put16(l4 + 2, sight.src_port);
}

/* An ICMP error of a router about a VIP's answer, to the VIP, or to this node. */
static void push_error(struct made *made, struct dice *dice)
{
	uint8_t src[16], dst[16], *icmp, v4 = made->family == 4;
	const uint8_t *ip = made->bytes + made->at;

	turn_round(made);
	memset(dst, 0, sizeof(dst));
	memcpy(dst, ip + (v4 ? 12 : 8), v4 ? 4 : 16);
	/* As a director hands it on by l3. */
	if (dice_once(dice, 4))
		memcpy(dst, v4 ? setting_own4 : setting_own6, v4 ? 4 : 16);
	client(dice, made->family, src);
	icmp = push(made, 8);
	icmp[0] = v4 ? 3 : 1 + dice_below(dice, 4);
	icmp[1] = v4 ? (uint8_t)dice_below(dice, 5) : 0;
	put16(icmp + 6, 1400);
	put_sum(made, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, 2, src, dst, made->family);
	push_ip(made, dice, made->family, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6, src, dst);
}

/* In a tunnel to this node: IP in IP of any two families, or GUE. */
static void push_tunnel(struct made *made, struct dice *dice)
{
	uint8_t protocol = made->family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6,
		family = dice_once(dice, 2) ? 4 : 6;
	uint8_t src[16], *udp;

	client(dice, family, src);
	if (dice_once(dice, 2)) {
		udp = push(made, 8);
		put16(udp, 50000);
		put16(udp + 2, GUE_PORT);
		put16(udp + 4, size_of(made));
		protocol = IPPROTO_UDP;
	}
	push_ip(made, dice, family, protocol, src, family == 4 ? setting_own4 : setting_own6);
}

static void push_ethernet(struct made *made, struct dice *dice)
{
	static const uint8_t macs[] = {2, 0, 0, 0, 0, 0xd0, 2, 0, 0, 0, 0x0c, 1};
	uint8_t *eth = push(made, 2);

	put16(eth, made->family == 4 ? 0x0800 : 0x86dd);
	for (uint32_t tags = dice_once(dice, 16) ? 1 + dice_below(dice, 2) : 0; tags; tags--) {
		eth = push(made, 4);
		put16(eth, dice_once(dice, 2) ? 0x8100 : 0x88a8);
		put16(eth + 2, dice_below(dice, 4096));
	}
	memcpy(push(made, 12), macs, sizeof(macs));
	if (dice_once(dice, 32))
		made->bytes[made->at] |= 1;
}

static uint32_t payload_size(struct dice *dice)
{
	switch (dice_below(dice, 4)) {
	case 0:
		return 0;
	case 1:
		return dice_below(dice, 1400);
	case 2:
		return 1200 + dice_below(dice, 100);
	}
	return dice_below(dice, 64);
}

static void make_arp(struct made *made, struct dice *dice)
{
	uint8_t *arp = push(made, 46 + 14);

	memset(arp, 0xff, 6);
	put16(arp + 12, dice_once(dice, 2) ? 0x0806 : dice_roll(dice));
}

static void make(struct made *made, struct dice *dice)
{
	uint8_t family = dice_once(dice, 2) ? 4 : 6, protocol = pick_protocol(dice, family), src[16], dst[16];
	uint32_t around = dice_below(dice, 16);

	client(dice, family, src);
	destination(dice, family, dst);
	push_l4(made, dice, protocol, src, dst, family);
	push_ip(made, dice, family, protocol, src, dst);
	if (around == 0)
		push_error(made, dice);
	else if (around < 4)
		push_tunnel(made, dice);
	push_ethernet(made, dice);
}

void packet_make(struct dice *dice, struct packet *out)
{
	struct made made = {.at = FRONT};

	made.end = FRONT + payload_size(dice);
	for (uint32_t i = made.at; i < made.end; i += 4) {
		uint32_t word = dice_roll(dice);

		memcpy(made.bytes + i, &word, 4);
	}
	if (dice_once(dice, 64))
		make_arp(&made, dice);
	else
		make(&made, dice);
	/* Padding of short frames, or a trailer. */
	if (dice_once(dice, 8))
		made.end += dice_below(dice, 32);
	out->size = size_of(&made);
	memcpy(out->bytes, made.bytes + made.at, out->size);
}

/* ---- mutations ------------------------------------------------------------------------------------------
 */

/* Headers are hit more often than payload. */
static uint32_t somewhere(struct dice *dice, const struct packet *packet)
{
	uint32_t upto = dice_once(dice, 4) || packet->size < 100 ? packet->size : 100;

	return dice_below(dice, upto);
}

static void mutate(struct dice *dice, struct packet *packet)
{
	uint32_t at = somewhere(dice, packet), from = somewhere(dice, packet), size;

	switch (dice_below(dice, 7)) {
	case 0:
		packet->bytes[at] ^= (uint8_t)(1U << dice_below(dice, 8));
		break;
	case 1:
		packet->bytes[at] = (uint8_t)dice_roll(dice);
		break;
	case 2:
		packet->bytes[at] = dice_once(dice, 2) ? 0 : 0xff;
		break;
	case 3: /* a length, if it is one, off by a little */
		if (at + 2 <= packet->size)
			put16(packet->bytes + at, get16(packet->bytes + at) + dice_below(dice, 17) - 8U);
		break;
	case 4: /* cut */
		packet->size = 14 + dice_below(dice, packet->size - 13);
		break;
	case 5: /* longer */
		size = dice_below(dice, 64);
		memset(packet->bytes + packet->size, (int)dice_below(dice, 256), size);
		packet->size += size;
		break;
	case 6: /* a piece of it again, elsewhere */
		size = dice_below(dice, 40);
		if (from + size <= packet->size && at + size <= packet->size)
			memmove(packet->bytes + at, packet->bytes + from, size);
		break;
	}
}

void packet_mutate(struct dice *dice, struct packet *packet)
{
	if (dice_once(dice, 2))
		return;
	for (uint32_t times = 1 + dice_below(dice, 4); times; times--)
		mutate(dice, packet);
}
