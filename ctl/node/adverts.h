/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The VIPs that this node advertises: for each a blackhole host route, which a routing daemon carries
 * to the network.
 *
 * advert_decide is pure. adverts_sync makes the kernel's routes agree with what was decided and keeps
 * the rows of `show adverts`. Ours are the routes with the protocol of the file: what a dead run
 * left is taken over where it is wanted, and swept where not. What somebody else removes is put back at once,
 * and then once a second at most, so that two who do not agree about a route don't keep each other busy. A
 * route dies when its VIP can no longer be served, when it has been drained, and by adverts_withdraw; it
 * outlives a crash.
 *
 * The director's own packets never meet the route: its program takes those for the VIP before, and
 * what it hands to the kernel has a backend's address.
 */
#ifndef SHUNT_ADVERTS_H
#define SHUNT_ADVERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

struct config_advertise;
struct rt_host_event;
struct rt_query;

enum advert_state { ADVERT_ADVERTISED = 0, ADVERT_DRAINING, ADVERT_WITHDRAWN };

/* "advertised", "draining", "withdrawn": part of the contract. */
const char *advert_state_name(enum advert_state state);

/* What decides about one VIP. */
struct advert_facts {
	bool routed;   /* our route is there */
	bool attached; /* an interface carries the director's program */
	bool enough;   /* every advertised service has min-active active backends */
	bool holds;    /* the same, counting those that are being resolved: it suffices to stay, so that
			  a neighbour that is asked for its MAC again makes no noise in the network */
	bool leaving;  /* drained by the operator, or the daemon stops */
	bool waited;   /* long enough with the drain metric */
};

enum advert_state advert_decide(const struct advert_facts *facts);

#define ADVERT_REASON_SIZE 160

/* A VIP that at least one service wants advertised, and how its services are. */
struct advert_want {
	struct addr vip;
	bool enough, holds;
	bool drained;			 /* by the operator */
	char reason[ADVERT_REASON_SIZE]; /* why not `enough` */
};

struct advert_row {
	struct addr vip;
	enum advert_state state;
	uint32_t metric;		 /* 0 where withdrawn */
	char reason[ADVERT_REASON_SIZE]; /* why it is not advertised; empty where it is */
	uint64_t since;			 /* ms: when the draining began */
};

struct adverts;

/* `changed` (may be NULL) is called for each row that differs after a sync; it must not call back. A VIP
 * that nobody wants advertised any more is told as withdrawn, once. */
int adverts_new(void (*changed)(const struct advert_row *row, void *arg), void *arg, struct adverts **out);
void adverts_free(struct adverts *adverts); /* NULL is fine; leaves the routes */

/* What one sync goes by. */
struct adverts_input {
	const struct config_advertise *config;
	struct advert_want *wants; /* sorted here; each VIP once */
	size_t count;
	bool attached;
	bool stopping; /* the daemon is about to end: all leave */
	bool audit;    /* look after routes that should be there */
	uint64_t now;  /* ms */
	struct rt_query *query;
};

#define ADVERT_RETURN_MS 1000 /* from one return of lost routes to the next */

/*
 * Decides, then adds routes, then removes those that are not wanted. By an audit a
 * route that somebody removed is put back. One that fails is logged once, shown in its row, and tried again
 * by the next sync. 0, or -errno with nothing done (no memory; the routes of a former run cannot be read).
 */
int adverts_sync(struct adverts *adverts, const struct adverts_input *input);

/* A route has come or gone. True where an advert has lost its route by it, or got it back: then sync. What we
 * do ourselves comes here, too, and changes nothing. */
bool adverts_heard(struct adverts *adverts, const struct rt_host_event *event);
/* Routes that somebody removed and that were put back, so far. */
uint64_t adverts_returned(const struct adverts *adverts);

/* ms from `now` until a draining has waited long enough, or a lost route may be put back; 0: neither. */
uint64_t adverts_due(const struct adverts *adverts, const struct config_advertise *config, uint64_t now);

/* Sorted by address; valid until the next sync. */
size_t adverts_rows(const struct adverts *adverts, const struct advert_row **rows);

/* Removes all routes of ours at once: what fails is logged. */
void adverts_withdraw(struct adverts *adverts, struct rt_query *query);

/* The same without a daemon: every blackhole host route with that protocol. *count is how many went; 0 or the
 * first -errno. Logs nothing. */
int adverts_sweep(struct rt_query *query, uint8_t protocol, size_t *count);

#endif
