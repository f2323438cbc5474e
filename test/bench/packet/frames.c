/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Frames made and changed byte by byte: a second way to say what the programs under test do.
 */
#include "frames.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <string.h>

#define PAYLOAD 10

static struct sh_ip address(uint8_t family, const char *ipv4, const char *ipv6, uint32_t number)
{
	struct sh_ip ip = {0};

	if (family == SH_FAMILY_IPV4) {
		inet_pton(AF_INET, ipv4, &ip);
		ip.w[0] |= htonl(number);
	} else {
		inet_pton(AF_INET6, ipv6, &ip);
		ip.w[3] |= htonl(number);
	}
	return ip;
}

struct sh_ip frame_vip(uint8_t family, uint32_t number)
{
	return address(family, "203.0.113.0", "2001:db8:2::", number);
}

struct sh_ip frame_backend(uint8_t family, uint32_t number)
{
	return address(family, "198.51.100.0", "2001:db8:1::", number);
}

static struct sh_ip client_of(uint8_t family, uint32_t flow)
{
	return address(family, "198.18.0.0", "2001:db8:9::", flow & ((1U << BENCH_CLIENT_BITS) - 1));
}

void frame_backend_mac(uint32_t number, uint8_t mac[6])
{
	const uint8_t made[6] = {2, 0, 0, 1, 0, (uint8_t)number};

	memcpy(mac, made, sizeof(made));
}

void frame_own_mac(uint8_t mac[6])
{
	const uint8_t made[6] = {2, 0, 0, 0, 0, 2};

	memcpy(mac, made, sizeof(made));
}

static uint32_t sum_words(const uint8_t *bytes, uint32_t size)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < size; i += 2) {
		uint16_t word = 0;

		memcpy(&word, bytes + i, size - i < 2 ? 1 : 2);
		sum += word;
	}
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void ipv4_checksum(struct frame *frame)
{
	struct iphdr ip;

	memcpy(&ip, frame_l3(frame), sizeof(ip));
	ip.check = 0;
	memcpy(frame_l3(frame), &ip, sizeof(ip));
	ip.check = (uint16_t)~fold(sum_words(frame_l3(frame), sizeof(ip)));
	memcpy(frame_l3(frame), &ip, sizeof(ip));
}

uint16_t frame_tcp_sum(struct frame *frame, uint8_t family)
{
	uint8_t *l4 = frame_l4(frame, family);
	uint32_t size = frame->size - (uint32_t)(l4 - frame->bytes);
	uint32_t addresses = family == SH_FAMILY_IPV4 ? 8 : 32;

	return fold(sum_words(l4 - addresses, addresses + size) + htons((uint16_t)size) + htons(IPPROTO_TCP));
}

static void write_ip(const struct frame_kind *kind, uint32_t flow, struct frame *frame)
{
	uint16_t l4_bytes = sizeof(struct tcphdr) + PAYLOAD;
	struct sh_ip client = client_of(kind->family, flow), vip = frame_vip(kind->family, kind->vip);

	if (kind->family == SH_FAMILY_IPV4) {
		struct iphdr ip = {.version = 4,
				   .ihl = 5,
				   .tot_len = htons((uint16_t)(sizeof(ip) + l4_bytes)),
				   .frag_off = htons(0x4000),
				   .ttl = 64,
				   .protocol = IPPROTO_TCP,
				   .saddr = client.w[0],
				   .daddr = vip.w[0]};

		memcpy(frame_l3(frame), &ip, sizeof(ip));
		ipv4_checksum(frame);
		return;
	}
	struct ipv6hdr ip = {
		.version = 6, .payload_len = htons(l4_bytes), .nexthdr = IPPROTO_TCP, .hop_limit = 64};

	memcpy(&ip.saddr, &client, sizeof(ip.saddr));
	memcpy(&ip.daddr, &vip, sizeof(ip.daddr));
	memcpy(frame_l3(frame), &ip, sizeof(ip));
}

void frame_of(const struct frame_kind *kind, uint32_t flow, struct frame *out)
{
	static const struct ethhdr eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, 0};
	uint16_t type = htons(kind->family == SH_FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6);
	struct tcphdr tcp = {.source = htons((uint16_t)(BENCH_CLIENT_PORT + (flow >> BENCH_CLIENT_BITS))),
			     .dest = htons(FRAME_PORT),
			     .seq = htonl(1),
			     .doff = 5,
			     .syn = kind->begins,
			     .ack = !kind->begins,
			     .window = htons(1000)};
	uint8_t *l4;

	*out = (struct frame){0};
	l4 = frame_l4(out, kind->family);
	out->size = (uint32_t)(l4 - out->bytes) + sizeof(tcp) + PAYLOAD;
	memcpy(out->bytes, &eth, sizeof(eth));
	memcpy(out->bytes + 12, &type, sizeof(type));
	write_ip(kind, flow, out);
	memcpy(l4, &tcp, sizeof(tcp));
}

