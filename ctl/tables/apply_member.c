/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a resolution to records, for one member. See apply_member.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "apply_deal.h"
#include "apply_member.h"

static void drop_way(struct apply *apply, struct deal_way *way)
{
	struct member holder = {.path = way->path, .legs = way->legs, .legs_count = way->legs_count};

	model_unpath(&holder, apply->tables);
}

/* A reference to the next hop of a leg. NULL with errno. */
static struct table_nexthop *take_nexthop(struct apply *apply, const struct resolution *resolution,
					  size_t leg)
{
	struct table_nexthop *nexthop;

	if (resolution == &apply->deal.resolution) {
		nexthop = deal_nexthop(apply, leg);
		tables_nexthop_hold(nexthop);
		return nexthop;
	}
	nexthop = tables_nexthop(apply->tables, &resolution->legs[leg].nexthop);
	if (nexthop)
		apply_meet_nexthop(apply, nexthop);
	return nexthop;
}

static int take_legs(struct apply *apply, struct member *member, const struct resolution *resolution,
		     struct deal_way *way)
{
	way->legs = calloc(resolution->legs_count + 1, sizeof(*way->legs));
	if (!way->legs)
		return -ENOMEM;
	for (size_t i = 0; i < resolution->legs_count; i++) {
		const struct resolved_leg *leg = &resolution->legs[i];
		struct table_nexthop *nexthop = take_nexthop(apply, resolution, i);
		struct member_leg *taken = &way->legs[way->legs_count];

		if (!nexthop)
			return -errno;
		*taken = (struct member_leg){
			.nexthop = nexthop, .weight = leg->weight, .usable = leg->usable};
		behind_enter(&tables_nexthop_note(nexthop)->behind, &taken->behind, member);
		way->legs_count++;
	}
	return 0;
}

/* A path over the legs of `way`, by what there was before. */
static int make_path(struct apply *apply, const struct resolution *resolution, struct deal_way *way)
{
	uint32_t indices[RT_LEGS_MAX];
	struct sh_path record, former;
	int err;

	for (size_t i = 0; i < way->legs_count; i++)
		indices[i] = tables_nexthop_index(way->legs[i].nexthop);
	tables_path_read(tables_port(apply->tables), way->before, &former);
	err = resolve_path(resolution->legs, indices, resolution->legs_count, &former, &record);
	if (err)
		return err;
	record.mtu = resolve_path_mtu(resolution);
	way->path = tables_path(apply->tables, &record);
	return way->path ? 0 : -errno;
}

static int take_way(struct apply *apply, struct member *member, const struct resolution *resolution,
		    struct deal_way *way)
{
	int err = take_legs(apply, member, resolution, way);

	if (err || !resolution->legs_count || resolution->mode == SH_MODE_NONE || resolution->each_packet)
		return err;
	way->before = tables_backend_path(apply->tables, member->backend);
	way->path = deal_path(apply, way, resolve_path_mtu(resolution));
	err = way->path ? 0 : make_path(apply, resolution, way);
	if (!err)
		deal_remember(apply, member, resolution, way);
	return err;
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
		model_stale(member->service);
	if (!member->gone) {
		member->service->in_state[member->state]--;
		member->service->in_state[resolution->state]++;
	}
	apply->model->echo_stale |= member->state != resolution->state;
	member->state = resolution->state;
	set_reason(member, resolution->reason);
	*told = member->state + 1U;
	if (tell && apply->ops->state_changed)
		apply->ops->state_changed(member, before, apply->arg);
}

static void switch_way(struct apply *apply, struct member *member, const struct resolution *resolution,
		       const struct deal_way *way)
{
	static const struct sh_path none;
	struct deal_way old = {member->path, member->legs, member->legs_count, 0};
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
	const struct resolution *resolution = deal_resolution(apply, member);
	struct resolution fresh;
	struct deal_way way = {0};
	int err;

	if (!resolution) {
		resolve_member(apply, member, &fresh);
		resolution = &fresh;
	}
	if (resolution->mode == SH_MODE_NONE) {
		/* Its slots go to others first; until then its packets take the old way. */
		member->leaving = true;
		agenda_mark(&apply->model->leavers, &member->leaves);
		set_state(apply, member, resolution);
		return 0;
	}
	err = take_way(apply, member, resolution, &way);
	if (err) {
		drop_way(apply, &way);
		return err;
	}
	switch_way(apply, member, resolution, &way);
	set_state(apply, member, resolution);
	return 0;
}

void apply_member_left(struct apply *apply, struct member *member)
{
	struct resolution resolution;
	struct deal_way way = {0};

	resolve_member(apply, member, &resolution);
	/* Since it was to leave, a next hop that it was not behind yet may have answered: nobody has marked
	 * it for that. */
	if (resolution.state != member->state ||
	    strcmp(resolution.reason, member->reason ? member->reason : "") != 0)
		model_resolve(apply->model, member->target);
	/* The next hops are held on to without a path: they tell when one of them answers again. */
	if (take_way(apply, member, &resolution, &way)) {
		drop_way(apply, &way);
		way = (struct deal_way){0};
	}
	switch_way(apply, member, &resolution, &way);
}
