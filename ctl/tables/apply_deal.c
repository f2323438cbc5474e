/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Backends behind the same routers come one after another, with the same answer of the FIB: what was resolved
 * for the one before, its next hops and its path are taken over as they are.
 *
 * What resolve() makes of an answer depends on the backend's own address only where a leg is on-link, or
 * where there is something to say of it. So the resolution is shared where all legs have gateways and the
 * backend is active without a word, among members whose services forward in the same way. All of it is held
 * while members are worked off without anything between, as links and neighbours stay the same so long:
 * apply.c forgets it after each part of a pass.
 */
#include <string.h>

#include "apply.h"
#include "apply_deal.h"

static bool is_ordinary(const struct member *member)
{
	return member->config->weight && !member->drained && !member->gone && !member->target->cause.by;
}

/* Is it the same for every backend that has this answer? */
static bool is_common(const struct rt_route *route, const struct resolution *resolution)
{
	if (resolution->state != STATE_ACTIVE || resolution->reason[0] || !resolution->legs_count)
		return false;
	for (size_t i = 0; i < route->legs_count; i++) {
		if (!route->legs[i].gateway.family)
			return false;
	}
	return true;
}

const struct resolution *deal_resolution(const struct apply *apply, const struct member *member)
{
	const struct apply_deal *deal = &apply->deal;
	const struct config_service *service = member->service->config;
	const struct rt_route *route = member->target->route;

	if (!deal->common || !is_ordinary(member) || deal->forward != service->forward ||
	    deal->remote != service->remote || deal->vip_family != service->vip.family ||
	    deal->backend_family != member->config->address.family)
		return NULL;
	if (route->legs_count != deal->route.legs_count ||
	    memcmp(route, &deal->route, route_size(route)) != 0)
		return NULL;
	return &deal->resolution;
}

struct table_nexthop *deal_nexthop(const struct apply *apply, size_t leg)
{
	return apply->deal.legs[leg].nexthop;
}

struct table_path *deal_path(const struct apply *apply, const struct deal_way *way, uint32_t mtu)
{
	const struct apply_deal *deal = &apply->deal;

	if (!deal->path || deal->before != way->before || deal->count != way->legs_count ||
	    tables_path_record(deal->path)->mtu != mtu)
		return NULL;
	for (size_t i = 0; i < deal->count; i++) {
		if (deal->legs[i].nexthop != way->legs[i].nexthop ||
		    deal->legs[i].weight != way->legs[i].weight)
			return NULL;
	}
	tables_path_hold(deal->path);
	return deal->path;
}

static void remember_common(struct apply_deal *deal, const struct member *member,
			    const struct resolution *resolution)
{
	const struct rt_route *route = member->target->route;

	deal->common = is_ordinary(member) && is_common(route, resolution);
	if (!deal->common)
		return;
	deal->forward = member->service->config->forward;
	deal->remote = member->service->config->remote;
	deal->vip_family = member->service->config->vip.family;
	deal->backend_family = member->config->address.family;
	memcpy(&deal->route, route, route_size(route));
	deal->resolution = *resolution;
}

static void let_go(struct apply *apply)
{
	struct apply_deal *deal = &apply->deal;

	tables_path_put(apply->tables, deal->path);
	for (size_t i = 0; i < deal->count; i++)
		tables_nexthop_put(apply->tables, deal->legs[i].nexthop);
	deal->path = NULL;
	deal->count = 0;
}

void deal_remember(struct apply *apply, const struct member *member, const struct resolution *resolution,
		   const struct deal_way *way)
{
	struct apply_deal *deal = &apply->deal;

	if (resolution != &deal->resolution)
		remember_common(deal, member, resolution);
	if (deal->path == way->path && deal->before == way->before && resolution == &deal->resolution)
		return;
	tables_path_hold(way->path);
	for (size_t i = 0; i < way->legs_count; i++)
		tables_nexthop_hold(way->legs[i].nexthop);
	let_go(apply);
	deal->path = way->path;
	deal->before = way->before;
	deal->count = way->legs_count;
	for (size_t i = 0; i < deal->count; i++)
		deal->legs[i] = (struct apply_deal_leg){way->legs[i].nexthop, way->legs[i].weight};
}

void deal_forget(struct apply *apply)
{
	apply->deal.common = false;
	let_go(apply);
}
