/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The tables: things with an identity, each in its record.
 *
 *	next hop   {link, neighbour}       shared by every path through it
 *	path       its very contents       shared by every backend reached so; one next hop, of a route that
 *	                                   sets no MTU, needs no record
 *	backend    {service, address}
 *	ring       {service, size}
 *	service    {VIP, port, protocol}
 *
 * Who needs a thing asks for it by its identity and holds a reference; asking again for the
 * same identity gives the same record. On start the records that a former run left in the maps
 * are adopted, so a restart with the same file and the same routes writes nothing. What nobody
 * asked for by tables_sweep is given up, and rests a while before its record is used again.
 *
 * Records are written through a struct port, only where they differ, in the words of
 * <shunt/abi.h>; tables_writes() counts each store.
 */
#ifndef SHUNT_TABLES_H
#define SHUNT_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/abi.h>
#include <shunt/addr.h>
#include <shunt/rt.h>

#include "behind.h"
#include "config.h"
#include "port.h"

struct tables;
struct transition;

/* Things are read by their users and changed by the tables alone. `hh` is uthash's. */
struct table_nexthop;
struct table_path;
struct table_backend;
struct table_ring;
struct table_service;

/* Adopts what the port's memory holds. `port` is borrowed. 0 or -errno. */
int tables_new(struct port *port, struct tables **out);
void tables_free(struct tables *tables); /* NULL is fine; leaves the memory as it is */

/* Each returns a reference, or NULL with errno: ENOSPC where the array is full, ENOMEM. */
struct table_nexthop *tables_nexthop(struct tables *tables, const struct rt_neigh_key *key);
struct table_path *tables_path(struct tables *tables, const struct sh_path *path);
struct table_backend *tables_backend(struct tables *tables, uint64_t owner, const struct addr *address);
/* A new ring begins as what the owner's ring of another size says, if there is one. */
struct table_ring *tables_ring(struct tables *tables, uint64_t owner, uint32_t size);
struct table_service *tables_service(struct tables *tables, const struct addr *vip,
				     const struct config_port *port);
/* Walks the services that packets are sent by: each with its owner. `each` must not take or put any. */
void tables_each_service(struct tables *tables,
			 void (*each)(const struct addr *vip, const struct config_port *port, uint64_t owner,
				      void *arg),
			 void *arg);
/*
 * `owner`, who has nothing, gets copies of all backends of `origin` that can be reached, and of its ring: so
 * that flows which went by that ring stay where they are when they go by its own. Nobody holds them yet: what
 * is not asked for by tables_sweep is given up. 0, or -ENOMEM or -ENOSPC with a part of it made.
 */
int tables_copy_owner(struct tables *tables, uint64_t origin, uint64_t owner);
/* Do flows go to the same addresses by the rings of both, and is nothing remembered of them one by one? 1, 0,
 * or -ENOMEM. */
int tables_rings_agree(struct tables *tables, uint64_t owner, uint64_t other);
/* The index of the owner's backend at the address of that one, or 0. */
uint32_t tables_counterpart(const struct tables *tables, uint32_t backend, uint64_t owner);
/* One reference more. */
void tables_nexthop_hold(struct table_nexthop *nexthop);
void tables_path_hold(struct table_path *path);
/* A thing without references is given up. NULL is fine. */
void tables_nexthop_put(struct tables *tables, struct table_nexthop *nexthop);
void tables_path_put(struct tables *tables, struct table_path *path);
void tables_backend_put(struct tables *tables, struct table_backend *backend);
void tables_ring_put(struct tables *tables, struct table_ring *ring);
void tables_service_put(struct tables *tables, struct table_service *service);

/* The next hop of that identity that is in use, or NULL. No reference. */
struct table_nexthop *tables_find_nexthop(struct tables *tables, const struct rt_neigh_key *key);
/* Walks the next hops that are in use. `each` must not take or put any. */
void tables_each_nexthop(struct tables *tables, void (*each)(struct table_nexthop *nexthop, void *arg),
			 void *arg);

size_t tables_nexthop_count(const struct tables *tables);
uint32_t tables_nexthop_index(const struct table_nexthop *nexthop);
const struct rt_neigh_key *tables_nexthop_key(const struct table_nexthop *nexthop);
const struct sh_nexthop *tables_nexthop_record(const struct tables *tables,
					       const struct table_nexthop *nexthop);
