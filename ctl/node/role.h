/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this node is: director, backend, both, or neither yet.
 *
 * Pure: the file and the observed state in, a role and its reason out. The controller asks again
 * whenever a link or an address changes, and logs the reason when the answer differs.
 */
#ifndef SHUNT_ROLE_H
#define SHUNT_ROLE_H

#include <stdbool.h>

#include "config.h"

struct rt_addr;
struct rt_link;
struct rt_state;

#define ROLE_REASON_SIZE 192

struct role_view {
	enum role role;		       /* ROLE_AUTO: neither, yet */
	char reason[ROLE_REASON_SIZE]; /* in words; where it is neither, with the remedy */
};

/*
 * `role:` of the file where it is set. Else a backend where one of the node's own addresses is a
 * backend's, a director where an interface matches `interfaces:`, else ROLE_AUTO. Returns out->role.
 */
enum role role_of(const struct config *config, const struct rt_state *state, struct role_view *out);

/* Does the role include directing, and serving? */
bool role_directs(enum role role);
bool role_serves(enum role role);

/* The record of an address of this node's own, aliases of ours apart, or NULL; see rt_state_addr. */
const struct rt_addr *role_own_address(const struct rt_state *state, const struct addr *address);

/* The first backend of the service that is one of this node's own addresses, or NULL. */
const struct config_backend *role_own_backend(const struct config_service *service,
					      const struct rt_state *state);

/* The first entry of `interfaces:` that the link's name matches (fnmatch(3)), or NULL. NULL for
 * every loopback. */
const struct config_interface *role_interface(const struct config *config, const struct rt_link *link);

#endif
