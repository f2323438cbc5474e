/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Lanes: what <shunt/lane.h> makes of a backend's record and its next hop's, kept as these change. So whoever
 * writes either says so here: for a next hop there is a list of the backends whose lanes lead by it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/lane.h>

#include "tables_private.h"

int lanes_init(struct lanes *lanes, const struct port *port)
{
	lanes->first = calloc(port->nexthops_size, sizeof(*lanes->first));
	lanes->of = calloc(port->backends_size, sizeof(*lanes->of));
	if (lanes->first && lanes->of)
		return 0;
	lanes_free(lanes);
	return -ENOMEM;
}

void lanes_free(struct lanes *lanes)
{
	free(lanes->first);
	free(lanes->of);
	*lanes = (struct lanes){NULL, NULL};
}

static void leave(struct lanes *lanes, uint32_t backend)
{
	struct lane *lane = &lanes->of[backend];

	if (!lane->nexthop)
		return;
	if (lane->previous)
		lanes->of[lane->previous].next = lane->next;
	else
		lanes->first[lane->nexthop] = lane->next;
	if (lane->next)
		lanes->of[lane->next].previous = lane->previous;
	*lane = (struct lane){0, 0, 0};
}

static void enter(struct lanes *lanes, uint32_t backend, uint32_t nexthop)
{
	struct lane *lane = &lanes->of[backend];

	*lane = (struct lane){.nexthop = nexthop, .next = lanes->first[nexthop]};
	if (lane->next)
		lanes->of[lane->next].previous = backend;
	lanes->first[nexthop] = backend;
}

/* What a former run left may lead beyond the map. */
static uint32_t nexthop_of(const struct port *port, uint64_t how)
{
	uint32_t nexthop = sh_lane_nexthop(how);

	return nexthop < port->nexthops_size ? nexthop : 0;
}

void lane_want(const struct port *port, uint64_t how, struct sh_lane *out)
{
	uint32_t nexthop = nexthop_of(port, how);

	*out = sh_lane_by(nexthop ? &port->nexthops[nexthop] : NULL);
}

bool lane_is(const struct port *port, uint32_t backend, const struct sh_lane *want)
{
	const struct sh_lane *there = &port->lanes[backend];

	if (there->ifindex != want->ifindex || !want->ifindex)
		return !there->where && !want->ifindex;
	return there->mtu == want->mtu && !memcmp(there->macs, want->macs, sizeof(want->macs));
}

/* As <shunt/abi.h> has it. */
static void store(struct tables *tables, uint32_t backend, const struct sh_lane *want)
{
	struct sh_lane *there = &tables->port->lanes[backend], made = *want;

	if (lane_is(tables->port, backend, want))
		return;
	tables->writes++;
	word_store(&there->where, 0);
	if (!want->ifindex)
		return;
	made.version = ++there->stores;
	memcpy(there->macs, want->macs, sizeof(there->macs));
	there->mtu = want->mtu;
	word_store(&there->where, made.where);
}

void lane_follow_backend(struct tables *tables, uint32_t backend, uint64_t how)
{
	uint32_t nexthop = nexthop_of(tables->port, how);
	struct sh_lane want;

	if (backend >= tables->port->lanes_size)
		return;
	if (tables->lanes.of[backend].nexthop != nexthop) {
		leave(&tables->lanes, backend);
		if (nexthop)
			enter(&tables->lanes, backend, nexthop);
	}
	lane_want(tables->port, how, &want);
	store(tables, backend, &want);
}

void lanes_follow_nexthop(struct tables *tables, uint32_t nexthop)
{
	struct sh_lane want = sh_lane_by(&tables->port->nexthops[nexthop]);

	for (uint32_t at = tables->lanes.first[nexthop]; at; at = tables->lanes.of[at].next)
		store(tables, at, &want);
}