unsigned tables_nexthop_refs(const struct table_nexthop *nexthop);
/* What its users remember of a next hop, with it: no one else looks at it. */
struct table_note {
	struct behind_list behind; /* the members whose legs it is */
	unsigned asked;		   /* when it was handed to the kernel to keep resolved: managed.h */
	bool refused;		   /* the kernel would not */
	bool moved;		   /* `seen` changed: those behind it are to be resolved again */
	unsigned looked;	   /* apply.look_turn when it was last looked at */
	unsigned seen;		   /* resolve_class() when it was last looked at */
};
struct table_note *tables_nexthop_note(struct table_nexthop *nexthop);

/*
 * Next hops that are to be looked at, because their link or one below it may have changed, or for the kernel
 * to keep them resolved; all those that are new are. As an agenda (agenda.h).
 */
void tables_look(struct tables *tables, struct table_nexthop *nexthop);
void tables_look_all(struct tables *tables);
bool tables_any_look(const struct tables *tables);
void tables_begin_looks(struct tables *tables);
struct table_nexthop *tables_next_look(struct tables *tables); /* NULL: the round is over */
/* It is the next once more. */
void tables_go_on_looking(struct tables *tables, struct table_nexthop *nexthop);

/* The links of next hops: in no order. `each` must not take or put any. */
void tables_each_link(struct tables *tables, void (*each)(int ifindex, void *arg), void *arg);
void tables_each_on_link(struct tables *tables, int ifindex,
			 void (*each)(struct table_nexthop *nexthop, void *arg), void *arg);
/* The link that frames to a next hop leave by, 0: none. 0, or -ENOMEM and nothing set. */
int tables_set_exit(struct tables *tables, struct table_nexthop *nexthop, int ifindex);
void tables_each_exit(struct tables *tables, void (*each)(int ifindex, void *arg), void *arg);
/* Have links become exits, or ceased to be, since this was last asked? */
bool tables_exits_changed(struct tables *tables);

/* What stands for the path in a backend: see struct sh_backend. */
uint32_t tables_path_word(const struct table_path *path);
/* Valid as far as it has buckets. */
const struct sh_path *tables_path_record(const struct table_path *path);
uint32_t tables_backends_size(const struct tables *tables); /* all indices are below it */
/* The path that such a word stands for; buckets 0 for none. */
void tables_path_read(const struct port *port, uint32_t word, struct sh_path *out);
uint32_t tables_backend_index(const struct table_backend *backend);
uint32_t tables_service_index(const struct table_service *service);
uint32_t tables_ring_size(const struct table_ring *ring);

/* Stores the words of a next hop that differ: for a neighbour's new MAC, one. Returns how many. */
unsigned tables_store_nexthop(struct tables *tables, const struct table_nexthop *nexthop,
			      const struct sh_nexthop *record);
/* Switches a backend to a mode and a path (NULL: none) in one word. True where its path is
 * another than before, which is then copied to *before (buckets 0: none). */
bool tables_route_backend(struct tables *tables, const struct table_backend *backend, enum sh_mode mode,
			  const struct table_path *path, struct sh_path *before);
/* How it is reached now, also from a former run. */
enum sh_mode tables_backend_mode(const struct tables *tables, const struct table_backend *backend);
/* The word of the path that a backend has now, also from a former run; 0 for none. */
uint32_t tables_backend_path(const struct tables *tables, const struct table_backend *backend);
/* What was last told of a backend's state, kept with its record through reloads; 0: nothing. */
unsigned *tables_backend_told(struct table_backend *backend);
/* What the lane of a backend that is reached as `how` says is to be, and whether it is (<shunt/lane.h>): they
 * follow by themselves. */
