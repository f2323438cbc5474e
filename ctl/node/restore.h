/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A backend's restore maps: what arrives by l3 for its own address goes to which VIP.
 */
#ifndef SHUNT_RESTORE_H
#define SHUNT_RESTORE_H

#include <stdint.h>

#include "config.h"
#include "dataplane.h"

struct dataplane_sizes;
struct formers;
struct rt_state;

/* What HASH_RESTORE4 or HASH_RESTORE6 is to hold in `role`, with what goes on of former files (NULL:
 * nothing). 0, or -ENOMEM. */
int restore_want(const struct config *config, const struct rt_state *state, enum role role,
		 enum dataplane_hash hash, const struct formers *formers, struct dataplane_entries *out);
/* Makes the maps hold exactly that; nothing where this node is no backend. *writes grows by the updates made.
 * 0 or -errno. */
int restore_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
		 enum role role, const struct formers *formers, uint64_t *writes);

/* Makes room in `sizes` for what this node restores and takes out of tunnels, and for as much again, however
 * many of a service's backends are addresses of its own: model_sizes does not know that. */
void restore_sizes(const struct config *config, const struct rt_state *state, struct dataplane_sizes *sizes);

#endif
