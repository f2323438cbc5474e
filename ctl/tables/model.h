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

#include "config.h"
#include "resolver.h"
#include "tables.h"

struct dataplane_sizes;

struct member_leg {
	struct table_nexthop *nexthop; /* a reference */
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
	bool drained; /* by the operator */
	bool leaving; /* to be taken out of the tables once no slot leads to it */
	bool gone;    /* no longer in the file; the first of a struct gone */
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
	struct member *members;
	bool ask;     /* the kernel's answer may have changed */
	bool resolve; /* what follows from it may have */
	UT_hash_handle hh;
};

struct service {
	const struct config_service *config;
	uint64_t owner;
	struct member *members;		/* owned: config->backends_count of them, in the file's order */
	struct gone *gone;		/* owned */
	struct table_ring *ring;	/* a reference; larger than `slots` where it was and is not steady */
	uint32_t slots;			/* of the ring that follows from the file */
	struct table_service **entries; /* owned: a reference for each of config->ports */
	struct service *speaker; /* the first service of its VIP, perhaps itself: answers echo for it */
	bool stale;		 /* its ring is to be built again */
	bool moving;		 /* transitions are to be looked after */
	UT_hash_handle hh;	 /* while speakers are looked for */
};

struct model {
	struct config *config;	  /* owned */
	size_t services_count;	  /* 0 on a node that directs nothing: it need not know the ways */
	struct service *services; /* owned: config->services' at work, in the file's order */
	struct target *targets;
	bool echo_stale; /* a backend has become active, or is no longer */
	bool moved;	 /* a next hop's note says so */
	bool forgot;	 /* somebody who was gone, since ids were last stored */
	bool passing;	 /* a pass has begun that goes on at the target `at`, or with the rings where that is
			    NULL */
	struct target *at;
	int failed; /* in that pass: -errno, or 0 */
};

/* Takes over `config` on success. `directs`: this node is a director. 0, or -ENOMEM or -ENOSPC (a
 * table is full) and nothing taken. */
int model_new(struct config *config, bool directs, struct tables *tables, struct model **out);
/* Drops all references. NULL is fine. */
void model_free(struct model *model, struct tables *tables);

/* Lets go of a member that is gone. */
void model_forget(struct model *model, struct gone *gone, struct tables *tables);

/* What a config needs of each map, with room for another as large beside it while reloading. */
void model_sizes(const struct config *config, bool directs, struct dataplane_sizes *out);

/* Drops what a member holds of paths and next hops. */
void model_unpath(struct member *member, struct tables *tables);

/* Members that take flows. */
size_t service_active(const struct service *service);

#endif