void lane_want(const struct port *port, uint64_t how, struct sh_lane *out);
bool lane_is(const struct port *port, uint32_t backend, const struct sh_lane *want);
void tables_weigh_backend(struct tables *tables, const struct table_backend *backend, uint32_t weight);
/* Its id in connection IDs. */
void tables_name_backend(struct tables *tables, const struct table_backend *backend, uint64_t id);
/* The id that it has, also from a former run: true and *id, or false. */
bool tables_backend_name(const struct tables *tables, const struct table_backend *backend, uint64_t *id);
/* When a packet last named it so (`named` of <shunt/abi.h>, as `seen` below). */
uint32_t tables_backend_named(const struct tables *tables, const struct table_backend *backend);
void tables_mark_named(struct tables *tables, const struct table_backend *backend, uint32_t when);
/* The DSCP that stands for its VIP by l3; 0: none. */
void tables_mark_backend(struct tables *tables, const struct table_backend *backend, uint8_t dscp);
/*
 * Who keeps flows that slots have moved away from (`seen` of <shunt/abi.h>, in its unit). 0: nobody
 * has; anything else keeps the backend's record from being given up by who looks (model.h).
 */
uint32_t tables_backend_seen(const struct tables *tables, const struct table_backend *backend);
void tables_see_backend(struct tables *tables, const struct table_backend *backend, uint32_t seen);
/* A new turn begins: what was asked for before it is no longer. */
void tables_turn(struct tables *tables);
/* Walks the backends that can be reached and were not asked for in this turn. */
void tables_each_unasked(struct tables *tables,
			 void (*each)(uint64_t owner, const struct addr *address, void *arg), void *arg);

/* How a ring is to change. */
struct ring_change {
	const uint32_t *want;	       /* of each slot: the index of the backend for new flows */
	struct transition *transition; /* of its service; NULL: flows are remembered all (random) */
	uint32_t now, idle;	       /* in the unit of `seen` */

	/* How far it is; all zero at first. */
	uint32_t at;	 /* slots that have been looked at */
	bool left;	 /* whom slots move away from is marked */
	bool moves;	 /* some slots do */
	uint32_t moving; /* in transition now */
	uint32_t stores; /* made */
};

/*
 * Marks whom slots move away from, then stores the slots that differ: by at most *budget slots, and takes
 * them off it. 1: there is more to be done, 0: the ring is as wanted, or -errno. Between two parts packets go
 * by some slots as they were and some as they are to be, and each of them is one word. A change that is not
 * gone on with may be followed by any other.
 */
int tables_store_ring(struct tables *tables, struct table_ring *ring, struct ring_change *change,
		      size_t *budget);
/* Slots in transition, when it was last stored. */
uint32_t tables_ring_moving(const struct table_ring *ring);
/* Is it time to store the ring again, to close its transitions to unknown datagrams? */
bool tables_ring_due(const struct table_ring *ring, uint32_t now, uint32_t idle);
/* The size of the largest ring that the owner has; 0: none. */
uint32_t tables_ring_of(const struct tables *tables, uint64_t owner);
/* Points a service at a ring in one word. */
void tables_point_service(struct tables *tables, const struct table_service *service, uint64_t owner,
			  const struct table_ring *ring, uint32_t flags);

/* Where in connection IDs its backends' ids lie: before it is pointed anywhere with SH_SERVICE_QUIC_ID. */
void tables_lay_out_ids(struct tables *tables, const struct table_service *service, uint8_t offset,
			uint8_t bytes);
/* Has the VIP that this service speaks for an active backend? Echo requests are answered while it has. */
void tables_answer(struct tables *tables, const struct table_service *service, bool answers);

/* Gives up what was adopted and not asked for. */
void tables_sweep(struct tables *tables);
/* Who wants to hear of each next hop that is given up; NULL: no one. */
void tables_on_release(struct tables *tables, void (*released)(struct table_nexthop *nexthop, void *arg),
		       void *arg);
/* From now on the memory is another's: what is put is given up here alone, and no one hears of it. */
void tables_leave(struct tables *tables);
/* To be called every second while it returns true: frees what has rested. */
bool tables_reap(struct tables *tables);

/* The memory that the records lie in. */
struct port *tables_port(const struct tables *tables);
uint64_t tables_writes(const struct tables *tables);
/* For stores that are not made here: hash maps. */
void tables_add_writes(struct tables *tables, uint64_t writes);

/* FNV-1a (RFC 9923) over the name, never 0: whom backends, rings and services belong to that nobody had
 * before (succession.h). */
uint64_t tables_owner(const char *name);
/* Another one, where that is somebody else's. */
uint64_t tables_next_owner(uint64_t owner);
void tables_ip(const struct addr *address, struct sh_ip *out);
void tables_addr(const struct sh_ip *ip, uint32_t family, struct addr *out);

#endif
