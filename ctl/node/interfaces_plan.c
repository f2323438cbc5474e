/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which link is to carry which program, in which mode and why. See interfaces.h.
 *
 * Pure. `auto` is native unless a frame that the director transmits may be lost: a veth hands native
 * frames to its peer only where the peer has a native program too (drivers/net/veth.c veth_xdp_xmit,
 * veth_xdp_tx), and a peer in another namespace does not show whether it has. The backend's program
 * transmits nothing, so for it that does not matter.
 */
#include "interfaces.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/rt.h>

#include "role.h"

const char *interface_program_name(enum interface_program program)
{
	static const char *const names[] = {
		[INTERFACE_DIRECTOR] = "director",
		[INTERFACE_BACKEND] = "backend",
		[INTERFACE_BOTH] = "both",
	};
	return names[program];
}

const char *interface_mode_name(enum attach_mode mode)
{
	return mode == ATTACH_AUTO ? "" : attach_mode_name(mode);
}

const char *interface_state_name(enum interface_state state)
{
	static const char *const names[] = {
		[INTERFACE_ATTACHED] = "attached",
		[INTERFACE_BLOCKED] = "blocked",
		[INTERFACE_FAILED] = "failed",
		[INTERFACE_DETACHED] = "detached",
	};
	return names[state];
}

/* ---- where the backend's program is needed -------------------------------------------------- */

struct restore {
	int *links; /* that carry an own address of a backend which l3 may reach */
	size_t count;
	bool matched; /* one is on a link that receives nothing: on what matches `interfaces:` */
};

/* Packets for the address of such a device come in by another one. */
static bool receives_nothing(const struct rt_link *link)
{
	return link->loopback || strcmp(link->kind, "dummy") == 0 || strcmp(link->kind, "vrf") == 0;
}

static bool restore_has(const struct restore *restore, int ifindex)
{
	for (size_t i = 0; i < restore->count; i++)
		if (restore->links[i] == ifindex)
			return true;
	return false;
}

static int restore_add(struct restore *restore, const struct rt_state *state, int ifindex)
{
	const struct rt_link *link = rt_state_link(state, ifindex);
	int *links;

	if (link && receives_nothing(link)) {
		restore->matched = true;
		return 0;
	}
	if (restore_has(restore, ifindex))
		return 0;
	links = reallocarray(restore->links, restore->count + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	links[restore->count++] = ifindex;
	restore->links = links;
	return 0;
}

static int restore_add_service(struct restore *restore, const struct rt_state *state,
			       const struct config_service *service)
{
	int rc = 0;

	if (service->forward == FORWARD_L2)
		return 0;
	for (size_t i = 0; i < service->backends_count && !rc; i++) {
		const struct rt_addr *own = role_own_address(state, &service->backends[i].address);

		if (own)
			rc = restore_add(restore, state, own->ifindex);
	}
	return rc;
}

static int restore_find(struct restore *restore, const struct config *config, const struct rt_state *state,
			enum role role)
{
	int rc = 0;

	for (size_t i = 0; role_serves(role) && i < config->services_count && !rc; i++)
		rc = restore_add_service(restore, state, &config->services[i]);
	return rc;
}

/* ---- one link ------------------------------------------------------------------------------ */

struct planner {
	const struct config *config;
	const struct rt_state *state;
	enum role role;
	struct restore restore;
	struct interface_plan *plans;
	size_t count;
	int rc;
};

static bool pick_program(const struct planner *planner, const struct rt_link *link, bool matches,
			 enum interface_program *out)
{
	bool directs = role_directs(planner->role) && matches;
	bool restores = restore_has(&planner->restore, link->ifindex) ||
			(planner->restore.matched && matches);

	if (!directs && !restores)
		return false;
	if (planner->role == ROLE_BOTH)
		*out = INTERFACE_BOTH;
	else
		*out = directs ? INTERFACE_DIRECTOR : INTERFACE_BACKEND;
	return true;
}

static bool peer_takes_native(const struct rt_state *state, const struct rt_link *link)
{
	const struct rt_link *peer;

	if (!link->lower || link->lower_elsewhere)
		return false;
	peer = rt_state_link(state, link->lower);
	return peer && peer->xdp_mode == RT_XDP_NATIVE;
}

static void pick_mode(const struct rt_state *state, const struct rt_link *link, enum attach_mode wanted,
		      struct interface_plan *plan)
{
	plan->mode = wanted;
	if (wanted != ATTACH_AUTO || plan->program == INTERFACE_BACKEND || strcmp(link->kind, "veth") != 0 ||
	    peer_takes_native(state, link))
		return;
	plan->mode = ATTACH_GENERIC;
	snprintf(plan->reason, sizeof(plan->reason), "veth: the peer cannot be seen to take native frames");
}

/* The programs look for IP behind an Ethernet header, and would take for one what is none. */
static void refuse_bare(const struct rt_link *link, struct interface_plan *plan)
{
	plan->unfit = link->bare;
	if (plan->unfit)
		snprintf(plan->reason, sizeof(plan->reason),
			 "no Ethernet device: its packets have no MAC addresses; VIPs have to come in by "
			 "another");
}

static void plan_link(const struct rt_link *link, void *arg)
{
	struct planner *planner = arg;
	const struct config_interface *match = role_interface(planner->config, link);
	struct interface_plan plan = {.ifindex = link->ifindex};
	struct interface_plan *plans;

	if (planner->rc || link->loopback || !pick_program(planner, link, match != NULL, &plan.program))
		return;
	snprintf(plan.name, sizeof(plan.name), "%s", link->name);
	pick_mode(planner->state, link, match ? match->mode : ATTACH_AUTO, &plan);
	refuse_bare(link, &plan);
	plans = reallocarray(planner->plans, planner->count + 1, sizeof(*plans));
	if (!plans) {
		planner->rc = -ENOMEM;
		return;
	}
	plans[planner->count++] = plan;
	planner->plans = plans;
}

int interfaces_plan(const struct config *config, const struct rt_state *state, enum role role,
		    struct interface_plan **out, size_t *count)
{
	struct planner planner = {.config = config, .state = state, .role = role};

	planner.rc = restore_find(&planner.restore, config, state, role);
	rt_state_each_link(state, plan_link, &planner);
	free(planner.restore.links);
	if (planner.rc) {
		free(planner.plans);
		return planner.rc;
	}
	*out = planner.plans;
	*count = planner.count;
	return 0;
}
