/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packets of a measurement, as the prologue makes them and as they may come out.
 *
 * All are TCP with ten bytes behind it. Flow `n` has the n-th client address, and beyond
 * 2^BENCH_CLIENT_BITS of those the next port.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <shunt/abi.h>

#include "plan.h"

#define FRAME_MAX 256

struct frame {
	uint32_t size;
	uint8_t bytes[FRAME_MAX];
};

/* Who a packet is for. */
struct frame_kind {
	uint8_t family; /* SH_FAMILY_* */
	bool begins;	/* a SYN */
	uint32_t vip;	/* number of the VIP */
};

#define FRAME_PORT     80
#define FRAME_GUE_PORT 6080
#define FRAME_OWN      1 /* the director's own address, as a backend's number */

/* Addresses of the lab: the VIP, and the backend with a number. */
struct sh_ip frame_vip(uint8_t family, uint32_t number);
struct sh_ip frame_backend(uint8_t family, uint32_t number);

/* MACs: of the backend with a number (0: the router), and the director's own. */
void frame_backend_mac(uint32_t number, uint8_t mac[6]);
void frame_own_mac(uint8_t mac[6]);

/* The packet of a flow as it comes in. */
void frame_of(const struct frame_kind *kind, uint32_t flow, struct frame *out);

/* The part of the plan that makes such packets. */
void frame_plan(const struct frame_kind *kind, struct bench_plan *out);

/* Where the IP header and TCP's begin. */
static inline uint8_t *frame_l3(struct frame *frame)
{
	return frame->bytes + 14;
}

static inline uint8_t *frame_l4(struct frame *frame, uint8_t family)
{
	return frame_l3(frame) + (family == SH_FAMILY_IPV4 ? 20 : 40);
}

void frame_macs(struct frame *frame, const uint8_t dst[6], const uint8_t src[6]);

/* As routing changes it: one hop less, and IPv4's checksum anew. */
void frame_route(struct frame *frame, uint8_t family);

/* The same with another destination. TCP's checksum stays. */
void frame_redirect(struct frame *frame, uint8_t family, const struct sh_ip *to);

/* Wrapped by the director for a backend, in the same family; `gue`: with UDP between, from the port that
 * `came` has. */
void frame_wrap(struct frame *frame, uint8_t family, const struct sh_ip *to, bool gue,
		const struct frame *came);

/* Of the headers up to the end: TCP's sum with its pseudo-header, folded. 0xffff where the checksum is right.
 */
uint16_t frame_tcp_sum(struct frame *frame, uint8_t family);

#endif
