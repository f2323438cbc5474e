/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A backend's map of tunnels: its own addresses, where they end, and the VIPs that may come out of them.
 */
#ifndef SHUNT_SERVED_H
#define SHUNT_SERVED_H

#include <stdint.h>

#include "config.h"
#include "dataplane.h"

struct rt_state;

/* What HASH_SERVED is to hold in `role`. 0, or -ENOMEM. */
int served_want(const struct config *config, const struct rt_state *state, enum role role,
		struct dataplane_entries *out);
/* Makes the map hold exactly that; nothing where this node is no backend. *writes grows by the
 * updates made. 0 or -errno. */
int served_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
		enum role role, uint64_t *writes);

#endif
