/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The services, backends and next hops that random packets meet: once as a table, for the rules, and
 * once as the lines that fill the maps (world.h).
 *
 * Each kind of service has one VIP of each family, with 80/tcp and 443/udp, or every port. All of a VIP goes
 * one way, so that a packet's way is known by its destination alone.
 */
#ifndef TEST_PROPERTY_SETTING_H
#define TEST_PROPERTY_SETTING_H

#include <stdbool.h>
#include <stdint.h>

struct net;
struct world;

enum way { WAY_L2, WAY_L3, WAY_IPIP, WAY_GUE, WAY_LOCAL, WAY_NONE };

struct hop {
	uint8_t dst[6], src[6];
	uint16_t tag, tag_type; /* tag_type 0: none */
	uint32_t mtu;
	bool redirect;
};

struct kind {
	const char *name;
	enum way way;
	bool other;    /* the backends are of the other family */
	bool any_port; /* every port of both protocols */
	bool random, moving;
	uint8_t dscp;
	int hop; /* in `hops`; 0: none, bpf_fib_lookup decides */
};

#define BACKENDS_EACH 2

/* A kind's VIP of one family. */
struct goal {
	const struct kind *kind;
	uint8_t family, outer; /* of the VIP, of its backends */
	uint8_t vip[16];
	uint8_t backends[BACKENDS_EACH][16];
};

#define KINDS	 18
#define GOALS	 (2 * KINDS)
#define GUE_PORT 6080

extern const struct kind setting_kinds[KINDS];
extern const struct hop setting_hops[];
extern struct goal setting_goals[GOALS];

/* This node's own addresses, where restoring and tunnels end, by family. */
extern const uint8_t setting_own4[4], setting_own6[16];
/* What the outer packets come from. */
extern const uint8_t setting_source4[4], setting_source6[16];
/* Whom this node's own ICMP errors come from. */
extern const uint8_t setting_speaker4[4], setting_speaker6[16];
/* The hosts that bpf_fib_lookup leads to, by family: d0's neighbour. */
extern const uint8_t setting_fib_mac[6], setting_d0_mac[6];

void setting_goals_make(void);
/* The goal with that VIP, or NULL. */
const struct goal *setting_goal(const uint8_t *address, uint8_t family);

/* Makes the interfaces, and fills the world's maps. Ends the runner on failure. */
void setting_network(struct net *net);
void setting_fill(struct world *world);

#endif
