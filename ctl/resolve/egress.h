/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * By which device, and how, a frame to a neighbour leaves.
 *
 * A route names a link; XDP can transmit on some links only. Where the link is made of others, this finds
 * the one at the bottom that a frame for the neighbour's MAC would leave by, as the kernel would:
 *
 *	VLAN	 its parent, with the tag; two tags are left to the kernel
 *	macvlan	 its lower device. In mode bridge not: a neighbour may be another macvlan of this host
 *	bridge	 the port where it has learnt the MAC. Not where it filters by VLAN
 *	bond	 itself; in the modes tlb and alb its active slave
 *	else	 itself
 *
 * and whether it takes frames that native XDP redirects to it. Those that come in elsewhere take the way
 * through the kernel where it does not. A frame that is transmitted where it came in (XDP_TX) is another
 * matter: interfaces_plan chose the mode for that.
 *
 * Pure; called by resolver.c for the words and by resolver_path.c for the record. Nothing outlives a call.
 */
#ifndef SHUNT_EGRESS_H
#define SHUNT_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/rt.h>

/* Links that carry the director's program in native mode. What is on them counts as taking native frames,
 * also a veth whose peer cannot be seen to: `mode: native` says so. */
struct natives {
	int *ifindexes; /* ascending */
	size_t count;
};

enum egress_fault {
	EGRESS_FINE = 0,
	EGRESS_UNLEARNT, /* the bridge has not learnt the MAC: it will, as the neighbour is kept resolved */
	EGRESS_DOWN,	 /* the device at the bottom is down or has no carrier */
	EGRESS_NO_SLAVE, /* the bond has no active slave */
	EGRESS_NESTED,	 /* a tag within a tag */
	EGRESS_FILTERS,	 /* the bridge filters by VLAN */
	EGRESS_MACVLAN,	 /* in mode bridge */
	EGRESS_ELSEWHERE /* the lower device is in another network namespace, or too far down */
};

struct egress {
	int ifindex;	/* to transmit on; the route's link where that cannot be told */
	uint16_t flags; /* SH_NEXTHOP_HERE, _TAGGED, _8021AD and the VLAN's id; set with a fault too */
	uint32_t mtu;	/* the smallest of the links passed; 0 where the route's link is unknown */
	enum egress_fault fault;
	int at; /* the link that the fault or _HERE is about */
};

/* `mac` is the neighbour's; NULL where it is not known, and then a bridge is EGRESS_UNLEARNT. `natives` may
 * be NULL: none. */
void egress_find(const struct rt_state *state, const struct natives *natives, int ifindex, const uint8_t *mac,
		 struct egress *out);

/* May a change of link `changed` concern what egress_find says of `ifindex`: is it that one or one below it,
 * as far as links say what they are made of? */
bool egress_concerns(const struct rt_state *state, int ifindex, int changed);

/* The fault, or what _HERE means, in words; empty where there is neither. */
void egress_words(const struct rt_state *state, const struct egress *egress, char *text, size_t size);

#endif
