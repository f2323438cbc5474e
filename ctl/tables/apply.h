/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeping the tables in step: what the kernel says -> what packets see.
 *
 * Events mark targets (ask: the FIB's answer may differ; resolve: what follows from it may),
 * and apply_pass does the work for what is marked, in an order in which every packet finds
 * a whole way: next hops, paths, backends, slots, services, VIPs; then, when nothing leads
 * there any more, what leaves.
 *
 * A neighbour's change does not wait for a pass: apply_neighbour stores the one word first.
 */
#ifndef SHUNT_APPLY_H
#define SHUNT_APPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane.h"
#include "model.h"
#include "policy.h"

struct ring_job;
struct rt_query;
struct rt_state;

/* What apply tells: for the log and the event stream. Any may be NULL. */
struct apply_ops {
	/* `before` is the state itself where a new backend does not serve. */
	void (*state_changed)(const struct member *member, enum backend_state before, void *arg);
	/* `nexthop` was stored anew; `before` is the record as it was. */
	void (*nexthop_changed)(const struct rt_neigh_key *key, const struct sh_nexthop *before,
				const struct sh_nexthop *after, void *arg);
	/* A backend got another path; buckets are 0 where there was or is none. */
	void (*path_changed)(const struct member *member, const struct sh_path *before,
			     const struct sh_path *after, void *arg);
	/* A next hop is about to lead to another device than before. */
	void (*exit_opens)(uint32_t ifindex, void *arg);
	/* A next hop is new, or has been looked at again: the kernel is to keep it resolved. */
	void (*keep_resolved)(struct table_nexthop *nexthop, void *arg);
};

/* What the member before got in this part of a pass, to be taken over where it must be the same:
 * apply_deal.c. */
struct apply_deal_leg {
	struct table_nexthop *nexthop; /* a reference */
	uint32_t weight;
};
struct apply_deal {
	struct table_path *path; /* a reference, or NULL */
	uint32_t before;	 /* the word of the path that it had */
	size_t count;
	struct apply_deal_leg legs[RT_LEGS_MAX];
	bool common; /* what follows holds for all backends that have this answer, of services like its own */
	enum forward forward, remote;
	uint8_t vip_family, backend_family;
	struct rt_route route;
	struct resolution resolution;
};

struct apply {
	struct model *model;
	struct tables *tables;
	struct dataplane *dataplane;
	struct rt_query *query; /* borrowed, for `ask` alone */
	struct policy policy;	/* likewise */
	/* policy_ask; a stand-in for the kernel in tests. */
	int (*ask)(const struct policy *policy, struct rt_query *query, const struct addr *dst,
		   struct rt_route *out, struct rules_cause *cause);
	const struct rt_state *state;
	/* Now, in the unit of `seen` (<shunt/abi.h>), never 0: apply_clock; a stand-in in tests. */
	uint32_t (*clock)(void);
	uint64_t (*now_ms)(void);      /* by CLOCK_MONOTONIC */
	const struct natives *natives; /* NULL: none */
	const struct apply_ops *ops;
	void *arg;
	uint64_t asks;	    /* questions put to the FIB */
	unsigned look_turn; /* counts how often all next hops were to be looked at again */
	struct rt_route
		answer;	      /* the last one of the FIB, for who may share it; type RT_ROUTE_NONE: nobody */
	struct addr answered; /* whom it was asked about */
	uint64_t answer_end;  /* of that route's lifetime, ms; 0: none */
	uint64_t next_end;    /* the first that is still to come; 0: none is */
	bool ending;	      /* some target has one, or had lately */
	struct apply_deal deal;
	struct ring_job *ring_job; /* owned: the ring that is being stored (apply_ring.c), or NULL */
};

void apply_mark_all(struct apply *apply);
void apply_mark_prefix(struct apply *apply, const struct prefix *prefix);
/* Everybody of that family: ADDR_IPV4 or ADDR_IPV6. */
void apply_mark_family(struct apply *apply, uint8_t family);
/* Those whose route's lifetime is over: when apply->next_end has come. */
void apply_mark_ended(struct apply *apply);
/* Those whose routes have an end, or had one lately: now and then, as lifetimes change without a word. */
void apply_mark_ending(struct apply *apply);
/* Stores a neighbour's change; where it came or went, the next pass resolves who is behind it. */
void apply_neighbour(struct apply *apply, const struct rt_neigh_key *key);
/* The same for the next hops on a link that changed, and on the links above it. Others may have to do with
 * it, too (a veth's peer, a slave): after it apply_all_nexthops. */
void apply_link(struct apply *apply, int ifindex);
/* The next pass looks at every next hop again: after link changes and overruns. */
void apply_all_nexthops(struct apply *apply);
/* The next pass has ops->keep_resolved called for each; their records are left as they are. */
void apply_keep_nexthops(struct apply *apply);

/*
 * Asks, resolves and stores what is marked. 0, or the first -errno after doing all it could;
 * what failed stays marked. -ENOSPC: a table is full, the maps must grow.
 */
int apply_pass(struct apply *apply);
/*
 * The same in parts, so that others have their turn between: about `budget` targets, or one question
 * for 24. While *more, call it again; rings, and what leaves, wait for the last parts, where all ways are
 * known. apply_pass begins anew.
 */
int apply_part(struct apply *apply, size_t budget, bool *more);
bool apply_pending(const struct apply *apply);
/* Gives up the ring that is being stored, which is marked again, and frees the room for it. A pass does it;
 * for one that is never to end, while its model is there. */
void apply_give_up_ring(struct apply *apply);

/* Are slots in transition, or backends kept for flows they have? Then call apply_settle every second: it
 * marks the services where some have become idle, for the next pass. It looks at `budget` backends in one go:
 * true where it is to be called again for the others. */
bool apply_moving(const struct apply *apply);
bool apply_settle(struct apply *apply, size_t budget);
uint32_t apply_clock(void);

/* Where tunnels come from, by the file and this node's addresses; and that in the knobs, where it differs.
 * After each pass and change of addresses. */
void apply_want_tunnel(const struct apply *apply, struct sh_tunnel *out);
void apply_tunnel(struct apply *apply);

/* Who is named by which id in connection IDs (xdp/named.h): in the records and in the map. With the services,
 * and after each pass that forgot somebody (model.h). 0 or -errno: -ENOSPC where the map must grow. */
int apply_quic_ids(struct apply *apply);
void apply_name_backends(struct apply *apply); /* the records alone */
/* What HASH_QUIC_IDS is to hold. 0, or -ENOMEM. */
int apply_want_quic_ids(const struct apply *apply, struct dataplane_entries *out);

/* Flows that are remembered of ports whose owner is another by the model than before: for that one, too.
 * After a pass that follows a new model, before apply_services and after it. 0 or -errno. */
int apply_copy_flows(const struct apply *apply);

/* Points services at their rings, and makes the VIP maps and the knobs hold exactly the model's.
 * After a pass that follows a new model. 0 or -errno. */
int apply_services(struct apply *apply);
/* What each entry of `guesses` is to be, as an array of the map's size to be free()d; or NULL. */
struct sh_guess *apply_want_guesses(const struct apply *apply);
/* Makes them so: with the services, and where somebody begins or ceases to listen to events. 0 or -ENOMEM. */
int apply_guesses(struct apply *apply);
/* Which VIPs answer echo requests: those with an active backend, at the end of each pass; and who speaks for
 * each, in HASH_ADDRESSES. 0 or -errno. */
int apply_answers(struct apply *apply);
int apply_addresses(struct apply *apply);
/* What HASH_ADDRESSES is to hold. 0, or -ENOMEM. */
int apply_want_addresses(const struct apply *apply, struct dataplane_entries *out);
/* For each service, whether it speaks for a VIP with an active backend: an array to be free()d; or NULL. */
bool *apply_want_answers(const struct apply *apply);
/* What HASH_VIPS4 or HASH_VIPS6 is to hold. 0, or -ENOMEM. */
int apply_want_vips(const struct apply *apply, enum dataplane_hash hash, struct dataplane_entries *out);

#endif
