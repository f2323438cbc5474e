/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bare rtnetlink for the benches: makes one change, and hears of it. Addresses are in network byte
 * order. Functions return 0 or -1 with errno set.
 */
#ifndef BENCH_RTNL_H
#define BENCH_RTNL_H

#include <netinet/in.h>
#include <stdbool.h>

struct rtnl {
	int ask, listen;
	int type;    /* RTM_*: the notification that rtnl_notified waits for */
	int ifindex; /* RTM_NEWLINK: of this link, that it is down or without carrier */
};

int rtnl_open(struct rtnl *rtnl);
/* One that asks alone, in another network namespace. */
int rtnl_open_in(const char *netns, struct rtnl *rtnl);
void rtnl_close(struct rtnl *rtnl);
void rtnl_expect(struct rtnl *rtnl, int type, int ifindex);
/* The index of a link in the namespace of the socket; 0 where there is none. */
int rtnl_ifindex(const struct rtnl *rtnl, const char *name);
/* Forgets what has been notified. */
void rtnl_drain(struct rtnl *rtnl);
/* Has the expected kind of notification come? Does not wait. */
bool rtnl_notified(struct rtnl *rtnl);

/* A permanent neighbour of that MAC: one that nobody else changes meanwhile. */
int rtnl_neighbour(struct rtnl *rtnl, int ifindex, struct in_addr address, const unsigned char *mac);
/* Replaces the route of the main table. */
int rtnl_route(struct rtnl *rtnl, struct in_addr prefix, unsigned char length, struct in_addr via);
int rtnl_link(struct rtnl *rtnl, int ifindex, bool up);

#endif
