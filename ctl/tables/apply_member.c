/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a resolution to records, for one member. See apply_member.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "apply_member.h"

/* A path and its next hops, held while they are compared with those in use. */
struct way {
	struct table_path *path;
	struct member_leg *legs;
	size_t legs_count;
};

static void drop_way(struct apply *apply, struct way *way)
{
	struct member holder = {.path = way->path, .legs = way->legs, .legs_count = way->legs_count};

	model_unpath(&holder, apply->tables);
}

static int take_legs(struct apply *apply, const struct resolution *resolution, struct way *way)
{
	way->legs = calloc(resolution->legs_count + 1, sizeof(*way->legs));
	if (!way->legs)
		return -ENOMEM;
	for (size_t i = 0; i < resolution->legs_count; i++) {
		const struct resolved_leg *leg = &resolution->legs[i];
		struct table_nexthop *nexthop = tables_nexthop(apply->tables, &leg->nexthop);

		if (!nexthop)
			return -errno;
		way->legs[way->legs_count++] = (struct member_leg){nexthop, leg->weight, leg->usable};
		apply_meet_nexthop(apply, nexthop);
	}
	return 0;
}

static struct table_path *deal_again(struct apply *apply, const struct resolution *resolution,
				     const struct way *way, uint32_t before)
{
	const struct apply_deal *deal = &apply->deal;

	if (!deal->path || deal->before != before || deal->count != way->legs_count ||
	    tables_path_record(deal->path)->mtu != resolve_path_mtu(resolution))
		return NULL;
	for (size_t i = 0; i < way->legs_count; i++) {
		if (deal->legs[i].nexthop != tables_nexthop_index(way->legs[i].nexthop) ||
		    deal->legs[i].weight != way->legs[i].weight)
			return NULL;
	}
	return tables_path(apply->tables, tables_path_record(deal->path));
}

static void remember_deal(struct apply *apply, const struct way *way, uint32_t before)
{
	struct apply_deal *deal = &apply->deal;

	apply_forget_deal(apply);
	deal->path = tables_path(apply->tables, tables_path_record(way->path));
	deal->before = before;
	deal->count = way->legs_count;
	for (size_t i = 0; i < way->legs_count; i++) {
		deal->legs[i].nexthop = tables_nexthop_index(way->legs[i].nexthop);
		deal->legs[i].weight = way->legs[i].weight;
	}
}

void apply_forget_deal(struct apply *apply)
{
	tables_path_put(apply->tables, apply->deal.path);
	apply->deal.path = NULL;
}

/* A path over the legs of `way`, by what there was `before`. */
static int deal_path(struct apply *apply, const struct resolution *resolution, uint32_t before,
		     struct way *way)
{
	uint32_t indices[RT_LEGS_MAX];
	struct sh_path record, former;
	int err;

	for (size_t i = 0; i < way->legs_count; i++)
		indices[i] = tables_nexthop_index(way->legs[i].nexthop);
	tables_path_read(tables_port(apply->tables), before, &former);
	err = resolve_path(resolution->legs, indices, resolution->legs_count, &former, &record);
	if (err)
		return err;
	record.mtu = resolve_path_mtu(resolution);
	way->path = tables_path(apply->tables, &record);
	if (!way->path)
		return -errno;
	if (way->legs_count > 1)
		remember_deal(apply, way, before);
	return 0;
}

static int take_way(struct apply *apply, const struct member *member, const struct resolution *resolution,
		    struct way *way)
{
	uint32_t before = tables_backend_path(apply->tables, member->backend);
	int err = take_legs(apply, resolution, way);

	if (err || !resolution->legs_count || resolution->mode == SH_MODE_NONE || resolution->each_packet)
		return err;
	way->path = deal_again(apply, resolution, way, before);
	return way->path ? 0 : deal_path(apply, resolution, before, way);
}

static void set_reason(struct member *member, const char *reason)
{
	if (member->reason && !strcmp(member->reason, reason))
		return;
	free(member->reason);
	member->reason = *reason ? strdup(reason) : NULL;
}

/* Takes on state and reason, and tells of a change. */
static void set_state(struct apply *apply, struct member *member, const struct resolution *resolution)
{
	unsigned *told = tables_backend_told(member->backend);
	/* Of a new one only trouble is told. */
	enum backend_state before = *told ? *told - 1 : resolution->state;
	bool tell = *told != resolution->state + 1U && (*told || !backend_state_serves(resolution->state));

	if (backend_state_serves(member->state) != backend_state_serves(resolution->state) ||
	    backend_state_keeps(member->state) != backend_state_keeps(resolution->state))
		member->service->stale = true;
	apply->model->echo_stale |= member->state != resolution->state;
	member->state = resolution->state;
	set_reason(member, resolution->reason);
	*told = member->state + 1U;
	if (tell && apply->ops->state_changed)
		apply->ops->state_changed(member, before, apply->arg);
}

static void switch_way(struct apply *apply, struct member *member, const struct resolution *resolution,
		       const struct way *way)
{
	static const struct sh_path none;
	struct way old = {member->path, member->legs, member->legs_count};
	struct sh_path before;

	if (tables_route_backend(apply->tables, member->backend, resolution->mode, way->path, &before) &&
	    apply->ops->path_changed)
		apply->ops->path_changed(member, &before, way->path ? tables_path_record(way->path) : &none,
					 apply->arg);
	member->mode = resolution->mode;
	member->path = way->path;
	member->legs = way->legs;
	member->legs_count = way->legs_count;
	member->leaving = false;
	drop_way(apply, &old);
}

static void resolve_member(const struct apply *apply, const struct member *member, struct resolution *out)
{
	const struct config_service *service = member->service->config;
	const struct resolve_input input = {
		.backend = member->config->address,
		.vip = service->vip,
		.weight = member->config->weight,
		.drained = member->drained,
		.forward = member->forward,
		.remote = member->remote,
		.route = member->target->route,
		.cause = member->target->cause,
		.state = apply->state,
		.natives = apply->natives,
	};

	resolve(&input, out);
	if (member->gone && out->state == STATE_DRAINING)
		snprintf(out->reason, sizeof(out->reason), "removed from the file, and still has flows");
}

int apply_member(struct apply *apply, struct member *member)
{
	struct resolution resolution;
	struct way way = {0};
	int err;

	resolve_member(apply, member, &resolution);
	if (resolution.mode == SH_MODE_NONE) {
		/* Its slots go to others first; until then its packets take the old way. */
		member->leaving = true;
		set_state(apply, member, &resolution);
		return 0;
	}
	err = take_way(apply, member, &resolution, &way);
	if (err) {
		drop_way(apply, &way);
		return err;
	}
	switch_way(apply, member, &resolution, &way);
	set_state(apply, member, &resolution);
	return 0;
}

void apply_member_left(struct apply *apply, struct member *member)
{
	struct resolution resolution;
	struct way way = {0};

	resolve_member(apply, member, &resolution);
	/* The next hops are held on to without a path: they tell when one of them answers again. */
	if (take_way(apply, member, &resolution, &way)) {
		drop_way(apply, &way);
		way = (struct way){0};
	}
	switch_way(apply, member, &resolution, &way);
}
