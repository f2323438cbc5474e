/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The file at work: its services and backends, each tied to its records in the tables.
 *
 *	service   an entry of the file: one ring, a record for each of its ports
 *	member    a backend in a service: its state, its path
 *	gone      a member that the file no longer names, as long as it has flows
 *	target    a backend's address: what the FIB answers for it, shared by its members
 *
 * A model is built whole from a config and dropped whole. Building a new one before dropping
 * the old keeps every record that both need, so a reload writes only differences.
 */
#ifndef SHUNT_MODEL_H
#define SHUNT_MODEL_H

#include <uthash.h>

#include "agenda.h"
#include "config.h"
#include "resolver.h"
#include "spans.h"
#include "succession.h"
#include "tables.h"

struct dataplane_sizes;

struct member_leg {
	struct table_nexthop *nexthop; /* a reference */
	struct behind behind;
	uint32_t weight;
	bool usable;
};

struct member {
	struct service *service;
	struct target *target;
	struct member *next; /* of the same target */
	const struct config_backend *config;
	struct table_backend *backend; /* a reference */
	enum forward forward, remote;  /* the service's; of who is gone, as it was reached last */
	enum backend_state state;
	enum sh_mode mode;
	char *reason;		 /* owned; NULL where there is none */
	struct table_path *path; /* a reference, or NULL */
	struct member_leg *legs; /* owned; of all next hops, usable or not */
	size_t legs_count;
	bool drained;		   /* by the operator */
	bool leaving;		   /* to be taken out of the tables once no slot leads to it */
	struct agenda_item leaves; /* in the model's `leavers` */
	bool gone;		   /* no longer in the file; the first of a struct gone */
};

struct gone {
	struct member member; /* first; its config is the one below */
	struct config_backend config;
	struct gone *next; /* of the same service */
	bool met;	   /* its idle time has begun */
};

struct target {
	struct addr address;
	struct rt_route *route;	  /* owned, cut to its legs; NULL before the kernel was asked */
	struct rules_cause cause; /* of packets being asked about one by one */
	uint64_t end;		  /* of that route's lifetime, ms; 0: it had none lately (apply_ends.h) */
	struct member *members;
	struct agenda_item work; /* in the model's `work` */
	uint8_t ask;		 /* the kernel's answer may have changed: why, see model_ask; or 0 */
	bool resolve;		 /* what follows from it may have */
	UT_hash_handle hh;
};

struct service {
	struct model *model;
	const struct config_service *config;
	uint64_t owner;
	struct member *members;		/* owned: config->backends_count of them, in the file's order */
	struct gone *gone;		/* owned */
	struct table_ring *ring;	/* a reference; larger than `slots` where it was and is not steady */
	uint32_t slots;			/* of the ring that follows from the file */
	struct table_service **entries; /* owned: a reference for each of config->ports */
	struct service *speaker;      /* the first service of its VIP, perhaps itself: answers echo for it */
	struct agenda_item ring_work; /* in the model's `rings` */
	struct agenda_item care_work; /* in the model's `care` */
	bool moving;		      /* transitions are to be looked after */
	unsigned stored;	      /* counts how often its ring has begun to be stored, and ended */
	size_t in_state[BACKEND_STATES]; /* members of the file */
	UT_hash_handle hh;		 /* while speakers are looked for */
};

/* A walk over all who may have flows of a service: members.h. Only the service is set at first. */
struct members {
	struct service *service;
	size_t next;
	struct gone *gone; /* the next of them, once all others were walked over */
};

struct model {
	struct config *config;	      /* owned */
	struct succession succession; /* to what was served before it; empty once told (load.c) */
	size_t services_count;	      /* 0 on a node that directs nothing: it need not know the ways */
	struct service *services;     /* owned: config->services' at work, in the file's order */
	struct target *targets;
	bool echo_stale;	  /* a backend has become active, or is no longer */
	bool forgot;		  /* somebody who was gone, since ids were last stored */
	struct target *looked_at; /* where a walk in parts over them goes on (audit.c), or NULL */
	struct agenda work;	  /* targets to be asked about or resolved */
	struct spans spans;	  /* of targets whose routes changed */
	struct agenda rings;	  /* services whose ring is to be built again */
	struct agenda leavers;	  /* members that no slot is to lead to, to be taken out of the tables */
	struct agenda care;	  /* services that may have come to the end of a transition */
	size_t moving;		  /* services that are in one */
	struct members
		settling; /* where the walk over those goes on, between passes; no service: at the first */
	struct members caring; /* likewise, in the pass: who may have come to its end */
	bool cared;	       /* somebody of those has flows */
	bool passing;	       /* a pass has begun and is to go on */
	unsigned phase;	       /* of that pass */
	int failed;	       /* in that pass: -errno, or 0 */
};

/* Takes over `config` on success. `directs`: this node is a director. 0, or -ENOMEM or -ENOSPC (a
 * table is full) and nothing taken. */
int model_new(struct config *config, bool directs, struct tables *tables, struct model **out);
/* Drops all references. NULL is fine. */
void model_free(struct model *model, struct tables *tables);

/* The target of that address, or NULL. */
struct target *model_target(const struct model *model, const struct addr *address);
/* Lets go of a member that is gone. */
void model_forget(struct model *model, struct gone *gone, struct tables *tables);

/* What a config needs of each map, with room for another as large beside it while reloading. */
void model_sizes(const struct config *config, bool directs, struct dataplane_sizes *out);

/* The kernel is to be asked about it again. `why`: the routes of one prefix that covers it changed, of the
 * length (uint8_t)(why - 1), or ASK_ALONE. Two reasons are ASK_ALONE. */
#define ASK_ALONE 255
void model_ask(struct model *model, struct target *target, uint8_t why);
/* What follows from the kernel's answer is to be worked out again. */
void model_resolve(struct model *model, struct target *target);
/* Its ring is to be built again. */
void model_stale(struct service *service);
bool model_is_stale(const struct service *service);

/* Drops what a member holds of paths and next hops. */
void model_unpath(struct member *member, struct tables *tables);

/* Bytes of a route as a target keeps it: without the room for legs that it does not have. */
static inline size_t route_size(const struct rt_route *route)
{
	return offsetof(struct rt_route, legs) + route->legs_count * sizeof(route->legs[0]);
}

/* Members that take flows. */
size_t service_active(const struct service *service);

#endif
