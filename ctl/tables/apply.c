/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Marking, and the pass over what is marked. See apply.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "apply_member.h"
#include "apply_ring.h"

/* ---- marking -------------------------------------------------------------------------------- */

void apply_mark_all(struct apply *apply)
{
	for (struct target *target = apply->model->targets; target; target = target->hh.next)
		target->ask = true;
}

void apply_mark_prefix(struct apply *apply, const struct prefix *prefix)
{
	for (struct target *target = apply->model->targets; target; target = target->hh.next) {
		if (prefix_covers(prefix, &target->address))
			target->ask = true;
	}
}

static bool behind_moved(const struct member *member)
{
	for (size_t i = 0; i < member->legs_count; i++) {
		if (tables_nexthop_note(member->legs[i].nexthop)->moved)
			return true;
	}
	return false;
}

static void forget_moved(struct table_nexthop *nexthop, void *arg)
{
	(void)arg;
	tables_nexthop_note(nexthop)->moved = false;
}

/* Once for any number of neighbours: one walk for each would be quadratic where every backend is a
 * next hop of its own. */
static void mark_behind_moved(struct apply *apply)
{
	if (!apply->model->moved)
		return;
	for (struct target *target = apply->model->targets; target; target = target->hh.next) {
		for (const struct member *member = target->members; member; member = member->next)
			target->resolve |= behind_moved(member);
	}
	tables_each_nexthop(apply->tables, forget_moved, NULL);
	apply->model->moved = false;
}

bool apply_pending(const struct apply *apply)
{
	if (apply->model->moved || apply->model->passing)
		return true;
	for (const struct target *target = apply->model->targets; target; target = target->hh.next) {
		if (target->ask || target->resolve)
			return true;
	}
	for (size_t i = 0; i < apply->model->services_count; i++) {
		if (apply->model->services[i].stale)
			return true;
	}
	return false;
}

/* ---- next hops ------------------------------------------------------------------------------ */

static void store_nexthop(struct apply *apply, const struct table_nexthop *nexthop)
{
	const struct rt_neigh_key *key = tables_nexthop_key(nexthop);
	struct sh_nexthop before = *tables_nexthop_record(apply->tables, nexthop), after;

	resolve_nexthop(key, apply->state, apply->natives, &after);
	if ((after.flags & SH_NEXTHOP_VALID) && !(after.flags & SH_NEXTHOP_HERE) &&
	    after.ifindex != before.ifindex && apply->ops->exit_opens)
		apply->ops->exit_opens(after.ifindex, apply->arg);
	if (tables_store_nexthop(apply->tables, nexthop, &after) && apply->ops->nexthop_changed)
		apply->ops->nexthop_changed(key, &before, &after, apply->arg);
}

static unsigned class_of(const struct apply *apply, const struct table_nexthop *nexthop)
{
	return resolve_class(tables_nexthop_key(nexthop), apply->state, apply->natives);
}

void apply_meet_nexthop(struct apply *apply, struct table_nexthop *nexthop)
{
	if (tables_nexthop_refs(nexthop) == 1)
		tables_nexthop_note(nexthop)->seen = class_of(apply, nexthop);
	store_nexthop(apply, nexthop);
}

static void look_again(struct table_nexthop *nexthop, void *arg)
{
	struct apply *apply = arg;
	uint32_t exit = tables_nexthop_record(apply->tables, nexthop)->ifindex;
	unsigned now = class_of(apply, nexthop);
	struct table_note *note = tables_nexthop_note(nexthop);

	store_nexthop(apply, nexthop);
	if (note->seen == now && tables_nexthop_record(apply->tables, nexthop)->ifindex == exit)
		return;
	note->seen = now;
	note->moved = apply->model->moved = true;
}

void apply_neighbour(struct apply *apply, const struct rt_neigh_key *key)
{
	struct table_nexthop *nexthop = tables_find_nexthop(apply->tables, key);

	if (nexthop)
		look_again(nexthop, apply);
}

void apply_all_nexthops(struct apply *apply)
{
	tables_each_nexthop(apply->tables, look_again, apply);
}

/* ---- the pass ------------------------------------------------------------------------------- */

/* Keeps the kernel's answer without the room for legs that it does not have. */
static int store_route(struct target *target, const struct rt_route *route)
{
	size_t size = offsetof(struct rt_route, legs) + route->legs_count * sizeof(route->legs[0]);
	struct rt_route *copy = malloc(size);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, route, size);
	free(target->route);
	target->route = copy;
	return 0;
}

static int ask(struct apply *apply, struct target *target)
{
	struct rt_route route;
	struct rules_cause cause = {0};
	int err = apply->ask(&apply->policy, apply->query, &target->address, &route, &cause);

	apply->asks++;
	if (!err)
		err = store_route(target, &route);
	if (err)
		return err;
	target->cause = cause;
	target->ask = false;
	target->resolve = true;
	return 0;
}

static int update_target(struct apply *apply, struct target *target)
{
	int err = target->ask ? ask(apply, target) : 0;

	if (!target->resolve || !target->route)
		return err;
	target->resolve = false;
	for (struct member *member = target->members; member; member = member->next) {
		int failed = apply_member(apply, member);

		if (failed) {
			target->resolve = true;
			err = failed;
		}
	}
	return err;
}

/* No slot leads to them any more. */
static void finish_leaving(struct apply *apply)
{
	for (struct target *target = apply->model->targets; target; target = target->hh.next) {
		for (struct member *member = target->members; member; member = member->next) {
			if (member->leaving && !member->service->stale)
				apply_member_left(apply, member);
		}
	}
}

/* All ways are known: who is led where follows from them. */
static int finish_pass(struct apply *apply)
{
	int err = apply_rings(apply), unanswered = apply_answers(apply);

	err = err ? err : unanswered;
	finish_leaving(apply);
	apply_care(apply);
	apply->model->passing = false;
	return err ? err : apply->model->failed;
}

int apply_part(struct apply *apply, size_t budget, bool *more)
{
	struct model *model = apply->model;
	struct target *target = model->passing ? model->at : model->targets;

	if (!model->passing) {
		mark_behind_moved(apply);
		model->failed = 0;
	}
	for (; target && budget; target = target->hh.next) {
		int failed;

		budget -= target->ask || target->resolve;
		failed = update_target(apply, target);
		model->failed = failed ? failed : model->failed;
	}
	model->at = target;
	model->passing = true;
	apply_forget_deal(apply);
	*more = target != NULL;
	return *more ? 0 : finish_pass(apply);
}

int apply_pass(struct apply *apply)
{
	bool more;

	apply->model->passing = false;
	return apply_part(apply, SIZE_MAX, &more);
}
