/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A look at the maps with the kernel's eyes, piece by piece: for `shunt verify` and the audit.
 *
 * Links and neighbours are read when it begins. It writes nothing.
 */
#ifndef SHUNT_VERIFICATION_H
#define SHUNT_VERIFICATION_H

#include <jansson.h>
#include <stdbool.h>

#include "policy.h"
#include "wanted.h"

struct controller;
struct member;
struct rt_query;
struct rt_state;
struct service;
struct target;

/* A service's ring that is being looked at. */
struct verification_ring {
	struct wanted wanted; /* of no service: none is */
	unsigned stored;      /* service->stored when it began */
	size_t entry;	      /* of the service's ports */
	uint32_t slot, wrong; /* of the ring that it points at */
};

struct verification {
	const struct controller *controller;
	struct rt_query *query; /* borrowed */
	struct rt_state *state; /* owned: what was read when it began */
	struct policy policy;	/* owned: likewise, for the controller's interfaces */
	json_t *differences;	/* owned: [{"what", "where", "want", "have"}] */
	json_t *nexthops;	/* owned: by "what", those in there: each is told once */
	struct verification_ring ring;
	size_t node; /* checks that verification_node has made */
	json_int_t checked;
};

/* 0 or -errno; verification_end only after 0. */
int verification_begin(struct verification *verification, const struct controller *controller,
		       struct rt_query *query);
/* All that belongs to a backend's address: its state, mode, path and next hops. Asks the FIB. */
void verification_target(struct verification *verification, const struct target *target);
/*
 * A service's ring, from the states of its backends, as each of its ports finds it: a part of about `budget`
 * steps of 10 ns. True while there is more to be done: then it is to be called again for that service. Where
 * the ring was stored meanwhile, nothing is said of it.
 */
bool verification_service(struct verification *verification, const struct service *service, size_t budget);
/* What belongs to no backend, hash maps and aliases: the next of those. True while there are more. */
bool verification_node(struct verification *verification);
/* One comparison of two texts. */
void verification_compare(struct verification *verification, const char *what, const char *where,
			  const char *want, const char *have);

#define VERIFICATION_WHERE 128
/* The "where" of what belongs to a member. Returns `out`. */
const char *verification_where(const struct member *member, char out[static VERIFICATION_WHERE]);
void verification_end(struct verification *verification);

#endif