void frame_plan(const struct frame_kind *kind, struct bench_plan *out)
{
	struct frame frame;

	frame_of(kind, 0, &frame);
	*out = (struct bench_plan){.flows = 1, .frame_size = frame.size};
	memcpy(out->frame, frame.bytes, sizeof(out->frame));
	out->sum = sum_words(frame_l3(&frame), 10) + sum_words(frame_l3(&frame) + 16, 4);
}

void frame_macs(struct frame *frame, const uint8_t dst[6], const uint8_t src[6])
{
	memcpy(frame->bytes, dst, 6);
	memcpy(frame->bytes + 6, src, 6);
}

void frame_route(struct frame *frame, uint8_t family)
{
	if (family == SH_FAMILY_IPV6) {
		frame_l3(frame)[7]--;
		return;
	}
	frame_l3(frame)[8]--;
	ipv4_checksum(frame);
}

void frame_redirect(struct frame *frame, uint8_t family, const struct sh_ip *to)
{
	if (family == SH_FAMILY_IPV6)
		memcpy(frame_l3(frame) + 24, to, 16);
	else
		memcpy(frame_l3(frame) + 16, to, 4);
	frame_route(frame, family);
}

/* The outer IP header, and the flow label that came: a matter of the hash. */
static void wrap_ip(struct frame *frame, uint8_t family, const struct sh_ip *to, uint8_t protocol,
		    const struct frame *came)
{
	struct sh_ip from = frame_backend(family, FRAME_OWN);
	uint16_t bytes = (uint16_t)(frame->size - 14);
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .tot_len = htons(bytes),
			   .frag_off = htons(0x4000),
			   .ttl = 64,
			   .protocol = protocol,
			   .saddr = from.w[0],
			   .daddr = to->w[0]};
	struct ipv6hdr ip6 = {.version = 6,
			      .payload_len = htons((uint16_t)(bytes - sizeof(ip6))),
			      .nexthdr = protocol,
			      .hop_limit = 64};

	if (family == SH_FAMILY_IPV4) {
		memcpy(frame_l3(frame), &ip, sizeof(ip));
		ipv4_checksum(frame);
		return;
	}
	memcpy(&ip6.saddr, &from, sizeof(ip6.saddr));
	memcpy(&ip6.daddr, to, sizeof(ip6.daddr));
	memcpy(frame_l3(frame), &ip6, sizeof(ip6));
	frame->bytes[15] = came->bytes[15] & 0x0f;
	memcpy(frame->bytes + 16, came->bytes + 16, 2);
}

/* UDP's checksum, in IPv6, is right by the inner packet's sum alone where that is right: not so here,
 * where TCP has none, so it is taken as it came. */
static void wrap_udp(struct frame *frame, uint8_t family, const struct frame *came)
{
	uint8_t *at = frame_l4(frame, family);
	const uint8_t *there = came->bytes + (at - frame->bytes);
	struct udphdr udp = {.dest = htons(FRAME_GUE_PORT),
			     .len = htons((uint16_t)(frame->size - (uint32_t)(at - frame->bytes)))};

	memcpy(&udp.source, there, sizeof(udp.source));
	if (family == SH_FAMILY_IPV6)
		memcpy(&udp.check, there + 6, sizeof(udp.check));
	memcpy(at, &udp, sizeof(udp));
}

void frame_wrap(struct frame *frame, uint8_t family, const struct sh_ip *to, bool gue,
		const struct frame *came)
{
	uint32_t more = (uint32_t)(frame_l4(frame, family) - frame_l3(frame)) +
			(gue ? sizeof(struct udphdr) : 0);
	uint8_t inner = family == SH_FAMILY_IPV4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	frame_route(frame, family);
	memmove(frame_l3(frame) + more, frame_l3(frame), frame->size - 14);
	frame->size += more;
	wrap_ip(frame, family, to, gue ? IPPROTO_UDP : inner, came);
	if (gue)
		wrap_udp(frame, family, came);
}
