/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IEEE 802.3 and 802.1Q, RFC 791, 8200, 9293, 768, 792, 4443. See sight.h.
 */
#include "sight.h"

#include <netinet/in.h>
#include <string.h>

uint32_t sight_add(uint32_t sum, const uint8_t *at, uint32_t size)
{
	for (uint32_t i = 0; i + 1 < size; i += 2)
		sum += get16(at + i);
	if (size & 1)
		sum += (uint32_t)at[size - 1] << 8;
	return sum;
}

uint16_t sight_fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* TCP or UDP, whole and within the packet's own length. */
static void see_ports(struct sight *out)
{
	uint32_t length;

	if (out->protocol == IPPROTO_TCP) {
		if (out->l4_bytes < 20)
			return;
		length = (out->l4[12] >> 4) * 4U;
		out->ports = length >= 20 && length <= out->l4_bytes;
	} else if (out->protocol == IPPROTO_UDP) {
		if (out->l4_bytes < 8)
			return;
		length = get16(out->l4 + 4);
		out->ports = length >= 8 && length <= out->l4_bytes;
	}
	if (!out->ports)
		return;
	out->src_port = get16(out->l4);
	out->dst_port = get16(out->l4 + 2);
}

static void see_ipv4(struct sight *out)
{
	const uint8_t *ip = out->l3;

	if (out->room < 20)
		return;
	out->header = (ip[0] & 15) * 4U;
	out->bytes = get16(ip + 2);
	out->whole = ip[0] >> 4 == 4 && out->header >= 20 && out->bytes >= out->header &&
		     out->bytes <= out->room;
	out->src = ip + 12;
	out->dst = ip + 16;
	out->address = 4;
	out->ttl = ip[8];
	out->traffic_class = ip[1];
	if (!out->whole)
		return;
	out->options = out->header > 20;
	out->ip_sum = sight_fold(sight_add(0, ip, out->header)) == 0xffff;
	out->fragment = (get16(ip + 6) & 0x3fff) != 0;
	out->later = (get16(ip + 6) & 0x1fff) != 0;
	out->protocol = ip[9];
	out->l4 = ip + out->header;
	out->l4_bytes = out->bytes - out->header;
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_AH || next == IPPROTO_FRAGMENT || next == 135 || next == 139 || next == 140;
}

/* Walks the extension headers as far as they are there. */
static void see_extensions(struct sight *out)
{
	uint32_t length;

	while (is_extension(out->protocol) && out->l4_bytes >= 8) {
		out->options = true;
		length = (out->l4[1] + 1U) * 8;
		if (out->protocol == IPPROTO_AH)
			length = (out->l4[1] + 2U) * 4;
		if (out->protocol == IPPROTO_FRAGMENT) {
			length = 8;
			out->fragment = true;
			out->later = (get16(out->l4 + 2) & 0xfff8) != 0;
			if (out->later)
				return;
		}
		if (length > out->l4_bytes)
			return;
		out->protocol = out->l4[0];
		out->l4 += length;
		out->l4_bytes -= length;
	}
}

static void see_ipv6(struct sight *out)
{
	const uint8_t *ip = out->l3;

	if (out->room < 40)
		return;
	out->header = 40;
	out->bytes = 40U + get16(ip + 4);
	out->whole = ip[0] >> 4 == 6 && out->bytes <= out->room;
	out->src = ip + 8;
	out->dst = ip + 24;
	out->address = 16;
	out->ttl = ip[7];
	out->traffic_class = (uint8_t)(get16(ip) >> 4);
	out->ip_sum = true;
	if (!out->whole)
		return;
	out->protocol = ip[6];
	out->l4 = ip + 40;
	out->l4_bytes = out->bytes - 40;
	see_extensions(out);
}

void sight_ip(const uint8_t *l3, uint32_t room, uint8_t family, struct sight *out)
{
	memset(out, 0, sizeof(*out));
	out->family = family;
	out->l3 = l3;
	out->room = room;
	if (family == 4)
		see_ipv4(out);
	else
		see_ipv6(out);
	if (out->whole && !out->fragment)
		see_ports(out);
}

void sight_frame(const uint8_t *frame, uint32_t size, struct sight *out)
{
	uint32_t at = 12;
	unsigned int tags = 0;

	memset(out, 0, sizeof(*out));
	while (at + 2 <= size && (get16(frame + at) == 0x8100 || get16(frame + at) == 0x88a8)) {
		tags++;
		at += 4;
	}
	if (at + 2 <= size && get16(frame + at) == 0x0800)
		sight_ip(frame + at + 2, size - at - 2, 4, out);
	else if (at + 2 <= size && get16(frame + at) == 0x86dd)
		sight_ip(frame + at + 2, size - at - 2, 6, out);
	out->tags = tags;
}

/* Where the checksum lies, and how much it covers; 0 bytes: it cannot be told. */
static uint32_t covered(const struct sight *sight, uint32_t *check)
{
	uint32_t bytes = sight->l4_bytes;

	if (!sight->whole || sight->fragment)
		return 0;
	switch (sight->protocol) {
	case IPPROTO_TCP:
		*check = 16;
		return sight->ports ? bytes : 0;
	case IPPROTO_UDP:
		*check = 6;
		return sight->ports && get16(sight->l4 + 6) ? get16(sight->l4 + 4) : 0;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		*check = 2;
		return bytes >= 8 ? bytes : 0;
	}
	return 0;
}

enum sight_sum sight_l4_sum(const struct sight *sight, const uint8_t *dst)
{
	uint32_t check = 0, bytes = covered(sight, &check), sum = 0;

	if (!bytes)
		return SUM_NONE;
	if (sight->protocol != IPPROTO_ICMP) {
		sum = sight_add(sight->protocol + bytes, sight->src, sight->address);
		sum = sight_add(sum, dst, sight->address);
	}
	return sight_fold(sight_add(sum, sight->l4, bytes)) == 0xffff ? SUM_RIGHT : SUM_WRONG;
}
