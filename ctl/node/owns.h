/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom a director's own ICMP errors come from (xdp/time_exceeded.h), by the interface that packets come in by
 * and errors leave by again.
 *
 * Of each family an address of the interface itself, else one of the bridge, bond or VRF that it belongs to,
 * else one of the node's, be it on a loopback: a router whose links have no addresses is known by that
 * (RFC 1812, 4.3.2.4). Of several the one with the shortest prefix, as a host's own one may be a VRRP
 * router's that moves, and of those the lowest. Never one of the link alone, and never a VIP: other nodes
 * have it, too.
 */
#ifndef SHUNT_OWNS_H
#define SHUNT_OWNS_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dataplane.h"
#include "interfaces.h"

struct rt_state;

/* What HASH_OWNS is to hold where these rows are. 0, or -ENOMEM. */
int owns_want(const struct config *config, const struct rt_state *state, const struct interface_row *rows,
	      size_t count, struct dataplane_entries *out);
/* Makes the map hold exactly that. *writes grows by the updates made. 0 or -errno. */
int owns_sync(struct dataplane *dataplane, const struct config *config, const struct rt_state *state,
	      const struct interface_row *rows, size_t count, uint64_t *writes);

#endif
