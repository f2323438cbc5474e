/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What this node is. See role.h.
 */
#include "role.h"

#include <fnmatch.h>
#include <stdio.h>

#include <shunt/rt.h>

#include "aliases.h"

bool role_directs(enum role role)
{
	return role == ROLE_DIRECTOR || role == ROLE_BOTH;
}

bool role_serves(enum role role)
{
	return role == ROLE_BACKEND || role == ROLE_BOTH;
}

/* An alias of ours is no address of the node's own: it would make every backend of a service a
 * backend of whatever service lies behind that VIP. */
const struct rt_addr *role_own_address(const struct rt_state *state, const struct addr *address)
{
	const struct rt_addr *own = rt_state_addr(state, address);

	return own && own->protocol != SHUNT_PROTOCOL ? own : NULL;
}

const struct config_backend *role_own_backend(const struct config_service *service,
					      const struct rt_state *state)
{
	for (size_t i = 0; i < service->backends_count; i++)
		if (role_own_address(state, &service->backends[i].address))
			return &service->backends[i];
	return NULL;
}

const struct config_interface *role_interface(const struct config *config, const struct rt_link *link)
{
	if (link->loopback)
		return NULL;
	for (size_t i = 0; i < config->interfaces_count; i++)
		if (fnmatch(config->interfaces[i].match, link->name, 0) == 0)
			return &config->interfaces[i];
	return NULL;
}

struct find_interface {
	const struct config *config;
	const struct rt_link *link; /* the first that matches */
	const struct config_interface *match;
};

static void look_at_link(const struct rt_link *link, void *arg)
{
	struct find_interface *find = arg;

	if (find->link)
		return;
	find->match = role_interface(find->config, link);
	if (find->match)
		find->link = link;
}

static bool find_backend(const struct config *config, const struct rt_state *state, struct role_view *out)
{
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < config->services_count; i++) {
		const struct config_service *service = &config->services[i];
		const struct config_backend *own = role_own_backend(service, state);

		if (!own)
			continue;
		out->role = ROLE_BACKEND;
		snprintf(out->reason, sizeof(out->reason),
			 "its own address %s is a backend of service '%.64s'",
			 addr_format(&own->address, text), service->name);
		return true;
	}
	return false;
}

enum role role_of(const struct config *config, const struct rt_state *state, struct role_view *out)
{
	struct find_interface find = {.config = config};

	*out = (struct role_view){.role = config->role};
	if (config->role != ROLE_AUTO) {
		snprintf(out->reason, sizeof(out->reason), "`role: %s` in the file", role_name(config->role));
		return out->role;
	}
	if (find_backend(config, state, out))
		return out->role;
	rt_state_each_link(state, look_at_link, &find);
	if (find.link) {
		out->role = ROLE_DIRECTOR;
		snprintf(out->reason, sizeof(out->reason),
			 "no address of its own is a backend's, and %s matches `interfaces: %.64s`",
			 find.link->name, find.match->match);
		return out->role;
	}
	snprintf(out->reason, sizeof(out->reason),
		 "no address of its own is a backend's and no interface matches `interfaces:` yet; add the "
		 "address or the interface, or set `role:`");
	return out->role;
}
